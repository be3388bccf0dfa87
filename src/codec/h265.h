// What an RTP packet of H.265 (RFC 7798: single NAL unit, AP, FU) tells a forwarder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/h264.h"

namespace weir::codec {

struct H265Info {
  uint8_t nal_type = 0;         // Of the first unit; inside FU the fragmented one.
  bool starts_nal = false;      // False in a continued FU.
  bool ends_nal = false;        // False in an FU with more to come.
  bool start_of_frame = false;  // Holds a parameter set, delimiter, SEI, or the first slice of a picture.
  bool keyframe =
      false;  // A receiver can begin here: a parameter set, or an IRAP slice that begins a picture.
  bool has_irap = false;  // Types 16..21, also in a continued FU.
  bool has_parameter_sets = false;
  bool switch_up = false;      // TSA or STSA (types 2..5) or IRAP: higher temporal layers may begin here.
  bool non_reference = false;  // A sub-layer non-reference picture: even type below 16.
  int tid = 0;                 // TemporalId, 0..6.
  uint16_t width = 0;          // From the SPS when there is one that can be read, else 0.
  uint16_t height = 0;
};

// Errors: kTruncated, kBadValue (forbidden bit, TID 0), kUnsupported (PACI and reserved structures).
base::Result<H265Info, base::ParseError> ParseH265(base::ConstBytes payload);

// Picture size after the conformance window from a sequence parameter set, its NAL header included.
std::optional<VideoSize> ParseH265Sps(base::ConstBytes nal);

}  // namespace weir::codec
