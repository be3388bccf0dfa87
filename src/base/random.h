// Randomness as an argument: the shell passes the system's generator, a test passes a seed and replays
// exactly.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace weir::base {

class Random {
 public:
  virtual ~Random() = default;
  // Fills `out`. The shell's source is cryptographic (keys, ICE passwords); there is no second, weaker one to
  // confuse it with.
  virtual void Fill(MutableBytes out) = 0;

  uint64_t Next64();
  uint32_t Next32() { return static_cast<uint32_t>(Next64()); }
  // Uniform in [0, bound); bound > 0.
  uint32_t Below(uint32_t bound);
  // Uniform in [0, 1).
  double NextDouble();
};

// xoshiro256** from a seed: for tests and simulations only.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed);
  void Fill(MutableBytes out) override;

 private:
  uint64_t Step();
  uint64_t state_[4];
};

}  // namespace weir::base
