#include "service/agent_token.h"

#include "auth/participant_permission.h"
#include "auth/token.h"

namespace weir::service {
namespace {

auth::VideoGrant Grant(const livekit::ParticipantPermission& permissions) {
  auth::VideoGrant grant;
  auth::ApplyPermission(permissions, grant);
  grant.room_join = true;
  grant.agent = true;
  grant.recorder = false;  // Not for a worker to ask.
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
