#include "rtc/participant.h"

#include <algorithm>
#include <utility>

#include "rtc/room.h"

namespace weir::rtc {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Now;
using base::Result;
using base::TimeDelta;
using base::Timestamp;

constexpr TimeDelta kJoinTimeout = TimeDelta::Seconds(60);  // From the join to active.
constexpr TimeDelta kResumeWindow = TimeDelta::Seconds(5);  // After a connection was lost.
constexpr TimeDelta kRefreshInterval = TimeDelta::Seconds(300);
constexpr int kPingInterval = 5;  // Seconds; the Rust SDK panics on 0.
constexpr int kPingTimeout = 15;
constexpr int kProtocol = 17;
constexpr int kAgentProtocol = 1;

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

bool ContainsIgnoringCase(std::string text, std::string_view part) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text.find(part) != std::string::npos;
}

bool IsFirefox(const livekit::ClientInfo& client) {
  return ContainsIgnoringCase(client.browser(), "firefox");
}
bool IsSafari(const livekit::ClientInfo& client) {
  return ContainsIgnoringCase(client.browser(), "safari") &&
         !ContainsIgnoringCase(client.browser(), "chrome");
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
      permission_(PermissionFromGrant(request.claims.video.value_or(auth::VideoGrant()))),
      name_(request.claims.name),
      metadata_(request.claims.metadata),
      attributes_(request.claims.attributes),
      auto_subscribe_(request.parameters.auto_subscribe),
      adaptive_stream_(request.parameters.adaptive_stream),
      sink_(request.sink),
      up_tracks_(environment, engine, *this),
      subscriptions_(environment, *this),
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
  return info;
}

void Participant::OnFace(Now now) {
  ++version_;
  room_.BroadcastUpdate(now, *this);
}

// ---- Life.

livekit::ServerInfo Participant::MakeServerInfo() const {
  livekit::ServerInfo info;
  info.set_edition(livekit::ServerInfo::Standard);
  info.set_version(environment_.settings.server_version);
  info.set_protocol(kProtocol);
  info.set_region(environment_.settings.region);
  info.set_node_id(environment_.settings.node_id);
  info.set_agent_protocol(kAgentProtocol);
  return info;
}

livekit::ClientConfiguration Participant::MakeClientConfiguration() const {
  livekit::ClientConfiguration configuration;
  if (IsSafari(client_)) {
    configuration.mutable_disabled_codecs()->add_codecs()->set_mime("video/AV1");
  }
  const bool poor_h264 = IsFirefox(client_) && (ContainsIgnoringCase(client_.os(), "linux") ||
                                                ContainsIgnoringCase(client_.os(), "android"));
  if (poor_h264) {
    configuration.mutable_disabled_codecs()->add_publish()->set_mime("video/H264");
  }
  configuration.set_resume_connection(livekit::UNSET);
  return configuration;
}

livekit::JoinResponse Participant::MakeJoinResponse(
    const std::vector<livekit::ParticipantInfo>& others) const {
  livekit::JoinResponse join;
  *join.mutable_room() = room_.Info();
  *join.mutable_participant() = Info();
  for (const livekit::ParticipantInfo& other : others) {
    *join.add_other_participants() = other;
  }
  join.set_server_version(environment_.settings.server_version);
  join.set_server_region(environment_.settings.region);
  *join.mutable_server_info() = MakeServerInfo();
  for (const livekit::ICEServer& server : environment_.settings.ice_servers) {
    *join.add_ice_servers() = server;
  }
  join.set_subscriber_primary(transports_->subscriber_primary());
  *join.mutable_client_configuration() = MakeClientConfiguration();
  join.set_ping_interval(kPingInterval);
  join.set_ping_timeout(kPingTimeout);
  join.set_sif_trailer(room_.silence_trailer());
  // Video first: an old Flutter SDK takes the first entry as its video codec.
  for (const bool video : {true, false}) {
    for (const codec::Codec codec : environment_.settings.enabled_codecs) {
      if (codec::IsVideo(codec) == video) {
        join.add_enabled_publish_codecs()->set_mime(std::string(codec::MimeType(codec)));
      }
    }
  }
  join.set_fast_publish(permission_.can_publish());
  return join;
}

