// The pieces of the profile AES_CM_128_HMAC_SHA1_80: AES in counter mode and HMAC-SHA1 (RFC 3711
// sections 4.1.1 and 4.2.1). Neither is thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"

struct evp_cipher_ctx_st;

namespace weir::srtp {

class AesCm {
 public:
  // `key` has 16 or 32 bytes.
  static base::Result<AesCm> Create(base::ConstBytes key);

  // Encrypts or decrypts (the same) in.size() bytes to `out`, which may be in.data(). `iv` has 16 bytes, of
  // which the last two count blocks and start at zero.
  void Crypt(const uint8_t* iv, base::ConstBytes in, uint8_t* out);

 private:
  struct Deleter {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  AesCm() = default;

  std::unique_ptr<evp_cipher_ctx_st, Deleter> evp_;
};

class HmacSha1 {
 public:
  static constexpr size_t kSize = 20;
  using Digest = std::array<uint8_t, kSize>;

  explicit HmacSha1(base::ConstBytes key);
  HmacSha1(HmacSha1&&) noexcept;
  HmacSha1& operator=(HmacSha1&&) noexcept;
  ~HmacSha1();

  // The authenticator of two runs of bytes, one after the other.
  Digest Tag(base::ConstBytes first, base::ConstBytes second) const;

 private:
  struct States;
  std::unique_ptr<States> states_;
};

}  // namespace weir::srtp
