#include "rtc/subscriptions.h"

#include <algorithm>
#include <utility>

namespace weir::rtc {
namespace {

using base::Now;
using base::TimeDelta;
using base::Timestamp;

constexpr TimeDelta kNotFoundAfter = TimeDelta::Seconds(60);
constexpr TimeDelta kUnboundAfter = TimeDelta::Seconds(15);
constexpr size_t kMaxWishes = 20'000;  // Sids that a client may name; more are ignored.

}  // namespace

// ---- Subscription.

Subscription::Subscription(Environment& environment, PublishedTrack& track, Participant& publisher,
                           OutgoingTrack outgoing, Transport& transport, const Settings& settings,
                           base::Buffer silence_trailer, Owner& owner)
    : MediaSender(track.audio(), std::move(outgoing)),
      environment_(environment),
      track_(track),
      publisher_(publisher),
      transport_(transport),
      settings_(settings),
      silence_trailer_(std::move(silence_trailer)),
      owner_(owner),
      quality_(track.audio() ? sfu::QualityMeter::kOpusWeight : sfu::QualityMeter::kVideoWeight) {}

Subscription::~Subscription() {
  track_.RemoveWaiter(*this);
  if (down_track_) {
    transport_.RemoveDownTrack(*down_track_);
    if (sfu::TrackReceiver* receiver = down_track_->receiver()) {
      receiver->RemoveDownTrack(down_track_.get());
    }
  }
}

// For each codec that the publisher may send, the payload type under which this subscriber takes it. A
// microphone with RED can also be sent as plain Opus.
std::vector<sfu::SendCodec> Subscription::SendCodecs(const std::vector<NegotiatedCodec>& negotiated) const {
  std::vector<sfu::SendCodec> codecs;
  for (const NegotiatedCodec& target : negotiated) {
    const bool usable =
        std::any_of(track_.codecs().begin(), track_.codecs().end(),
                    [&](const NegotiatedCodec& source) { return Compatible(source, target); });
    const bool repeated = std::any_of(codecs.begin(), codecs.end(), [&](const sfu::SendCodec& codec) {
      return codec.codec == target.codec;
    });
    if (usable && !repeated) {
      codecs.push_back(
          {target.codec, target.sdp.payload_type, target.sdp.clock_rate, target.rtx_payload_type});
    }
  }
  return codecs;
}

bool Subscription::PrimaryIsTaken(const std::vector<sfu::SendCodec>& codecs) const {
  const codec::Codec source = track_.codecs().front().codec;
  return std::any_of(codecs.begin(), codecs.end(), [&](const sfu::SendCodec& codec) {
    return codec.codec == source || (source == codec::Codec::kRed && codec.codec == codec::Codec::kOpus);
  });
}

// The publisher may not have negotiated its backup codec yet, so only the codec itself can be compared.
std::vector<sfu::SendCodec> Subscription::BackupCodecs(const std::vector<NegotiatedCodec>& negotiated) const {
  const codec::Codec backup = track_.backup_codec();
  for (const NegotiatedCodec& target : negotiated) {
    if (backup != codec::Codec::kUnknown && target.codec == backup) {
      return {{target.codec, target.sdp.payload_type, target.sdp.clock_rate, target.rtx_payload_type}};
    }
  }
  return {};
}

void Subscription::OnBound(Now now, const std::vector<NegotiatedCodec>& negotiated,
                           const rtp::ExtensionMap& extensions) {
  sfu::DownTrack::Config config;
  config.codecs = SendCodecs(negotiated);
  takes_backup_ = !PrimaryIsTaken(config.codecs);
  if (takes_backup_) {
    config.codecs = BackupCodecs(negotiated);
    if (config.codecs.empty()) {
      owner_.OnSubscriptionUnsupported(now, *this);
      return;
    }
  }
  config.ssrc = outgoing().ssrc;
  config.rtx_ssrc = outgoing().rtx;
  config.audio = audio();
  config.extensions = extensions;
  config.silence_trailer = silence_trailer_;
  counted_.reset();
  down_track_ = std::make_unique<sfu::DownTrack>(config, transport_.sender(), environment_.random);
  counted_.emplace(environment_.census, *this);
  transport_.AddDownTrack(*down_track_, config.ssrc, config.rtx_ssrc);
  Apply(now, settings_);
  if (!takes_backup_) {
    track_.receiver().AddDownTrack(down_track_.get());
  } else {
    track_.AddWaiter(*this);
    if (track_.backup() != nullptr) {
      OnBackup(now, *track_.backup());
    }
  }
  if (track_.muted()) {
    down_track_->OnPublisherMuted(true, now);
  }
  track_.transport().Wake();  // The key frame that the new down track asks for goes out with this turn.
  owner_.OnSubscriptionBound(now, *this);
}

void Subscription::OnBackup(Now, TrackSource& source) { source.receiver().AddDownTrack(down_track_.get()); }

void Subscription::Apply(Now now, const Settings& settings) {
  settings_ = settings;
  if (!down_track_) {
    return;
  }
  if (!audio()) {
    const int wanted = settings.width > 0 ? track_.LayerFor(settings.width, settings.height)
                                          : track_.LayerFor(settings.quality);
    down_track_->SetMaxLayers(std::min(wanted, AffordableLayer(now)),
                              PublishedTrack::TemporalLayerFor(settings.fps), now.mono);
  }
  down_track_->SetDisabled(settings.disabled, now.mono);
  TellDynacast(now);
  track_.transport().Wake();
}

void Subscription::SetBudget(Now now, std::optional<uint64_t> bits_per_second) {
  budget_ = bits_per_second;
  Apply(now, settings_);
}

int Subscription::AffordableLayer(Now now) const {
  if (!budget_) {
    return sfu::kMaxLayers - 1;
  }
  int layer = 0;
  while (layer + 1 < sfu::kMaxLayers && track_.receiver().LayerBitrate(layer + 1, now.mono) <= *budget_) {
    ++layer;
  }
  return layer;
}

void Subscription::Release(Now now) {
  if (Dynacast* dynacast = track_.dynacast()) {
    dynacast->RemoveDemand(now.mono, this);
  }
}

void Subscription::TellDynacast(Now now) {
  if (Dynacast* dynacast = track_.dynacast()) {
    const livekit::VideoQuality wanted =
        settings_.width > 0 ? track_.QualityOf(track_.LayerFor(settings_.width, settings_.height))
                            : settings_.quality;
    const codec::Codec codec = takes_backup_ ? track_.backup_codec() : track_.codecs().front().codec;
    dynacast->SetDemand(now.mono, this, codec, settings_.disabled ? livekit::OFF : wanted);
  }
}

double Subscription::MeasureQuality(Now now) {
  constexpr TimeDelta kFreshReport = TimeDelta::Seconds(10);
  if (!down_track_) {
    return 100;
  }
  const sfu::ReportTracker& reports = down_track_->reports();
  const bool active =
      !down_track_->disabled() && !track_.muted() && now.mono - reports.last_report() < kFreshReport;
  const int64_t rate = audio() ? 48'000 : 90'000;
  const TimeDelta jitter = TimeDelta::Micros(static_cast<int64_t>(reports.jitter()) * 1'000'000 / rate);
  quality_.Update(down_track_->QualityTotals(), reports.rtt().value_or(TimeDelta()), jitter, active);
  return active ? quality_.score() : 100;
}

// ---- Subscriptions.

Subscriptions::~Subscriptions() = default;

void Subscriptions::Reschedule() {
  Timestamp next = Timestamp::Infinity();
  for (const auto& [sid, wish] : wishes_) {
    next = std::min(next, wish.deadline);
  }
  environment_.timers.Schedule(*this, next);
}

void Subscriptions::Want(Now now, const TrackSid& sid, bool wanted) {
  if (!wishes_.contains(sid.value()) && (!wanted || wishes_.size() >= kMaxWishes)) {
    return;
  }
  Wish& wish = wishes_[sid.value()];
  wish.wanted = wanted;
  wish.failed = false;
  if (wanted && wish.deadline.infinite() && !wish.subscription) {
    wish.deadline = now.mono + kNotFoundAfter;
  }
  Reconcile(now, sid);
}

void Subscriptions::LimitBandwidth(Now now, std::optional<uint64_t> bits_per_second) {
  bandwidth_ = bits_per_second;
  std::vector<Subscription*> videos = Active();
  std::erase_if(videos, [](const Subscription* subscription) { return subscription->audio(); });
  for (Subscription* video : videos) {
    video->SetBudget(now, bandwidth_ ? std::optional(*bandwidth_ / videos.size()) : std::nullopt);
  }
}

void Subscriptions::SetSettings(Now now, const TrackSid& sid, const livekit::UpdateTrackSettings& settings) {
  if (!wishes_.contains(sid.value()) && wishes_.size() >= kMaxWishes) {
    return;
  }
  Wish& wish = wishes_[sid.value()];
  wish.settings = {.disabled = settings.disabled() || settings.quality() == livekit::OFF,
                   .set = true,
                   .quality = settings.quality() == livekit::OFF ? livekit::LOW : settings.quality(),
                   .width = settings.width(),
                   .height = settings.height(),
                   .fps = settings.fps()};
  if (wish.subscription) {
    wish.subscription->Apply(now, wish.settings);
  }
}

void Subscriptions::Reconcile(Now now, const TrackSid& sid) {
  const auto found = wishes_.find(sid.value());
  if (found == wishes_.end()) {
    return;
  }
  Wish& wish = found->second;
  const auto [publisher, track] = view_.FindTrack(sid);
  if (track == nullptr || !wish.wanted || !view_.CanSubscribe()) {
    End(now, wish);
    if (!wish.wanted && !wish.settings.set) {
      wishes_.erase(found);
    }
    Reschedule();
    return;
  }
  const bool allowed = view_.Allowed(*publisher, sid);
  if (wish.allowed != allowed) {
    wish.allowed = allowed;
    view_.SendPermission(*publisher, sid, allowed);
  }
  if (!allowed) {
    End(now, wish);
    wish.deadline = Timestamp::Infinity();
  } else if (!wish.subscription && !wish.failed) {
    Begin(now, sid, wish, *publisher, *track);
  }
  Reschedule();
}

void Subscriptions::ReconcileAll(Now now) {
  std::vector<std::string> sids;
  for (const auto& [sid, wish] : wishes_) {
    sids.push_back(sid);
  }
  for (const std::string& sid : sids) {
    Reconcile(now, TrackSid(sid));
  }
}

void Subscriptions::Begin(Now now, const TrackSid&, Wish& wish, Participant& publisher,
                          PublishedTrack& track) {
  if (Active().size() >= environment_.settings.limits.max_subscriptions) {
    return;
  }
  if (!wish.settings.set && view_.AdaptiveStream()) {
    wish.settings.quality = livekit::LOW;  // Until the client has measured its tile.
  }
  wish.settings.disabled = false;  // A stored "disabled" gives way to a fresh report of what is visible.
  wish.subscription = std::make_unique<Subscription>(
      environment_, track, publisher, view_.MakeOutgoing(publisher, track), view_.Transports().downlink(),
      wish.settings, track.encrypted() ? view_.SilenceTrailer() : base::Buffer(), *this);
  wish.deadline = now.mono + kUnboundAfter;
  view_.Transports().AddSender(now, *wish.subscription);
}

void Subscriptions::End(Now now, Wish& wish) {
  if (!wish.subscription) {
    return;
  }
  Participant& publisher = wish.subscription->publisher();
  const bool was_bound = wish.subscription->bound();
  view_.Transports().RemoveSender(now, *wish.subscription);
  wish.subscription->Release(now);
  wish.subscription.reset();
  wish.deadline = Timestamp::Infinity();
  if (was_bound) {
    view_.OnUnsubscribed(now, publisher, !SubscribesTo(publisher));
  }
}

void Subscriptions::OnTrackGone(Now now, const TrackSid& sid) {
  const auto found = wishes_.find(sid.value());
  if (found != wishes_.end()) {
    End(now, found->second);
    wishes_.erase(found);  // Sids are never used again.
    Reschedule();
  }
}

void Subscriptions::Clear(Now now) {
  for (auto& [sid, wish] : wishes_) {
    End(now, wish);
  }
  wishes_.clear();
  environment_.timers.Cancel(*this);
}

bool Subscriptions::SubscribesTo(const Participant& publisher) const {
  return std::any_of(wishes_.begin(), wishes_.end(), [&](const auto& entry) {
    return entry.second.subscription && entry.second.subscription->bound() &&
           &entry.second.subscription->publisher() == &publisher;
  });
}

Subscription* Subscriptions::Find(const TrackSid& sid) {
  const auto found = wishes_.find(sid.value());
  return found == wishes_.end() ? nullptr : found->second.subscription.get();
}

std::vector<Subscription*> Subscriptions::Active() {
  std::vector<Subscription*> active;
  for (auto& [sid, wish] : wishes_) {
    if (wish.subscription) {
      active.push_back(wish.subscription.get());
    }
  }
  return active;
}

void Subscriptions::OnSubscriptionBound(Now now, Subscription& subscription) {
  const auto same_publisher = std::count_if(wishes_.begin(), wishes_.end(), [&](const auto& entry) {
    return entry.second.subscription && entry.second.subscription->bound() &&
           &entry.second.subscription->publisher() == &subscription.publisher();
  });
  wishes_[subscription.track().sid().value()].deadline = Timestamp::Infinity();
  if (bandwidth_) {
    LimitBandwidth(now, bandwidth_);
  }
  Reschedule();
  view_.OnSubscribed(now, subscription, same_publisher == 1);
}

void Subscriptions::OnSubscriptionUnsupported(Now now, Subscription& subscription) {
  const TrackSid sid = subscription.track().sid();
  Wish& wish = wishes_[sid.value()];
  wish.failed = true;
  wish.deadline = now.mono;  // Ends when the negotiation that told us has returned.
  Reschedule();
  view_.SendError(sid, livekit::SE_CODEC_UNSUPPORTED);
}

void Subscriptions::OnTimer(Now now) {
  std::vector<std::string> due;
  for (const auto& [sid, wish] : wishes_) {
    if (wish.deadline <= now.mono) {
      due.push_back(sid);
    }
  }
  for (const std::string& sid : due) {
    Wish& wish = wishes_[sid];
    wish.deadline = Timestamp::Infinity();
    if (wish.failed) {
      End(now, wish);
    } else if (wish.subscription && !wish.subscription->bound()) {
      wish.failed = true;
      End(now, wish);
      view_.SendError(TrackSid(sid), livekit::SE_UNKNOWN);
    } else if (!wish.subscription) {
      view_.SendError(TrackSid(sid), livekit::SE_TRACK_NOTFOUND);
      wishes_.erase(sid);
    }
  }
  Reschedule();
}

}  // namespace weir::rtc
