#include "sfu/receive_buffer.h"

#include <algorithm>
#include <utility>

namespace weir::sfu {

using base::Timestamp;

bool ReceiveBuffer::Insert(int64_t seq, const base::PacketRef& packet, uint16_t payload_offset,
                           uint16_t payload_size, Timestamp now) {
  if (ring_.empty()) {
    Grow(config_.min_packets);
  }
  while (At(seq).seq != kNone && At(seq).seq != seq && ring_.size() < config_.max_packets &&
         now - At(seq).at < config_.max_age) {
    Grow(ring_.size() * 2);
  }
  Entry& entry = At(seq);
  if (entry.seq == seq) {
    return false;
  }
  if (entry.seq != kNone) {
    if (entry.seq > seq) {
      return true;  // Too old to keep; a newer packet has the place.
    }
    evicted_ += now - entry.at < config_.max_age ? 1 : 0;
    Release(entry);
  }
  entry.seq = seq;
  entry.packet = packet;
  entry.at = now;
  entry.payload_offset = payload_offset;
  entry.payload_size = payload_size;
  oldest_ = size_ == 0 ? seq : std::min(oldest_, seq);
  newest_ = size_ == 0 ? seq : std::max(newest_, seq);
  ++size_;
  return true;
}

const ReceiveBuffer::Entry* ReceiveBuffer::Find(int64_t seq) const {
  if (ring_.empty()) {
    return nullptr;
  }
  const Entry& entry = At(seq);
  return entry.seq == seq ? &entry : nullptr;
}

const ReceiveBuffer::Entry* ReceiveBuffer::FindLow(uint32_t seq) const {
  if (ring_.empty()) {
    return nullptr;
  }
  const Entry& entry = At(seq);
  return entry.seq != kNone && static_cast<uint32_t>(entry.seq) == seq ? &entry : nullptr;
}

void ReceiveBuffer::Expire(Timestamp now) {
  if (size_ == 0) {
    return;
  }
  // After a restart the numbers jump by far more than the ring holds.
  oldest_ = std::max(oldest_, newest_ - static_cast<int64_t>(ring_.size()) + 1);
  while (oldest_ <= newest_) {
    Entry& entry = At(oldest_);
    if (entry.seq == oldest_) {
      if (now - entry.at < config_.max_age) {
        return;
      }
      Release(entry);
    }
    ++oldest_;
  }
  Clear();  // Whatever lay further behind than the ring is long.
}

void ReceiveBuffer::Clear() {
  for (Entry& entry : ring_) {
    Release(entry);
  }
  size_ = 0;
}

void ReceiveBuffer::Release(Entry& entry) {
  if (entry.seq != kNone) {
    entry.seq = kNone;
    entry.packet = base::PacketRef();
    --size_;
  }
}

void ReceiveBuffer::Grow(size_t size) {
  std::vector<Entry> old(size);
  std::swap(old, ring_);
  for (Entry& entry : old) {
    if (entry.seq != kNone) {
      At(entry.seq) = std::move(entry);
    }
  }
}

}  // namespace weir::sfu
