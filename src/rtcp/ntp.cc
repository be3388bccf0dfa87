#include "rtcp/ntp.h"

#include <algorithm>
#include <limits>

namespace weir::rtcp {
namespace {

constexpr uint64_t kUnixEpochInNtp = 2'208'988'800;  // Seconds from 1900 to 1970.
constexpr uint64_t kMicrosPerSecond = 1'000'000;

}  // namespace

uint64_t NtpFromWall(base::WallTime time) {
  const auto micros = static_cast<uint64_t>(std::max<int64_t>(time.micros, 0));
  const uint64_t seconds = micros / kMicrosPerSecond + kUnixEpochInNtp;
  // Rounded up, so that the way back, which rounds down, returns the same microsecond.
  const uint64_t fraction = (((micros % kMicrosPerSecond) << 32) + kMicrosPerSecond - 1) / kMicrosPerSecond;
  return (seconds << 32) + fraction;
}

base::WallTime WallFromNtp(uint64_t ntp) {
  const uint64_t seconds = ntp >> 32;
  const uint64_t fraction = ntp & 0xffffffff;
  const auto since_unix = static_cast<int64_t>(seconds) - static_cast<int64_t>(kUnixEpochInNtp);
  return {since_unix * static_cast<int64_t>(kMicrosPerSecond) +
          static_cast<int64_t>((fraction * kMicrosPerSecond) >> 32)};
}

uint32_t CompactNtpFromDelta(base::TimeDelta delta) {
  const int64_t micros = delta.micros();
  if (micros <= 0) {
    return 0;
  }
  if (micros >= int64_t{65'536} * 1'000'000) {
    return std::numeric_limits<uint32_t>::max();
  }
  return static_cast<uint32_t>((micros << 16) / 1'000'000);
}

base::TimeDelta DeltaFromCompactNtp(uint32_t compact) {
  return base::TimeDelta::Micros(static_cast<int64_t>((uint64_t{compact} * kMicrosPerSecond) >> 16));
}

std::optional<base::TimeDelta> RoundTripTime(uint32_t now, uint32_t last_report, uint32_t delay) {
  if (last_report == 0) {
    return std::nullopt;
  }
  const uint32_t elapsed = now - last_report - delay;
  // Upper half: the answer came sooner than the peer says it waited. Clocks drift; nobody is that fast.
  return static_cast<int32_t>(elapsed) < 0 ? base::TimeDelta() : DeltaFromCompactNtp(elapsed);
}

}  // namespace weir::rtcp
