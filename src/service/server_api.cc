#include "service/server_api.h"

namespace weir::service {

bool ServerApi::Handle(const front::HttpRequest& request, const auth::Claims* claims,
                       const Respond& respond) const {
  if (!IsTwirpPath(request.path)) {
    return false;
  }
  if (!rooms_.Handle(request, claims, respond) && !dispatches_.Handle(request, claims, respond) &&
      !unconnected_.Handle(request, claims, respond)) {
    respond(BadRoute(request, "no handler for path " + request.path));
  }
  return true;
}

}  // namespace weir::service
