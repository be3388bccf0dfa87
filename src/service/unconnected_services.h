// livekit.Egress, livekit.Ingress and livekit.SIP where no such service is connected: requests are decoded
// and their grants checked, so that a caller learns of its own mistakes first; then the answer is `internal`
// "egress not connected (redis required)" and likewise.
#pragma once

#include <array>

#include "service/twirp.h"

namespace weir::service {

class UnconnectedServices {
 public:
  UnconnectedServices();

  bool Handle(const front::HttpRequest& request, const auth::Claims* claims, const Respond& respond) const;

 private:
  std::array<TwirpService, 3> services_;
};

}  // namespace weir::service
