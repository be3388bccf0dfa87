// NTP time as RTCP carries it: 64 bits of 32.32 fixed point seconds since 1900 (RFC 3550 section 4), and its
// middle 32 bits (16.16), in which reports measure delays.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace weir::rtcp {

uint64_t NtpFromWall(base::WallTime time);
base::WallTime WallFromNtp(uint64_t ntp);
constexpr uint32_t CompactNtp(uint64_t ntp) { return static_cast<uint32_t>(ntp >> 16); }
// Negative spans are 0, those past 2^16 s the maximum.
uint32_t CompactNtpFromDelta(base::TimeDelta delta);
base::TimeDelta DeltaFromCompactNtp(uint32_t compact);
// RFC 3550 section 6.4.1: now - LSR - DLSR, modulo 2^32. Nothing when `last_report` is 0 (the peer has had
// none of our reports); a result that clocks make negative is 0.
std::optional<base::TimeDelta> RoundTripTime(uint32_t now, uint32_t last_report, uint32_t delay);

}  // namespace weir::rtcp
