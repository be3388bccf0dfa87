#include "codec/vp9.h"

#include <algorithm>
#include <cstring>

namespace weir::codec {
namespace {

using base::ByteReader;
using base::ConstBytes;
using base::ParseError;
using base::Result;

// First byte: I P L F B E V Z.
constexpr uint8_t kHasPictureId = 0x80;
constexpr uint8_t kInterPicturePredicted = 0x40;
constexpr uint8_t kHasLayerIndices = 0x20;
constexpr uint8_t kFlexible = 0x10;
constexpr uint8_t kBeginsFrame = 0x08;
constexpr uint8_t kEndsFrame = 0x04;
constexpr uint8_t kHasStructure = 0x02;
constexpr uint8_t kNotInterLayerReference = 0x01;
constexpr size_t kMaxReferences = 3;

void ReadPictureId(ByteReader& reader, Vp9Descriptor& descriptor) {
  descriptor.picture_id = reader.ReadU8();
  if ((descriptor.picture_id & 0x80) != 0) {
    descriptor.picture_id_15bit = true;
    descriptor.picture_id = (descriptor.picture_id & 0x7f) << 8 | reader.ReadU8();
  }
}

void ReadLayerIndices(ByteReader& reader, Vp9Descriptor& descriptor) {
  const uint8_t layer = reader.ReadU8();
  descriptor.tid = layer >> 5;
  descriptor.switching_up = (layer & 0x10) != 0;
  descriptor.sid = layer >> 1 & 7;
  descriptor.inter_layer_dependency = (layer & 1) != 0;
  if (!descriptor.flexible) {
    descriptor.tl0picidx = reader.ReadU8();
  }
}

// False when the list goes on past the three that are allowed.
bool ReadReferences(ByteReader& reader, Vp9Descriptor& descriptor) {
  bool more = true;
  while (more && reader.ok()) {
    if (descriptor.reference_count == kMaxReferences) {
      return false;
    }
    const uint8_t reference = reader.ReadU8();
    descriptor.references[descriptor.reference_count++] = reference >> 1;
    more = (reference & 1) != 0;
  }
  return true;
}

void ReadStructure(ByteReader& reader, Vp9ScalabilityStructure& structure) {
  const uint8_t first = reader.ReadU8();
  structure.spatial_layers = static_cast<uint8_t>((first >> 5) + 1);
  structure.has_resolutions = (first & 0x10) != 0;
  if (structure.has_resolutions) {
    for (size_t i = 0; i < structure.spatial_layers; ++i) {
      structure.resolutions[i].width = reader.ReadU16();
      structure.resolutions[i].height = reader.ReadU16();
    }
  }
  if ((first & 0x08) == 0) {
    return;
  }
  structure.group_size = reader.ReadU8();
  for (size_t i = 0; i < structure.group_size; ++i) {
    const uint8_t picture = reader.ReadU8();
    structure.temporal_layers = std::max(structure.temporal_layers, static_cast<uint8_t>((picture >> 5) + 1));
    reader.Skip(picture >> 2 & 3);
  }
}

}  // namespace

Result<Vp9Descriptor, ParseError> ParseVp9(ConstBytes payload) {
  ByteReader reader(payload);
  Vp9Descriptor descriptor;
  const uint8_t first = reader.ReadU8();
  descriptor.inter_picture_predicted = (first & kInterPicturePredicted) != 0;
  descriptor.flexible = (first & kFlexible) != 0;
  descriptor.start_of_frame = (first & kBeginsFrame) != 0;
  descriptor.end_of_frame = (first & kEndsFrame) != 0;
  descriptor.has_structure = (first & kHasStructure) != 0;
  descriptor.not_inter_layer_reference = (first & kNotInterLayerReference) != 0;
  if ((first & kHasPictureId) != 0) {
    ReadPictureId(reader, descriptor);
  }
  if ((first & kHasLayerIndices) != 0) {
    ReadLayerIndices(reader, descriptor);
  }
  if (descriptor.flexible && descriptor.inter_picture_predicted && !ReadReferences(reader, descriptor)) {
    return std::unexpected(ParseError::kTooLarge);
  }
  if (descriptor.has_structure) {
    ReadStructure(reader, descriptor.structure);
  }
  if (!reader.ok() || reader.remaining() == 0) {
    return std::unexpected(ParseError::kTruncated);
  }
  descriptor.descriptor_size = reader.position();
  descriptor.keyframe =
      descriptor.start_of_frame && !descriptor.inter_picture_predicted && descriptor.sid <= 0;
  if (descriptor.structure.has_resolutions) {
    const Vp9Resolution top =
        descriptor.structure.resolutions[descriptor.structure.spatial_layers - size_t{1}];
    descriptor.width = top.width;
    descriptor.height = top.height;
  }
  return descriptor;
}

size_t RewriteVp9(ConstBytes payload, const Vp9Descriptor& descriptor, int32_t picture_id, int tl0picidx,
                  base::MutableBytes out) {
  const size_t size = descriptor.descriptor_size;
  if (out.size() < size || payload.size() < size) {
    return 0;
  }
  std::memcpy(out.data(), payload.data(), size);
  size_t at = 1;
  if (descriptor.picture_id >= 0) {
    if (picture_id >= 0 && descriptor.picture_id_15bit) {
      base::StoreU16(&out[at], static_cast<uint16_t>(0x8000 | (picture_id & 0x7fff)));
    } else if (picture_id >= 0) {
      out[at] = static_cast<uint8_t>(picture_id & 0x7f);
    }
    at += descriptor.picture_id_15bit ? 2 : 1;
  }
  if (descriptor.tl0picidx >= 0 && tl0picidx >= 0) {
    out[at + 1] = static_cast<uint8_t>(tl0picidx);  // Behind the layer indices.
  }
  return size;
}

}  // namespace weir::codec
