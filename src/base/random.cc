#include "base/random.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace weir::base {

uint64_t Random::Next64() {
  uint8_t bytes[8];
  Fill(bytes);
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

uint32_t Random::Below(uint32_t bound) {
  // The high half of a 64-bit product: bias below 2^-32, with no loop.
  return static_cast<uint32_t>((static_cast<uint64_t>(Next32()) * bound) >> 32);
}

double Random::NextDouble() { return static_cast<double>(Next64() >> 11) * 0x1.0p-53; }

SeededRandom::SeededRandom(uint64_t seed) {
  for (uint64_t& word : state_) {  // splitmix64, as the authors of xoshiro advise for seeding.
    seed += 0x9e3779b97f4a7c15;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

uint64_t SeededRandom::Step() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

void SeededRandom::Fill(MutableBytes out) {
  while (!out.empty()) {
    const uint64_t word = Step();
    const size_t count = std::min(out.size(), sizeof word);
    std::memcpy(out.data(), &word, count);
    out = out.subspan(count);
  }
}

}  // namespace weir::base
