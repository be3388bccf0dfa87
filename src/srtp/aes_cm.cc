// SHA1_* are deprecated since OpenSSL 3.0 in favour of EVP_MAC, which cannot restart from a hashed key: it
// would pay two more compressions and a parameter walk per packet (0.3 us, more than the whole tag costs
// here).
#define OPENSSL_API_COMPAT 0x10100000L

#include "srtp/aes_cm.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>

namespace weir::srtp {

void AesCm::Deleter::operator()(evp_cipher_ctx_st* context) const { EVP_CIPHER_CTX_free(context); }

base::Result<AesCm> AesCm::Create(base::ConstBytes key) {
  if (key.size() != 16 && key.size() != 32) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "an AES-CM key has 16 or 32 bytes");
  }
  AesCm cm;
  cm.evp_.reset(EVP_CIPHER_CTX_new());
  const EVP_CIPHER* cipher = key.size() == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
  if (cm.evp_ == nullptr || EVP_EncryptInit_ex(cm.evp_.get(), cipher, nullptr, key.data(), nullptr) != 1) {
    return base::Fail(base::ErrorCode::kInternal, "OpenSSL refused an AES-CM key");
  }
  return cm;
}

void AesCm::Crypt(const uint8_t* iv, base::ConstBytes in, uint8_t* out) {
  if (in.empty()) {
    return;
  }
  int written = 0;
  EVP_EncryptInit_ex(evp_.get(), nullptr, nullptr, nullptr, iv);
  EVP_EncryptUpdate(evp_.get(), out, &written, in.data(), static_cast<int>(in.size()));
}

// SHA-1 after one block of the key xor ipad, and xor opad (RFC 2104).
struct HmacSha1::States {
  SHA_CTX inner;
  SHA_CTX outer;
};

HmacSha1::HmacSha1(base::ConstBytes key) : states_(std::make_unique<States>()) {
  std::array<uint8_t, SHA_CBLOCK> block{};
  // Session authentication keys have 20 bytes; a key longer than the block would have to be hashed first.
  std::copy_n(key.data(), std::min(key.size(), block.size()), block.data());
  for (uint8_t& byte : block) {
    byte ^= 0x36;
  }
  SHA1_Init(&states_->inner);
  SHA1_Update(&states_->inner, block.data(), block.size());
  for (uint8_t& byte : block) {
    byte ^= 0x36 ^ 0x5c;
  }
  SHA1_Init(&states_->outer);
  SHA1_Update(&states_->outer, block.data(), block.size());
  OPENSSL_cleanse(block.data(), block.size());
}

HmacSha1::HmacSha1(HmacSha1&&) noexcept = default;
HmacSha1& HmacSha1::operator=(HmacSha1&&) noexcept = default;
HmacSha1::~HmacSha1() {
  if (states_ != nullptr) {
    OPENSSL_cleanse(states_.get(), sizeof(States));
  }
}

HmacSha1::Digest HmacSha1::Tag(base::ConstBytes first, base::ConstBytes second) const {
  Digest digest;
  SHA_CTX context = states_->inner;
  SHA1_Update(&context, first.data(), first.size());
  SHA1_Update(&context, second.data(), second.size());
  SHA1_Final(digest.data(), &context);
  context = states_->outer;
  SHA1_Update(&context, digest.data(), digest.size());
  SHA1_Final(digest.data(), &context);
  return digest;
}

}  // namespace weir::srtp
