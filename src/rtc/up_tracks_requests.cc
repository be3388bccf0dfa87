// The requests of a participant about its own tracks (signal.md 8.1, 8.2 in LiveKit's words).

#include <algorithm>
#include <set>
#include <utility>

#include "rtc/up_tracks.h"

namespace weir::rtc {
namespace {

using base::Now;

constexpr size_t kMaxQueuedPerCid = 3;

std::string TrackPrefix(livekit::TrackType type, livekit::TrackSource source) {
  std::string prefix = type == livekit::VIDEO ? "TR_V" : "TR_A";
  switch (source) {
    case livekit::CAMERA:
      return prefix + "C";
    case livekit::MICROPHONE:
      return prefix + "M";
    case livekit::SCREEN_SHARE:
      return prefix + "S";
    case livekit::SCREEN_SHARE_AUDIO:
      return prefix + "s";
    default:
      return prefix;
  }
}

std::string StreamOf(const livekit::AddTrackRequest& request) {
  if (!request.stream().empty()) {
    return request.stream();
  }
  switch (request.source()) {
    case livekit::CAMERA:
    case livekit::MICROPHONE:
      return "camera";
    case livekit::SCREEN_SHARE:
    case livekit::SCREEN_SHARE_AUDIO:
      return "screen";
    default:
      return "unknown";
  }
}

// The older flags and the newer feature list say the same; both are filled in.
void SetAudioFeatures(const livekit::AddTrackRequest& request, livekit::TrackInfo& info) {
  std::set<int> features(request.audio_features().begin(), request.audio_features().end());
  if (request.stereo()) {
    features.insert(livekit::TF_STEREO);
  }
  if (request.disable_dtx()) {
    features.insert(livekit::TF_NO_DTX);
  }
  for (const int feature : features) {
    info.add_audio_features(static_cast<livekit::AudioTrackFeature>(feature));
  }
  info.set_stereo(features.contains(livekit::TF_STEREO));
  info.set_disable_dtx(features.contains(livekit::TF_NO_DTX));
}

template <typename Layers>
void SortLayers(Layers* layers) {
  std::stable_sort(layers->begin(), layers->end(),
                   [](const auto& a, const auto& b) { return a.quality() < b.quality(); });
}

// Still without the request that it answers.
livekit::SignalResponse NotFound(const std::string& sid) {
  livekit::SignalResponse response;
  response.mutable_request_response()->set_reason(livekit::RequestResponse::NOT_FOUND);
  response.mutable_request_response()->set_message("track " + sid + " is not published");
  return response;
}

bool IsSvc(codec::Codec codec) { return codec == codec::Codec::kVp9 || codec == codec::Codec::kAv1; }

}  // namespace

// ---- AddTrack.

void UpTracks::Refuse(const livekit::AddTrackRequest& request, livekit::RequestResponse::Reason reason,
                      const std::string& message) {
  livekit::SignalResponse response;
  livekit::RequestResponse& refusal = *response.mutable_request_response();
  refusal.set_reason(reason);
  refusal.set_message(message);
  *refusal.mutable_add_track() = request;
  owner_.Send(response);
}

void UpTracks::SendPublished(const std::string& cid, const livekit::TrackInfo& info) {
  livekit::SignalResponse response;
  response.mutable_track_published()->set_cid(cid);
  *response.mutable_track_published()->mutable_track() = info;
  owner_.Send(response);
}

bool UpTracks::CidInUse(const std::string& cid) const {
  const bool pending = std::any_of(pending_.begin(), pending_.end(),
                                   [&](const Pending& entry) { return entry.request.cid() == cid; });
  return pending || std::any_of(published_.begin(), published_.end(), [&](const auto& entry) {
           const auto& codecs = entry.second->info().codecs();
           return std::any_of(codecs.begin(), codecs.end(),
                              [&](const auto& codec) { return codec.cid() == cid; });
         });
}

void UpTracks::AddTrack(Now now, const livekit::AddTrackRequest& request) {
  using Response = livekit::RequestResponse;
  if (!owner_.MayPublish(request.source())) {
    Refuse(request, Response::NOT_ALLOWED, "does not have permission to publish this source");
    return;
  }
  if (request.type() != livekit::AUDIO && request.type() != livekit::VIDEO) {
    Refuse(request, Response::UNSUPPORTED_TYPE, "track type is neither audio nor video");
    return;
  }
  if (!request.sid().empty()) {
    if (livekit::TrackInfo* info = FindInfo(request.sid())) {
      NoteBackup(request, *info);
      SendPublished(request.cid(), *info);
      MatchWaiting(now);
    } else {
      Refuse(request, Response::NOT_FOUND, "track " + request.sid() + " is not published");
    }
    return;
  }
  const rtc::Limits& limits = environment_.settings.limits;
  if (pending_.size() >= limits.max_pending_tracks ||
      pending_.size() + published_.size() >= limits.max_tracks_per_participant) {
    Refuse(request, Response::LIMIT_EXCEEDED, "too many tracks");
    return;
  }
  if (request.name().size() > limits.max_name_length || request.cid().size() > limits.max_name_length ||
      request.stream().size() > limits.max_name_length) {
    Refuse(request, Response::LIMIT_EXCEEDED, "track name, cid or stream is too long");
    return;
  }
  if (CidInUse(request.cid())) {
    const auto same =
        std::count_if(queued_.begin(), queued_.end(),
                      [&](const livekit::AddTrackRequest& other) { return other.cid() == request.cid(); });
    const bool full =
        static_cast<size_t>(same) >= kMaxQueuedPerCid || queued_.size() >= limits.max_pending_tracks;
    Refuse(request, full ? Response::LIMIT_EXCEEDED : Response::QUEUED,
           full ? "too many tracks of this cid" : "");
    if (!full) {
      queued_.push_back(request);
    }
    return;
  }
  Pending pending{request, MakeInfo(request), ""};
  SendPublished(request.cid(), pending.info);
  pending_.push_back(std::move(pending));
  MatchWaiting(now);
}

// A further codec of a track that is known: the id and layers of the sender that will carry it.
void UpTracks::NoteBackup(const livekit::AddTrackRequest& request, livekit::TrackInfo& info) const {
  for (const livekit::SimulcastCodec& wanted : request.simulcast_codecs()) {
    const codec::Codec codec = codec::CodecFromMime(wanted.codec());
    for (int i = 1; i < info.codecs_size(); ++i) {
      livekit::SimulcastCodecInfo& entry = *info.mutable_codecs(i);
      if (codec != codec::Codec::kUnknown && codec::CodecFromMime(entry.mime_type()) == codec) {
        entry.set_cid(wanted.cid());
        *entry.mutable_layers() = wanted.layers().empty() ? request.layers() : wanted.layers();
        SortLayers(entry.mutable_layers());
      }
    }
  }
}

livekit::TrackInfo UpTracks::MakeInfo(const livekit::AddTrackRequest& request) {
  livekit::TrackInfo info;
  info.set_sid(MakeSid(TrackPrefix(request.type(), request.source()), environment_.random));
  info.set_type(request.type());
  info.set_name(request.name());
  info.set_width(request.width());
  info.set_height(request.height());
  info.set_muted(request.muted());
  info.set_source(request.source());
  info.set_disable_red(request.disable_red());
  info.set_encryption(request.encryption());
  info.set_stream(StreamOf(request));
  *info.mutable_packet_trailer_features() = request.packet_trailer_features();
  *info.mutable_layers() = request.layers();
  SortLayers(info.mutable_layers());
  SetAudioFeatures(request, info);
  const bool regression = request.backup_codec_policy() == livekit::REGRESSION;
  info.set_backup_codec_policy(
      request.type() == livekit::AUDIO && !regression ? livekit::SIMULCAST : request.backup_codec_policy());
  AddCodecs(request, info);
  const codec::Codec primary = codec::CodecFromMime(info.codecs(0).mime_type());
  info.set_simulcast(request.type() == livekit::VIDEO && !IsSvc(primary) && info.layers_size() > 1);
  return info;
}

void UpTracks::AddCodecs(const livekit::AddTrackRequest& request, livekit::TrackInfo& info) const {
  const bool audio = request.type() == livekit::AUDIO;
  std::set<codec::Codec> seen;
  for (const livekit::SimulcastCodec& wanted : request.simulcast_codecs()) {
    codec::Codec codec = codec::CodecFromMime(wanted.codec());
    if (codec == codec::Codec::kUnknown || codec::IsVideo(codec) == audio || !engine_.Enabled(codec)) {
      codec = engine_.FirstEnabled(audio);  // The client reads back what it gets instead.
    }
    if (wanted.codec().empty() || !seen.insert(codec).second) {
      continue;
    }
    livekit::SimulcastCodecInfo& entry = *info.add_codecs();
    entry.set_mime_type(std::string(codec::MimeType(codec)));
    entry.set_cid(wanted.cid());
    *entry.mutable_layers() = wanted.layers().empty() ? request.layers() : wanted.layers();
    SortLayers(entry.mutable_layers());
    const auto by_codec = IsSvc(codec) ? livekit::VideoLayer::MULTIPLE_SPATIAL_LAYERS_PER_STREAM
                                       : livekit::VideoLayer::ONE_SPATIAL_LAYER_PER_STREAM;
    entry.set_video_layer_mode(
        wanted.video_layer_mode() == livekit::VideoLayer::MODE_UNUSED ? by_codec : wanted.video_layer_mode());
  }
  if (info.codecs().empty()) {
    livekit::SimulcastCodecInfo& entry = *info.add_codecs();
    entry.set_cid(request.cid());
    *entry.mutable_layers() = info.layers();
    entry.set_video_layer_mode(livekit::VideoLayer::ONE_SPATIAL_LAYER_PER_STREAM);
  }
}

// ---- Changes.

void UpTracks::SendSubscribedQuality(const livekit::SubscribedQualityUpdate& update) {
  livekit::SignalResponse response;
  *response.mutable_subscribed_quality_update() = update;
  owner_.Send(response);
}

void UpTracks::OnResume(Now now) {
  for (const auto& [mid, track] : published_) {
    if (Dynacast* dynacast = track->dynacast()) {
      dynacast->Repeat(now.mono);
    }
  }
}

void UpTracks::Mute(Now now, const livekit::MuteTrackRequest& request) {
  if (PublishedTrack* track = Find(TrackSid(request.sid()))) {
    if (track->muted() != request.muted()) {
      track->SetMuted(now, request.muted());
      owner_.OnTrackChanged(now, *track);
    }
  } else if (livekit::TrackInfo* info = FindInfo(request.sid())) {
    info->set_muted(request.muted());
  } else {
    livekit::SignalResponse response = NotFound(request.sid());
    *response.mutable_request_response()->mutable_mute() = request;
    owner_.Send(response);
  }
}

void UpTracks::UpdateAudio(Now now, const livekit::UpdateLocalAudioTrack& request) {
  livekit::TrackInfo* info = FindInfo(request.track_sid());
  if (info == nullptr) {
    livekit::SignalResponse response = NotFound(request.track_sid());
    *response.mutable_request_response()->mutable_update_audio_track() = request;
    owner_.Send(response);
    return;
  }
  *info->mutable_audio_features() = request.features();
  const auto has = [&](int feature) {
    return std::find(request.features().begin(), request.features().end(), feature) !=
           request.features().end();
  };
  info->set_stereo(has(livekit::TF_STEREO));
  info->set_disable_dtx(has(livekit::TF_NO_DTX));
  if (PublishedTrack* track = Find(TrackSid(request.track_sid()))) {
    owner_.OnTrackChanged(now, *track);
  }
}

void UpTracks::UpdateVideo(Now now, const livekit::UpdateLocalVideoTrack& request) {
  livekit::TrackInfo* info = FindInfo(request.track_sid());
  if (info == nullptr) {
    livekit::SignalResponse response = NotFound(request.track_sid());
    *response.mutable_request_response()->mutable_update_video_track() = request;
    owner_.Send(response);
    return;
  }
  info->set_width(request.width());
  info->set_height(request.height());
  if (PublishedTrack* track = Find(TrackSid(request.track_sid()))) {
    owner_.OnTrackChanged(now, *track);
  }
}

}  // namespace weir::rtc
