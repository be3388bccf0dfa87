// The VP8 payload descriptor, RFC 7741 section 4.2, and what of the frame behind it is readable without
// decoding.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace weir::codec {

struct Vp8Descriptor {
  size_t descriptor_size = 0;  // Bytes before the VP8 data. Not read by WriteVp8.
  int32_t picture_id = -1;     // -1: absent.
  bool picture_id_15bit = false;
  int tl0picidx = -1;  // -1: absent.
  int tid = -1;        // Temporal layer 0..3; -1: absent.
  bool y = false;      // Layer sync: depends on base layer frames only. Meaningful with tid.
  int keyidx = -1;     // -1: absent.
  bool start_of_partition = false;
  uint8_t partition = 0;        // 0..7.
  bool non_reference = false;   // The N bit: nothing refers to this frame.
  bool start_of_frame = false;  // start_of_partition of partition 0.
  bool keyframe = false;        // This packet begins a key frame.
  uint16_t width = 0;           // Of the key frame that begins here, else 0.
  uint16_t height = 0;
};

inline constexpr size_t kMaxVp8DescriptorSize = 6;

// Errors: kTruncated, also when nothing follows the descriptor.
base::Result<Vp8Descriptor, base::ParseError> ParseVp8(base::ConstBytes payload);

// Writes a descriptor with these fields, the picture id always in its 15-bit form so that its size does not
// change as it counts (it is taken modulo 2^15, tl0picidx modulo 2^8). Answers its size, 0 when `out` is too
// small.
size_t WriteVp8(const Vp8Descriptor& descriptor, base::MutableBytes out);

}  // namespace weir::codec
