#include "sfu/sequence_mapper.h"

namespace weir::sfu {

void SequenceMapper::Start(int64_t seq, int64_t out) {
  count_ = 1;
  newest_ = 0;
  ranges_[0] = Range{.start = seq, .shift = seq - out};
  shift_ = seq - out;
  highest_ = seq - 1;
}

// Everything from `start` on moves down by `count` more.
void SequenceMapper::Shift(int64_t start, int64_t count) {
  Range& last = ranges_[newest_];
  // A run of drops is one step: the range between two neighbours would be empty. The first range has no step
  // before it to grow, except by beginning later.
  if (last.start == start - count) {
    last.start = start;
    last.shift += count;
    shift_ = last.shift;
    return;
  }
  const int64_t shift = last.shift + count;
  newest_ = (newest_ + 1) % kMaxRanges;
  ranges_[newest_] = Range{.start = start, .shift = shift};
  shift_ = shift;
  if (count_ < kMaxRanges) {
    ++count_;
  }
}

bool SequenceMapper::Drop(int64_t seq) {
  if (seq <= highest_) {
    return false;
  }
  Shift(seq + 1, 1);
  highest_ = seq;
  return true;
}

void SequenceMapper::DropGap(int64_t seq) {
  const int64_t lost = seq - highest_ - 1;
  if (lost > 0) {
    Shift(seq, lost);
    highest_ = seq - 1;
  }
}

std::optional<int64_t> SequenceMapper::Find(int64_t seq) const {
  int64_t next_shift = 0;
  int64_t next_start = INT64_MAX;
  for (size_t i = 0; i < count_; ++i) {
    const Range& range = ranges_[(newest_ + kMaxRanges - i) % kMaxRanges];
    if (seq >= range.start) {
      const bool dropped = next_start != INT64_MAX && seq >= next_start - (next_shift - range.shift);
      return dropped ? std::nullopt : std::optional(seq - range.shift);
    }
    next_start = range.start;
    next_shift = range.shift;
  }
  return std::nullopt;
}

bool SequenceMapper::WasDropped(int64_t seq) const {
  if (count_ == 0 || seq > highest_) {
    return false;
  }
  const Range& oldest = ranges_[(newest_ + kMaxRanges - (count_ - 1)) % kMaxRanges];
  return seq >= oldest.start && !Find(seq).has_value();
}

}  // namespace weir::sfu
