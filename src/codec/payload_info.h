// One answer for every video codec: what a packet is to a forwarder (the common contract of the codec files).
// The dependency descriptor, where there is one, knows better and is read apart.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/codec.h"

namespace weir::codec {

struct PayloadInfo {
  bool start_of_frame = false;
  bool end_of_frame = false;  // From VP9 itself; elsewhere the RTP marker.
  bool keyframe = false;      // This packet begins something that a receiver can start at.
  int spatial = -1;           // -1: the codec does not say.
  int temporal = -1;
  bool discardable = false;  // No other frame refers to it.
  bool switch_up = false;    // A receiver may go up to this temporal layer at this frame.
  bool inter_layer = false;  // Needs the spatial layer below of the same picture.
  int32_t picture_id = -1;
  uint16_t width = 0;  // On key frames, where told; else 0.
  uint16_t height = 0;
};

// For audio every packet is a whole frame that one can begin at. kUnsupported for kUnknown.
base::Result<PayloadInfo, base::ParseError> ParsePayload(Codec codec, base::ConstBytes payload, bool marker);

}  // namespace weir::codec
