// Slows down whoever tries tokens: past a number of failed requests an address is answered 429, before its
// next token is looked at.
//
// What succeeds counts for nothing, so an address that many people share is only slowed down when somebody
// behind it fails often. Front thread only.
#pragma once

#include <optional>

#include "front/http.h"
#include "net/rate_limiter.h"

namespace weir::server {

class FailureGate {
 public:
  FailureGate(const net::RateLimiter::Config& config, uint64_t seed) : limiter_(config, seed) {}

  // The answer, with Retry-After, when the request's address has failed too often.
  std::optional<front::HttpResponse> Refuse(base::Timestamp now, const front::HttpRequest& request);
  void OnFailure(base::Timestamp now, const net::IpAddress& ip) { limiter_.Charge(now, ip); }

  const net::RateLimiter::Counters& counters() const { return limiter_.counters(); }

 private:
  net::RateLimiter limiter_;
};

}  // namespace weir::server
