// One codec of an m-section, as negotiated on the uplink (what a receiver accepts) or the downlink (what a
// subscriber accepts).
#pragma once

#include <cstdint>
#include <optional>

#include "codec/codec.h"

namespace weir::sfu {

struct ReceiveCodec {
  codec::Codec codec = codec::Codec::kUnknown;
  uint8_t payload_type = 0;
  uint32_t clock_rate = 90'000;
  std::optional<uint8_t> rtx_payload_type;
};
using SendCodec = ReceiveCodec;

// Simulcast streams of one track, and temporal layers, that we tell apart.
inline constexpr int kMaxLayers = 4;

}  // namespace weir::sfu
