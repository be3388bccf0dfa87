#include "service/agent_token.h"

#include "auth/token.h"

namespace weir::service {
namespace {

auth::TrackSource ToTokenSource(int source) {
  switch (source) {
    case livekit::CAMERA:
      return auth::TrackSource::kCamera;
    case livekit::MICROPHONE:
      return auth::TrackSource::kMicrophone;
    case livekit::SCREEN_SHARE:
      return auth::TrackSource::kScreenShare;
    case livekit::SCREEN_SHARE_AUDIO:
      return auth::TrackSource::kScreenShareAudio;
    default:
      return auth::TrackSource::kUnknown;
  }
}

auth::VideoGrant Grant(const livekit::ParticipantPermission& permissions) {
  auth::VideoGrant grant;
  grant.room_join = true;
  grant.agent = true;
  grant.can_subscribe = permissions.can_subscribe();
  grant.can_publish = permissions.can_publish();
  grant.can_publish_data = permissions.can_publish_data();
  grant.can_update_own_metadata = permissions.can_update_metadata();
  grant.hidden = permissions.hidden();
  if (permissions.can_subscribe_metrics()) {
    grant.can_subscribe_metrics = true;
  }
  for (const int source : permissions.can_publish_sources()) {
    grant.can_publish_sources.emplace_back(auth::ToString(ToTokenSource(source)));
  }
  return grant;
}

}  // namespace

std::string MakeAgentToken(const AgentTokenRequest& request, std::string_view key, std::string_view secret,
                           base::WallTime now) {
  auth::Claims claims;
  claims.kind = "agent";
  claims.identity = request.participant.participant_identity();
  claims.name = request.participant.participant_name();
  claims.metadata = request.participant.participant_metadata();
  claims.attributes = {request.participant.participant_attributes().begin(),
                       request.participant.participant_attributes().end()};
  claims.attributes[std::string(kAgentNameAttribute)] = request.agent_name;
  claims.video = Grant(request.permissions);
  claims.video->room = request.room;
  return auth::SignToken(claims, key, secret, now, base::WallTime{now.micros + kAgentTokenLifetime.micros()});
}

}  // namespace weir::service
