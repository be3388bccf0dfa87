// The token with which an agent joins the room of its job.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "proto/livekit_agent.pb.h"

namespace weir::service {

constexpr base::TimeDelta kAgentTokenLifetime = base::TimeDelta::Seconds(3600);
// The attribute that says which agent a participant is; SDKs and tools look for it.
constexpr std::string_view kAgentNameAttribute = "lk.agent_name";

struct AgentTokenRequest {
  std::string_view room;
  std::string_view agent_name;                        // As registered; may be empty.
  const livekit::AvailabilityResponse& participant;   // Identity (not empty), name, metadata, attributes.
  const livekit::ParticipantPermission& permissions;  // As registered.
};

// Kind agent, roomJoin for `room`, signed with the worker's own key.
std::string MakeAgentToken(const AgentTokenRequest& request, std::string_view key, std::string_view secret,
                           base::WallTime now);

}  // namespace weir::service
