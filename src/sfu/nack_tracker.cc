#include "sfu/nack_tracker.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace weir::sfu {

using base::TimeDelta;
using base::Timestamp;

NackTracker::Config NackTracker::ForAudio() {
  Config config;
  config.max_attempts = 3;
  config.max_missing = 200;
  // Older audio has been played out or concealed.
  config.min_age = TimeDelta::Millis(300);
  config.max_age = TimeDelta::Millis(300);
  return config;
}

void NackTracker::OnGap(Timestamp now, int64_t first, int64_t last) {
  if (last < first) {
    return;
  }
  counters_.missing += static_cast<uint64_t>(last - first + 1);
  const auto count = static_cast<size_t>(last - first + 1);
  if (missing_.size() + count > config_.max_missing) {
    counters_.abandoned += missing_.size() + count;
    ++counters_.overflows;
    overflowed_ = true;
    Clear();
    return;
  }
  TimeDelta delay = config_.initial_delay;
  if (reorder_micros_ >= 0) {
    delay = std::min(TimeDelta::Micros(static_cast<int64_t>(reorder_micros_)), config_.max_first_delay);
  }
  for (int64_t seq = first; seq <= last; ++seq) {
    missing_.push_back(Missing{.seq = seq, .since = now, .due = now + delay});
  }
  next_due_ = std::min(next_due_, now + delay);
}

bool NackTracker::OnLate(Timestamp now, int64_t seq, bool repaired) {
  const auto it = std::ranges::lower_bound(missing_, seq, {}, &Missing::seq);
  if (it == missing_.end() || it->seq != seq) {
    return false;
  }
  if (it->attempts > 0) {
    ++counters_.recovered;
  } else {
    ++counters_.reordered;
  }
  if (!repaired) {
    // Tracks the upper end of the reordering: rises at once, falls slowly. Twice the mean lateness of
    // exponential reordering is about its 86th percentile; starting from the maximum seen keeps it above the
    // 95th in practice.
    const auto lateness = static_cast<double>((now - it->since).micros()) * 1.2;
    reorder_micros_ = lateness > reorder_micros_ ? lateness : reorder_micros_ * 0.98 + lateness * 0.02;
    // A straggler that took longer than a repair says nothing about reordering.
    reorder_micros_ = std::min(reorder_micros_, static_cast<double>(config_.max_first_delay.micros()));
    reorder_micros_ = std::max(reorder_micros_, static_cast<double>(config_.initial_delay.micros()));
  }
  missing_.erase(it);
  UpdateNextDue();
  return true;
}

void NackTracker::ForgetBefore(int64_t seq) {
  const auto end = std::ranges::lower_bound(missing_, seq, {}, &Missing::seq);
  if (end != missing_.begin()) {
    counters_.abandoned += static_cast<uint64_t>(end - missing_.begin());
    missing_.erase(missing_.begin(), end);
    UpdateNextDue();
  }
}

void NackTracker::Clear() {
  missing_.clear();
  next_due_ = Timestamp::Infinity();
}

void NackTracker::TakeDue(Timestamp now, TimeDelta rtt, std::vector<uint16_t>& due) {
  if (now < next_due_) {
    return;
  }
  const TimeDelta lifetime = std::clamp(rtt * 4, config_.min_age, config_.max_age);
  const size_t before = missing_.size();
  std::erase_if(missing_, [&](const Missing& missing) {
    return now - missing.since > lifetime || (missing.attempts >= config_.max_attempts && now >= missing.due);
  });
  counters_.abandoned += before - missing_.size();
  for (Missing& missing : missing_) {
    if (now < missing.due) {
      continue;
    }
    due.push_back(static_cast<uint16_t>(missing.seq));
    ++counters_.requested;
    const double growth = std::pow(1.25, missing.attempts);
    ++missing.attempts;
    const TimeDelta base = std::max(rtt + TimeDelta::Millis(10), config_.min_repeat);
    const double jitter = 0.9 + 0.2 * random_.NextDouble();  // So that many streams do not ask in step.
    const auto wait =
        TimeDelta::Micros(static_cast<int64_t>(static_cast<double>(base.micros()) * growth * jitter));
    missing.due = now + std::clamp(wait, config_.min_repeat, config_.max_repeat);
  }
  UpdateNextDue();
}

void NackTracker::UpdateNextDue() {
  next_due_ = Timestamp::Infinity();
  for (const Missing& missing : missing_) {
    next_due_ = std::min(next_due_, missing.due);
  }
}

bool NackTracker::TakeOverflow() { return std::exchange(overflowed_, false); }

bool NackTracker::AnyMissing(int64_t first, int64_t last) const {
  const auto it = std::ranges::lower_bound(missing_, first, {}, &Missing::seq);
  return it != missing_.end() && it->seq <= last;
}

}  // namespace weir::sfu
