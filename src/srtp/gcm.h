// AES-GCM with 12-byte nonces and 16-byte tags, as RFC 7714 uses it, for one key and one direction.
//
// Two implementations give the same bytes. intel-ipsec-mb is taken where the processor has AES, CLMUL and AVX
// instructions: one call per packet and 50 ns for a voice packet, where OpenSSL's EVP layer costs 250. Its
// dispatch table is made once per process and is const afterwards. Not thread-safe: the EVP context holds
// state.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"

struct evp_cipher_ctx_st;
struct gcm_key_data;

namespace weir::srtp {

class Gcm {
 public:
  enum class Direction : uint8_t { kSeal, kOpen };
  enum class Backend : uint8_t { kFastest, kOpenSsl };
  static constexpr size_t kTagSize = 16;

  // `key` has 16 or 32 bytes.
  static base::Result<Gcm> Create(Direction direction, base::ConstBytes key,
                                  Backend backend = Backend::kFastest);
  Gcm(Gcm&&) noexcept;
  Gcm& operator=(Gcm&&) noexcept;
  ~Gcm();

  // Writes in.size() bytes and the tag to `out`, which may be in.data() itself but may not overlap it
  // otherwise.
  void Seal(const uint8_t* nonce, base::ConstBytes aad, base::ConstBytes in, uint8_t* out);
  // Opens `data` in place. False when the tag does not fit; `data` is garbage then.
  [[nodiscard]] bool Open(const uint8_t* nonce, base::ConstBytes aad, base::MutableBytes data,
                          const uint8_t* tag);

 private:
  struct EvpDeleter {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  struct KeyDeleter {
    void operator()(gcm_key_data* key) const;  // Wipes it.
  };

  Gcm() = default;

  std::unique_ptr<gcm_key_data, KeyDeleter> fast_key_;  // Null: OpenSSL.
  std::unique_ptr<evp_cipher_ctx_st, EvpDeleter> evp_;
  bool is_256_ = false;
};

}  // namespace weir::srtp
