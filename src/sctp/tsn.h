// Serial numbers (RFC 1982) as plain integers: inside the module a TSN or SSN is an int64_t that never wraps.
#pragma once

#include <cstdint>

namespace weir::sctp {

using Tsn = int64_t;

// The number congruent to `wire` that is nearest to `reference`.
constexpr Tsn UnwrapTsn(Tsn reference, uint32_t wire) {
  return reference + static_cast<int32_t>(wire - static_cast<uint32_t>(reference));
}
constexpr int64_t UnwrapSsn(int64_t reference, uint16_t wire) {
  return reference + static_cast<int16_t>(static_cast<uint16_t>(wire - static_cast<uint16_t>(reference)));
}
constexpr uint32_t WireTsn(Tsn tsn) { return static_cast<uint32_t>(tsn); }

// Start of a numbering whose first TSN is `initial`: high enough that nothing unwraps below zero.
constexpr Tsn FirstTsn(uint32_t initial) { return (Tsn{1} << 32) + initial; }

}  // namespace weir::sctp
