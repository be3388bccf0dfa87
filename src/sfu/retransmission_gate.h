// Decides which retransmission requests of one subscriber are answered (sfu.md FW-9): the first for a packet
// always; a repeat only a round trip after the last answer, a few times, and within a budget of one fifth of
// the media.
//
// The budget is a token bucket: 20 % of the bytes sent plus 8 kB a second, at most 32 KiB; first answers are
// charged too and may overdraw it down to one bucket. Sans-IO, not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "sfu/sent_packets.h"

namespace weir::sfu {

class RetransmissionGate {
 public:
  struct Config {
    int max_resends = 5;
    base::TimeDelta default_rtt = base::TimeDelta::Millis(100);
    base::TimeDelta min_wait = base::TimeDelta::Millis(20);  // One tick of libwebrtc's NACK module.
    int64_t burst = 32 * 1024;
    int64_t floor_per_second = 8'000;
  };

  explicit RetransmissionGate(const Config& config) : config_(config), tokens_(config.burst) {}

  void OnMediaSent(size_t bytes) {
    tokens_ += static_cast<int64_t>(bytes) / 5;
    if (tokens_ > config_.burst) {
      tokens_ = config_.burst;
    }
  }
  void OnRtt(base::TimeDelta rtt, base::Timestamp now);
  // Whether to send `packet` again now; if so it is charged and noted in the packet.
  bool Admit(SentPacket& packet, size_t bytes, base::Timestamp now);
  // Least round trip of the last ten to twenty seconds.
  base::TimeDelta min_rtt() const;

 private:
  const Config config_;
  int64_t tokens_;
  base::Timestamp refilled_ = base::Timestamp::Never();
  base::TimeDelta current_min_ = base::TimeDelta::Infinity();
  base::TimeDelta previous_min_ = base::TimeDelta::Infinity();
  base::Timestamp window_start_ = base::Timestamp::Never();
};

}  // namespace weir::sfu
