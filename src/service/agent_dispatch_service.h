// livekit.AgentDispatchService: asking for an agent in a room.
#pragma once

#include "proto/livekit_agent_dispatch.pb.h"
#include "service/limits.h"
#include "service/twirp.h"

namespace weir::service {

// As RoomApi: `done` once, from any thread. An unknown id is kNotFound "dispatch ID not found".
class AgentDispatchApi {
 public:
  virtual ~AgentDispatchApi() = default;
  // The room may not exist yet.
  virtual void CreateDispatch(livekit::CreateAgentDispatchRequest request,
                              Done<livekit::AgentDispatch> done) = 0;
  virtual void DeleteDispatch(livekit::DeleteAgentDispatchRequest request,
                              Done<livekit::AgentDispatch> done) = 0;
  // With an empty dispatch_id every dispatch of the room.
  virtual void ListDispatch(livekit::ListAgentDispatchRequest request,
                            Done<livekit::ListAgentDispatchResponse> done) = 0;
};

class AgentDispatchService {
 public:
  // `api` outlives the service. Every method needs roomAdmin for the room.
  AgentDispatchService(AgentDispatchApi& api, const ApiLimits& limits);

  bool Handle(const front::HttpRequest& request, const auth::Claims* claims, const Respond& respond) const {
    return twirp_.Handle(request, claims, respond);
  }

 private:
  TwirpService twirp_;
};

}  // namespace weir::service
