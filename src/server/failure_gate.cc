#include "server/failure_gate.h"

#include <string>

namespace weir::server {

std::optional<front::HttpResponse> FailureGate::Refuse(base::Timestamp now,
                                                       const front::HttpRequest& request) {
  if (limiter_.Allows(now, request.remote.ip)) {
    return std::nullopt;
  }
  const int64_t wait = limiter_.RetryAfter(now, request.remote.ip).micros();
  front::HttpResponse response{.status = 429, .body = "too many failed requests from this address"};
  response.headers.emplace_back("Retry-After", std::to_string((wait + 999'999) / 1'000'000));
  return response;
}

}  // namespace weir::server
