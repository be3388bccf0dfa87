#include "rtc/send_queue.h"

#include <algorithm>

#include "rtp/extensions.h"

namespace weir::rtc {

SendQueue::SendQueue(const Config& config, FlushList& list, Flushable& owner)
    : config_(config), list_(list), owner_(owner) {
  packets_.reserve(config.initial_capacity);
}

bool SendQueue::Send(const sfu::OutgoingRtp& packet) {
  if (packets_.size() >= config_.max_packets) {
    ++counters_.dropped_full;
    return false;
  }
  if (packets_.empty()) {
    list_.Add(owner_);
  }
  packets_.push_back(packet);
  return true;
}

// A run is a stretch of neighbours that differ by at most max_padding; all but its last packet take the run's
// largest size (the last segment of a message may be shorter).
void SendQueue::EqualiseSizes() {
  const auto may_pad = [](const sfu::OutgoingRtp& packet) {
    return !packet.audio && !packet.exact && packet.padding == 0;
  };
  for (size_t begin = 0; begin < packets_.size();) {
    size_t end = begin;
    size_t smallest = packets_[begin].size();
    size_t largest = smallest;
    while (end < packets_.size() && may_pad(packets_[end])) {
      const size_t low = std::min(smallest, packets_[end].size());
      const size_t high = std::max(largest, packets_[end].size());
      if (high - low > config_.max_padding) {
        break;
      }
      smallest = low;
      largest = high;
      ++end;
    }
    for (size_t i = begin; i + 1 < end; ++i) {
      const auto missing = static_cast<uint8_t>(largest - packets_[i].size());
      if (missing > 0) {
        packets_[i].padding = missing;
        packets_[i].head[0] |= 0x20;  // P
        counters_.padding_bytes += missing;
      }
    }
    begin = std::max(end, begin + 1);
  }
}

void SendQueue::Flush(base::Now now, peer::Connection& connection, net::PacketOutput& output) {
  EqualiseSizes();
  const uint32_t send_time = rtp::EncodeAbsSendTime(now.mono);
  for (sfu::OutgoingRtp& packet : packets_) {
    if (packet.abs_send_time_at != 0) {
      base::StoreU24(packet.head.data() + packet.abs_send_time_at, send_time);
    }
    if (packet.transport_cc_at != 0) {
      base::StoreU16(packet.head.data() + packet.transport_cc_at, transport_sequence_++);
    }
    const size_t sent = connection.SendRtp(output, packet.header(), packet.prefix(), packet.payload(),
                                           packet.padding, packet.roc);
    if (sent == 0) {
      ++counters_.dropped_send;
    } else {
      ++counters_.packets;
      counters_.bytes += sent;
    }
  }
  packets_.clear();
}

}  // namespace weir::rtc
