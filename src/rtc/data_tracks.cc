#include "rtc/data_tracks.h"

#include <algorithm>

#include "codec/data_track.h"
#include "rtc/participant.h"

namespace weir::rtc {

using base::ConstBytes;
using base::Now;
using Response = livekit::RequestResponse;

// ---- One track.

PublishedDataTrack::~PublishedDataTrack() {
  for (DataSubscription* subscription : subscriptions_) {
    subscription->OnTrackDestroyed();
  }
}

void PublishedDataTrack::Forward(Now now, ConstBytes packet) {
  for (DataSubscription* subscription : subscriptions_) {
    subscription->Forward(now, packet);
  }
}

// ---- The sending side.

base::Result<void, PublishedDataTracks::Refusal> PublishedDataTracks::Check(
    const livekit::PublishDataTrackRequest& request) const {
  const auto fail = [](Response::Reason reason, std::string message) {
    return std::unexpected(Refusal{reason, std::move(message)});
  };
  const Limits& limits = environment_.settings.limits;
  if (!owner_.MayPublishDataTracks()) {
    return fail(Response::NOT_ALLOWED, "does not have permission to publish data");
  }
  if (request.pub_handle() == 0 || request.pub_handle() > UINT16_MAX) {
    return fail(Response::INVALID_HANDLE, "handle is not between 1 and 65535");
  }
  if (request.name().empty() || request.name().size() > limits.max_name_length) {
    return fail(Response::INVALID_NAME,
                "name is empty or longer than " + std::to_string(limits.max_name_length) + " bytes");
  }
  if (request.frame_encoding().custom().size() > limits.max_data_track_encoding_length ||
      request.schema().encoding().custom().size() > limits.max_data_track_encoding_length ||
      request.schema().name().size() > limits.max_name_length) {
    return fail(Response::INVALID_REQUEST, "encoding or schema name is too long");
  }
  if (tracks_.contains(static_cast<uint16_t>(request.pub_handle()))) {
    return fail(Response::DUPLICATE_HANDLE, "handle is in use by another data track");
  }
  if (std::any_of(tracks_.begin(), tracks_.end(),
                  [&](const auto& entry) { return entry.second->info().name() == request.name(); })) {
    return fail(Response::DUPLICATE_NAME, "name is in use by another data track");
  }
  if (tracks_.size() >= limits.max_data_tracks_per_participant) {
    return fail(Response::LIMIT_EXCEEDED, "too many data tracks");
  }
  return {};
}

void PublishedDataTracks::Publish(Now now, const livekit::PublishDataTrackRequest& request) {
  livekit::SignalResponse response;
  if (const auto checked = Check(request); !checked) {
    response.mutable_request_response()->set_reason(checked.error().reason);
    response.mutable_request_response()->set_message(checked.error().message);
    *response.mutable_request_response()->mutable_publish_data_track() = request;
    owner_.Send(response);
    return;
  }
  livekit::DataTrackInfo& info = *response.mutable_publish_data_track_response()->mutable_info();
  info.set_pub_handle(request.pub_handle());
  info.set_sid(MakeSid("DTR_", environment_.random));
  info.set_name(request.name());
  info.set_encryption(request.encryption());
  if (request.has_frame_encoding()) {
    *info.mutable_frame_encoding() = request.frame_encoding();
  }
  if (request.has_schema()) {
    *info.mutable_schema() = request.schema();
  }
  auto& track = tracks_[static_cast<uint16_t>(request.pub_handle())];
  track = std::make_unique<PublishedDataTrack>(info);
  owner_.Send(response);
  owner_.OnDataTrackPublished(now, *track);
}

void PublishedDataTracks::End(Now now, uint16_t handle, bool tell) {
  const auto found = tracks_.find(handle);
  const std::unique_ptr<PublishedDataTrack> track = std::move(found->second);
  tracks_.erase(found);
  if (tell) {
    livekit::SignalResponse response;
    *response.mutable_unpublish_data_track_response()->mutable_info() = track->info();
    owner_.Send(response);
  }
  owner_.OnDataTrackUnpublished(now, *track);
}

void PublishedDataTracks::Unpublish(Now now, const livekit::UnpublishDataTrackRequest& request) {
  if (request.pub_handle() <= UINT16_MAX && tracks_.contains(static_cast<uint16_t>(request.pub_handle()))) {
    End(now, static_cast<uint16_t>(request.pub_handle()), /*tell=*/true);
    return;
  }
  livekit::SignalResponse response;
  response.mutable_request_response()->set_reason(Response::NOT_FOUND);
  response.mutable_request_response()->set_message("no data track has this handle");
  *response.mutable_request_response()->mutable_unpublish_data_track() = request;
  owner_.Send(response);
}

void PublishedDataTracks::UnpublishAll(Now now, bool tell) {
  while (!tracks_.empty()) {
    End(now, tracks_.begin()->first, tell);
  }
}

void PublishedDataTracks::OnPacket(Now now, ConstBytes packet) {
  const auto handle = codec::ReadDataTrackHandle(packet);
  if (!handle) {
    ++counters_.malformed;
    return;
  }
  const auto found = tracks_.find(*handle);
  if (found == tracks_.end()) {
    ++counters_.unknown_handle;
    return;
  }
  ++counters_.packets;
  found->second->Forward(now, packet);
}

PublishedDataTrack* PublishedDataTracks::Find(const TrackSid& sid) {
  for (const auto& [handle, track] : tracks_) {
    if (track->info().sid() == sid.value()) {
      return track.get();
    }
  }
  return nullptr;
}

std::vector<PublishedDataTrack*> PublishedDataTracks::All() const {
  std::vector<PublishedDataTrack*> all;
  for (const auto& [handle, track] : tracks_) {
    all.push_back(track.get());
  }
  return all;
}

// ---- The receiving side.

DataSubscription::DataSubscription(DataSubscriptions& owner, Participant& publisher,
                                   PublishedDataTrack& track, uint16_t handle)
    : owner_(owner), publisher_(publisher), track_(&track), handle_(handle) {
  track.Add(*this);
}

DataSubscription::~DataSubscription() {
  if (track_ != nullptr) {
    track_->Remove(*this);
  }
}

void DataSubscription::Forward(Now now, ConstBytes packet) {
  auto rewritten = std::make_shared<base::Buffer>(packet.begin(), packet.end());
  codec::WriteDataTrackHandle(*rewritten, handle_);
  ++(owner_.view_.SendDataTrackPacket(now, std::move(rewritten)) ? owner_.counters_.packets
                                                                 : owner_.counters_.dropped);
}

DataSubscriptions::DataSubscriptions(Environment& environment, View& view)
    : environment_(environment),
      view_(view),
      last_handle_(static_cast<uint16_t>(environment.random.Below(256))) {}

void DataSubscriptions::Want(const TrackSid& sid, bool wanted) {
  if (!wanted) {
    const auto found = wishes_.find(sid.value());
    if (found != wishes_.end()) {
      const bool was_active = found->second != nullptr;
      wishes_.erase(found);
      if (was_active) {
        SendHandles();
      }
    }
    return;
  }
  if (!wishes_.contains(sid.value()) && wishes_.size() >= environment_.settings.limits.max_subscriptions) {
    ++counters_.wishes_refused;
    return;
  }
  wishes_.try_emplace(sid.value());
  Reconcile(sid);
}

// Counts up, so that a handle is not soon used again for another track.
uint16_t DataSubscriptions::NextHandle() {
  const auto in_use = [this](uint16_t handle) {
    return std::any_of(wishes_.begin(), wishes_.end(), [&](const auto& entry) {
      return entry.second != nullptr && entry.second->handle() == handle;
    });
  };
  do {
    ++last_handle_;
  } while (last_handle_ == 0 || in_use(last_handle_));
  return last_handle_;
}

bool DataSubscriptions::Begin(const TrackSid& sid, std::unique_ptr<DataSubscription>& subscription) {
  const auto [publisher, track] = view_.FindDataTrack(sid);
  if (track == nullptr || !view_.CanSubscribe() || !view_.Allowed(*publisher, sid)) {
    return false;
  }
  if (subscription == nullptr) {
    subscription = std::make_unique<DataSubscription>(*this, *publisher, *track, NextHandle());
    SendHandles();
  }
  return true;
}

void DataSubscriptions::Reconcile(const TrackSid& sid) {
  const auto found = wishes_.find(sid.value());
  if (found == wishes_.end()) {
    return;
  }
  if (!Begin(sid, found->second) && std::exchange(found->second, nullptr)) {
    SendHandles();
  }
}

void DataSubscriptions::ReconcileAll() {
  std::vector<std::string> sids;
  for (const auto& [sid, subscription] : wishes_) {
    sids.push_back(sid);
  }
  for (const std::string& sid : sids) {
    Reconcile(TrackSid(sid));
  }
}

void DataSubscriptions::OnTrackGone(const TrackSid& sid) { Want(sid, false); }

void DataSubscriptions::Clear() { wishes_.clear(); }

void DataSubscriptions::SendHandles() {
  livekit::SignalResponse message;
  auto& handles = *message.mutable_data_track_subscriber_handles()->mutable_sub_handles();
  for (const auto& [sid, subscription] : wishes_) {
    if (subscription != nullptr) {
      Participant& publisher = subscription->publisher();
      auto& entry = handles[subscription->handle()];
      entry.set_publisher_identity(publisher.identity().value());
      entry.set_publisher_sid(publisher.sid().value());
      entry.set_track_sid(sid);
    }
  }
  view_.Send(message);
}

size_t DataSubscriptions::active() const {
  return static_cast<size_t>(std::count_if(wishes_.begin(), wishes_.end(),
                                           [](const auto& entry) { return entry.second != nullptr; }));
}

}  // namespace weir::rtc
