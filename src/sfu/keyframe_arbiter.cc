#include "sfu/keyframe_arbiter.h"

#include <algorithm>

namespace weir::sfu {

using base::TimeDelta;
using base::Timestamp;

void KeyframeArbiter::Request(Timestamp now) {
  ++counters_.requests;
  if (waiting()) {
    return;
  }
  attempts_ = 0;
  due_ = last_sent_.never() ? now : std::max(now, last_sent_ + config_.min_spacing);
}

void KeyframeArbiter::OnKeyframe(Timestamp now) {
  ++counters_.keyframes;
  last_keyframe_ = now;
  due_ = Timestamp::Infinity();
}

bool KeyframeArbiter::TakeDue(Timestamp now, TimeDelta rtt) {
  if (now < due_) {
    return false;
  }
  if (attempts_ >= config_.max_attempts) {
    ++counters_.abandoned;
    due_ = Timestamp::Infinity();
    return false;
  }
  // Time for the request, the encoder and the (large) key frame to come.
  TimeDelta retry =
      std::max(rtt + TimeDelta::Millis(150), TimeDelta::Millis(300)) * (int64_t{1} << std::min(attempts_, 4));
  retry = std::max(std::min(retry, config_.max_retry), config_.min_spacing);
  ++attempts_;
  ++counters_.sent;
  last_sent_ = now;
  due_ = now + retry;
  return true;
}

}  // namespace weir::sfu
