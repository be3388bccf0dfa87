#include "codec/dependency_descriptor.h"

#include <algorithm>
#include <utility>

#include "codec/bit_reader.h"

namespace weir::codec {
namespace {

using base::ConstBytes;
using base::ParseError;
using base::Result;

constexpr size_t kMandatorySize = 3;
constexpr size_t kMaxDescriptorSize = 255;  // The length field of a two-byte header extension.

// next_layer_idc of section A.8.2.
enum NextLayer : uint32_t { kSameLayer = 0, kNextTemporal = 1, kNextSpatial = 2, kNoMoreTemplates = 3 };

struct ExtendedFlags {
  bool structure = false;
  bool active_targets = false;
  bool custom_dtis = false;
  bool custom_references = false;
  bool custom_chains = false;
};

ExtendedFlags ReadFlags(BitReader& reader) {
  ExtendedFlags flags;
  flags.structure = reader.ReadBit();
  flags.active_targets = reader.ReadBit();
  flags.custom_dtis = reader.ReadBit();
  flags.custom_references = reader.ReadBit();
  flags.custom_chains = reader.ReadBit();
  return flags;
}

Result<void, ParseError> ReadTemplateLayers(BitReader& reader, DependencyStructure& structure) {
  FrameTemplate layer;
  uint32_t next = kSameLayer;
  while (next != kNoMoreTemplates) {
    if (structure.templates.size() == kMaxTemplates || layer.temporal_id >= kMaxTemporalLayers ||
        layer.spatial_id >= kMaxSpatialLayers) {
      return std::unexpected(ParseError::kBadValue);
    }
    structure.templates.push_back(layer);
    structure.max_temporal_id = std::max<int>(structure.max_temporal_id, layer.temporal_id);
    structure.max_spatial_id = layer.spatial_id;
    next = reader.Read(2);
    if (!reader.ok()) {
      return std::unexpected(ParseError::kTruncated);
    }
    if (next == kNextTemporal) {
      ++layer.temporal_id;
    } else if (next == kNextSpatial) {
      ++layer.spatial_id;
      layer.temporal_id = 0;
    }
  }
  return {};
}

void ReadTemplateDtis(BitReader& reader, DependencyStructure& structure) {
  for (FrameTemplate& frame : structure.templates) {
    for (size_t target = 0; target < structure.decode_target_count; ++target) {
      frame.dtis[target] = static_cast<Dti>(reader.Read(2));
    }
  }
}

Result<void, ParseError> ReadTemplateReferences(BitReader& reader, DependencyStructure& structure) {
  for (FrameTemplate& frame : structure.templates) {
    while (reader.ReadBit()) {
      if (frame.reference_count == kMaxFrameReferences) {
        return std::unexpected(ParseError::kTooLarge);
      }
      frame.references[frame.reference_count++] = static_cast<uint16_t>(reader.Read(4) + 1);
    }
  }
  return {};
}

void ReadTemplateChains(BitReader& reader, DependencyStructure& structure) {
  structure.chain_count = static_cast<uint8_t>(reader.ReadNonSymmetric(structure.decode_target_count + 1u));
  if (structure.chain_count == 0) {
    return;
  }
  for (size_t target = 0; target < structure.decode_target_count; ++target) {
    structure.protected_by[target] = static_cast<uint8_t>(reader.ReadNonSymmetric(structure.chain_count));
  }
  for (FrameTemplate& frame : structure.templates) {
    for (size_t chain = 0; chain < structure.chain_count; ++chain) {
      frame.chain_diffs[chain] = static_cast<uint8_t>(reader.Read(4));
    }
  }
}

// A decode target is the highest layers of the templates that belong to it.
void FindTargetLayers(DependencyStructure& structure) {
  for (size_t target = 0; target < structure.decode_target_count; ++target) {
    for (const FrameTemplate& frame : structure.templates) {
      if (frame.dtis[target] != Dti::kNotPresent) {
        structure.target_spatial_id[target] = std::max(structure.target_spatial_id[target], frame.spatial_id);
        structure.target_temporal_id[target] =
            std::max(structure.target_temporal_id[target], frame.temporal_id);
      }
    }
  }
}

Result<void, ParseError> ReadResolutions(BitReader& reader, DependencyStructure& structure) {
  if (!reader.ReadBit()) {
    return {};
  }
  for (int spatial = 0; spatial <= structure.max_spatial_id; ++spatial) {
    const uint32_t width = reader.Read(16) + 1;
    const uint32_t height = reader.Read(16) + 1;
    if (width > 0xffff || height > 0xffff) {
      return std::unexpected(ParseError::kBadValue);
    }
    structure.resolutions.push_back({static_cast<uint16_t>(width), static_cast<uint16_t>(height)});
  }
  return {};
}

Result<DependencyStructure, ParseError> ReadStructure(BitReader& reader) {
  DependencyStructure structure;
  structure.template_id_offset = static_cast<uint8_t>(reader.Read(6));
  structure.decode_target_count = static_cast<uint8_t>(reader.Read(5) + 1);
  TRY(ReadTemplateLayers(reader, structure));
  ReadTemplateDtis(reader, structure);
  TRY(ReadTemplateReferences(reader, structure));
  ReadTemplateChains(reader, structure);
  FindTargetLayers(structure);
  TRY(ReadResolutions(reader, structure));
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  return structure;
}

Result<void, ParseError> ReadCustomReferences(BitReader& reader, DependencyDescriptor& descriptor) {
  descriptor.reference_count = 0;
  descriptor.references = {};
  while (const uint32_t nibbles = reader.Read(2)) {
    if (descriptor.reference_count == kMaxFrameReferences) {
      return std::unexpected(ParseError::kTooLarge);
    }
    const uint32_t distance = reader.Read(static_cast<int>(nibbles) * 4) + 1;
    descriptor.references[descriptor.reference_count++] = static_cast<uint16_t>(distance);
  }
  return {};
}

// Section A.8.4: the frame's own values where flagged, its template's elsewhere.
Result<void, ParseError> ReadDefinition(BitReader& reader, const ExtendedFlags& flags,
                                        const DependencyStructure& structure,
                                        DependencyDescriptor& descriptor) {
  const size_t index =
      (descriptor.template_id + kMaxTemplates - structure.template_id_offset) % kMaxTemplates;
  if (index >= structure.templates.size()) {
    return std::unexpected(ParseError::kBadValue);
  }
  const FrameTemplate& frame = structure.templates[index];
  descriptor.spatial_id = frame.spatial_id;
  descriptor.temporal_id = frame.temporal_id;
  descriptor.reference_count = frame.reference_count;
  descriptor.dtis = frame.dtis;
  descriptor.references = frame.references;
  descriptor.chain_diffs = frame.chain_diffs;
  descriptor.custom_dtis = flags.custom_dtis;
  descriptor.custom_references = flags.custom_references;
  descriptor.custom_chains = flags.custom_chains;
  if (flags.custom_dtis) {
    for (size_t target = 0; target < structure.decode_target_count; ++target) {
      descriptor.dtis[target] = static_cast<Dti>(reader.Read(2));
    }
  }
  if (flags.custom_references) {
    TRY(ReadCustomReferences(reader, descriptor));
  }
  if (flags.custom_chains) {
    for (size_t chain = 0; chain < structure.chain_count; ++chain) {
      descriptor.chain_diffs[chain] = static_cast<uint8_t>(reader.Read(8));
    }
  }
  if (!structure.resolutions.empty()) {
    descriptor.resolution = structure.resolutions[descriptor.spatial_id];
  }
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  descriptor.end_position = static_cast<uint16_t>(reader.position());
  return {};
}

}  // namespace

Result<DependencyDescriptorHead, ParseError> ParseDependencyDescriptorHead(ConstBytes data) {
  if (data.size() < kMandatorySize) {
    return std::unexpected(ParseError::kTruncated);
  }
  if (data.size() > kMaxDescriptorSize) {
    return std::unexpected(ParseError::kTooLarge);
  }
  return DependencyDescriptorHead{
      .start_of_frame = (data[0] & 0x80) != 0,
      .end_of_frame = (data[0] & 0x40) != 0,
      .template_id = static_cast<uint8_t>(data[0] & 0x3f),
      .frame_number = base::LoadU16(&data[1]),
      .may_have_structure = data.size() > kMandatorySize && (data[3] & 0x80) != 0,
  };
}

const DependencyDescriptorReader::Generation* DependencyDescriptorReader::GenerationFor(int64_t frame) const {
  if (frame >= current_.frame) {
    return &current_;
  }
  return previous_.structure != nullptr && frame >= previous_.frame ? &previous_ : nullptr;
}

Result<DependencyDescriptor, ParseError> DependencyDescriptorReader::Read(ConstBytes data) {
  const DependencyDescriptorHead head = TRY(ParseDependencyDescriptorHead(data));
  BitReader reader(data);
  reader.Skip(kMandatorySize * 8);
  const ExtendedFlags flags = data.size() > kMandatorySize ? ReadFlags(reader) : ExtendedFlags();

  DependencyDescriptor descriptor;
  descriptor.start_of_frame = head.start_of_frame;
  descriptor.end_of_frame = head.end_of_frame;
  descriptor.template_id = head.template_id;
  descriptor.frame_number = head.frame_number;
  descriptor.attached_structure = flags.structure;
  int64_t frame = unwrapper_.Peek(head.frame_number);

  std::shared_ptr<const DependencyStructure> structure;
  bool is_restart = false;
  if (flags.structure) {
    structure = std::make_shared<const DependencyStructure>(TRY(ReadStructure(reader)));
    is_restart = current_.structure != nullptr && frame < current_.frame - kMaxLateFrames;
  } else if (current_.structure == nullptr) {
    return std::unexpected(ParseError::kUnsupported);
  } else if (const Generation* generation = GenerationFor(frame)) {
    structure = generation->structure;
  } else {
    return std::unexpected(ParseError::kBadValue);
  }

  if (data.size() > kMandatorySize) {
    descriptor.mask_position = static_cast<uint16_t>(reader.position());
  }
  if (flags.active_targets) {
    descriptor.active_targets = reader.Read(structure->decode_target_count);
  }
  TRY(ReadDefinition(reader, flags, *structure, descriptor));

  if (is_restart) {
    Reset();
    frame = head.frame_number;
  }
  if (flags.structure) {
    structure = TRY(Keep(frame, std::move(structure)));
  }
  descriptor.structure = structure.get();
  descriptor.extended_frame_number = unwrapper_.Unwrap(head.frame_number);
  NoteActiveTargets(descriptor);
  return descriptor;
}

Result<std::shared_ptr<const DependencyStructure>, ParseError> DependencyDescriptorReader::Keep(
    int64_t frame, std::shared_ptr<const DependencyStructure> structure) {
  if (current_.structure == nullptr || frame > current_.frame) {
    previous_ = std::exchange(current_, Generation{structure, frame});
    return structure;
  }
  if (frame == current_.frame) {
    // Every packet that begins a key frame may carry the structure, and so does its repair. Another structure
    // under the same number is another key frame: an encoder that began anew.
    if (*current_.structure != *structure) {
      previous_ = std::exchange(current_, Generation{structure, frame});
    }
    return current_.structure;
  }
  if (previous_.structure == nullptr || frame > previous_.frame) {
    previous_ = Generation{structure, frame};
    return structure;
  }
  if (frame == previous_.frame && *previous_.structure == *structure) {
    return previous_.structure;
  }
  return std::unexpected(ParseError::kBadValue);
}

void DependencyDescriptorReader::NoteActiveTargets(const DependencyDescriptor& descriptor) {
  const int64_t frame = descriptor.extended_frame_number;
  if (descriptor.structure != current_.structure.get() || frame < active_targets_frame_) {
    return;
  }
  if (descriptor.active_targets || descriptor.attached_structure) {
    active_targets_ = descriptor.active_targets.value_or(descriptor.structure->all_targets());
    active_targets_frame_ = frame;
  }
}

void DependencyDescriptorReader::Reset() { *this = DependencyDescriptorReader(); }

}  // namespace weir::codec
