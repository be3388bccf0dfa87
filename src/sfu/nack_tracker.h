// Decides which lost packets of one stream to ask for again, and when (sfu.md RX-9).
//
// A gap waits `first_delay`, which follows the reordering that was observed, then is asked for, and again
// after a round trip that grows by a quarter each time. Given up: after max_attempts, after max_age, and what
// lies before a key frame that is complete. Past max_missing the list is cleared and overflow() tells that a
// key frame is cheaper.
//
// Sans-IO, not thread-safe. Allocates only while the number of missing packets grows to a new high.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/counters.h"
#include "base/random.h"
#include "base/time.h"

namespace weir::sfu {

class NackTracker {
 public:
  struct Config {
    int max_attempts = 10;
    size_t max_missing = 1000;
    base::TimeDelta initial_delay = base::TimeDelta::Millis(10);
    base::TimeDelta max_first_delay = base::TimeDelta::Millis(40);
    base::TimeDelta min_repeat = base::TimeDelta::Millis(20);
    base::TimeDelta max_repeat = base::TimeDelta::Millis(400);
    base::TimeDelta min_age = base::TimeDelta::Millis(500);  // Entries live clamp(4 RTT, min_age, max_age).
    base::TimeDelta max_age = base::TimeDelta::Millis(1500);
  };
  struct Counters {
    uint64_t missing = 0;    // Numbers that were ever missing.
    uint64_t requested = 0;  // Requests, repeats included.
    uint64_t recovered = 0;  // Came after a request.
    uint64_t reordered = 0;  // Came late without one.
    uint64_t abandoned = 0;
    uint64_t overflows = 0;

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"missing", &Counters::missing},
          {"requested", &Counters::requested},
          {"recovered", &Counters::recovered},
          {"reordered", &Counters::reordered},
          {"abandoned", &Counters::abandoned},
          {"overflows", &Counters::overflows},
      });
    }
  };
  static Config ForAudio();

  NackTracker(const Config& config, base::Random& random) : config_(config), random_(random) {}

  // The newest packet of the stream arrived; (previous newest, seq) are missing.
  void OnGap(base::Timestamp now, int64_t first, int64_t last);
  // A number that is not the newest arrived; false when it was not missing.
  bool OnLate(base::Timestamp now, int64_t seq, bool repaired);
  // Numbers below `seq` serve no purpose any more.
  void ForgetBefore(int64_t seq);
  void Clear();

  // Appends what is due as 16-bit numbers, ascending. Each call counts as an attempt.
  void TakeDue(base::Timestamp now, base::TimeDelta rtt, std::vector<uint16_t>& due);
  base::Timestamp NextTimeout() const { return next_due_; }
  // True once after the list overflowed: ask for a key frame.
  bool TakeOverflow();
  // Whether any number in [first, last] is missing.
  bool AnyMissing(int64_t first, int64_t last) const;
  size_t missing() const { return missing_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  struct Missing {
    int64_t seq = 0;
    base::Timestamp since;
    base::Timestamp due;
    int attempts = 0;
  };
  void UpdateNextDue();

  const Config config_;
  base::Random& random_;
  std::vector<Missing> missing_;  // Ascending by seq.
  base::Timestamp next_due_ = base::Timestamp::Infinity();
  double reorder_micros_ = -1;  // Smoothed time by which reordered packets were late; negative: none seen.
  bool overflowed_ = false;
  Counters counters_;
};

}  // namespace weir::sfu
