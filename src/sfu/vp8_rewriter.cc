#include "sfu/vp8_rewriter.h"

namespace weir::sfu {

using codec::Vp8Descriptor;

namespace {
constexpr int64_t kLongIds = 1 << 15;
constexpr int64_t kShortIds = 1 << 7;
}  // namespace

// The extended source picture id, nearest to the last one.
int64_t Vp8Rewriter::Unwrap(const Vp8Descriptor& descriptor) {
  const int64_t ids = descriptor.picture_id_15bit ? kLongIds : kShortIds;
  int64_t difference = (descriptor.picture_id - last_source_) & (ids - 1);
  if (difference >= ids / 2) {
    difference -= ids;
  }
  return last_source_ + difference;
}

const Vp8Rewriter::Picture* Vp8Rewriter::Find(int64_t timestamp) const {
  for (size_t i = 1; i <= pictures_.size(); ++i) {
    const Picture& picture = pictures_[(next_ + kPictures - i) % kPictures];
    if (picture.timestamp == timestamp) {
      return &picture;
    }
  }
  return nullptr;
}

void Vp8Rewriter::Remember(const Picture& picture) {
  if (pictures_.empty()) {
    pictures_.resize(kPictures);
  }
  pictures_[next_] = picture;
  next_ = (next_ + 1) % kPictures;
}

void Vp8Rewriter::BeginSource(const Vp8Descriptor& descriptor, int64_t source_id) {
  switched_ = false;
  offset_ = source_id - (last_picture_ + 1);
  tl0_offset_ = last_tl0_ >= 0 && descriptor.tl0picidx >= 0 ? last_tl0_ + 1 - descriptor.tl0picidx : 0;
  keyidx_offset_ = last_keyidx_ >= 0 && descriptor.keyidx >= 0 ? last_keyidx_ + 1 - descriptor.keyidx : 0;
  // Pictures of the source before must not be found by chance: its timestamps are on another line.
  for (Picture& picture : pictures_) {
    picture.timestamp = INT64_MIN;
  }
  newest_ = INT64_MIN;
}

Vp8Fields Vp8Rewriter::Fields(const Vp8Descriptor& descriptor, int64_t picture) const {
  return Vp8Fields{.picture_id = static_cast<uint16_t>(picture & (kLongIds - 1)),
                   .tl0picidx = static_cast<uint8_t>(descriptor.tl0picidx + tl0_offset_),
                   .keyidx = static_cast<uint8_t>((descriptor.keyidx + keyidx_offset_) & 0x1f)};
}

std::optional<Vp8Fields> Vp8Rewriter::Rewrite(const Vp8Descriptor& descriptor, int64_t timestamp) {
  if (!switched_ && timestamp <= newest_) {
    return RewriteLate(descriptor, timestamp);
  }
  const bool has_id = descriptor.picture_id >= 0;
  if (switched_) {
    last_source_ = has_id ? descriptor.picture_id : last_picture_ + 1;
    BeginSource(descriptor, last_source_);
  } else {
    last_source_ = has_id ? Unwrap(descriptor) : last_source_ + 1;
  }
  newest_ = timestamp;
  last_picture_ = last_source_ - offset_;
  const Vp8Fields fields = Fields(descriptor, last_picture_);
  if (descriptor.tl0picidx >= 0) {
    last_tl0_ = fields.tl0picidx;
  }
  if (descriptor.keyidx >= 0) {
    last_keyidx_ = fields.keyidx;
  }
  Remember(Picture{.timestamp = timestamp, .offset = offset_, .picture_id = fields.picture_id});
  return fields;
}

std::optional<Vp8Fields> Vp8Rewriter::RewriteLate(const Vp8Descriptor& descriptor, int64_t timestamp) {
  if (const Picture* picture = Find(timestamp)) {
    return picture->dropped ? std::nullopt : std::optional(Fields(descriptor, picture->picture_id));
  }
  if (descriptor.picture_id < 0) {
    return std::nullopt;  // A whole picture was missed, and nothing tells where it belongs.
  }
  // Never seen: it counts like the picture before it.
  const Picture* before = nullptr;
  for (const Picture& picture : pictures_) {
    if (picture.timestamp != INT64_MIN && picture.timestamp < timestamp &&
        (before == nullptr || picture.timestamp > before->timestamp)) {
      before = &picture;
    }
  }
  if (before == nullptr) {
    return std::nullopt;
  }
  // A dropped picture shifts those after it by one.
  const int64_t offset = before->offset + (before->dropped ? 1 : 0);
  return Fields(descriptor, Unwrap(descriptor) - offset);
}

void Vp8Rewriter::Drop(const Vp8Descriptor& descriptor, int64_t timestamp) {
  if (switched_ || timestamp <= newest_) {
    return;  // Another packet of a picture that is counted already.
  }
  newest_ = timestamp;
  last_source_ = descriptor.picture_id >= 0 ? Unwrap(descriptor) : last_source_ + 1;
  Remember(Picture{.timestamp = timestamp, .offset = offset_, .dropped = true});
  ++offset_;
}

}  // namespace weir::sfu
