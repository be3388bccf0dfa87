#include "codec/audio.h"

namespace weir::codec {

using base::TimeDelta;

TimeDelta OpusFrameDuration(uint8_t toc) {
  const int configuration = toc >> 3;
  if (configuration < 12) {  // SILK: 10, 20, 40, 60 ms.
    constexpr std::array<int64_t, 4> kMillis = {10, 20, 40, 60};
    return TimeDelta::Millis(kMillis[static_cast<size_t>(configuration & 3)]);
  }
  if (configuration < 16) {  // Hybrid: 10, 20 ms.
    return TimeDelta::Millis((configuration & 1) == 0 ? 10 : 20);
  }
  return TimeDelta::Micros(2500 << (configuration & 3));  // CELT: 2.5, 5, 10, 20 ms.
}

std::optional<TimeDelta> OpusPacketDuration(base::ConstBytes payload) {
  constexpr TimeDelta kMaxDuration = TimeDelta::Millis(120);
  if (payload.empty()) {
    return std::nullopt;
  }
  // RFC 6716 section 3.1: one frame, two, or a count in the next byte.
  int64_t frames = 1;
  switch (payload[0] & 3) {
    case 0:
      break;
    case 3:
      if (payload.size() < 2) {
        return std::nullopt;
      }
      frames = payload[1] & 0x3f;
      break;
    default:
      frames = 2;
      break;
  }
  const TimeDelta duration = OpusFrameDuration(payload[0]) * frames;
  if (frames == 0 || duration > kMaxDuration) {
    return std::nullopt;
  }
  return duration;
}

}  // namespace weir::codec
