// Keeps the outgoing RTP time of one subscriber on one line across streams, restarts and pauses (sfu.md 3.4,
// FW-4).
//
// A stream that takes over gets the offset that its sender reports imply against the stream before it;
// failing that, the offset that was used for it last time, or the difference of the least delays; failing
// that, wall time since the last frame. The result stays within (last, last + elapsed + 25 ms]; what that
// costs, and what a later sender report reveals, is made good by 1 % of the frame times, never by a jump.
//
// Values are extended timestamps in ticks of the stream's clock. Sans-IO, not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "sfu/stream_codec.h"
#include "sfu/stream_timeline.h"

namespace weir::sfu {

class TimestampAligner {
 public:
  enum class Level : uint8_t { kNone, kSenderReports, kMemory, kArrivals, kElapsed };
  // What takes over.
  struct Source {
    int layer = 0;
    uint32_t epoch = 0;
    int64_t timestamp = 0;
    const StreamTimeline* timeline = nullptr;
  };

  bool started() const { return started_; }
  void Start(const Source& source, uint32_t first, base::Timestamp now);
  // Another stream. `previous` is the timeline of the stream before. False: the new one lies more than 50 ms
  // behind what was sent; ask for a later key frame. That is answered once, or for a second, then the jump is
  // made.
  bool Switch(const Source& source, const StreamTimeline* previous, base::Timestamp now);
  // After a pause of our own or the publisher's: the line goes on by wall time where the stream's does not.
  void Resume(const Source& source, const StreamTimeline* previous, bool after_mute, base::Timestamp now);

  // A packet gets what its frame got, also when the offset has been slewed since.
  int64_t Map(int64_t timestamp) const {
    return timestamp >= frame_timestamp_ ? timestamp + offset_ : timestamp + OffsetOf(timestamp);
  }
  // A frame begins at `timestamp` (source). Slews, and looks for better knowledge now and then.
  void OnFrame(int64_t timestamp, const StreamTimeline& current, const StreamTimeline* reference,
               base::Timestamp now);
  void OnSent(int64_t out, base::Timestamp now) {
    if (out > last_) {
      last_ = out;
      last_sent_ = now;
    }
  }

  int64_t offset() const { return offset_; }
  int64_t last() const { return last_; }
  base::Timestamp last_sent() const { return last_sent_; }
  int layer() const { return layer_; }
  int reference_layer() const { return reference_layer_; }  // -1: none.
  uint32_t reference_epoch() const { return reference_epoch_; }
  base::Timestamp adopted_at() const { return adopted_at_; }  // When the present source took over.
  Level level() const { return level_; }

 private:
  struct Memory {
    bool valid = false;
    bool exact = false;
    uint32_t epoch = 0;
    int64_t offset = 0;
  };
  struct Candidate {
    Level level = Level::kNone;
    int64_t offset = 0;
    bool exact = false;
  };
  Candidate Choose(const Source& source, const StreamTimeline* previous, base::Timestamp now) const;
  int64_t OffsetOf(int64_t timestamp) const;
  void Adopt(const Source& source, const Candidate& candidate, int64_t offset, int64_t residual,
             base::Timestamp now);
  int64_t Elapsed(const StreamTimeline& timeline, base::Timestamp now) const;

  bool started_ = false;
  int layer_ = 0;
  uint32_t epoch_ = 0;
  int64_t offset_ = 0;
  int64_t last_ = 0;
  base::Timestamp last_sent_ = base::Timestamp::Never();
  Level level_ = Level::kNone;
  // Whether the present offset (once slewed) is known to be on the line, rather than estimated from delays.
  bool exact_ = false;
  int reference_layer_ = -1;  // The last stream whose offset was, for comparison.
  uint32_t reference_epoch_ = 0;
  int64_t reference_offset_ = 0;
  base::Timestamp adopted_at_ = base::Timestamp::Never();
  int64_t slew_ = 0;  // Ticks still to be made good.
  int64_t frame_timestamp_ = INT64_MIN;
  size_t next_past_ = 0;
  base::Timestamp next_look_ = base::Timestamp::Never();
  base::Timestamp waiting_since_ = base::Timestamp::Never();
  std::array<Memory, kMaxLayers> memory_ = {};
  // Offsets before the present one: each held for frames before `until`.
  struct Past {
    int64_t until = INT64_MIN;
    int64_t offset = 0;
  };
  std::array<Past, 64> past_ = {};
};

}  // namespace weir::sfu
