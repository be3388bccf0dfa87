#include "rtc/participant.h"

#include <algorithm>
#include <utility>

#include "auth/participant_permission.h"
#include "rtc/client_quirks.h"
#include "rtc/room.h"

namespace weir::rtc {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Now;
using base::Result;
using base::TimeDelta;
using base::Timestamp;

constexpr TimeDelta kResumeWindow = TimeDelta::Seconds(5);  // After a connection was lost.
constexpr TimeDelta kRefreshInterval = TimeDelta::Seconds(300);

livekit::ParticipantInfo::Kind KindFromName(const std::string& name) {
  static const std::map<std::string, livekit::ParticipantInfo::Kind, std::less<>> kKinds = {
      {"ingress", livekit::ParticipantInfo::INGRESS},
      {"egress", livekit::ParticipantInfo::EGRESS},
      {"sip", livekit::ParticipantInfo::SIP},
      {"agent", livekit::ParticipantInfo::AGENT},
      {"connector", livekit::ParticipantInfo::CONNECTOR},
      {"bridge", livekit::ParticipantInfo::BRIDGE},
  };
  const auto found = kKinds.find(name);
  return found == kKinds.end() ? livekit::ParticipantInfo::STANDARD : found->second;
}

TransportManager::Config TransportConfig(const JoinRequest& request,
                                         const livekit::ParticipantPermission& permission, bool tcp_only) {
  const livekit::ClientInfo& client = request.parameters.client;
  TransportManager::Config config;
  config.single_connection = request.parameters.single_connection;
  config.subscriber_primary =
      !config.single_connection && permission.can_subscribe() && client.protocol() > 2;
  config.tcp_only = tcp_only;
  config.subscriber.reuse_sections = !IsSafari(client);
  return config;
}

}  // namespace

Participant::Participant(Environment& environment, const MediaEngine& engine, Room& room, uint64_t key,
                         const JoinRequest& request, Now now, bool tcp_only)
    : environment_(environment),
      room_(room),
      key_(key),
      sid_(MakeSid("PA_", environment.random)),
      identity_(request.claims.identity),
      joined_at_(now.wall),
      log_(room.log().With({{"participant", identity_.value()}, {"pID", sid_.value()}})),
      claims_(request.claims),
      client_(request.parameters.client),
      kind_(KindFromName(request.claims.kind)),
      permission_(auth::PermissionFromGrant(request.claims.video.value_or(auth::VideoGrant()))),
      name_(request.claims.name),
      metadata_(request.claims.metadata),
      attributes_(request.claims.attributes),
      auto_subscribe_(request.parameters.auto_subscribe),
      auto_subscribe_data_track_(request.parameters.auto_subscribe_data_track),
      adaptive_stream_(request.parameters.adaptive_stream),
      sink_(request.sink),
      up_tracks_(environment, engine, *this),
      subscriptions_(environment, *this),
      data_tracks_(environment, *this),
      data_subscriptions_(environment, *this),
      data_blobs_(
          {environment.settings.limits.max_data_blob_key, environment.settings.limits.max_data_blobs_size}),
      counted_(environment.census, *this) {
  if (!request.parameters.publish.empty()) {
    permission_.set_can_subscribe(false);
  }
  if (!request.parameters.metadata.empty()) {
    metadata_ = request.parameters.metadata;
  }
  for (const auto& [name, value] : request.parameters.attributes) {
    attributes_[name] = value;
  }
  transports_ = std::make_unique<TransportManager>(environment, engine,
                                                   TransportConfig(request, permission_, tcp_only), *this);
}

Participant::~Participant() = default;

bool Participant::dependent() const {
  return kind_ == livekit::ParticipantInfo::AGENT || kind_ == livekit::ParticipantInfo::EGRESS ||
         permission_.recorder() || permission_.agent();
}

