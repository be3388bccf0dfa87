#include "rtc/room.h"

#include <algorithm>
#include <utility>

#include "auth/encoding.h"

namespace weir::rtc {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Now;
using base::Result;
using base::TimeDelta;
using base::Timestamp;

constexpr TimeDelta kRoomUpdateInterval = TimeDelta::Seconds(5);
constexpr TimeDelta kQualityInterval = TimeDelta::Seconds(5);
constexpr size_t kSifTrailerSize = 16;
constexpr size_t kMaxDeparted = 512;

std::string RandomBytes(base::Random& random, size_t count) {
  std::string bytes(count, '\0');
  random.Fill({reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  return bytes;
}

sfu::SpeakerObserver::Config SpeakerConfig(const Settings& settings) {
  sfu::SpeakerObserver::Config config;
  config.active_level = settings.audio_active_level;
  config.min_percentile = settings.audio_min_percentile;
  config.update_interval = settings.audio_update_interval;
  config.smooth_intervals = static_cast<int>(settings.audio_smooth_intervals);
  return config;
}

}  // namespace

Room::Room(Environment& environment, RoomName name, const Options& options, Now now, Owner& owner)
    : environment_(environment),
      name_(std::move(name)),
      sid_(MakeSid("RM_", environment.random)),
      options_(options),
      owner_(owner),
      log_(environment.log.With({{"room", name_.value()}, {"roomSid", sid_.value()}})),
      created_at_(now.wall),
      engine_(environment.settings.enabled_codecs),
      turn_password_(MakeSid("", environment.random)),
      sif_trailer_(RandomBytes(environment.random, kSifTrailerSize)),
      speakers_(SpeakerConfig(environment.settings)),
      rpc_(environment.timers, environment.random),
      close_at_(now.mono + TimeDelta::Seconds(options.empty_timeout_seconds)),
      counted_(environment.census, *this) {
  log_.Info("room created");
  Report(now, RoomEvent::Kind::kRoomStarted);
  Reschedule();
}

Room::~Room() = default;

size_t Room::CountedParticipants() const {
  return static_cast<size_t>(std::count_if(participants_.begin(), participants_.end(),
                                           [](const auto& entry) { return !entry.second->dependent(); }));
}

livekit::Room Room::Info() const {
  livekit::Room info;
  info.set_sid(sid_.value());
  info.set_name(name_.value());
  info.set_empty_timeout(options_.empty_timeout_seconds);
  info.set_departure_timeout(options_.departure_timeout_seconds);
  info.set_max_participants(options_.max_participants);
  info.set_creation_time(created_at_.seconds());
  info.set_creation_time_ms(created_at_.millis());
  info.set_turn_password(turn_password_);
  info.set_metadata(options_.metadata);
  info.set_num_participants(static_cast<uint32_t>(CountedParticipants()));
  uint32_t publishers = 0;
  for (const auto& [identity, participant] : participants_) {
    publishers += participant->is_publisher() ? 1 : 0;
    if (participant->recorder()) {
      info.set_active_recording(true);
    }
  }
  info.set_num_publishers(publishers);
  for (const codec::Codec codec : environment_.settings.enabled_codecs) {
    info.add_enabled_codecs()->set_mime(std::string(codec::MimeType(codec)));
  }
  info.add_enabled_codecs()->set_mime("video/rtx");
  return info;
}

void Room::Report(Now now, RoomEvent::Kind kind, const Participant* participant,
                  const PublishedTrack* track) {
  RoomEvent event;
  event.kind = kind;
  event.at = now.wall;
  event.room = Info();
  if (participant != nullptr) {
    event.participant = participant->Info();
    event.dependent = participant->dependent();
    event.was_active = participant->was_active();
  }
  if (track != nullptr) {
    event.track = track->info();
  }
  if (kind == RoomEvent::Kind::kRoomStarted) {
    event.agents = options_.agents;
  }
  environment_.observer.OnRoomEvent(std::move(event));
}

// ---- Membership.

Participant* Room::FindByIdentity(const Identity& identity) {
  const auto found = participants_.find(identity.value());
  return found == participants_.end() ? nullptr : found->second.get();
}

Participant* Room::FindBySid(const ParticipantSid& sid) {
  for (const auto& [identity, participant] : participants_) {
    if (participant->sid() == sid) {
      return participant.get();
    }
  }
  return nullptr;
}

std::vector<Participant*> Room::Participants() {
  std::vector<Participant*> all;
  for (const auto& [identity, participant] : participants_) {
    all.push_back(participant.get());
  }
  return all;
}

std::pair<Participant*, PublishedTrack*> Room::FindTrack(const TrackSid& sid) {
  const auto found = tracks_.find(sid.value());
  if (found == tracks_.end()) {
    return {nullptr, nullptr};
  }
  return {found->second, found->second->Published(sid)};
}

std::pair<Participant*, PublishedDataTrack*> Room::FindDataTrack(const TrackSid& sid) {
  const auto found = data_tracks_.find(sid.value());
  if (found == data_tracks_.end()) {
    return {nullptr, nullptr};
  }
  return {found->second, found->second->data_tracks().Find(sid)};
}

Result<void> Room::CheckCapacity(const JoinRequest& request) const {
  const std::string& kind = request.claims.kind;
  const bool dependent =
      kind == "agent" || kind == "egress" || (request.claims.video && request.claims.video->recorder);
  const size_t limit = environment_.settings.limits.max_participants_per_room;
  const size_t count = CountedParticipants();
  if (!dependent && ((options_.max_participants > 0 && count >= options_.max_participants) ||
                     (limit > 0 && count >= limit))) {
    return Fail(ErrorCode::kResourceExhausted, "room has exceeded its max participants");
  }
  return {};
}

Participant* Room::Resume(Now now, JoinRequest& request) {
  Participant* participant = FindByIdentity(Identity(request.claims.identity));
  if (participant == nullptr || participant->state() != Participant::State::kActive) {
    livekit::SignalResponse response;
    livekit::LeaveRequest& leave = *response.mutable_leave();
    leave.set_reason(livekit::STATE_MISMATCH);
    leave.set_action(livekit::LeaveRequest::RECONNECT);
    leave.set_can_reconnect(true);
    request.sink->Send(response);
    request.sink->Close(kCloseReconnect);
    return nullptr;
  }
  participant->Resume(now, std::move(request));
  return participant;
}

Participant* Room::Join(Now now, JoinRequest request) {
  if (request.parameters.reconnect) {
    return Resume(now, request);
  }
  if (closed_) {
    request.sink->Reject(500, "room closed");
    return nullptr;
  }
  const auto metadata = CheckMetadata(
      request.claims.name, request.claims.metadata, request.claims.attributes,
      {environment_.settings.limits.max_name_length, environment_.settings.limits.max_metadata_size,
       environment_.settings.limits.max_attributes_size});
  if (!metadata) {
    request.sink->Reject(500, metadata.error().message);
    return nullptr;
  }
  const Identity identity(request.claims.identity);
  if (Participant* old = FindByIdentity(identity)) {
    old->Close(now, livekit::DUPLICATE_IDENTITY, livekit::LeaveRequest::DISCONNECT);
  }
  if (const auto capacity = CheckCapacity(request); !capacity) {
    request.sink->Reject(500, capacity.error().message);
    return nullptr;
  }
  const bool tcp_only = environment_.settings.force_tcp || prefers_tcp_.contains(identity.value());
  auto created = std::make_unique<Participant>(environment_, engine_, *this, owner_.NextParticipantKey(),
                                               request, now, tcp_only);
  Participant& participant = *created;
  participants_[identity.value()] = std::move(created);
  ever_joined_ = true;
  close_at_ = Timestamp::Infinity();
  participant.Start(now, OthersFor(participant), std::move(request));
  BroadcastUpdate(now, participant);
  Report(now, RoomEvent::Kind::kParticipantJoined, &participant);
  room_update_at_ = std::min(room_update_at_, now.mono + kRoomUpdateInterval);
  quality_at_ = std::min(quality_at_, now.mono + kQualityInterval);
  Reschedule();
  return &participant;
}

void Room::OnActive(Now now, Participant& participant) {
  BroadcastUpdate(now, participant);
  Report(now, RoomEvent::Kind::kParticipantActive, &participant);
}

void Room::OnLeft(Now now, Participant& participant) {
  const auto found = participants_.find(participant.identity().value());
  if (found == participants_.end() || found->second.get() != &participant) {
    return;
  }
  leaving_.push_back(std::move(found->second));
  participants_.erase(found);
  // To those who stay, a participant that came back under the same identity replaces its old self without a
  // farewell.
  const bool replaced = participant.disconnect_reason() == livekit::DUPLICATE_IDENTITY;
  for (const auto& [identity, other] : participants_) {
    if (!participant.hidden() && (!replaced || other->protocol() <= 11)) {
      other->SendUpdate({participant.Info()});
    }
  }
  if (!participant.hidden()) {
    departed_.emplace_back(now.mono, participant.Epitaph());
    if (departed_.size() > kMaxDeparted) {
      departed_.pop_front();
    }
  }
  speakers_.Remove(participant.key());
  rpc_.OnLeft(participant.identity());
  Report(now, RoomEvent::Kind::kParticipantLeft, &participant);
  const bool someone = std::any_of(participants_.begin(), participants_.end(),
                                   [](const auto& entry) { return !entry.second->dependent(); });
  if (!someone && close_at_.infinite()) {
    close_at_ = now.mono + TimeDelta::Seconds(options_.departure_timeout_seconds);
  }
  room_update_at_ = std::min(room_update_at_, now.mono + kRoomUpdateInterval);
  Reschedule();
  owner_.OnRoomTurnEnd(*this);
}

void Room::Reap() { leaving_.clear(); }

void Room::Close(Now now, livekit::DisconnectReason reason) {
  if (std::exchange(closed_, true)) {
    return;
  }
  while (!participants_.empty()) {
    participants_.begin()->second->Close(now, reason, livekit::LeaveRequest::DISCONNECT);
  }
  environment_.timers.Cancel(*this);
  log_.Info("room closed");
  Report(now, RoomEvent::Kind::kRoomFinished);
  owner_.OnRoomClosed(now, *this);
}

// ---- Time.

void Room::Reschedule() {
  environment_.timers.Schedule(
      *this,
      closed_ ? Timestamp::Infinity() : std::min({close_at_, room_update_at_, speakers_at_, quality_at_}));
}

void Room::OnTimer(Now now) {
  if (close_at_ <= now.mono) {
    Close(now, livekit::ROOM_CLOSED);
    return;
  }
  if (room_update_at_ <= now.mono) {
    room_update_at_ = Timestamp::Infinity();
    SendRoomUpdate();
  }
  if (speakers_at_ <= now.mono) {
    // Levels arrive with packets and wake nobody; the observer is looked at as long as there is something to
    // hear.
    speakers_at_ =
        tracks_.empty() ? Timestamp::Infinity() : now.mono + environment_.settings.audio_update_interval;
    UpdateSpeakers(now);
  }
  if (quality_at_ <= now.mono) {
    quality_at_ = participants_.empty() ? Timestamp::Infinity() : now.mono + kQualityInterval;
    UpdateQuality(now);
  }
  Reschedule();
}

}  // namespace weir::rtc
