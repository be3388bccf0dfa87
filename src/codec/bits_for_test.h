// Bit strings for tests: fields written as they stand in a specification's tables.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace weir::codec {

// Bytes from a string of 0 and 1; other characters separate fields. Filled up with zeros.
inline base::Buffer FromBits(std::string_view text) {
  base::Buffer bytes;
  size_t count = 0;
  for (const char c : text) {
    if (c != '0' && c != '1') {
      continue;
    }
    if (count % 8 == 0) {
      bytes.push_back(0);
    }
    bytes.back() |= static_cast<uint8_t>((c - '0') << (7 - count % 8));
    ++count;
  }
  return bytes;
}

// The value in `width` bits.
inline std::string U(uint64_t value, int width) {
  std::string bits;
  for (int i = width - 1; i >= 0; --i) {
    bits += (value >> i & 1) != 0 ? '1' : '0';
  }
  return bits + ' ';
}

// Exp-Golomb.
inline std::string Ue(uint32_t value) {
  const int length = static_cast<int>(std::bit_width(uint64_t{value} + 1));
  return std::string(static_cast<size_t>(length - 1), '0') + U(uint64_t{value} + 1, length);
}

// Calls `check` with every proper prefix, each a buffer of exactly its size, so that a read past the end
// shows.
template <typename Check>
void ForEachPrefix(base::ConstBytes bytes, Check check) {
  for (size_t size = 0; size < bytes.size(); ++size) {
    check(base::Buffer(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)));
  }
}

}  // namespace weir::codec
