// Merges the key frame requests of all subscribers of one stream into few enough PLIs (sfu.md RX-17): at most
// one per `min_spacing`, repeated with growing pauses until the key frame comes, and none after that.
//
// Sans-IO, not thread-safe.
#pragma once

#include <array>
#include <cstdint>

#include "base/counters.h"
#include "base/time.h"

namespace weir::sfu {

class KeyframeArbiter {
 public:
  struct Config {
    base::TimeDelta min_spacing = base::TimeDelta::Millis(500);
    base::TimeDelta max_retry = base::TimeDelta::Seconds(2);
    // Unanswered PLIs of one request. A subscriber that still waits asks again.
    int max_attempts = 8;
  };
  struct Counters {
    uint64_t requests = 0;   // Asked for by subscribers and by ourselves.
    uint64_t sent = 0;       // PLIs due.
    uint64_t keyframes = 0;  // Seen.
    uint64_t abandoned = 0;

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"requests", &Counters::requests},
          {"sent", &Counters::sent},
          {"keyframes", &Counters::keyframes},
          {"abandoned", &Counters::abandoned},
      });
    }
  };

  explicit KeyframeArbiter(const Config& config) : config_(config) {}

  void Request(base::Timestamp now);
  void OnKeyframe(base::Timestamp now);  // The first packet of a key frame arrived.
  // True when a PLI is to be sent now; counts as sent.
  bool TakeDue(base::Timestamp now, base::TimeDelta rtt);
  base::Timestamp NextTimeout() const { return due_; }
  bool waiting() const { return !due_.infinite(); }
  base::Timestamp last_keyframe() const { return last_keyframe_; }
  const Counters& counters() const { return counters_; }

 private:
  const Config config_;
  base::Timestamp due_ = base::Timestamp::Infinity();
  base::Timestamp last_sent_ = base::Timestamp::Never();
  base::Timestamp last_keyframe_ = base::Timestamp::Never();
  int attempts_ = 0;
  Counters counters_;
};

}  // namespace weir::sfu
