// How good a participant's connection is: the worst of what it sends and what it receives (signal.md 8.3
// no. 12 in LiveKit's words).

#include <algorithm>
#include <cmath>

#include "rtc/participant.h"
#include "rtc/room.h"

namespace weir::rtc {

using base::Now;

namespace {

constexpr double kLostScore = 20;

livekit::ConnectionQuality ToProto(sfu::ConnectionQuality quality, int protocol) {
  constexpr int kKnowsLost = 11;
  switch (quality) {
    case sfu::ConnectionQuality::kExcellent:
      return livekit::EXCELLENT;
    case sfu::ConnectionQuality::kGood:
      return livekit::GOOD;
    case sfu::ConnectionQuality::kPoor:
      return livekit::POOR;
    case sfu::ConnectionQuality::kLost:
      return protocol >= kKnowsLost ? livekit::LOST : livekit::POOR;
  }
  return livekit::POOR;
}

}  // namespace

bool Participant::MeasureQuality(Now now) {
  constexpr double kNoticeable = 5;
  const double before = quality_score_;
  double score = 100;
  for (const auto& [mid, track] : up_tracks_.published()) {
    score = std::min(score, track->MeasureQuality());
  }
  for (Subscription* subscription : subscriptions_.Active()) {
    score = std::min(score, subscription->MeasureQuality(now));
  }
  const bool up_lost = is_publisher() && transports_->publisher().silent();
  const bool down_lost = transports_->downlink().silent();
  quality_score_ = up_lost || down_lost ? kLostScore : score;
  const bool changed = sfu::QualityOf(before) != sfu::QualityOf(quality_score_) ||
                       std::abs(told_quality_ - quality_score_) > kNoticeable;
  if (changed) {
    told_quality_ = quality_score_;
  }
  return changed;
}

void Participant::SendQuality(const std::vector<const Participant*>& of) {
  constexpr int kKnowsQuality = 5;
  if (of.empty() || protocol() < kKnowsQuality) {
    return;
  }
  livekit::SignalResponse message;
  for (const Participant* participant : of) {
    livekit::ConnectionQualityInfo& info = *message.mutable_connection_quality()->add_updates();
    info.set_participant_sid(participant->sid().value());
    info.set_quality(ToProto(sfu::QualityOf(participant->quality_score_), protocol()));
    info.set_score(static_cast<float>(sfu::MosOf(participant->quality_score_)));
  }
  Send(message);
}

// Each client hears of itself and of the publishers that it subscribes to: of all when it has become active,
// else of those that changed.
void Room::UpdateQuality(Now now) {
  std::vector<const Participant*> changed;
  for (const auto& [identity, participant] : participants_) {
    if (participant->MeasureQuality(now)) {
      changed.push_back(participant.get());
    }
  }
  for (const auto& [identity, viewer] : participants_) {
    if (viewer->state() != Participant::State::kActive) {
      continue;
    }
    std::vector<const Participant*> of;
    if (viewer->TakeQualitiesDue()) {
      for (const auto& [other_identity, other] : participants_) {
        if (other == viewer || viewer->SubscribesTo(*other)) {
          of.push_back(other.get());
        }
      }
    } else {
      std::copy_if(changed.begin(), changed.end(), std::back_inserter(of),
                   [&](const Participant* participant) {
                     return participant == viewer.get() || viewer->SubscribesTo(*participant);
                   });
    }
    viewer->SendQuality(of);
  }
}

}  // namespace weir::rtc
