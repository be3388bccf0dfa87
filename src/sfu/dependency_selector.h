// Chooses frames by the dependency descriptor (sfu.md 2.4): the highest decode target within the limits that
// the publisher produces, entered only at a frame that says so and whose chain was forwarded unbroken, left
// in the same way. Frames that the target does not need are left out.
//
// Frames are remembered (256 of them), so that late packets share the fate of their frame. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "codec/dependency_descriptor.h"

namespace weir::sfu {

class DependencySelector {
 public:
  // Whether the frame of this packet is wanted. `late`: not the newest packet, changes nothing.
  bool Wants(const codec::DependencyDescriptor& descriptor, uint32_t active_targets, int max_spatial,
             int max_temporal, bool late);
  void Reset();

  bool has_target() const { return target_ >= 0; }
  int spatial() const { return spatial_; }  // Of the chosen target; -1 without one.
  int temporal() const { return temporal_; }
  // The chosen target is below the limits and needs a key frame to rise or fall.
  bool needs_keyframe() const { return needs_keyframe_; }
  // All decode targets up to the chosen one; nothing when none is left out.
  std::optional<uint32_t> mask() const { return mask_; }

 private:
  struct Frame {
    int64_t number = INT64_MIN;
    uint32_t intact_chains = 0;
    bool forwarded = false;
  };
  Frame& At(int64_t number) { return frames_[static_cast<size_t>(number) & (frames_.size() - 1)]; }
  int Highest(const codec::DependencyStructure& structure, uint32_t active, int max_spatial,
              int max_temporal) const;
  uint32_t IntactChains(const codec::DependencyDescriptor& descriptor);
  void Enter(const codec::DependencyStructure& structure, int target);

  int target_ = -1;
  int spatial_ = -1;
  int temporal_ = -1;
  bool needs_keyframe_ = false;
  std::optional<uint32_t> mask_;
  std::vector<Frame> frames_;  // Ring, filled with the first descriptor.
};

}  // namespace weir::sfu
