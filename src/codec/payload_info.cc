#include "codec/payload_info.h"

#include "codec/av1.h"
#include "codec/h264.h"
#include "codec/h265.h"
#include "codec/vp8.h"
#include "codec/vp9.h"

namespace weir::codec {
namespace {

using base::ConstBytes;
using base::ParseError;
using base::Result;

Result<PayloadInfo, ParseError> FromVp8(ConstBytes payload, bool marker) {
  const Vp8Descriptor vp8 = TRY(ParseVp8(payload));
  return PayloadInfo{.start_of_frame = vp8.start_of_frame,
                     .end_of_frame = marker,
                     .keyframe = vp8.keyframe,
                     .temporal = vp8.tid,
                     .discardable = vp8.non_reference,
                     .switch_up = vp8.y,
                     .picture_id = vp8.picture_id,
                     .width = vp8.width,
                     .height = vp8.height};
}

Result<PayloadInfo, ParseError> FromVp9(ConstBytes payload) {
  const Vp9Descriptor vp9 = TRY(ParseVp9(payload));
  return PayloadInfo{.start_of_frame = vp9.start_of_frame,
                     .end_of_frame = vp9.end_of_frame,
                     .keyframe = vp9.keyframe,
                     .spatial = vp9.sid,
                     .temporal = vp9.tid,
                     .switch_up = vp9.switching_up,
                     .inter_layer = vp9.inter_layer_dependency,
                     .picture_id = vp9.picture_id,
                     .width = vp9.width,
                     .height = vp9.height};
}

Result<PayloadInfo, ParseError> FromH264(ConstBytes payload, bool marker) {
  const H264Info h264 = TRY(ParseH264(payload));
  return PayloadInfo{.start_of_frame = h264.start_of_frame,
                     .end_of_frame = marker,
                     .keyframe = h264.keyframe,
                     .temporal = h264.tid,
                     .discardable = h264.non_reference,
                     .width = h264.width,
                     .height = h264.height};
}

Result<PayloadInfo, ParseError> FromH265(ConstBytes payload, bool marker) {
  const H265Info h265 = TRY(ParseH265(payload));
  return PayloadInfo{.start_of_frame = h265.start_of_frame,
                     .end_of_frame = marker,
                     .keyframe = h265.keyframe,
                     .temporal = h265.tid,
                     .discardable = h265.non_reference,
                     .switch_up = h265.switch_up,
                     .width = h265.width,
                     .height = h265.height};
}

Result<PayloadInfo, ParseError> FromAv1(ConstBytes payload, bool marker) {
  const Av1Info av1 = TRY(ParseAv1(payload));
  return PayloadInfo{.start_of_frame = !av1.continues_previous,
                     .end_of_frame = marker,
                     .keyframe = av1.keyframe,
                     .spatial = av1.sid,
                     .temporal = av1.tid,
                     .width = av1.width,
                     .height = av1.height};
}

}  // namespace

Result<PayloadInfo, ParseError> ParsePayload(Codec codec, ConstBytes payload, bool marker) {
  switch (codec) {
    case Codec::kOpus:
    case Codec::kRed:
    case Codec::kPcmu:
    case Codec::kPcma:
      return PayloadInfo{.start_of_frame = true, .end_of_frame = true, .keyframe = true};
    case Codec::kVp8:
      return FromVp8(payload, marker);
    case Codec::kVp9:
      return FromVp9(payload);
    case Codec::kH264:
      return FromH264(payload, marker);
    case Codec::kH265:
      return FromH265(payload, marker);
    case Codec::kAv1:
      return FromAv1(payload, marker);
    case Codec::kUnknown:
      break;
  }
  return std::unexpected(ParseError::kUnsupported);
}

}  // namespace weir::codec
