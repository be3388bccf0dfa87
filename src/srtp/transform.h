// What RTP and RTCP of both directions have in common: one session key of one profile, and the packet layouts
// of RFC 3711 (sections 3.1 and 3.4) and RFC 7714 (sections 8 and 9). Internal to this module.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "srtp/aes_cm.h"
#include "srtp/gcm.h"
#include "srtp/profile.h"

namespace weir::srtp {

constexpr size_t kRtpFixedHeader = 12;
constexpr size_t kRtcpFixedHeader = 8;

// The size of an RTP header with CSRCs and extension, or 0 when `packet` ends before it does.
size_t RtpHeaderSize(base::ConstBytes packet);

class Transform {
 public:
  static base::Result<Transform> Create(Profile profile, Gcm::Direction direction, base::ConstBytes key,
                                        base::ConstBytes auth, base::ConstBytes salt);

  size_t tag_size() const { return gcm_ ? Gcm::kTagSize : size_t{10}; }

  // `packet` starts with `header_size` clear bytes; `body` is encrypted to behind them (and may already be
  // there) and followed by the tag. `index` is roc << 16 | sequence.
  void SealRtp(uint8_t* packet, size_t header_size, base::ConstBytes body, uint64_t index);
  // Opens in place. `packet` includes the tag.
  [[nodiscard]] bool OpenRtp(base::MutableBytes packet, size_t header_size, uint64_t index);

  // `plain` is written to `out` encrypted, with tag and index word.
  void SealRtcp(base::ConstBytes plain, uint32_t index, uint8_t* out);
  // Opens in place. `packet` includes tag and index word; `index_word` is that word as it was received.
  [[nodiscard]] bool OpenRtcp(base::MutableBytes packet, uint32_t index_word);

 private:
  using Iv = std::array<uint8_t, 16>;

  Transform() = default;
  Iv MakeIv(uint32_t ssrc, uint64_t index) const;
  [[nodiscard]] bool OpenRtcpGcm(base::MutableBytes packet, uint32_t index_word);
  [[nodiscard]] bool OpenRtcpCm(base::MutableBytes packet, uint32_t index_word);

  std::optional<Gcm> gcm_;
  std::optional<AesCm> cm_;
  std::optional<HmacSha1> hmac_;
  uint64_t salt_high_ = 0;  // The salt as it lies in an Iv: left-aligned for CM, from byte 2 on for GCM.
  uint64_t salt_low_ = 0;
};

constexpr uint32_t kSrtcpEncrypted = 0x8000'0000;

}  // namespace weir::srtp
