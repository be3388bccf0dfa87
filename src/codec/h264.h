// What an RTP packet of H.264 (RFC 6184: single NAL unit, STAP-A, FU-A) tells a forwarder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace weir::codec {

// Units that we look at in one aggregation packet. More than this is no encoder; the rest is not inspected.
inline constexpr size_t kMaxNalUnitsPerPacket = 32;

struct VideoSize {
  uint16_t width = 0;
  uint16_t height = 0;
  bool operator==(const VideoSize&) const = default;
};

struct H264Info {
  uint8_t nal_type = 0;         // Of the first unit; inside FU-A the fragmented one.
  bool starts_nal = false;      // False in a continued FU-A.
  bool ends_nal = false;        // False in an FU-A with more to come.
  bool start_of_frame = false;  // Holds a parameter set, delimiter, SEI, or a slice with first_mb_in_slice 0.
  bool keyframe = false;        // A receiver can begin here: an SPS, or an IDR slice that begins a frame.
  bool has_sps = false;
  bool has_pps = false;
  bool has_idr = false;        // Also in a continued FU-A.
  bool non_reference = false;  // nal_ref_idc is 0 in all units.
  int tid = -1;                // From a prefix NAL unit (14) or SVC slice (20); else -1.
  uint16_t width = 0;          // From the SPS when there is one that can be read, else 0.
  uint16_t height = 0;
};

// Errors: kTruncated (empty, or a unit longer than the packet), kBadValue (forbidden bit, FU of a FU),
// kUnsupported (interleaved modes: STAP-B, MTAP, FU-B).
base::Result<H264Info, base::ParseError> ParseH264(base::ConstBytes payload);

// Picture size after cropping from a sequence parameter set, its NAL header included; nothing when it is
// damaged.
std::optional<VideoSize> ParseH264Sps(base::ConstBytes nal);

}  // namespace weir::codec
