// Who is asking: the token of an HTTP request, checked.
#pragma once

#include <optional>

#include "auth/token.h"
#include "base/time.h"
#include "front/http.h"

namespace weir::server {

struct Access {
  std::optional<auth::Claims> claims;          // Absent: no token came, which is for the handler to refuse.
  std::optional<front::HttpResponse> refusal;  // A token came and is not good: this is the answer.
};

// Authorization header first, then the query's access_token (browsers cannot set headers on a WebSocket).
Access CheckAccess(const front::HttpRequest& request, const auth::KeyProvider& keys, base::WallTime now);

}  // namespace weir::server
