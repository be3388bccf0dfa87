// What the members of a room are told: of each other, of the room, of who is speaking.

#include <algorithm>

#include "rtc/room.h"

namespace weir::rtc {

using base::Now;

bool Room::MaySee(const Participant& viewer, const Participant& subject) const {
  return &viewer == &subject || !subject.hidden();
}

std::vector<livekit::ParticipantInfo> Room::OthersFor(const Participant& participant) const {
  std::vector<livekit::ParticipantInfo> others;
  for (const auto& [identity, other] : participants_) {
    if (other.get() != &participant && MaySee(participant, *other)) {
      others.push_back(other->PublicInfo());
    }
  }
  return others;
}

std::vector<livekit::ParticipantInfo> Room::DepartedSince(base::Timestamp since) const {
  std::vector<livekit::ParticipantInfo> departed;
  for (const auto& [at, info] : departed_) {
    if (at >= since && !participants_.contains(info.identity())) {
      departed.push_back(info);
    }
  }
  return departed;
}

void Room::BroadcastUpdate(Now, Participant& subject) {
  livekit::SignalResponse message;
  *message.mutable_update()->add_participants() = subject.PublicInfo();
  for (const auto& [identity, participant] : participants_) {
    if (participant.get() == &subject && subject.transports().publisher().silent()) {
      subject.SendUpdate({subject.Info()});  // It is told nothing of the silence.
    } else if (MaySee(*participant, subject)) {
      participant->Send(message);
    }
  }
}

void Room::SendRoomUpdate() {
  livekit::SignalResponse message;
  *message.mutable_room_update()->mutable_room() = Info();
  for (const auto& [identity, participant] : participants_) {
    participant->Send(message);
  }
}

void Room::SetMetadata(Now, const std::string& metadata) {
  options_.metadata = metadata;
  SendRoomUpdate();
}

// ---- Tracks.

void Room::OnTrackPublished(Now now, Participant& publisher, PublishedTrack& track) {
  tracks_[track.sid().value()] = &publisher;
  if (track.audio()) {
    track.receiver().SetSpeakerObserver(&speakers_, publisher.key());
    speakers_at_ = std::min(speakers_at_, now.mono + environment_.settings.audio_update_interval);
  }
  Report(now, RoomEvent::Kind::kTrackPublished, &publisher, &track);
  BroadcastUpdate(now, publisher);  // Before the offers that carry the track: clients look its publisher up.
  for (Participant* participant : Participants()) {
    if (participant != &publisher && !publisher.hidden()) {
      participant->OnTrackAvailable(now, track.sid());
    }
  }
  Reschedule();
}

void Room::OnTrackUnpublished(Now now, Participant& publisher, PublishedTrack& track) {
  for (Participant* participant : Participants()) {
    participant->OnTrackGone(now, track.sid());
  }
  for (const auto& leaving : leaving_) {
    leaving->OnTrackGone(now, track.sid());
  }
  tracks_.erase(track.sid().value());
  Report(now, RoomEvent::Kind::kTrackUnpublished, &publisher, &track);
  const auto& rest = publisher.up_tracks().published();
  const bool audio_left =
      std::any_of(rest.begin(), rest.end(), [](const auto& entry) { return entry.second->audio(); });
  if (track.audio() && !audio_left) {
    speakers_.Remove(publisher.key());
    speakers_at_ = std::min(speakers_at_, now.mono + environment_.settings.audio_update_interval);
  }
  if (publisher.state() != Participant::State::kDisconnected) {
    BroadcastUpdate(now, publisher);
  }
  Reschedule();
}

void Room::OnDataTrackPublished(Now now, Participant& publisher, PublishedDataTrack& track) {
  const TrackSid sid(track.info().sid());
  data_tracks_[sid.value()] = &publisher;
  BroadcastUpdate(now, publisher);
  for (Participant* participant : Participants()) {
    if (participant != &publisher && !publisher.hidden()) {
      participant->OnDataTrackAvailable(sid);
    }
  }
}

void Room::OnDataTrackUnpublished(Now now, Participant& publisher, PublishedDataTrack& track) {
  const TrackSid sid(track.info().sid());
  data_tracks_.erase(sid.value());
  for (Participant* participant : Participants()) {
    participant->OnDataTrackGone(sid);
  }
  if (publisher.state() != Participant::State::kDisconnected) {
    BroadcastUpdate(now, publisher);
  }
}

void Room::OnSubscriptionPermissionChanged(Now now, Participant& publisher) {
  for (Participant* participant : Participants()) {
    if (participant == &publisher) {
      continue;
    }
    for (const auto& [mid, track] : publisher.up_tracks().published()) {
      participant->ReconcileTrack(now, track->sid());
    }
    for (const PublishedDataTrack* track : publisher.data_tracks().All()) {
      participant->data_subscriptions().Reconcile(TrackSid(track->info().sid()));
    }
  }
}

// ---- Speakers. Each client hears of itself and of the publishers that it subscribes to.

namespace {

livekit::SpeakerInfo MakeSpeaker(const Participant& participant, float level, bool active) {
  livekit::SpeakerInfo speaker;
  speaker.set_sid(participant.sid().value());
  speaker.set_level(level);
  speaker.set_active(active);
  return speaker;
}

}  // namespace

void Room::UpdateSpeakers(Now now) {
  const std::vector<sfu::SpeakerLevel> changed = speakers_.Update(now.mono);
  if (changed.empty()) {
    return;
  }
  std::unordered_map<uint64_t, Participant*> by_key;
  for (const auto& [identity, participant] : participants_) {
    by_key[participant->key()] = participant.get();
  }
  for (const auto& [identity, viewer] : participants_) {
    livekit::SignalResponse message;
    for (const sfu::SpeakerLevel& level : changed) {
      const auto speaker = by_key.find(level.owner);
      if (speaker != by_key.end() &&
          (speaker->second == viewer.get() || viewer->SubscribesTo(*speaker->second))) {
        *message.mutable_speakers_changed()->add_speakers() =
            MakeSpeaker(*speaker->second, level.level, level.active);
      }
    }
    if (message.has_speakers_changed()) {
      viewer->Send(message);
    }
  }
}

void Room::TellSpeaker(Participant& subscriber, const Participant& publisher) {
  for (const sfu::SpeakerLevel& level : speakers_.Active()) {
    if (level.owner == publisher.key()) {
      livekit::SignalResponse message;
      *message.mutable_speakers_changed()->add_speakers() = MakeSpeaker(publisher, level.level, true);
      subscriber.Send(message);
    }
  }
}

void Room::SimulateSpeaker(Now, Participant& participant, bool active) {
  livekit::SignalResponse message;
  *message.mutable_speakers_changed()->add_speakers() =
      MakeSpeaker(participant, active ? 0.9F : 0.0F, active);
  for (const auto& [identity, viewer] : participants_) {
    if (viewer.get() == &participant || viewer->SubscribesTo(participant)) {
      viewer->Send(message);
    }
  }
}

}  // namespace weir::rtc
