#include "auth/participant_permission.h"

#include <string>

namespace weir::auth {
namespace {

livekit::TrackSource ToProto(const std::string& source) {
  switch (TrackSourceFromString(source).value_or(TrackSource::kUnknown)) {
    case TrackSource::kCamera:
      return livekit::CAMERA;
    case TrackSource::kMicrophone:
      return livekit::MICROPHONE;
    case TrackSource::kScreenShare:
      return livekit::SCREEN_SHARE;
    case TrackSource::kScreenShareAudio:
      return livekit::SCREEN_SHARE_AUDIO;
    case TrackSource::kUnknown:
      break;
  }
  return livekit::UNKNOWN;
}

TrackSource FromProto(int source) {
  switch (source) {
    case livekit::CAMERA:
      return TrackSource::kCamera;
    case livekit::MICROPHONE:
      return TrackSource::kMicrophone;
    case livekit::SCREEN_SHARE:
      return TrackSource::kScreenShare;
    case livekit::SCREEN_SHARE_AUDIO:
      return TrackSource::kScreenShareAudio;
    default:
      return TrackSource::kUnknown;
  }
}

}  // namespace

livekit::ParticipantPermission PermissionFromGrant(const VideoGrant& grant) {
  livekit::ParticipantPermission permission;
  permission.set_can_subscribe(grant.CanSubscribe());
  permission.set_can_publish(grant.CanPublish());
  permission.set_can_publish_data(grant.CanPublishData());
  permission.set_hidden(grant.hidden);
  permission.set_recorder(grant.recorder);
  permission.set_agent(grant.agent);
  permission.set_can_update_metadata(grant.CanUpdateOwnMetadata());
  permission.set_can_subscribe_metrics(grant.CanSubscribeMetrics());
  permission.set_can_manage_agent_session(grant.CanManageAgentSession());
  for (const std::string& source : grant.can_publish_sources) {
    permission.add_can_publish_sources(ToProto(source));
  }
  return permission;
}

void ApplyPermission(const livekit::ParticipantPermission& permission, VideoGrant& grant) {
  grant.can_subscribe = permission.can_subscribe();
  grant.can_publish = permission.can_publish();
  grant.can_publish_data = permission.can_publish_data();
  grant.can_update_own_metadata = permission.can_update_metadata();
  grant.can_subscribe_metrics = permission.can_subscribe_metrics();
  grant.can_manage_agent_session = permission.can_manage_agent_session();
  grant.hidden = permission.hidden();
  grant.recorder = permission.recorder();
  grant.agent = permission.agent();
  grant.can_publish_sources.clear();
  for (const int source : permission.can_publish_sources()) {
    grant.can_publish_sources.emplace_back(ToString(FromProto(source)));
  }
}

}  // namespace weir::auth
