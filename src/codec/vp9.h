// The VP9 payload descriptor, RFC 9628 section 4.2, in flexible and non-flexible mode with its scalability
// structure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace weir::codec {

struct Vp9Resolution {
  uint16_t width = 0;
  uint16_t height = 0;
  bool operator==(const Vp9Resolution&) const = default;
};

// Only what a forwarder asks of it: how many spatial layers and how large. The picture group is checked and
// skipped.
struct Vp9ScalabilityStructure {
  uint8_t spatial_layers = 0;  // 1..8 when present.
  bool has_resolutions = false;
  std::array<Vp9Resolution, 8> resolutions = {};
  uint8_t group_size = 0;       // N_G, 0 when absent.
  uint8_t temporal_layers = 1;  // One more than the highest TID in the group.
};

struct Vp9Descriptor {
  size_t descriptor_size = 0;
  int32_t picture_id = -1;  // -1: absent.
  bool picture_id_15bit = false;
  bool inter_picture_predicted = false;    // P
  bool flexible = false;                   // F
  bool start_of_frame = false;             // B, of this layer's frame.
  bool end_of_frame = false;               // E, of this layer's frame.
  bool not_inter_layer_reference = false;  // Z: no higher spatial layer of this picture refers to it.
  int tid = -1;                            // 0..7; -1: no layer indices.
  int sid = -1;                            // 0..7; -1: no layer indices.
  bool switching_up = false;               // U
  bool inter_layer_dependency = false;     // D
  int tl0picidx = -1;                      // Non-flexible mode with layer indices only.
  uint8_t reference_count = 0;             // Flexible mode: P_DIFFs.
  std::array<uint8_t, 3> references = {};
  bool has_structure = false;
  Vp9ScalabilityStructure structure;
  bool keyframe = false;  // This packet begins a picture that refers to no earlier one, at its lowest layer.
  uint16_t width = 0;     // Of the highest layer in the structure, when it tells; else 0.
  uint16_t height = 0;
};

// Errors: kTruncated; kTooLarge for more than three references.
base::Result<Vp9Descriptor, base::ParseError> ParseVp9(base::ConstBytes payload);

// Copies the descriptor of `payload` with another picture id and TL0PICIDX, each in the width it has there
// (absent ones stay absent; -1 keeps). Answers descriptor_size, 0 when `out` is too small.
size_t RewriteVp9(base::ConstBytes payload, const Vp9Descriptor& descriptor, int32_t picture_id,
                  int tl0picidx, base::MutableBytes out);

}  // namespace weir::codec