livekit::ParticipantInfo Participant::Info() const {
  livekit::ParticipantInfo info;
  info.set_sid(sid_.value());
  info.set_identity(identity_.value());
  info.set_name(name_);
  info.set_metadata(metadata_);
  info.mutable_attributes()->insert(attributes_.begin(), attributes_.end());
  info.set_joined_at(joined_at_.seconds());
  info.set_joined_at_ms(joined_at_.millis());
  info.set_version(version_);
  *info.mutable_permission() = permission_;
  info.set_region(environment_.settings.region);
  info.set_is_publisher(is_publisher());
  info.set_kind(kind_);
  info.set_disconnect_reason(disconnect_reason_);
  info.set_client_protocol(client_.client_protocol());
  *info.mutable_capabilities() = client_.capabilities();
  switch (state_) {
    case State::kJoined:
      info.set_state(livekit::ParticipantInfo::JOINED);
      break;
    case State::kActive:
      info.set_state(livekit::ParticipantInfo::ACTIVE);
      break;
    case State::kDisconnected:
      info.set_state(livekit::ParticipantInfo::DISCONNECTED);
      break;
  }
  for (const auto& [mid, track] : up_tracks_.published()) {
    *info.add_tracks() = track->info();
  }
  for (const PublishedDataTrack* track : data_tracks_.All()) {
    *info.add_data_tracks() = track->info();
  }
  return info;
}

livekit::ParticipantInfo Participant::PublicInfo() const {
  livekit::ParticipantInfo info = Info();
  if (transports_->publisher().silent()) {
    for (livekit::TrackInfo& track : *info.mutable_tracks()) {
      track.set_muted(true);
    }
  }
  return info;
}

livekit::ParticipantInfo Participant::Epitaph() const {
  livekit::ParticipantInfo info;
  info.set_sid(sid_.value());
  info.set_identity(identity_.value());
  info.set_state(livekit::ParticipantInfo::DISCONNECTED);
  info.set_disconnect_reason(disconnect_reason_);
  info.set_version(version_);
  info.set_kind(kind_);
  return info;
}

void Participant::OnFace(Now now) {
  ++version_;
  room_.BroadcastUpdate(now, *this);
}

// ---- Life.

void Participant::SendLeave(livekit::DisconnectReason reason, livekit::LeaveRequest::Action action) {
  livekit::SignalResponse message;
  livekit::LeaveRequest& leave = *message.mutable_leave();
  leave.set_reason(reason);
  leave.set_action(action);
  leave.set_can_reconnect(action == livekit::LeaveRequest::RECONNECT);
  Send(message);
}

void Participant::CloseSignal(uint16_t code) {
  if (const auto sink = std::exchange(sink_, nullptr)) {
    sink->Close(code);
  }
}

void Participant::Close(Now now, livekit::DisconnectReason reason, livekit::LeaveRequest::Action action,
                        bool silent) {
  if (state_ == State::kDisconnected) {
    return;
  }
  if (!silent) {
    SendLeave(reason, action);
  }
  const bool final = !silent && action == livekit::LeaveRequest::DISCONNECT;
  CloseSignal(final ? kCloseDone : kCloseReconnect);
  disconnect_reason_ = reason;
  state_ = State::kDisconnected;
  ++version_;
  log_.Info("participant left", {{"reason", livekit::DisconnectReason_Name(reason)}});
  environment_.timers.Cancel(*this);
  subscriptions_.Clear(now);
  data_subscriptions_.Clear();
  data_tracks_.UnpublishAll(now, /*tell=*/false);
  up_tracks_.UnpublishAll(now);
  transports_->Close(now);
  room_.OnLeft(now, *this);
}

// ---- Signalling out.

void Participant::Send(const livekit::SignalResponse& message) {
  if (sink_) {
    sink_->Send(message);
  }
}

void Participant::SendUpdate(const std::vector<livekit::ParticipantInfo>& participants) {
  livekit::SignalResponse message;
  for (const livekit::ParticipantInfo& participant : participants) {
    *message.mutable_update()->add_participants() = participant;
  }
  Send(message);
}

void Participant::OnSignalClosed(Now now, const SignalSink* sink) {
  if (sink == nullptr || sink != sink_.get()) {
    return;  // Of a connection that a resume has replaced, or that we closed.
  }
  sink_.reset();
  signal_lost_at_ = now.mono;
  if (state_ == State::kJoined && !transports_->primary_connected()) {
    Close(now, livekit::SIGNAL_CLOSE, livekit::LeaveRequest::DISCONNECT, /*silent=*/true);
    return;
  }
  log_.Info("signalling lost, media goes on");
}

// ---- Time and state.

void Participant::Reschedule() {
  const Timestamp next = std::min({join_deadline_, resume_deadline_, refresh_at_, speaker_ends_});
  environment_.timers.Schedule(*this, state_ == State::kDisconnected ? Timestamp::Infinity() : next);
}

