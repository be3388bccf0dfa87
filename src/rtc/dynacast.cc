#include "rtc/dynacast.h"

#include <algorithm>
#include <string>
#include <utility>

namespace weir::rtc {

using base::Timestamp;

namespace {

constexpr int kHighest = 3;

// "video/VP8" -> "vp8".
std::string ShortName(codec::Codec codec) {
  std::string name(codec::MimeType(codec));
  name = name.substr(name.find('/') + 1);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

void AddQualities(int level, google::protobuf::RepeatedPtrField<livekit::SubscribedQuality>* qualities) {
  for (const livekit::VideoQuality quality : {livekit::LOW, livekit::MEDIUM, livekit::HIGH}) {
    livekit::SubscribedQuality& entry = *qualities->Add();
    entry.set_quality(quality);
    entry.set_enabled(static_cast<int>(quality) < level);
  }
}

}  // namespace

Dynacast::Dynacast(Timestamp now, TimerQueue& timers, std::string track_sid, std::vector<codec::Codec> codecs,
                   bool single_encoding, Owner& owner)
    : timers_(timers),
      track_sid_(std::move(track_sid)),
      codecs_(std::move(codecs)),
      single_encoding_(single_encoding),
      owner_(owner),
      told_(codecs_.size(), 0) {
  if (!told_.empty()) {
    told_[0] = kHighest;  // What a client sends unasked: the primary codec in full, the others not at all.
  }
  SetDeadline(now + kFirstDowngradeDelay);
}

Dynacast::Level Dynacast::LevelOf(livekit::VideoQuality quality) {
  return quality == livekit::OFF ? 0 : std::clamp(static_cast<int>(quality) + 1, 1, kHighest);
}

void Dynacast::SetDeadline(Timestamp deadline) {
  deadline_ = deadline;
  timers_.Schedule(*this, deadline);
}

std::vector<Dynacast::Level> Dynacast::Current() const {
  std::vector<Level> levels(codecs_.size(), 0);
  for (const auto& [subscriber, demand] : demands_) {
    const auto at = std::find(codecs_.begin(), codecs_.end(), demand.codec);
    if (at != codecs_.end()) {
      Level& level = levels[static_cast<size_t>(at - codecs_.begin())];
      level = std::max(level, demand.level > 0 && single_encoding_ ? kHighest : demand.level);
    }
  }
  return levels;
}

void Dynacast::Evaluate(Timestamp now) {
  if (muted_) {
    return;
  }
  const std::vector<Level> levels = Current();
  bool more = repeat_;
  for (size_t i = 0; i < levels.size(); ++i) {
    more = more || levels[i] > told_[i];
  }
  if (more) {
    // Less of another codec rides along only when its own time has come.
    for (size_t i = 0; i < levels.size(); ++i) {
      told_[i] = std::max(levels[i], told_[i]);
    }
    Tell();
  }
  if (levels == told_) {
    SetDeadline(Timestamp::Infinity());
  } else if (deadline_.infinite()) {
    SetDeadline(now + kDowngradeDelay);
  }
}

void Dynacast::Tell() {
  repeat_ = false;
  livekit::SubscribedQualityUpdate update;
  update.set_track_sid(track_sid_);
  for (size_t i = 0; i < codecs_.size(); ++i) {
    livekit::SubscribedCodec& codec = *update.add_subscribed_codecs();
    codec.set_codec(ShortName(codecs_[i]));
    AddQualities(told_[i], codec.mutable_qualities());
  }
  if (!told_.empty()) {
    AddQualities(told_[0], update.mutable_subscribed_qualities());
  }
  owner_.SendSubscribedQuality(update);
}

void Dynacast::SetDemand(Timestamp now, const void* subscriber, codec::Codec codec,
                         livekit::VideoQuality quality) {
  demands_[subscriber] = {codec, LevelOf(quality)};
  Evaluate(now);
}

void Dynacast::RemoveDemand(Timestamp now, const void* subscriber) {
  if (demands_.erase(subscriber) > 0) {
    Evaluate(now);
  }
}

void Dynacast::SetMuted(Timestamp now, bool muted) {
  if (std::exchange(muted_, muted) && !muted) {
    repeat_ = true;
    Evaluate(now);
  } else if (muted_) {
    SetDeadline(Timestamp::Infinity());
  }
}

void Dynacast::Repeat(Timestamp now) {
  repeat_ = true;
  Evaluate(now);
}

void Dynacast::OnTimer(base::Now) {
  SetDeadline(Timestamp::Infinity());
  const std::vector<Level> levels = Current();
  if (!muted_ && levels != told_) {
    told_ = levels;
    Tell();
  }
}

}  // namespace weir::rtc
