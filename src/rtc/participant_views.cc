// What the parts of a participant ask of it and tell it.

#include <algorithm>

#include "rtc/client_quirks.h"
#include "rtc/participant.h"
#include "rtc/room.h"

namespace weir::rtc {

using base::Now;

// ---- TransportManager::Owner

std::map<std::string, PublishPreference, std::less<>> Participant::PreferencesFor(
    const std::vector<OfferedTrack>& tracks) {
  return up_tracks_.PreferencesFor(tracks);
}

void Participant::OnTracksNegotiated(Now now, std::vector<OfferedTrack> tracks) {
  up_tracks_.OnTracksNegotiated(now, std::move(tracks));
}

// ---- UpTracks::Owner

bool Participant::MayPublish(livekit::TrackSource source) const {
  return state_ != State::kDisconnected && CanPublishSource(permission_, source);
}

bool Participant::IgnoresCodecOrder() const { return IsFirefoxOnLinuxOrAndroid(client_); }

void Participant::OnTrackPublished(Now now, PublishedTrack& track) {
  log_.Info("track published",
            {{"trackSid", track.sid().value()}, {"mime", track.info().mime_type()}, {"mid", track.mid()}});
  ++version_;
  room_.OnTrackPublished(now, *this, track);
}

void Participant::OnTrackUnpublished(Now now, PublishedTrack& track) {
  log_.Info("track unpublished", {{"trackSid", track.sid().value()}});
  ++version_;
  room_.OnTrackUnpublished(now, *this, track);
}

void Participant::OnTrackChanged(Now now, PublishedTrack&) { OnFace(now); }

// ---- Subscriptions::View

std::pair<Participant*, PublishedTrack*> Participant::FindTrack(const TrackSid& sid) {
  const auto [publisher, track] = room_.FindTrack(sid);
  const bool visible = publisher != nullptr && publisher != this && !publisher->hidden();
  return visible ? std::pair(publisher, track) : std::pair<Participant*, PublishedTrack*>(nullptr, nullptr);
}

bool Participant::AllowsSubscription(const Participant& subscriber, const TrackSid& sid) const {
  return subscriber.recorder() ||
         subscription_permissions_.Allows(subscriber.sid(), subscriber.identity(), sid);
}

bool Participant::Allowed(Participant& publisher, const TrackSid& sid) {
  return publisher.AllowsSubscription(*this, sid);
}

OutgoingTrack Participant::MakeOutgoing(Participant& publisher, PublishedTrack& track) {
  // Firefox makes up track ids, so the sid is in the stream id as well; with synchronised streams its place
  // is the stream's name.
  const bool sync = room_.options().sync_streams && client_.protocol() > 9 && client_.browser() != "Firefox";
  OutgoingTrack outgoing;
  outgoing.msid.stream = publisher.sid().value() + "|" + (sync ? track.info().stream() : track.sid().value());
  outgoing.msid.track = track.sid().value();
  // One CNAME per publisher: receivers synchronise what shares it.
  outgoing.cname = publisher.sid().value();
  outgoing.ssrc = rtp::Ssrc(environment_.random.Next32() | 1);
  if (!track.audio()) {
    outgoing.rtx = rtp::Ssrc(environment_.random.Next32() | 1);
  }
  return outgoing;
}

base::Buffer Participant::SilenceTrailer() {
  const std::string& trailer = room_.silence_trailer();
  return {trailer.begin(), trailer.end()};
}

void Participant::SendPermission(Participant& publisher, const TrackSid& sid, bool allowed) {
  livekit::SignalResponse message;
  livekit::SubscriptionPermissionUpdate& update = *message.mutable_subscription_permission_update();
  update.set_participant_sid(publisher.sid().value());
  update.set_track_sid(sid.value());
  update.set_allowed(allowed);
  Send(message);
}

void Participant::SendError(const TrackSid& sid, livekit::SubscriptionError error) {
  livekit::SignalResponse message;
  message.mutable_subscription_response()->set_track_sid(sid.value());
  message.mutable_subscription_response()->set_err(error);
  Send(message);
}

void Participant::OnSubscribed(Now, Subscription& subscription, bool first_of_publisher) {
  Participant& publisher = subscription.publisher();
  if (first_of_publisher) {
    room_.TellSpeaker(*this, publisher);
    if (knows_qualities_) {
      SendQuality({&publisher});
    }
  }
  if (!hidden()) {
    publisher.OnTrackSubscribed(subscription.track().sid());
  }
}

void Participant::OnUnsubscribed(Now, Participant& publisher, bool last_of_publisher) {
  if (last_of_publisher) {
    livekit::SignalResponse message;
    message.mutable_speakers_changed()->add_speakers()->set_sid(publisher.sid().value());
    Send(message);
  }
}

// Once per track: its publisher learns that somebody has it.
void Participant::OnTrackSubscribed(const TrackSid& sid) {
  if (told_subscribed_.insert(sid.value()).second) {
    livekit::SignalResponse message;
    message.mutable_track_subscribed()->set_track_sid(sid.value());
    Send(message);
  }
}

void Participant::OnTrackAvailable(Now now, const TrackSid& sid) {
  if (auto_subscribe_) {
    subscriptions_.Want(now, sid, true);
  } else {
    subscriptions_.Reconcile(now, sid);  // It may have been asked for before it was there.
  }
}

void Participant::SubscribeToAll(Now now) {
  if (!auto_subscribe_) {
    return;
  }
  for (Participant* publisher : room_.Participants()) {
    for (const auto& [mid, track] : publisher->up_tracks().published()) {
      if (publisher != this && !publisher->hidden() && !subscriptions_.Find(track->sid())) {
        subscriptions_.Want(now, track->sid(), true);
      }
    }
  }
}

void Participant::SetSubscribed(Now now, const std::vector<std::string>& track_sids, bool subscribed) {
  for (const std::string& sid : track_sids) {
    subscriptions_.Want(now, TrackSid(sid), subscribed);
  }
}

}  // namespace weir::rtc