void Participant::OnTimer(Now now) {
  if (join_deadline_ <= now.mono) {
    Close(now, livekit::JOIN_FAILURE, livekit::LeaveRequest::DISCONNECT);
    return;
  }
  if (resume_deadline_ <= now.mono) {
    Close(now, livekit::CONNECTION_TIMEOUT, livekit::LeaveRequest::DISCONNECT);
    return;
  }
  if (refresh_at_ <= now.mono) {
    refresh_at_ = now.mono + kRefreshInterval;
    SendRefreshToken(now);
  }
  if (speaker_ends_ <= now.mono) {
    speaker_ends_ = Timestamp::Infinity();
    room_.SimulateSpeaker(now, *this, false);
  }
  Reschedule();
}

void Participant::OnPrimaryConnected(Now now) {
  if (state_ != State::kJoined) {
    return;
  }
  state_ = State::kActive;
  was_active_ = true;
  ++version_;
  join_deadline_ = Timestamp::Infinity();
  log_.Info("participant active");
  room_.OnActive(now, *this);
  SubscribeToAll(now);
  Reschedule();
}

void Participant::OnPublisherSilence(Now now, bool silent) {
  if (state_ == State::kDisconnected || !is_publisher()) {
    return;
  }
  log_.Info(silent ? "publisher is silent, its tracks are shown muted" : "publisher is back");
  OnFace(now);
}

// A connection that was up is gone. The client is told to resume, and has a few seconds to do so.
void Participant::OnConnectionLost(Now now, const std::string& reason) {
  if (state_ == State::kDisconnected || !resume_deadline_.infinite()) {
    return;
  }
  log_.Info("connection lost", {{"reason", reason}});
  if (client_.protocol() >= 13) {
    SendLeave(livekit::CONNECTION_TIMEOUT, livekit::LeaveRequest::RESUME);
  }
  CloseSignal(kCloseReconnect);
  resume_deadline_ = now.mono + kResumeWindow;
  Reschedule();
}

void Participant::OnSessionBroken(Now now, const std::string& reason) {
  log_.Warn("session broken, client has to join anew", {{"reason", reason}});
  Close(now, livekit::STATE_MISMATCH, livekit::LeaveRequest::RECONNECT);
}

// ---- What may change at run time.

Result<void> Participant::UpdateMetadata(Now now, const std::string& name, const std::string& metadata,
                                         const std::map<std::string, std::string>& attributes) {
  std::map<std::string, std::string> merged = attributes_;
  for (const auto& [key, value] : attributes) {
    if (value.empty()) {
      merged.erase(key);
    } else {
      merged[key] = value;
    }
  }
  const rtc::Limits& limits = environment_.settings.limits;
  if (auto fits =
          CheckMetadata(name, metadata, merged,
                        {limits.max_name_length, limits.max_metadata_size, limits.max_attributes_size});
      !fits) {
    return fits;
  }
  name_ = name.empty() ? name_ : name;
  metadata_ = metadata.empty() ? metadata_ : metadata;
  attributes_ = std::move(merged);
  OnFace(now);
  return {};
}

void Participant::SetPermission(Now now, const livekit::ParticipantPermission& permission) {
  permission_ = permission;
  up_tracks_.UnpublishIf(now, [&](const PublishedTrack& track) {
    return !CanPublishSource(permission_, track.info().source());
  });
  if (!MayPublishDataTracks()) {
    data_tracks_.UnpublishAll(now, /*tell=*/true);
  }
  subscriptions_.ReconcileAll(now);
  data_subscriptions_.ReconcileAll();
  OnFace(now);
  SendRefreshToken(now);
}

Result<livekit::TrackInfo> Participant::MuteTrack(Now now, const TrackSid& sid, bool muted) {
  PublishedTrack* track = up_tracks_.Find(sid);
  if (track == nullptr) {
    return Fail(ErrorCode::kNotFound, "track is not published");
  }
  if (!muted && track->muted() && !environment_.settings.enable_remote_unmute) {
    return Fail(ErrorCode::kFailedPrecondition, "remote unmute not enabled");
  }
  if (track->muted() != muted) {
    livekit::SignalResponse message;
    message.mutable_mute()->set_sid(sid.value());
    message.mutable_mute()->set_muted(muted);
    Send(message);
    track->SetMuted(now, muted);
    OnTrackChanged(now, *track);
  }
  return track->info();
}

}  // namespace weir::rtc
