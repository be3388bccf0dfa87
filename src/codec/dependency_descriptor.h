// The dependency descriptor header extension (AV1 RTP payload specification, appendix A): which frame a
// packet belongs to, what it refers to, and for which decode targets it matters. It also comes with VP8, VP9
// and H.264.
//
// Most packets only name a template; the templates come with key frames. So reading needs a state per stream:
// the DependencyDescriptorReader. A descriptor that was read does not allocate. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/h264.h"
#include "rtp/sequence.h"

namespace weir::codec {

inline constexpr size_t kMaxTemplates = 64;        // By the 6-bit template id.
inline constexpr size_t kMaxDecodeTargets = 32;    // By the 5-bit count.
inline constexpr size_t kMaxChains = 32;           // Never more than decode targets.
inline constexpr size_t kMaxFrameReferences = 16;  // The format has no limit; AV1 itself has 7.
inline constexpr int kMaxSpatialLayers = 4;
inline constexpr int kMaxTemporalLayers = 8;

// Decode target indication: what a frame is to one decode target.
enum class Dti : uint8_t { kNotPresent = 0, kDiscardable = 1, kSwitch = 2, kRequired = 3 };

struct FrameTemplate {
  uint8_t spatial_id = 0;
  uint8_t temporal_id = 0;
  uint8_t reference_count = 0;
  std::array<Dti, kMaxDecodeTargets> dtis = {};
  std::array<uint16_t, kMaxFrameReferences> references = {};  // Distances in frame numbers, at least 1.
  std::array<uint8_t, kMaxChains> chain_diffs = {};           // 0: this frame begins the chain anew.
  bool operator==(const FrameTemplate&) const = default;
};

// What one key frame announces for the frames after it.
struct DependencyStructure {
  uint8_t template_id_offset = 0;
  uint8_t decode_target_count = 0;
  uint8_t chain_count = 0;
  std::vector<FrameTemplate> templates;  // At most kMaxTemplates.
  std::array<uint8_t, kMaxDecodeTargets> protected_by =
      {};  // Chain per decode target (when chain_count > 0).
  std::array<uint8_t, kMaxDecodeTargets> target_spatial_id =
      {};  // The operating point of each decode target.
  std::array<uint8_t, kMaxDecodeTargets> target_temporal_id = {};
  int max_spatial_id = 0;
  int max_temporal_id = 0;
  std::vector<VideoSize> resolutions;  // Per spatial layer; may be empty.

  uint32_t all_targets() const { return decode_target_count >= 32 ? ~0u : (1u << decode_target_count) - 1; }
  bool operator==(const DependencyStructure&) const = default;
};

struct DependencyDescriptor {
  bool start_of_frame = false;
  bool end_of_frame = false;
  uint8_t template_id = 0;
  uint16_t frame_number = 0;
  int64_t extended_frame_number = 0;  // Unwrapped by the reader.
  bool attached_structure =
      false;  // This packet carries the structure: a key frame (at least of its layers).
  const DependencyStructure* structure = nullptr;  // The reader's; valid until the second structure after it.
  std::optional<uint32_t> active_targets;          // The mask in this packet; bit i is decode target i.

  // Of the frame, from its template unless the packet overrides it.
  uint8_t spatial_id = 0;
  uint8_t temporal_id = 0;
  uint8_t reference_count = 0;
  bool custom_dtis = false;
  bool custom_references = false;
  bool custom_chains = false;
  std::array<Dti, kMaxDecodeTargets> dtis = {};
  std::array<uint16_t, kMaxFrameReferences> references = {};
  std::array<uint8_t, kMaxChains> chain_diffs = {};
  VideoSize resolution;  // Of its spatial layer; zeros when not told.

  // For the patcher, in bits from the start of the extension data.
  uint16_t mask_position = 0;  // Where the mask stands or would stand; 0 in a packet of three bytes.
  uint16_t end_position = 0;   // Where the definition ends and zero padding begins.
};

struct DependencyDescriptorHead {
  bool start_of_frame = false;
  bool end_of_frame = false;
  uint8_t template_id = 0;
  uint16_t frame_number = 0;
  bool may_have_structure = false;  // Longer than the mandatory three bytes and flagged so.
};
// The fields that can be read without any structure.
base::Result<DependencyDescriptorHead, base::ParseError> ParseDependencyDescriptorHead(base::ConstBytes data);

class DependencyDescriptorReader {
 public:
  // A structure further behind the newest than this many frames is taken for a restarted encoder, not a late
  // packet.
  static constexpr int64_t kMaxLateFrames = 1024;

  // Errors: kTruncated; kBadValue (fields out of range, an unknown template, or a frame from before the
  // structures that are kept); kTooLarge (over the limits above); kUnsupported: no structure has arrived yet,
  // which a key frame heals. After an error the state is as before.
  base::Result<DependencyDescriptor, base::ParseError> Read(base::ConstBytes data);

  // The newest structure, null before the first.
  const DependencyStructure* structure() const { return current_.structure.get(); }
  std::shared_ptr<const DependencyStructure> shared_structure() const { return current_.structure; }
  int64_t structure_frame() const { return current_.frame; }
  // The newest mask of active decode targets: all after a structure, until a packet tells otherwise.
  uint32_t active_targets() const { return active_targets_; }
  void Reset();

 private:
  struct Generation {
    std::shared_ptr<const DependencyStructure> structure;
    int64_t frame = 0;  // Extended number of the key frame that brought it.
  };
  const Generation* GenerationFor(int64_t frame) const;
  // Stores what a key frame brought, and answers the structure that stands for that frame from now on.
  base::Result<std::shared_ptr<const DependencyStructure>, base::ParseError> Keep(
      int64_t frame, std::shared_ptr<const DependencyStructure> structure);
  void NoteActiveTargets(const DependencyDescriptor& descriptor);

  rtp::SeqUnwrapper unwrapper_;
  Generation current_;
  Generation previous_;  // For packets that arrive after the next key frame.
  uint32_t active_targets_ = 0;
  int64_t active_targets_frame_ = 0;
};

struct DependencyDescriptorPatch {
  std::optional<uint32_t>
      active_targets;  // Sets or replaces the mask; without it the packet keeps what it has.
  std::optional<uint16_t> frame_number;
};
// Copies the extension `data`, which was read into `descriptor`, with the patch applied. Answers its size, at
// most data.size() + 5; 0 when `out` is too small.
size_t PatchDependencyDescriptor(base::ConstBytes data, const DependencyDescriptor& descriptor,
                                 const DependencyDescriptorPatch& patch, base::MutableBytes out);

// Writes a descriptor from its fields: head, mask, custom definitions; descriptor.structure is attached when
// attached_structure is set and else only used for the counts (null: three bytes). 0 when it does not fit or
// the structure cannot be expressed (template layers out of order).
size_t WriteDependencyDescriptor(const DependencyDescriptor& descriptor, base::MutableBytes out);

}  // namespace weir::codec
