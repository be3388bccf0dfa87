#include "srtp/gcm.h"

#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

namespace weir::srtp {
namespace {

// The library's table of functions for this processor, or null where it would fall back to emulated AES.
// alloc_mb_mgr and init_mb_mgr_auto take about 0.4 ms; nothing writes to the table afterwards. (Its GCM
// functions do write zero to one error variable of the library, the same from every thread.)
const IMB_MGR* FastManager() {
  static const IMB_MGR* const manager = []() -> const IMB_MGR* {
    IMB_MGR* made = alloc_mb_mgr(0);
    if (made == nullptr) {
      return nullptr;
    }
    IMB_ARCH arch = IMB_ARCH_NONE;
    constexpr uint64_t kNeeded = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_AVX;
    if ((made->features & kNeeded) == kNeeded) {
      init_mb_mgr_auto(made, &arch);
    }
    if (arch < IMB_ARCH_AVX || imb_get_errno(made) != 0) {
      free_mb_mgr(made);
      return nullptr;
    }
    return made;
  }();
  return manager;
}

}  // namespace

void Gcm::EvpDeleter::operator()(evp_cipher_ctx_st* context) const { EVP_CIPHER_CTX_free(context); }

void Gcm::KeyDeleter::operator()(gcm_key_data* key) const {
  OPENSSL_cleanse(key, sizeof(*key));
  delete key;
}

Gcm::Gcm(Gcm&&) noexcept = default;
Gcm& Gcm::operator=(Gcm&&) noexcept = default;
Gcm::~Gcm() = default;

base::Result<Gcm> Gcm::Create(Direction direction, base::ConstBytes key, Backend backend) {
  if (key.size() != 16 && key.size() != 32) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "an AES-GCM key has 16 or 32 bytes");
  }
  Gcm gcm;
  gcm.is_256_ = key.size() == 32;
  const IMB_MGR* manager = backend == Backend::kFastest ? FastManager() : nullptr;
  if (manager != nullptr) {
    gcm.fast_key_.reset(new gcm_key_data());
    if (gcm.is_256_) {
      IMB_AES256_GCM_PRE(manager, key.data(), gcm.fast_key_.get());
    } else {
      IMB_AES128_GCM_PRE(manager, key.data(), gcm.fast_key_.get());
    }
    return gcm;
  }
  gcm.evp_.reset(EVP_CIPHER_CTX_new());
  const EVP_CIPHER* cipher = gcm.is_256_ ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
  if (gcm.evp_ == nullptr || EVP_CipherInit_ex(gcm.evp_.get(), cipher, nullptr, key.data(), nullptr,
                                               direction == Direction::kSeal ? 1 : 0) != 1) {
    return base::Fail(base::ErrorCode::kInternal, "OpenSSL refused an AES-GCM key");
  }
  return gcm;
}

void Gcm::Seal(const uint8_t* nonce, base::ConstBytes aad, base::ConstBytes in, uint8_t* out) {
  if (fast_key_ != nullptr) {
    const IMB_MGR* manager = FastManager();
    const auto seal = is_256_ ? manager->gcm256_enc : manager->gcm128_enc;
    gcm_context_data context;
    seal(fast_key_.get(), &context, out, in.data(), in.size(), nonce, aad.data(), aad.size(), out + in.size(),
         kTagSize);
    return;
  }
  int written = 0;
  EVP_EncryptInit_ex(evp_.get(), nullptr, nullptr, nullptr, nonce);
  EVP_EncryptUpdate(evp_.get(), nullptr, &written, aad.data(), static_cast<int>(aad.size()));
  if (!in.empty()) {
    EVP_EncryptUpdate(evp_.get(), out, &written, in.data(), static_cast<int>(in.size()));
  }
  EVP_EncryptFinal_ex(evp_.get(), out + in.size(), &written);
  EVP_CIPHER_CTX_ctrl(evp_.get(), EVP_CTRL_AEAD_GET_TAG, kTagSize, out + in.size());
}

bool Gcm::Open(const uint8_t* nonce, base::ConstBytes aad, base::MutableBytes data, const uint8_t* tag) {
  if (fast_key_ != nullptr) {
    const IMB_MGR* manager = FastManager();
    const auto open = is_256_ ? manager->gcm256_dec : manager->gcm128_dec;
    gcm_context_data context;
    uint8_t expected[kTagSize];
    open(fast_key_.get(), &context, data.data(), data.data(), data.size(), nonce, aad.data(), aad.size(),
         expected, kTagSize);
    return CRYPTO_memcmp(expected, tag, kTagSize) == 0;
  }
  int written = 0;
  uint8_t copy[kTagSize];  // The control call takes a pointer to non-const.
  std::copy_n(tag, kTagSize, copy);
  EVP_DecryptInit_ex(evp_.get(), nullptr, nullptr, nullptr, nonce);
  EVP_DecryptUpdate(evp_.get(), nullptr, &written, aad.data(), static_cast<int>(aad.size()));
  if (!data.empty()) {
    EVP_DecryptUpdate(evp_.get(), data.data(), &written, data.data(), static_cast<int>(data.size()));
  }
  EVP_CIPHER_CTX_ctrl(evp_.get(), EVP_CTRL_AEAD_SET_TAG, kTagSize, copy);
  uint8_t none[kTagSize];
  return EVP_DecryptFinal_ex(evp_.get(), none, &written) == 1;
}

}  // namespace weir::srtp
