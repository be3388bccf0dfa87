// The RTP packets that one connection sends in this turn of the loop: down tracks put them in, Flush seals
// them out together.
//
// Consecutive video packets of nearly equal size are padded to the same size (RTP padding, RFC 3550
// section 5.1), so that the socket can hand them to the kernel as one segmented message; libwebrtc's packets
// of one frame differ by a byte or so. The decision falls before sealing, and never on a packet that may be
// sent again byte for byte.
//
// Not thread-safe. Steady state allocates nothing: the queue keeps its capacity.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/counters.h"
#include "base/time.h"
#include "net/packet_output.h"
#include "peer/connection.h"
#include "rtc/flush_list.h"
#include "sfu/outgoing.h"

namespace weir::rtc {

class SendQueue final : public sfu::PacketSender {
 public:
  struct Config {
    size_t max_packets = 512;  // Of one turn. More would be 700 KB at once to one subscriber.
    size_t initial_capacity = 16;
    size_t max_padding = 24;  // Bytes that making packets equal may cost each.
  };
  struct Counters {
    uint64_t packets = 0;
    uint64_t bytes = 0;
    uint64_t dropped_full = 0;  // Over max_packets.
    uint64_t dropped_send = 0;  // No path, no keys or no space at flush.
    uint64_t padding_bytes = 0;

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"packets", &Counters::packets},
          {"bytes", &Counters::bytes},
          {"dropped_full", &Counters::dropped_full},
          {"dropped_send", &Counters::dropped_send},
          {"padding_bytes", &Counters::padding_bytes},
      });
    }
  };

  // `owner` is put on `list` whenever the queue has something to send.
  SendQueue(const Config& config, FlushList& list, Flushable& owner);

  bool Send(const sfu::OutgoingRtp& packet) override;
  void Flush(base::Now now, peer::Connection& connection, net::PacketOutput& output);
  bool empty() const { return packets_.empty(); }
  size_t size() const { return packets_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  void EqualiseSizes();

  const Config config_;
  FlushList& list_;
  Flushable& owner_;
  std::vector<sfu::OutgoingRtp> packets_;
  uint16_t transport_sequence_ = 0;
  Counters counters_;
};

}  // namespace weir::rtc
