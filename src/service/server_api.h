// The whole server API below /twirp/: picks the service, and answers `bad_route` for what none of them has.
//
// The caller has verified the token (or found none: nullptr); a token that is not valid never gets here.
#pragma once

#include "service/agent_dispatch_service.h"
#include "service/room_service.h"
#include "service/unconnected_services.h"

namespace weir::service {

class ServerApi {
 public:
  ServerApi(RoomApi& rooms, AgentDispatchApi& dispatches, const RoomServiceConfig& config)
      : rooms_(rooms, config), dispatches_(dispatches, config.limits) {}

  // False, without touching `respond`, when the path is not below /twirp/.
  bool Handle(const front::HttpRequest& request, const auth::Claims* claims, const Respond& respond) const;

 private:
  RoomService rooms_;
  AgentDispatchService dispatches_;
  UnconnectedServices unconnected_;
};

}  // namespace weir::service
