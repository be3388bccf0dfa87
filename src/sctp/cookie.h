// The state cookie of INIT ACK: what the answering side must remember, kept by the peer and sealed with an
// HMAC-SHA256 (RFC 9260 section 5.1.3).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/random.h"
#include "base/time.h"
#include "sctp/packet.h"

namespace weir::sctp {

struct Cookie {
  base::Timestamp made;
  uint32_t local_tag = 0;
  uint32_t peer_tag = 0;
  uint32_t local_initial_tsn = 0;
  uint32_t peer_initial_tsn = 0;
  uint32_t peer_window = 0;
  uint16_t outgoing_streams = 0;
  uint16_t incoming_streams = 0;
  Capabilities peer_capabilities;
  // Tags of the association that existed when the cookie was made; zero when there was none.
  uint32_t local_tie_tag = 0;
  uint32_t peer_tie_tag = 0;
  bool operator==(const Cookie&) const = default;
};

// Makes and opens cookies with a key of its own, so that one association refuses the cookies of another.
class CookieJar {
 public:
  explicit CookieJar(base::Random& random) { random.Fill(key_); }
  base::Buffer Seal(const Cookie& cookie) const;
  std::optional<Cookie> Open(base::ConstBytes sealed) const;  // Nothing when forged; age is the caller's.

 private:
  std::array<uint8_t, 32> key_;
};

}  // namespace weir::sctp
