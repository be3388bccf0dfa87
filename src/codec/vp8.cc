#include "codec/vp8.h"

namespace weir::codec {
namespace {

using base::ByteReader;
using base::ByteWriter;
using base::ConstBytes;
using base::ParseError;
using base::Result;

// First byte of the descriptor.
constexpr uint8_t kExtended = 0x80;
constexpr uint8_t kNonReference = 0x20;
constexpr uint8_t kStartOfPartition = 0x10;
constexpr uint8_t kPartitionMask = 0x07;
// Second byte, with kExtended.
constexpr uint8_t kHasPictureId = 0x80;
constexpr uint8_t kHasTl0PicIdx = 0x40;
constexpr uint8_t kHasTid = 0x20;
constexpr uint8_t kHasKeyIdx = 0x10;
constexpr uint8_t kLongPictureId = 0x80;

void ReadExtension(ByteReader& reader, Vp8Descriptor& descriptor) {
  const uint8_t present = reader.ReadU8();
  if ((present & kHasPictureId) != 0) {
    descriptor.picture_id = reader.ReadU8();
    if ((descriptor.picture_id & kLongPictureId) != 0) {
      descriptor.picture_id_15bit = true;
      descriptor.picture_id = (descriptor.picture_id & 0x7f) << 8 | reader.ReadU8();
    }
  }
  if ((present & kHasTl0PicIdx) != 0) {
    descriptor.tl0picidx = reader.ReadU8();
  }
  if ((present & (kHasTid | kHasKeyIdx)) != 0) {
    const uint8_t layer = reader.ReadU8();
    if ((present & kHasTid) != 0) {
      descriptor.tid = layer >> 6;
      descriptor.y = (layer & 0x20) != 0;
    }
    if ((present & kHasKeyIdx) != 0) {
      descriptor.keyidx = layer & 0x1f;
    }
  }
}

// RFC 6386 section 9.1: a frame tag of three bytes, and for key frames a start code and 14-bit sizes, little
// endian.
void ReadFrameHeader(ConstBytes frame, Vp8Descriptor& descriptor) {
  descriptor.keyframe = (frame[0] & 0x01) == 0;
  const bool has_size = frame.size() >= 10 && frame[3] == 0x9d && frame[4] == 0x01 && frame[5] == 0x2a;
  if (descriptor.keyframe && has_size) {
    descriptor.width = static_cast<uint16_t>((frame[7] << 8 | frame[6]) & 0x3fff);
    descriptor.height = static_cast<uint16_t>((frame[9] << 8 | frame[8]) & 0x3fff);
  }
}

}  // namespace

Result<Vp8Descriptor, ParseError> ParseVp8(ConstBytes payload) {
  ByteReader reader(payload);
  Vp8Descriptor descriptor;
  const uint8_t first = reader.ReadU8();
  descriptor.non_reference = (first & kNonReference) != 0;
  descriptor.start_of_partition = (first & kStartOfPartition) != 0;
  descriptor.partition = first & kPartitionMask;
  descriptor.start_of_frame = descriptor.start_of_partition && descriptor.partition == 0;
  if ((first & kExtended) != 0) {
    ReadExtension(reader, descriptor);
  }
  if (!reader.ok() || reader.remaining() == 0) {
    return std::unexpected(ParseError::kTruncated);
  }
  descriptor.descriptor_size = reader.position();
  if (descriptor.start_of_frame) {
    ReadFrameHeader(reader.ReadRest(), descriptor);
  }
  return descriptor;
}

size_t WriteVp8(const Vp8Descriptor& descriptor, base::MutableBytes out) {
  const bool has_layer = descriptor.tid >= 0 || descriptor.keyidx >= 0;
  const int present = (descriptor.picture_id >= 0 ? kHasPictureId : 0) |
                      (descriptor.tl0picidx >= 0 ? kHasTl0PicIdx : 0) | (descriptor.tid >= 0 ? kHasTid : 0) |
                      (descriptor.keyidx >= 0 ? kHasKeyIdx : 0);
  ByteWriter writer(out);
  writer.WriteU8(static_cast<uint8_t>(
      (present != 0 ? kExtended : 0) | (descriptor.non_reference ? kNonReference : 0) |
      (descriptor.start_of_partition ? kStartOfPartition : 0) | (descriptor.partition & kPartitionMask)));
  if (present != 0) {
    writer.WriteU8(static_cast<uint8_t>(present));
  }
  if (descriptor.picture_id >= 0) {
    writer.WriteU16(static_cast<uint16_t>(0x8000 | (descriptor.picture_id & 0x7fff)));
  }
  if (descriptor.tl0picidx >= 0) {
    writer.WriteU8(static_cast<uint8_t>(descriptor.tl0picidx));
  }
  if (has_layer) {
    const int tid = descriptor.tid >= 0 ? (descriptor.tid & 3) << 6 | (descriptor.y ? 0x20 : 0) : 0;
    const int keyidx = descriptor.keyidx >= 0 ? descriptor.keyidx & 0x1f : 0;
    writer.WriteU8(static_cast<uint8_t>(tid | keyidx));
  }
  return writer.ok() ? writer.position() : 0;
}

}  // namespace weir::codec
