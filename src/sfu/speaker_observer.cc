#include "sfu/speaker_observer.h"

#include <algorithm>
#include <cmath>

namespace weir::sfu {

using base::TimeDelta;
using base::Timestamp;

namespace {
constexpr float kSteps = 8;
// Without frames for this many intervals a speaker is silent (a stopped or dead publisher).
constexpr int kQuietIntervals = 2;

double Linear(double dbov_below_zero) { return std::pow(10.0, -dbov_below_zero / 20.0); }
}  // namespace

SpeakerObserver::SpeakerObserver() : SpeakerObserver(Config()) {}
SpeakerObserver::SpeakerObserver(const Config& config) : config_(config) {}

void SpeakerObserver::OnLevel(uint64_t owner, uint8_t level, TimeDelta duration, Timestamp now) {
  auto it = meters_.find(owner);
  if (it == meters_.end()) {
    if (meters_.size() >= config_.max_owners) {
      ++counters_.owners_refused;
      return;
    }
    it = meters_.emplace(owner, Meter()).first;
    if (std::erase(removed_, owner) > 0) {
      it->second.reported = -1;  // Known as active to everybody: whatever it is now is news.
    }
  }
  ++counters_.samples;
  Meter& meter = it->second;
  meter.observed += duration;
  if (level <= config_.active_level) {
    meter.active += duration;
    meter.loudest = std::min(meter.loudest, level);
  }
  if (next_update_.infinite()) {
    interval_start_ = now;
    next_update_ = now + config_.update_interval;
  }
}

void SpeakerObserver::Remove(uint64_t owner) {
  const auto it = meters_.find(owner);
  if (it == meters_.end()) {
    return;
  }
  if (it->second.reported > 0) {
    removed_.push_back(owner);
  }
  meters_.erase(it);
}

// Ends an interval and answers the level to report.
float SpeakerObserver::Close(Meter& meter, TimeDelta interval) const {
  if (meter.observed == TimeDelta()) {
    if (++meter.quiet_intervals >= kQuietIntervals) {
      meter.smoothed = 0;
    }
  } else {
    meter.quiet_intervals = 0;
    double level = 0;
    const double share = std::min(1.0, meter.active.seconds() / interval.seconds());
    if (share * 100 >= config_.min_percentile && share > 0) {
      level = Linear(meter.loudest - 20 * std::log10(share));
    }
    const double factor = 2.0 / (config_.smooth_intervals + 1);
    meter.smoothed += (level - meter.smoothed) * factor;
  }
  meter.loudest = 127;
  meter.active = TimeDelta();
  meter.observed = TimeDelta();
  if (meter.smoothed < Linear(config_.active_level)) {
    return 0;
  }
  return std::min(1.0f, std::ceil(static_cast<float>(meter.smoothed) * kSteps) / kSteps);
}

std::vector<SpeakerLevel> SpeakerObserver::Update(Timestamp now) {
  std::vector<SpeakerLevel> changed;
  if (now < next_update_) {
    return changed;
  }
  for (const uint64_t owner : removed_) {
    changed.push_back(SpeakerLevel{.owner = owner});
  }
  removed_.clear();
  const TimeDelta interval = std::max(now - interval_start_, TimeDelta::Millis(1));
  bool alive = false;
  for (auto it = meters_.begin(); it != meters_.end();) {
    Meter& meter = it->second;
    const float level = Close(meter, interval);
    if (level != meter.reported) {
      meter.reported = level;
      changed.push_back(SpeakerLevel{.owner = it->first, .level = level, .active = level > 0});
    }
    const bool forgotten = meter.quiet_intervals > kQuietIntervals && meter.reported == 0;
    alive = alive || !forgotten;
    it = forgotten ? meters_.erase(it) : std::next(it);
  }
  interval_start_ = now;
  next_update_ = alive ? now + config_.update_interval : Timestamp::Infinity();
  std::ranges::sort(changed, [](const SpeakerLevel& a, const SpeakerLevel& b) {
    return a.level != b.level ? a.level > b.level : a.owner < b.owner;
  });
  return changed;
}

std::vector<SpeakerLevel> SpeakerObserver::Active() const {
  std::vector<SpeakerLevel> active;
  for (const auto& [owner, meter] : meters_) {
    if (meter.reported > 0) {
      active.push_back(SpeakerLevel{.owner = owner, .level = meter.reported, .active = true});
    }
  }
  std::ranges::sort(active, [](const SpeakerLevel& a, const SpeakerLevel& b) {
    return a.level != b.level ? a.level > b.level : a.owner < b.owner;
  });
  return active;
}

}  // namespace weir::sfu
