// Turns RFC 6464 audio levels into the list of active speakers of a room, with the meaning that LiveKit's
// clients know (sfu.md 7.1): a frame is active when it is at least as loud as `active_level`; a speaker is
// active when `min_percentile` of an interval was; its level is the loudest frame, lowered by 20 log10 of the
// active share, made linear, smoothed over `smooth_intervals` and rounded up to eighths.
//
// Levels come from TrackReceiver (after its duplicate check, never from muted tracks or DTX frames). Several
// tracks of one owner count as one speaker. Sans-IO, not thread-safe, one per room.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/counters.h"
#include "base/time.h"

namespace weir::sfu {

struct SpeakerLevel {
  uint64_t owner = 0;  // The key that the caller gave the track's owner.
  float level = 0;     // 0 (silent) to 1, in eighths.
  bool active = false;
  bool operator==(const SpeakerLevel&) const = default;
};

class SpeakerObserver {
 public:
  struct Config {
    uint8_t active_level = 35;  // -dBov; smaller is louder.
    uint8_t min_percentile = 40;
    base::TimeDelta update_interval = base::TimeDelta::Millis(400);
    int smooth_intervals = 2;
    size_t max_owners = 4096;
  };
  struct Counters {
    uint64_t samples = 0;
    uint64_t owners_refused = 0;  // Levels ignored because max_owners were known.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"samples", &Counters::samples},
          {"owners_refused", &Counters::owners_refused},
      });
    }
  };

  SpeakerObserver();
  explicit SpeakerObserver(const Config& config);

  // A packet of `owner` that lasts `duration` was received at `now`. `level` is in -dBov: 0 loudest, 127
  // silence.
  void OnLevel(uint64_t owner, uint8_t level, base::TimeDelta duration, base::Timestamp now);
  // Forgets an owner (it left, or all its audio is muted); Update then reports it with level 0, inactive.
  void Remove(uint64_t owner);

  // When Update is due; infinity while nobody makes a sound and nothing waits to be reported.
  base::Timestamp NextTimeout() const { return next_update_; }
  // Speakers whose level or state changed since the last call, loudest first; those that fell silent come
  // with level 0 and active false. Empty before NextTimeout.
  std::vector<SpeakerLevel> Update(base::Timestamp now);
  // All who are active, loudest first: for a client that has just joined.
  std::vector<SpeakerLevel> Active() const;

  const Counters& counters() const { return counters_; }

 private:
  struct Meter {
    uint8_t loudest = 127;
    base::TimeDelta active;    // Summed duration of loud frames in this interval.
    base::TimeDelta observed;  // Summed duration of all frames in this interval.
    double smoothed = 0;
    int quiet_intervals = 0;  // Intervals without any frame.
    float reported = 0;
  };
  float Close(Meter& meter, base::TimeDelta interval) const;

  const Config config_;
  std::unordered_map<uint64_t, Meter> meters_;
  std::vector<uint64_t> removed_;  // Owners that were active when they were removed.
  base::Timestamp interval_start_ = base::Timestamp::Never();
  base::Timestamp next_update_ = base::Timestamp::Infinity();
  Counters counters_;
};

}  // namespace weir::sfu
