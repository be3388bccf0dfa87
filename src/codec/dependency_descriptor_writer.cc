#include <algorithm>
#include <optional>

#include "codec/bit_reader.h"
#include "codec/dependency_descriptor.h"

namespace weir::codec {
namespace {

using base::ConstBytes;
using base::MutableBytes;

constexpr size_t kMandatorySize = 3;
// Bit positions in the extended part: the five flags follow the mandatory bytes.
constexpr size_t kFlagsPosition = kMandatorySize * 8;
constexpr size_t kActiveTargetsFlag = kFlagsPosition + 1;

void WriteHead(const DependencyDescriptor& descriptor, uint16_t frame_number, BitWriter& out) {
  out.Write(descriptor.start_of_frame ? 1 : 0, 1);
  out.Write(descriptor.end_of_frame ? 1 : 0, 1);
  out.Write(descriptor.template_id & 0x3f, 6);
  out.Write(frame_number, 16);
}

// What next_layer_idc says to go from one template to the next; nothing when no step does.
std::optional<uint32_t> LayerStep(const FrameTemplate& from, const FrameTemplate& to) {
  if (from.spatial_id == to.spatial_id && from.temporal_id == to.temporal_id) {
    return 0;
  }
  if (from.spatial_id == to.spatial_id && from.temporal_id + 1 == to.temporal_id) {
    return 1;
  }
  if (from.spatial_id + 1 == to.spatial_id && to.temporal_id == 0) {
    return 2;
  }
  return std::nullopt;
}

bool WriteTemplateLayers(const DependencyStructure& structure, BitWriter& out) {
  const auto& templates = structure.templates;
  if (templates.empty() || templates.size() > kMaxTemplates || templates[0].spatial_id != 0 ||
      templates[0].temporal_id != 0) {
    return false;
  }
  for (size_t i = 1; i < templates.size(); ++i) {
    const auto step = LayerStep(templates[i - 1], templates[i]);
    if (!step) {
      return false;
    }
    out.Write(*step, 2);
  }
  out.Write(3, 2);
  return true;
}

bool WriteTemplateReferences(const DependencyStructure& structure, BitWriter& out) {
  for (const FrameTemplate& frame : structure.templates) {
    for (size_t i = 0; i < std::min<size_t>(frame.reference_count, kMaxFrameReferences); ++i) {
      if (frame.references[i] < 1 || frame.references[i] > 16) {
        return false;
      }
      out.Write(1, 1);
      out.Write(frame.references[i] - 1u, 4);
    }
    out.Write(0, 1);
  }
  return true;
}

bool WriteTemplateChains(const DependencyStructure& structure, BitWriter& out) {
  if (structure.chain_count > structure.decode_target_count) {
    return false;
  }
  out.WriteNonSymmetric(structure.chain_count, structure.decode_target_count + 1u);
  if (structure.chain_count == 0) {
    return true;
  }
  for (size_t target = 0; target < structure.decode_target_count; ++target) {
    if (structure.protected_by[target] >= structure.chain_count) {
      return false;
    }
    out.WriteNonSymmetric(structure.protected_by[target], structure.chain_count);
  }
  for (const FrameTemplate& frame : structure.templates) {
    for (size_t chain = 0; chain < structure.chain_count; ++chain) {
      if (frame.chain_diffs[chain] > 15) {
        return false;
      }
      out.Write(frame.chain_diffs[chain], 4);
    }
  }
  return true;
}

bool WriteResolutions(const DependencyStructure& structure, BitWriter& out) {
  out.Write(structure.resolutions.empty() ? 0 : 1, 1);
  if (structure.resolutions.empty()) {
    return true;
  }
  if (structure.resolutions.size() != structure.templates.back().spatial_id + size_t{1}) {
    return false;
  }
  for (const VideoSize size : structure.resolutions) {
    if (size.width == 0 || size.height == 0) {
      return false;
    }
    out.Write(size.width - 1u, 16);
    out.Write(size.height - 1u, 16);
  }
  return true;
}

bool WriteStructure(const DependencyStructure& structure, BitWriter& out) {
  if (structure.decode_target_count < 1 || structure.decode_target_count > kMaxDecodeTargets) {
    return false;
  }
  out.Write(structure.template_id_offset & 0x3f, 6);
  out.Write(structure.decode_target_count - 1u, 5);
  if (!WriteTemplateLayers(structure, out)) {
    return false;
  }
  for (const FrameTemplate& frame : structure.templates) {
    for (size_t target = 0; target < structure.decode_target_count; ++target) {
      out.Write(static_cast<uint32_t>(frame.dtis[target]), 2);
    }
  }
  return WriteTemplateReferences(structure, out) && WriteTemplateChains(structure, out) &&
         WriteResolutions(structure, out);
}

bool WriteCustomReferences(const DependencyDescriptor& descriptor, BitWriter& out) {
  for (size_t i = 0; i < std::min<size_t>(descriptor.reference_count, kMaxFrameReferences); ++i) {
    const uint32_t distance = descriptor.references[i];
    if (distance < 1 || distance > 4096) {
      return false;
    }
    const uint32_t nibbles = distance <= 16 ? 1 : distance <= 256 ? 2 : 3;
    out.Write(nibbles, 2);
    out.Write(distance - 1, static_cast<int>(nibbles) * 4);
  }
  out.Write(0, 2);
  return true;
}

bool WriteDefinition(const DependencyDescriptor& descriptor, const DependencyStructure& structure,
                     BitWriter& out) {
  if (descriptor.custom_dtis) {
    for (size_t target = 0; target < structure.decode_target_count; ++target) {
      out.Write(static_cast<uint32_t>(descriptor.dtis[target]), 2);
    }
  }
  if (descriptor.custom_references && !WriteCustomReferences(descriptor, out)) {
    return false;
  }
  if (descriptor.custom_chains) {
    for (size_t chain = 0; chain < structure.chain_count; ++chain) {
      out.Write(descriptor.chain_diffs[chain], 8);
    }
  }
  return true;
}

}  // namespace

size_t PatchDependencyDescriptor(ConstBytes data, const DependencyDescriptor& descriptor,
                                 const DependencyDescriptorPatch& patch, MutableBytes out) {
  if (data.size() < kMandatorySize || descriptor.end_position > data.size() * 8 ||
      descriptor.structure == nullptr) {
    return 0;
  }
  const int targets = descriptor.structure->decode_target_count;
  const size_t mask_size = descriptor.active_targets ? static_cast<size_t>(targets) : 0;
  BitWriter writer(out);
  WriteHead(descriptor, patch.frame_number.value_or(descriptor.frame_number), writer);
  const bool is_extended = descriptor.mask_position != 0;
  if (!is_extended && !patch.active_targets) {
    return writer.ok() ? writer.size_bytes() : 0;
  }
  if (!is_extended) {
    writer.Write(0b01000, 5);
    writer.Write(*patch.active_targets, targets);
    return writer.ok() ? writer.size_bytes() : 0;
  }
  writer.Copy(data, kFlagsPosition, kActiveTargetsFlag);
  writer.Write(patch.active_targets || descriptor.active_targets ? 1 : 0, 1);
  writer.Copy(data, kActiveTargetsFlag + 1, descriptor.mask_position);
  if (patch.active_targets) {
    writer.Write(*patch.active_targets, targets);
  } else {
    writer.Copy(data, descriptor.mask_position, descriptor.mask_position + mask_size);
  }
  writer.Copy(data, descriptor.mask_position + mask_size, descriptor.end_position);
  return writer.ok() ? writer.size_bytes() : 0;
}

size_t WriteDependencyDescriptor(const DependencyDescriptor& descriptor, MutableBytes out) {
  BitWriter writer(out);
  WriteHead(descriptor, descriptor.frame_number, writer);
  const bool is_extended = descriptor.attached_structure || descriptor.active_targets ||
                           descriptor.custom_dtis || descriptor.custom_references || descriptor.custom_chains;
  if (descriptor.structure == nullptr || !is_extended) {
    return writer.ok() && !is_extended ? writer.size_bytes() : 0;
  }
  writer.Write(descriptor.attached_structure ? 1 : 0, 1);
  writer.Write(descriptor.active_targets ? 1 : 0, 1);
  writer.Write(descriptor.custom_dtis ? 1 : 0, 1);
  writer.Write(descriptor.custom_references ? 1 : 0, 1);
  writer.Write(descriptor.custom_chains ? 1 : 0, 1);
  if (descriptor.attached_structure && !WriteStructure(*descriptor.structure, writer)) {
    return 0;
  }
  if (descriptor.active_targets) {
    writer.Write(*descriptor.active_targets, descriptor.structure->decode_target_count);
  }
  if (!WriteDefinition(descriptor, *descriptor.structure, writer)) {
    return 0;
  }
  return writer.ok() ? writer.size_bytes() : 0;
}

}  // namespace weir::codec
