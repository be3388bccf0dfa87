// How a participant's session begins and comes back: the first messages (signal.md 3, 10.1 in LiveKit's
// words).

#include <algorithm>
#include <utility>

#include "rtc/client_quirks.h"
#include "rtc/participant.h"
#include "rtc/room.h"
#include "rtc/server_info.h"

namespace weir::rtc {
namespace {

using base::Now;
using base::TimeDelta;
using base::Timestamp;

constexpr TimeDelta kJoinTimeout = TimeDelta::Seconds(60);  // From the join to active.
constexpr TimeDelta kRefreshInterval = TimeDelta::Seconds(300);
constexpr int kPingInterval = 5;  // Seconds; the Rust SDK panics on 0.
constexpr int kPingTimeout = 15;

}  // namespace

livekit::ClientConfiguration Participant::MakeClientConfiguration() const {
  livekit::ClientConfiguration configuration;
  if (IsSafari(client_)) {
    configuration.mutable_disabled_codecs()->add_codecs()->set_mime("video/AV1");
  }
  if (IsFirefoxOnLinuxOrAndroid(client_)) {
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
  *join.mutable_server_info() = MakeServerInfo(environment_.settings);
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
  SubscribeToAllDataTracks();
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
  *reconnect.mutable_server_info() = MakeServerInfo(environment_.settings);
  reconnect.set_last_message_seq(last_sequence_);
  Send(message);
  // Who left meanwhile: livekit-client removes only those it is told of. What was sent just before the
  // connection broke may not have arrived either.
  constexpr TimeDelta kMargin = TimeDelta::Seconds(30);
  const Timestamp since = std::min(std::exchange(signal_lost_at_, Timestamp::Infinity()), now.mono) - kMargin;
  if (const auto departed = room_.DepartedSince(since); !departed.empty()) {
    SendUpdate(departed);
  }
  // Whoever is not in this list is gone for the client (the Rust SDK removes them).
  std::vector<livekit::ParticipantInfo> everybody = room_.OthersFor(*this);
  everybody.push_back(Info());
  SendUpdate(everybody);
  livekit::SignalResponse room;
  *room.mutable_room_update()->mutable_room() = room_.Info();
  Send(room);
  if (data_subscriptions_.active() > 0) {
    data_subscriptions_.SendHandles();
  }
  up_tracks_.OnResume(now);
  knows_qualities_ = false;
  transports_->OnResume(now);
  SendRefreshToken(now);
  if (std::exchange(cut_next_resume_, false) && simulating) {
    CloseSignal(kCloseReconnect);
  }
  Reschedule();
}

}  // namespace weir::rtc
