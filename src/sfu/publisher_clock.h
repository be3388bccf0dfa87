// The clock that all streams of one publisher share, so that audio and video keep their relation on the way
// through (sfu.md DT-1). Sender reports to subscribers speak the publisher's own NTP time: the NTP-RTP line
// of a stream is then passed on exactly, and so is abs-capture-time, and no estimate of ours can bend one
// stream against another.
//
// What is estimated here is only how the publisher's NTP time relates to our monotonic clock (least delayed
// sender report of the last seconds). It serves streams that have no sender report of their own yet. While no
// stream of the publisher has sent one, our wall clock stands in.
//
// Not thread-safe; owned by the publisher's connection, outlives its receivers.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace weir::sfu {

class PublisherClock {
 public:
  // A sender report of any of the publisher's streams arrived. `ntp` is its 64-bit NTP timestamp.
  void OnSenderReport(base::Timestamp arrival, uint64_t ntp);

  // True once a sender report of any stream has come.
  bool known() const { return known_; }
  // The publisher's NTP time at our monotonic time `at`; without any report, our own wall clock's.
  uint64_t NtpAt(base::Now now, base::Timestamp at) const;

 private:
  // Publisher time minus monotonic time in microseconds; the largest is the least delayed.
  struct Best {
    int64_t offset = 0;
    base::Timestamp start = base::Timestamp::Never();
  };
  bool known_ = false;
  Best current_;
  Best previous_;
};

}  // namespace weir::sfu
