// What an RTP packet of AV1 (the AV1 RTP payload specification, section 4) tells a forwarder without the
// dependency descriptor: a hint, since a fragment tells little. With a descriptor, trust that instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/h264.h"

namespace weir::codec {

// OBU elements that we look at in one packet. The rest is not inspected.
inline constexpr size_t kMaxObusPerPacket = 32;

struct Av1Info {
  bool continues_previous = false;  // Z: the first element continues an OBU of the packet before.
  bool continues_next = false;      // Y
  uint8_t element_count = 0;        // W: 1..3, or 0 when every element has its length.
  bool new_sequence = false;        // N: first packet of a coded video sequence.
  bool has_sequence_header = false;
  bool keyframe = false;  // N, a sequence header, or a frame header of a key frame.
  int tid = -1;           // From the first OBU with an extension header; else -1.
  int sid = -1;
  uint16_t width = 0;  // Maximum frame size of the sequence header, when it can be read; else 0.
  uint16_t height = 0;
};

// Errors: kTruncated, kWrongLength (an element longer than the packet), kBadValue (forbidden bit, N with Z).
base::Result<Av1Info, base::ParseError> ParseAv1(base::ConstBytes payload);

// `body` is what follows the OBU header (and its size field).
std::optional<VideoSize> ParseAv1SequenceHeader(base::ConstBytes body);

}  // namespace weir::codec
