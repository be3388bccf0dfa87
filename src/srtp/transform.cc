#include "srtp/transform.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace weir::srtp {
namespace {

constexpr size_t kCmTag = 10;
// Where the 12-byte GCM nonce lies in an Iv. Both forms place SSRC and index alike (RFC 3711 section 4.1.1,
// RFC 7714 sections 8.1 and 9.1), so one computation serves both.
constexpr size_t kNonceOffset = 2;

void StoreU64(uint8_t* p, uint64_t value) {
  static_assert(std::endian::native == std::endian::little);
  value = std::byteswap(value);
  std::memcpy(p, &value, sizeof(value));
}

std::array<uint8_t, 4> Word(uint32_t value) {
  std::array<uint8_t, 4> bytes;
  base::StoreU32(bytes.data(), value);
  return bytes;
}

}  // namespace

size_t RtpHeaderSize(base::ConstBytes packet) {
  if (packet.size() < kRtpFixedHeader) {
    return 0;
  }
  size_t size = kRtpFixedHeader + size_t{4} * (packet[0] & 0x0f);
  if ((packet[0] & 0x10) != 0) {
    if (packet.size() < size + 4) {
      return 0;
    }
    size += 4 + size_t{4} * base::LoadU16(packet.data() + size + 2);
  }
  return size <= packet.size() ? size : 0;
}

base::Result<Transform> Transform::Create(Profile profile, Gcm::Direction direction, base::ConstBytes key,
                                          base::ConstBytes auth, base::ConstBytes salt) {
  if (!IsKnown(profile) || key.size() != KeySize(profile) || salt.size() != SaltSize(profile)) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "wrong size of an SRTP session key or salt");
  }
  Transform transform;
  Iv iv{};
  if (IsGcm(profile)) {
    transform.gcm_ = TRY(Gcm::Create(direction, key));
    std::ranges::copy(salt, iv.begin() + kNonceOffset);
  } else {
    if (auth.size() != kSha1KeySize) {
      return base::Fail(base::ErrorCode::kInvalidArgument, "wrong size of an SRTP authentication key");
    }
    transform.cm_ = TRY(AesCm::Create(key));
    transform.hmac_.emplace(auth);
    std::ranges::copy(salt, iv.begin());
  }
  for (size_t i = 0; i < 8; ++i) {
    transform.salt_high_ = transform.salt_high_ << 8 | iv[i];
    transform.salt_low_ = transform.salt_low_ << 8 | iv[8 + i];
  }
  return transform;
}

Transform::Iv Transform::MakeIv(uint32_t ssrc, uint64_t index) const {
  Iv iv;
  StoreU64(iv.data(), salt_high_ ^ ssrc);
  StoreU64(iv.data() + 8, salt_low_ ^ index << 16);
  return iv;
}

void Transform::SealRtp(uint8_t* packet, size_t header_size, base::ConstBytes body, uint64_t index) {
  const Iv iv = MakeIv(base::LoadU32(packet + 8), index);
  if (gcm_) {
    gcm_->Seal(iv.data() + kNonceOffset, {packet, header_size}, body, packet + header_size);
    return;
  }
  cm_->Crypt(iv.data(), body, packet + header_size);
  const size_t sealed = header_size + body.size();
  const HmacSha1::Digest digest = hmac_->Tag({packet, sealed}, Word(static_cast<uint32_t>(index >> 16)));
  std::memcpy(packet + sealed, digest.data(), kCmTag);
}

bool Transform::OpenRtp(base::MutableBytes packet, size_t header_size, uint64_t index) {
  const Iv iv = MakeIv(base::LoadU32(packet.data() + 8), index);
  const size_t sealed = packet.size() - tag_size();
  const base::MutableBytes body = packet.subspan(header_size, sealed - header_size);
  const uint8_t* tag = packet.data() + sealed;
  if (gcm_) {
    return gcm_->Open(iv.data() + kNonceOffset, packet.first(header_size), body, tag);
  }
  const HmacSha1::Digest digest = hmac_->Tag(packet.first(sealed), Word(static_cast<uint32_t>(index >> 16)));
  if (CRYPTO_memcmp(digest.data(), tag, kCmTag) != 0) {
    return false;
  }
  cm_->Crypt(iv.data(), body, body.data());
  return true;
}

