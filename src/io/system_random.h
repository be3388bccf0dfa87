// The system's cryptographic generator (OpenSSL's RAND_bytes), with a small buffer since identifiers and
// transaction ids are asked for a few bytes at a time. One per thread.
#pragma once

#include <array>
#include <cstdint>

#include "base/random.h"

namespace weir::io {

class SystemRandom final : public base::Random {
 public:
  SystemRandom() = default;
  ~SystemRandom() override;  // Wipes what is buffered.
  SystemRandom(const SystemRandom&) = delete;
  SystemRandom& operator=(const SystemRandom&) = delete;
  // Aborts when the generator fails: nothing can be secured without it.
  void Fill(base::MutableBytes out) override;

 private:
  std::array<uint8_t, 512> buffer_{};
  size_t available_ = 0;  // At the end of buffer_.
};

}  // namespace weir::io
