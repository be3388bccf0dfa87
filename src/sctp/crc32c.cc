#include "sctp/crc32c.h"

#include <array>
#include <cstring>

namespace weir::sctp {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // 0x1edc6f41, reflected.

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
    }
    table[i] = value;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kTable = MakeTable();

uint32_t UpdateByTable(uint32_t crc, base::ConstBytes bytes) {
  for (const uint8_t byte : bytes) {
    crc = (crc >> 8) ^ kTable[(crc ^ byte) & 0xff];
  }
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t UpdateByInstruction(uint32_t crc, base::ConstBytes bytes) {
  uint64_t wide = crc;
  while (bytes.size() >= 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    wide = __builtin_ia32_crc32di(wide, word);
    bytes = bytes.subspan(8);
  }
  crc = static_cast<uint32_t>(wide);
  for (const uint8_t byte : bytes) {
    crc = __builtin_ia32_crc32qi(crc, byte);
  }
  return crc;
}
#endif

}  // namespace

uint32_t Crc32c(base::ConstBytes bytes, uint32_t state) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) {
    return ~UpdateByInstruction(~state, bytes);
  }
#endif
  return ~UpdateByTable(~state, bytes);
}

}  // namespace weir::sctp