void Transform::SealRtcp(base::ConstBytes plain, uint32_t index, uint8_t* out) {
  const Iv iv = MakeIv(base::LoadU32(plain.data() + 4), index);
  const std::array<uint8_t, 4> index_word = Word(index | kSrtcpEncrypted);
  const base::ConstBytes body = plain.subspan(kRtcpFixedHeader);
  std::memcpy(out, plain.data(), kRtcpFixedHeader);
  if (gcm_) {
    std::array<uint8_t, kRtcpFixedHeader + kSrtcpIndexSize> aad;
    std::copy_n(plain.data(), kRtcpFixedHeader, aad.data());
    std::ranges::copy(index_word, aad.data() + kRtcpFixedHeader);
    gcm_->Seal(iv.data() + kNonceOffset, aad, body, out + kRtcpFixedHeader);
    std::ranges::copy(index_word, out + plain.size() + Gcm::kTagSize);
    return;
  }
  cm_->Crypt(iv.data(), body, out + kRtcpFixedHeader);
  std::ranges::copy(index_word, out + plain.size());
  const size_t sealed = plain.size() + kSrtcpIndexSize;
  const HmacSha1::Digest digest = hmac_->Tag({out, sealed}, {});
  std::memcpy(out + sealed, digest.data(), kCmTag);
}

bool Transform::OpenRtcp(base::MutableBytes packet, uint32_t index_word) {
  return gcm_ ? OpenRtcpGcm(packet, index_word) : OpenRtcpCm(packet, index_word);
}

bool Transform::OpenRtcpGcm(base::MutableBytes packet, uint32_t index_word) {
  const Iv iv = MakeIv(base::LoadU32(packet.data() + 4), index_word & ~kSrtcpEncrypted);
  const size_t plain_size = packet.size() - Gcm::kTagSize - kSrtcpIndexSize;
  uint8_t* tag = packet.data() + plain_size;
  const std::array<uint8_t, 4> word = Word(index_word);
  if ((index_word & kSrtcpEncrypted) != 0) {
    std::array<uint8_t, kRtcpFixedHeader + kSrtcpIndexSize> aad;
    std::copy_n(packet.data(), kRtcpFixedHeader, aad.data());
    std::ranges::copy(word, aad.data() + kRtcpFixedHeader);
    return gcm_->Open(iv.data() + kNonceOffset, aad,
                      packet.subspan(kRtcpFixedHeader, plain_size - kRtcpFixedHeader), tag);
  }
  // Not encrypted: the whole packet and the index word are associated data (RFC 7714 section 9.3), which must
  // lie in one piece. The tag stands between them, so it makes room.
  std::array<uint8_t, Gcm::kTagSize> received;
  std::copy_n(tag, received.size(), received.data());
  std::ranges::copy(word, tag);
  return gcm_->Open(iv.data() + kNonceOffset, packet.first(plain_size + kSrtcpIndexSize), {},
                    received.data());
}

bool Transform::OpenRtcpCm(base::MutableBytes packet, uint32_t index_word) {
  const size_t sealed = packet.size() - kCmTag;
  const HmacSha1::Digest digest = hmac_->Tag(packet.first(sealed), {});
  if (CRYPTO_memcmp(digest.data(), packet.data() + sealed, kCmTag) != 0) {
    return false;
  }
  if ((index_word & kSrtcpEncrypted) != 0) {
    const Iv iv = MakeIv(base::LoadU32(packet.data() + 4), index_word & ~kSrtcpEncrypted);
    const base::MutableBytes body =
        packet.subspan(kRtcpFixedHeader, sealed - kSrtcpIndexSize - kRtcpFixedHeader);
    cm_->Crypt(iv.data(), body, body.data());
  }
  return true;
}

}  // namespace weir::srtp
