// The identity of a simulated media packet, in the last bytes of its payload: which source made it, and the
// how-manieth of that source it is. A forwarder rewrites headers and never this.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "rtp/ssrc.h"

namespace weir::sim {

struct Stamp {
  rtp::Ssrc source;      // The SSRC that the source used, whatever it is by now.
  uint64_t counter = 0;  // From 0, without gaps.
  auto operator<=>(const Stamp&) const = default;
};

inline constexpr size_t kStampSize = 16;
inline constexpr uint32_t kStampMark = 0x57454952;

inline void WriteStamp(const Stamp& stamp, base::MutableBytes out) {
  base::ByteWriter writer(out);
  writer.WriteU32(kStampMark);
  writer.WriteU32(stamp.source.value());
  writer.WriteU64(stamp.counter);
}

// Nothing when the payload does not end with a stamp.
inline std::optional<Stamp> ReadStamp(base::ConstBytes payload) {
  if (payload.size() < kStampSize) {
    return std::nullopt;
  }
  base::ByteReader reader(payload.last(kStampSize));
  if (reader.ReadU32() != kStampMark) {
    return std::nullopt;
  }
  const rtp::Ssrc source(reader.ReadU32());
  return Stamp{source, reader.ReadU64()};
}

}  // namespace weir::sim
