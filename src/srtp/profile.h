// The protection profiles that weir speaks and their sizes (RFC 3711 section 8.2, RFC 7714 section 12).
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::srtp {

// The numbers are those of use_srtp, equal to dtls::SrtpProfile.
enum class Profile : uint16_t { kAes128CmSha1_80 = 1, kAeadAes128Gcm = 7, kAeadAes256Gcm = 8 };

constexpr bool IsKnown(Profile profile) {
  return profile == Profile::kAes128CmSha1_80 || profile == Profile::kAeadAes128Gcm ||
         profile == Profile::kAeadAes256Gcm;
}
constexpr bool IsGcm(Profile profile) { return profile != Profile::kAes128CmSha1_80; }
constexpr size_t KeySize(Profile profile) { return profile == Profile::kAeadAes256Gcm ? 32 : 16; }
constexpr size_t SaltSize(Profile profile) { return IsGcm(profile) ? 12 : 14; }
constexpr size_t TagSize(Profile profile) { return IsGcm(profile) ? 16 : 10; }
constexpr size_t kSrtcpIndexSize = 4;  // The E bit and the 31-bit index, on every SRTCP packet.
constexpr size_t kSha1KeySize = 20;

}  // namespace weir::srtp
