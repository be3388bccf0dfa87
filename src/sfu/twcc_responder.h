// Builds transport-wide congestion control feedback for one receiving connection
// (draft-holmer-rmcat-transport-wide-cc-extensions-01): what arrived when, so that the publisher can estimate
// its uplink.
//
// Driven by a timer, not by packets, so that a slow publisher hears from us too (sfu.md RX-15): a report is
// due `interval` after the first packet that is not reported yet, or at once when `flush_packets` are held.
// Packets of audio and video count alike.
//
// Sans-IO, not thread-safe, one per connection. Allocates nothing per packet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/counters.h"
#include "base/time.h"
#include "rtcp/transport_feedback.h"
#include "rtp/sequence.h"
#include "rtp/ssrc.h"

namespace weir::sfu {

class TwccResponder {
 public:
  struct Config {
    base::TimeDelta interval = base::TimeDelta::Millis(100);
    size_t flush_packets = 100;
    size_t max_packets = 1024;  // Held for the next report. Past this the oldest are forgotten and counted.
    size_t max_size = 1100;     // Bytes of one feedback packet; more arrivals go into a second one.
  };
  struct Counters {
    uint64_t packets = 0;  // Arrivals noted.
    uint64_t duplicates = 0;
    uint64_t overflow = 0;  // Arrivals forgotten because max_packets were held or the number jumped too far.
    uint64_t reports = 0;   // Feedback packets built.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"packets", &Counters::packets},
          {"duplicates", &Counters::duplicates},
          {"overflow", &Counters::overflow},
          {"reports", &Counters::reports},
      });
    }
  };

  TwccResponder();
  explicit TwccResponder(const Config& config);

  // The packet of `media` with transport-wide sequence number `sequence` arrived.
  void OnPacket(base::Timestamp arrival, uint16_t sequence, rtp::Ssrc media);
  // When Build has something to say; infinity when nothing is held.
  base::Timestamp NextTimeout() const;
  // One RTCP feedback packet (header included, not compound), or nothing when none is due. Call until empty.
  std::optional<base::Buffer> Build(base::Timestamp now, rtp::Ssrc local_ssrc);

  const Counters& counters() const { return counters_; }

 private:
  void Hold(int64_t sequence, base::Timestamp arrival);
  void DropOldest();

  const Config config_;
  std::vector<rtcp::PacketArrival> held_;  // Ascending by sequence; never reallocated.
  rtp::SeqUnwrapper unwrapper_;
  rtp::Ssrc media_;
  std::optional<rtcp::TransportFeedbackWriter> writer_;  // Made when the local SSRC is known.
  int64_t base_ = 0;                                     // First sequence number that no report has covered.
  bool started_ = false;
  base::Timestamp first_held_ = base::Timestamp::Infinity();
  bool building_ = false;  // A report did not fit into one packet: the rest is due at once.
  Counters counters_;
};

}  // namespace weir::sfu
