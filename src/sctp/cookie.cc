#include "sctp/cookie.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace weir::sctp {
namespace {

constexpr size_t kBodySize = 8 + 7 * 4 + 2 * 2 + 1;
constexpr size_t kMacSize = 32;

std::array<uint8_t, kMacSize> Mac(base::ConstBytes key, base::ConstBytes body) {
  std::array<uint8_t, kMacSize> mac{};
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), body.data(), body.size(), mac.data(),
           &size) == nullptr) {
    // Cannot fail with SHA-256 present; a MAC that matches nothing is the safe answer if it does.
    OPENSSL_cleanse(mac.data(), mac.size());
  }
  return mac;
}

}  // namespace

base::Buffer CookieJar::Seal(const Cookie& cookie) const {
  base::Buffer bytes(kBodySize + kMacSize);
  base::ByteWriter writer(bytes);
  writer.WriteU64(static_cast<uint64_t>(cookie.made.micros()));
  for (const uint32_t field :
       {cookie.local_tag, cookie.peer_tag, cookie.local_initial_tsn, cookie.peer_initial_tsn,
        cookie.peer_window, cookie.local_tie_tag, cookie.peer_tie_tag}) {
    writer.WriteU32(field);
  }
  writer.WriteU16(cookie.outgoing_streams);
  writer.WriteU16(cookie.incoming_streams);
  writer.WriteU8(static_cast<uint8_t>((cookie.peer_capabilities.forward_tsn ? 1 : 0) |
                                      (cookie.peer_capabilities.reconfig ? 2 : 0)));
  writer.WriteBytes(Mac(key_, writer.written()));
  return bytes;
}

std::optional<Cookie> CookieJar::Open(base::ConstBytes sealed) const {
  if (sealed.size() != kBodySize + kMacSize) {
    return std::nullopt;
  }
  const auto expected = Mac(key_, sealed.first(kBodySize));
  if (CRYPTO_memcmp(expected.data(), sealed.data() + kBodySize, kMacSize) != 0) {
    return std::nullopt;
  }
  base::ByteReader reader(sealed);
  Cookie cookie;
  cookie.made = base::Timestamp::Micros(static_cast<int64_t>(reader.ReadU64()));
  for (uint32_t* field :
       {&cookie.local_tag, &cookie.peer_tag, &cookie.local_initial_tsn, &cookie.peer_initial_tsn,
        &cookie.peer_window, &cookie.local_tie_tag, &cookie.peer_tie_tag}) {
    *field = reader.ReadU32();
  }
  cookie.outgoing_streams = reader.ReadU16();
  cookie.incoming_streams = reader.ReadU16();
  const uint8_t capabilities = reader.ReadU8();
  cookie.peer_capabilities = {(capabilities & 1) != 0, (capabilities & 2) != 0};
  return cookie;
}

}  // namespace weir::sctp
