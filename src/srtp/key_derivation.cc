#include "srtp/key_derivation.h"

#include <algorithm>
#include <array>

#include "srtp/aes_cm.h"

namespace weir::srtp {

base::Result<base::Buffer> Derive(base::ConstBytes key, base::ConstBytes salt, Label label, size_t size) {
  constexpr size_t kSaltField = 14;
  if (salt.size() > kSaltField) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "an SRTP master salt has at most 14 bytes");
  }
  AesCm cm = TRY(AesCm::Create(key));
  // x = label << 48 xor salt; the counter block is x << 16 (RFC 3711 sections 4.3.1 and 4.3.3).
  std::array<uint8_t, 16> block{};
  std::ranges::copy(salt, block.begin());
  block[7] ^= static_cast<uint8_t>(label);
  base::Buffer out(size, 0);
  cm.Crypt(block.data(), out, out.data());
  return out;
}

base::Result<SessionKeys> DeriveSessionKeys(Profile profile, base::ConstBytes key, base::ConstBytes salt) {
  if (!IsKnown(profile)) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "unknown SRTP profile");
  }
  if (key.size() != KeySize(profile) || salt.size() != SaltSize(profile)) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "wrong size of an SRTP master key or salt");
  }
  SessionKeys keys;
  keys.rtp_key = TRY(Derive(key, salt, Label::kRtpEncryption, key.size()));
  keys.rtp_salt = TRY(Derive(key, salt, Label::kRtpSalt, salt.size()));
  keys.rtcp_key = TRY(Derive(key, salt, Label::kRtcpEncryption, key.size()));
  keys.rtcp_salt = TRY(Derive(key, salt, Label::kRtcpSalt, salt.size()));
  if (!IsGcm(profile)) {
    keys.rtp_auth = TRY(Derive(key, salt, Label::kRtpAuthentication, kSha1KeySize));
    keys.rtcp_auth = TRY(Derive(key, salt, Label::kRtcpAuthentication, kSha1KeySize));
  }
  return keys;
}

}  // namespace weir::srtp
