// The requests of a participant's signal connection (signal.md 8.1).

#include <algorithm>

#include "rtc/participant.h"
#include "rtc/room.h"

namespace weir::rtc {

using base::Now;
using base::TimeDelta;

void Participant::OnSignal(Now now, const SignalSink* sink, const livekit::SignalRequest& request) {
  using Request = livekit::SignalRequest;
  if (state_ == State::kDisconnected || sink != sink_.get()) {
    return;
  }
  transports_->OnClientMessage(now);
  switch (request.message_case()) {
    case Request::kOffer:
      transports_->OnOffer(now, request.offer());
      break;
    case Request::kAnswer:
      transports_->OnAnswer(now, request.answer());
      break;
    case Request::kTrickle:
      OnTrickle(now, request.trickle());
      break;
    case Request::kAddTrack:
      up_tracks_.AddTrack(now, request.add_track());
      break;
    case Request::kMute:
      up_tracks_.Mute(now, request.mute());
      break;
    case Request::kSubscription:
      OnSubscriptionRequest(now, request.subscription());
      break;
    case Request::kTrackSetting:
      OnTrackSettings(now, request.track_setting());
      break;
    case Request::kLeave:
      OnLeave(now, request.leave());
      break;
    case Request::kSubscriptionPermission:
      OnSubscriptionPermission(now, request.subscription_permission());
      break;
    case Request::kSyncState:
      OnSyncState(now, request.sync_state());
      break;
    case Request::kSimulate:
      OnSimulate(now, request.simulate());
      break;
    case Request::kPing: {
      livekit::SignalResponse response;
      response.set_pong(now.wall.millis());
      Send(response);
      break;
    }
    case Request::kPingReq:
      OnPing(now, request.ping_req());
      break;
    case Request::kUpdateMetadata:
      OnUpdateMetadata(now, request.update_metadata());
      break;
    case Request::kUpdateAudioTrack:
      up_tracks_.UpdateAudio(now, request.update_audio_track());
      break;
    case Request::kUpdateVideoTrack:
      up_tracks_.UpdateVideo(now, request.update_video_track());
      break;
    case Request::kPublishDataTrackRequest:
      data_tracks_.Publish(now, request.publish_data_track_request());
      break;
    case Request::kUnpublishDataTrackRequest:
      data_tracks_.Unpublish(now, request.unpublish_data_track_request());
      break;
    case Request::kUpdateDataSubscription:
      OnDataSubscriptionRequest(request.update_data_subscription());
      break;
    case Request::kStoreDataBlobRequest:
      OnStoreDataBlob(request.store_data_blob_request());
      break;
    case Request::kGetDataBlobRequest:
      OnGetDataBlob(request.get_data_blob_request());
      break;
    case Request::kUpdateLayers:
      break;  // Deprecated; clients still send it.
    default:
      ++counters_.signal_unknown;
      break;
  }
}

void Participant::OnBadSignal(Now now, const SignalSink* sink, const std::string& error) {
  if (sink != sink_.get() || state_ == State::kDisconnected) {
    return;
  }
  log_.Warn("unreadable signal message", {{"error", error}});
  if (state_ == State::kJoined && !transports_->primary_connected()) {
    Close(now, livekit::SIGNAL_CLOSE, livekit::LeaveRequest::DISCONNECT, /*silent=*/true);
  } else {
    CloseSignal(kCloseReconnect);  // The session lives on; the client may resume it.
  }
}

void Participant::OnTrickle(Now now, const livekit::TrickleRequest& trickle) {
  if (transports_->OnTrickle(now, trickle)) {
    return;
  }
  livekit::SignalResponse response;
  livekit::RequestResponse& refusal = *response.mutable_request_response();
  refusal.set_reason(livekit::RequestResponse::UNCLASSIFIED_ERROR);
  refusal.set_message("candidate is not JSON");
  *refusal.mutable_trickle() = trickle;
  Send(response);
}

void Participant::OnPing(Now now, const livekit::Ping& ping) {
  livekit::SignalResponse response;
  response.mutable_pong_resp()->set_last_ping_timestamp(ping.timestamp());
  response.mutable_pong_resp()->set_timestamp(now.wall.millis());
  Send(response);
}

void Participant::OnSubscriptionRequest(Now now, const livekit::UpdateSubscription& request) {
  std::vector<std::string> sids(request.track_sids().begin(), request.track_sids().end());
  for (const livekit::ParticipantTracks& tracks : request.participant_tracks()) {
    sids.insert(sids.end(), tracks.track_sids().begin(), tracks.track_sids().end());
  }
  SetSubscribed(now, sids, request.subscribe());
}

void Participant::OnTrackSettings(Now now, const livekit::UpdateTrackSettings& request) {
  for (const std::string& sid : request.track_sids()) {
    subscriptions_.SetSettings(now, TrackSid(sid), request);
  }
}

void Participant::OnLeave(Now now, const livekit::LeaveRequest& leave) {
  livekit::DisconnectReason reason = livekit::CLIENT_INITIATED;
  switch (leave.reason()) {
    case livekit::USER_UNAVAILABLE:
    case livekit::USER_REJECTED:
    case livekit::AGENT_ERROR:
      reason = leave.reason();
      break;
    default:
      break;
  }
  Close(now, reason, livekit::LeaveRequest::DISCONNECT);
}

void Participant::OnSubscriptionPermission(Now now, const livekit::SubscriptionPermission& request) {
  if (const auto done = subscription_permissions_.Update(request); !done) {
    log_.Warn("subscription permission ignored", {{"error", done.error().message}});
    return;
  }
  room_.OnSubscriptionPermissionChanged(now, *this);
}

// After a resume the client says what it believes in. Tracks that we have never heard of mean that the two
// have drifted apart.
void Participant::OnSyncState(Now now, const livekit::SyncState& state) {
  for (const livekit::TrackPublishedResponse& published : state.publish_tracks()) {
    if (!up_tracks_.Knows(published.track().sid())) {
      OnSessionBroken(now, "client publishes a track that is not known: " + published.track().sid());
      return;
    }
  }
  for (const livekit::PublishDataTrackResponse& published : state.publish_data_tracks()) {
    if (data_tracks_.Find(TrackSid(published.info().sid())) == nullptr) {
      OnSessionBroken(now, "client publishes a data track that is not known: " + published.info().sid());
      return;
    }
  }
  if (state.has_subscription()) {
    OnSubscriptionRequest(now, state.subscription());
  }
  for (const std::string& sid : state.track_sids_disabled()) {
    livekit::UpdateTrackSettings disabled;
    disabled.set_disabled(true);
    subscriptions_.SetSettings(now, TrackSid(sid), disabled);
  }
}

// Test hooks that clients' own suites rely on.
void Participant::OnSimulate(Now now, const livekit::SimulateScenario& scenario) {
  using Scenario = livekit::SimulateScenario;
  constexpr TimeDelta kSimulation = TimeDelta::Seconds(5);
  constexpr int kRefusedResumes = 3;
  switch (scenario.scenario_case()) {
    case Scenario::kSpeakerUpdate:
      room_.SimulateSpeaker(now, *this, true);
      speaker_ends_ = now.mono + TimeDelta::Seconds(std::clamp(scenario.speaker_update(), 0, 60));
      Reschedule();
      break;
    case Scenario::kNodeFailure:
    case Scenario::kMigration:
      Close(now, livekit::SERVER_SHUTDOWN, livekit::LeaveRequest::RECONNECT, /*silent=*/true);
      break;
    case Scenario::kServerLeave:
      Close(now, livekit::SERVER_SHUTDOWN, livekit::LeaveRequest::DISCONNECT);
      break;
    case Scenario::kLeaveRequestFullReconnect:
      Close(now, livekit::UNKNOWN_REASON, livekit::LeaveRequest::RECONNECT);
      break;
    case Scenario::kSwitchCandidateProtocol:
      if (scenario.switch_candidate_protocol() != livekit::UDP) {
        room_.PreferTcp(identity_);
        // The preference is a property of new connections, and a full reconnect makes them.
        Close(now, livekit::UNKNOWN_REASON, livekit::LeaveRequest::RECONNECT);
      }
      break;
    case Scenario::kSubscriberBandwidth: {
      const int64_t rate = scenario.subscriber_bandwidth();
      subscriptions_.LimitBandwidth(now, rate > 0 ? std::optional<uint64_t>(rate) : std::nullopt);
      break;
    }
    case Scenario::kDisconnectSignalOnResume:
      cut_next_resume_ = true;
      simulation_ends_ = now.mono + kSimulation;
      break;
    case Scenario::kDisconnectSignalOnResumeNoMessages:
      resumes_to_refuse_ = kRefusedResumes;
      simulation_ends_ = now.mono + kSimulation;
      break;
    default:
      ++counters_.signal_unknown;
      break;
  }
}

void Participant::OnUpdateMetadata(Now now, const livekit::UpdateParticipantMetadata& request) {
  livekit::SignalResponse response;
  livekit::RequestResponse& result = *response.mutable_request_response();
  result.set_request_id(request.request_id());
  *result.mutable_update_metadata() = request;
  if (!permission_.can_update_metadata()) {
    result.set_reason(livekit::RequestResponse::NOT_ALLOWED);
    result.set_message("does not have permission to update own metadata");
    Send(response);
    return;
  }
  const auto done = UpdateMetadata(now, request.name(), request.metadata(),
                                   {request.attributes().begin(), request.attributes().end()});
  if (!done) {
    result.set_reason(livekit::RequestResponse::LIMIT_EXCEEDED);
    result.set_message(done.error().message);
    Send(response);
    return;
  }
  if (client_.protocol() > 14) {
    Send(response);
  }
  SendRefreshToken(now);
}

}  // namespace weir::rtc
