// The identity that a process shows in DTLS: an ECDSA P-256 key and a self-signed certificate.
//
// Creation costs about 0.3 ms, so a process makes one and shares it. A Certificate is a cheap handle on state
// that never changes after Generate: copies may be used from any number of threads at once. The handle also
// owns the SSL_CTX that its transports are made from, so that is shared in the same way (OpenSSL allows
// SSL_new from several threads as long as nobody changes the context; session cache and tickets are off, so
// nothing does). Key and serial come from OpenSSL's generator, not from base::Random: a private key has no
// business in a replayable source.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"

struct ssl_ctx_st;

namespace weir::dtls {

class Certificate {
 public:
  // Valid from a day before `now` (clocks differ) until 30 days after. Fails only when OpenSSL does.
  static base::Result<Certificate> Generate(base::WallTime now);

  // SHA-256 of the DER form as SDP writes it (RFC 8122 section 5): "AB:CD:...", upper case.
  const std::string& fingerprint() const;

  // For Transport.
  ssl_ctx_st* context() const;

 private:
  struct Identity;
  explicit Certificate(std::shared_ptr<const Identity> identity) : identity_(std::move(identity)) {}

  std::shared_ptr<const Identity> identity_;
};

}  // namespace weir::dtls
