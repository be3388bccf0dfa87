// Session keys from a master key: the AES-CM pseudo-random function of RFC 3711 section 4.3, with a key
// derivation rate of zero, and its 256-bit form of RFC 6188 for AEAD_AES_256_GCM (RFC 7714 section 11).
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "srtp/profile.h"

namespace weir::srtp {

struct SessionKeys {
  base::Buffer rtp_key;
  base::Buffer rtp_auth;  // Empty for GCM.
  base::Buffer rtp_salt;
  base::Buffer rtcp_key;
  base::Buffer rtcp_auth;
  base::Buffer rtcp_salt;
};

// The labels of RFC 3711 section 4.3.2.
enum class Label : uint8_t {
  kRtpEncryption = 0,
  kRtpAuthentication = 1,
  kRtpSalt = 2,
  kRtcpEncryption = 3,
  kRtcpAuthentication = 4,
  kRtcpSalt = 5,
};

// `key` has 16 or 32 bytes, `salt` at most 14 (shorter ones are extended by zeros at the end, as every
// implementation of RFC 7714 does). Fails for other sizes.
base::Result<base::Buffer> Derive(base::ConstBytes key, base::ConstBytes salt, Label label, size_t size);

base::Result<SessionKeys> DeriveSessionKeys(Profile profile, base::ConstBytes key, base::ConstBytes salt);

}  // namespace weir::srtp
