#include "server/access.h"

namespace weir::server {

Access CheckAccess(const front::HttpRequest& request, const auth::KeyProvider& keys, base::WallTime now) {
  std::string token;
  if (const auto header = request.Find("Authorization"); header && !header->empty()) {
    const auto bearer = auth::BearerToken(*header);
    if (!bearer) {
      return {.refusal = front::HttpResponse{.status = 401, .body = bearer.error().message}};
    }
    token = *bearer;
  } else if (const auto parameter = request.QueryParameter("access_token")) {
    token = *parameter;
  }
  if (token.empty()) {
    return {};
  }
  auto claims = auth::VerifyToken(token, keys, now);
  if (!claims) {
    return {.refusal = front::HttpResponse{.status = 401, .body = claims.error().message}};
  }
  return {.claims = std::move(*claims)};
}

}  // namespace weir::server
