// A participant's data tracks and data blobs: what its parts ask of it and tell it, and its blob requests.

#include "rtc/participant.h"
#include "rtc/room.h"

namespace weir::rtc {

using base::ErrorCode;
using base::Now;
using Response = livekit::RequestResponse;

// ---- PublishedDataTracks::Owner

bool Participant::MayPublishDataTracks() const {
  return environment_.settings.enable_data_tracks && permission_.can_publish_data() &&
         state_ != State::kDisconnected;
}

void Participant::OnDataTrackPublished(Now now, PublishedDataTrack& track) {
  log_.Info("data track published", {{"trackSid", track.info().sid()}, {"name", track.info().name()}});
  ++version_;
  room_.OnDataTrackPublished(now, *this, track);
}

void Participant::OnDataTrackUnpublished(Now now, PublishedDataTrack& track) {
  log_.Info("data track unpublished", {{"trackSid", track.info().sid()}});
  ++version_;
  room_.OnDataTrackUnpublished(now, *this, track);
}

// ---- DataSubscriptions::View

std::pair<Participant*, PublishedDataTrack*> Participant::FindDataTrack(const TrackSid& sid) {
  const auto [publisher, track] = room_.FindDataTrack(sid);
  const bool visible = publisher != nullptr && publisher != this && !publisher->hidden();
  return visible ? std::pair(publisher, track)
                 : std::pair<Participant*, PublishedDataTrack*>(nullptr, nullptr);
}

bool Participant::SendDataTrackPacket(Now now, std::shared_ptr<const base::Buffer> packet) {
  const bool room_left = transports_->buffered_data(DataChannel::kDataTrack) + packet->size() <=
                         environment_.settings.limits.max_data_track_buffer;
  return state_ != State::kDisconnected && room_left &&
         transports_->SendData(now, DataChannel::kDataTrack, std::move(packet));
}

void Participant::OnDataTrackAvailable(const TrackSid& sid) {
  if (auto_subscribe_data_track_) {
    data_subscriptions_.Want(sid, true);
  } else {
    data_subscriptions_.Reconcile(sid);
  }
}

void Participant::SubscribeToAllDataTracks() {
  if (!auto_subscribe_data_track_) {
    return;
  }
  for (Participant* publisher : room_.Participants()) {
    if (publisher == this || publisher->hidden()) {
      continue;
    }
    for (const PublishedDataTrack* track : publisher->data_tracks().All()) {
      data_subscriptions_.Want(TrackSid(track->info().sid()), true);
    }
  }
}

void Participant::OnDataSubscriptionRequest(const livekit::UpdateDataSubscription& request) {
  for (const auto& update : request.updates()) {
    data_subscriptions_.Want(TrackSid(update.track_sid()), update.subscribe());
  }
}

// ---- Blobs.

void Participant::SendBlobError(uint32_t request_id, const base::Error& error) {
  livekit::SignalResponse response;
  Response& refusal = *response.mutable_request_response();
  refusal.set_request_id(request_id);
  refusal.set_message(error.message);
  switch (error.code) {
    case ErrorCode::kNotFound:
      refusal.set_reason(Response::NOT_FOUND);
      break;
    case ErrorCode::kPermissionDenied:
      refusal.set_reason(Response::NOT_ALLOWED);
      break;
    case ErrorCode::kResourceExhausted:
      refusal.set_reason(Response::LIMIT_EXCEEDED);
      break;
    default:
      refusal.set_reason(Response::INVALID_REQUEST);
      break;
  }
  Send(response);
}

void Participant::OnStoreDataBlob(const livekit::StoreDataBlobRequest& request) {
  if (!environment_.settings.enable_data_blobs) {
    SendBlobError(request.request_id(), {ErrorCode::kPermissionDenied, "data blob not enabled"});
    return;
  }
  if (const auto stored = data_blobs_.Store(request.blob()); !stored) {
    SendBlobError(request.request_id(), stored.error());
    return;
  }
  livekit::SignalResponse response;
  response.mutable_store_data_blob_response()->set_request_id(request.request_id());
  *response.mutable_store_data_blob_response()->mutable_key() = request.blob().key();
  Send(response);
}

void Participant::OnGetDataBlob(const livekit::GetDataBlobRequest& request) {
  if (!environment_.settings.enable_data_blobs) {
    SendBlobError(request.request_id(), {ErrorCode::kPermissionDenied, "data blob not enabled"});
    return;
  }
  const Identity wanted(request.participant_identity());
  const Participant* owner = wanted == identity_ ? this : room_.FindByIdentity(wanted);
  if (owner == nullptr || (owner != this && owner->hidden())) {
    SendBlobError(request.request_id(), {ErrorCode::kNotFound, "participant not found"});
    return;
  }
  const auto blob = owner->data_blobs_.Get(request.key());
  if (!blob) {
    SendBlobError(request.request_id(), blob.error());
    return;
  }
  livekit::SignalResponse response;
  response.mutable_get_data_blob_response()->set_request_id(request.request_id());
  *response.mutable_get_data_blob_response()->mutable_blob() = *blob;
  Send(response);
}

}  // namespace weir::rtc
