#include "service/agent_dispatch_service.h"

#include "auth/permissions.h"
#include "service/agent_worker.h"

namespace weir::service {

using base::Result;

AgentDispatchService::AgentDispatchService(AgentDispatchApi& api, const ApiLimits& limits)
    : twirp_("livekit.AgentDispatchService") {
  twirp_.Add<livekit::CreateAgentDispatchRequest, livekit::AgentDispatch>(
      "CreateDispatch",
      [limits](const auth::Claims* claims,
               const livekit::CreateAgentDispatchRequest& request) -> Result<void> {
        TRY(auth::CheckRoomAdmin(claims, request.room()));
        TRY(CheckRoomName(request.room(), limits));
        TRY(CheckMetadata(request.metadata(), limits));
        TRY(CheckDeployment(request.deployment()));
        return CheckAttributes(request.attributes(), limits);
      },
      [&api](livekit::CreateAgentDispatchRequest request, Done<livekit::AgentDispatch> done) {
        api.CreateDispatch(std::move(request), std::move(done));
      });
  twirp_.Add<livekit::DeleteAgentDispatchRequest, livekit::AgentDispatch>(
      "DeleteDispatch",
      [](const auth::Claims* claims, const livekit::DeleteAgentDispatchRequest& request) {
        return auth::CheckRoomAdmin(claims, request.room());
      },
      [&api](livekit::DeleteAgentDispatchRequest request, Done<livekit::AgentDispatch> done) {
        api.DeleteDispatch(std::move(request), std::move(done));
      });
  twirp_.Add<livekit::ListAgentDispatchRequest, livekit::ListAgentDispatchResponse>(
      "ListDispatch",
      [](const auth::Claims* claims, const livekit::ListAgentDispatchRequest& request) {
        return auth::CheckRoomAdmin(claims, request.room());
      },
      [&api](livekit::ListAgentDispatchRequest request, Done<livekit::ListAgentDispatchResponse> done) {
        api.ListDispatch(std::move(request), std::move(done));
      });
}

}  // namespace weir::service
