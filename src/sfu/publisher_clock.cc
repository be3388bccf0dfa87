#include "sfu/publisher_clock.h"

#include <algorithm>
#include <cstdlib>

#include "rtcp/ntp.h"
#include "sfu/stream_timeline.h"

namespace weir::sfu {

using base::TimeDelta;
using base::Timestamp;

namespace {
constexpr TimeDelta kWindow = TimeDelta::Seconds(15);
constexpr int64_t kClockStep = 5'000'000;  // Microseconds: the publisher's clock was set, not delayed.
}  // namespace

void PublisherClock::OnSenderReport(Timestamp arrival, uint64_t ntp) {
  const int64_t offset = NtpMicros(ntp) - arrival.micros();
  if (known_ && std::abs(offset - current_.offset) > kClockStep) {
    known_ = false;
  }
  if (!known_) {
    known_ = true;
    current_ = Best{.offset = offset, .start = arrival};
    previous_ = current_;
    return;
  }
  if (arrival - current_.start >= kWindow) {
    previous_ = current_;
    current_ = Best{.offset = offset, .start = arrival};
    return;
  }
  current_.offset = std::max(current_.offset, offset);
}

uint64_t PublisherClock::NtpAt(base::Now now, Timestamp at) const {
  if (!known_) {
    return rtcp::NtpFromWall(base::WallTime{now.wall.micros + (at - now.mono).micros()});
  }
  return NtpFromMicros(at.micros() + std::max(current_.offset, previous_.offset));
}

}  // namespace weir::sfu
