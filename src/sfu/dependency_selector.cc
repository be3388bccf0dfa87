#include "sfu/dependency_selector.h"

#include <algorithm>

namespace weir::sfu {

using codec::DependencyDescriptor;
using codec::DependencyStructure;
using codec::Dti;

namespace {
constexpr size_t kFrames = 256;
}  // namespace

void DependencySelector::Reset() {
  std::ranges::fill(frames_, Frame());
  target_ = spatial_ = temporal_ = -1;
  needs_keyframe_ = false;
  mask_.reset();
}

// The best decode target within the limits, -1 when there is none. Spatial counts before temporal.
int DependencySelector::Highest(const DependencyStructure& structure, uint32_t active, int max_spatial,
                                int max_temporal) const {
  int best = -1;
  for (int i = 0; i < structure.decode_target_count; ++i) {
    const auto index = static_cast<size_t>(i);
    const int spatial = structure.target_spatial_id[index];
    const int temporal = structure.target_temporal_id[index];
    if ((active >> i & 1) == 0 || spatial > max_spatial || temporal > max_temporal) {
      continue;
    }
    if (best < 0) {
      best = i;
      continue;
    }
    const auto best_index = static_cast<size_t>(best);
    const int best_spatial = structure.target_spatial_id[best_index];
    if (spatial > best_spatial ||
        (spatial == best_spatial && temporal > structure.target_temporal_id[best_index])) {
      best = i;
    }
  }
  return best;
}

// Chains that are whole up to this frame. Only what we left out breaks one: what was lost may still be
// repaired.
uint32_t DependencySelector::IntactChains(const DependencyDescriptor& descriptor) {
  uint32_t intact = 0;
  for (size_t chain = 0; chain < descriptor.structure->chain_count; ++chain) {
    const int difference = descriptor.chain_diffs[chain];
    if (difference == 0) {
      intact |= 1u << chain;
      continue;
    }
    const int64_t number = descriptor.extended_frame_number - difference;
    const Frame& before = At(number);
    if (before.number != number || (before.forwarded && (before.intact_chains >> chain & 1) != 0)) {
      intact |= 1u << chain;
    }
  }
  return intact;
}

void DependencySelector::Enter(const DependencyStructure& structure, int target) {
  target_ = target;
  spatial_ = structure.target_spatial_id[static_cast<size_t>(target)];
  temporal_ = structure.target_temporal_id[static_cast<size_t>(target)];
  uint32_t mask = 0;
  for (size_t i = 0; i < structure.decode_target_count; ++i) {
    if (structure.target_spatial_id[i] <= spatial_ && structure.target_temporal_id[i] <= temporal_) {
      mask |= 1u << i;
    }
  }
  mask_ = mask == structure.all_targets() ? std::nullopt : std::optional(mask);
}

bool DependencySelector::Wants(const DependencyDescriptor& descriptor, uint32_t active_targets,
                               int max_spatial, int max_temporal, bool late) {
  const DependencyStructure* structure = descriptor.structure;
  if (structure == nullptr || structure->decode_target_count == 0) {
    return true;
  }
  if (frames_.empty()) {
    frames_.resize(kFrames);
  }
  Frame& frame = At(descriptor.extended_frame_number);
  if (frame.number == descriptor.extended_frame_number) {
    return frame.forwarded;
  }
  if (late) {
    return target_ >= 0 && target_ < structure->decode_target_count &&
           descriptor.dtis[static_cast<size_t>(target_)] != Dti::kNotPresent;
  }
  const uint32_t intact = IntactChains(descriptor);
  const int desired = Highest(*structure, active_targets, max_spatial, max_temporal);
  if (target_ >= structure->decode_target_count) {
    target_ = -1;
  }
  needs_keyframe_ = false;
  if (descriptor.attached_structure && desired >= 0) {
    Enter(*structure, desired);
  } else if (desired >= 0 && desired != target_) {
    const auto index = static_cast<size_t>(desired);
    const bool whole = structure->chain_count == 0 || (intact >> structure->protected_by[index] & 1) != 0;
    if (whole && descriptor.dtis[index] == Dti::kSwitch) {
      Enter(*structure, desired);
    } else {
      needs_keyframe_ = target_ < 0 || spatial_ != structure->target_spatial_id[index];
    }
  }
  frame.number = descriptor.extended_frame_number;
  frame.intact_chains = intact;
  frame.forwarded = target_ >= 0 && descriptor.dtis[static_cast<size_t>(target_)] != Dti::kNotPresent;
  return frame.forwarded;
}

}  // namespace weir::sfu
