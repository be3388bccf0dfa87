// Keeps picture id, TL0PICIDX and KEYIDX of VP8 continuous across source switches and dropped pictures
// (sfu.md VP8-1). The picture id is always written in its 15-bit form; a source without one gets a count of
// its own.
//
// Remembers the last 256 pictures by timestamp, so that a late packet gets what its picture got. Not
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/random.h"
#include "codec/vp8.h"

namespace weir::sfu {

struct Vp8Fields {
  uint16_t picture_id = 0;
  uint8_t tl0picidx = 0;
  uint8_t keyidx = 0;
  bool operator==(const Vp8Fields&) const = default;
};

class Vp8Rewriter {
 public:
  static constexpr size_t kPictures = 256;

  explicit Vp8Rewriter(uint16_t first_picture_id) : last_picture_(first_picture_id) {}

  // The next picture begins another source.
  void Switch() { switched_ = true; }
  // A picture of the current source is left out.
  void Drop(const codec::Vp8Descriptor& descriptor, int64_t timestamp);
  // What a packet of the picture at `timestamp` gets; nothing when the picture was left out, or is too old to
  // tell.
  std::optional<Vp8Fields> Rewrite(const codec::Vp8Descriptor& descriptor, int64_t timestamp);

 private:
  struct Picture {
    int64_t timestamp = INT64_MIN;
    int64_t offset = 0;  // Source picture id minus ours, as valid for this picture.
    uint16_t picture_id = 0;
    bool dropped = false;
  };
  int64_t Unwrap(const codec::Vp8Descriptor& descriptor);
  const Picture* Find(int64_t timestamp) const;
  std::optional<Vp8Fields> RewriteLate(const codec::Vp8Descriptor& descriptor, int64_t timestamp);
  void BeginSource(const codec::Vp8Descriptor& descriptor, int64_t source_id);
  Vp8Fields Fields(const codec::Vp8Descriptor& descriptor, int64_t picture) const;
  void Remember(const Picture& picture);

  bool switched_ = true;
  int64_t last_source_ = 0;  // Extended source picture id.
  int64_t last_picture_;     // Extended, ours.
  int64_t offset_ = 0;
  int tl0_offset_ = 0;
  int keyidx_offset_ = 0;
  int last_tl0_ = -1;
  int last_keyidx_ = -1;
  int64_t newest_ = INT64_MIN;     // Timestamp of the newest picture of this source.
  std::vector<Picture> pictures_;  // Ring, filled on first use.
  size_t next_ = 0;
};

}  // namespace weir::sfu