void Participant::Start(Now now, const std::vector<livekit::ParticipantInfo>& others, JoinRequest request) {
  log_.Info("participant joined", {{"client", client_.browser() + " " + client_.version()},
                                   {"protocol", client_.protocol()},
                                   {"singleConnection", transports_->single_connection()}});
  join_deadline_ = now.mono + kJoinTimeout;
  refresh_at_ = now.mono + kRefreshInterval;
  livekit::SignalResponse message;
  *message.mutable_join() = MakeJoinResponse(others);
  Send(message);
  for (const livekit::AddTrackRequest& track : request.parameters.add_tracks) {
    up_tracks_.AddTrack(now, track);
  }
  SubscribeToAll(now);
  transports_->Start(now, std::move(request.parameters.publisher_offer));
  SendRefreshToken(now);
  Reschedule();
}

void Participant::Resume(Now now, JoinRequest request) {
  log_.Info("participant resumed",
            {{"reason", livekit::ReconnectReason_Name(request.parameters.reconnect_reason)}});
  if (const auto old = std::exchange(sink_, std::move(request.sink))) {
    old->Close(kCloseDone);
  }
  const bool simulating = now.mono < simulation_ends_;
  if (simulating && resumes_to_refuse_ > 0) {
    --resumes_to_refuse_;
    std::exchange(sink_, nullptr)->Reject(503, "resume refused by simulation");
    return;
  }
  resume_deadline_ = Timestamp::Infinity();
  livekit::SignalResponse message;
  livekit::ReconnectResponse& reconnect = *message.mutable_reconnect();
  for (const livekit::ICEServer& server : environment_.settings.ice_servers) {
    *reconnect.add_ice_servers() = server;
  }
  *reconnect.mutable_client_configuration() = MakeClientConfiguration();
  *reconnect.mutable_server_info() = MakeServerInfo();
  reconnect.set_last_message_seq(last_sequence_);
  Send(message);
  // Whoever is not in this list is gone for the client (the Rust SDK removes them).
  std::vector<livekit::ParticipantInfo> everybody = room_.OthersFor(*this);
  everybody.push_back(Info());
  SendUpdate(everybody);
  livekit::SignalResponse room;
  *room.mutable_room_update()->mutable_room() = room_.Info();
  Send(room);
  transports_->OnResume(now);
  SendRefreshToken(now);
  if (std::exchange(cut_next_resume_, false) && simulating) {
    CloseSignal(kCloseReconnect);
  }
  Reschedule();
}

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

void Participant::SendRefreshToken(Now now) {
  const std::string& key = environment_.settings.signing_key;
  const std::string* secret = environment_.keys.Secret(key);
  if (secret == nullptr) {
    return;
  }
  auth::Claims claims = claims_;
  claims.name = name_;
  claims.metadata = metadata_;
  claims.attributes = attributes_;
  if (claims.video) {
    ApplyPermission(permission_, *claims.video);
  }
  // Its own time left, but at least ten minutes: enough to come back after any outage that the session
  // survives.
  const base::WallTime soon{now.wall.micros + TimeDelta::Seconds(600).micros()};
  livekit::SignalResponse message;
  message.set_refresh_token(auth::SignToken(claims, key, *secret, now.wall, std::max(soon, claims_.expires)));
  Send(message);
}

void Participant::OnSignalClosed(Now now, const SignalSink* sink) {
  if (sink == nullptr || sink != sink_.get()) {
    return;  // Of a connection that a resume has replaced, or that we closed.
  }
  sink_.reset();
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
  subscriptions_.ReconcileAll(now);
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
