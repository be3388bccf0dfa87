// Maps extended sequence numbers of a source onto an outgoing line from which some were left out on purpose:
// what we drop closes up, what is lost stays a gap that a repair can fill (sfu.md 3.3, F-INV1).
//
// Remembers the last kMaxRanges stretches between drops, so that a late packet finds the number that was kept
// for it. Fixed size, no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace weir::sfu {

class SequenceMapper {
 public:
  static constexpr size_t kMaxRanges = 128;

  // Begins anew: `seq` becomes `out`, and nothing before `seq` maps any more.
  void Start(int64_t seq, int64_t out);
  bool started() const { return count_ > 0; }
  // Newest source number that was mapped or dropped.
  int64_t highest() const { return highest_; }

  // Where `seq` goes; nothing for one that was dropped, that lies before Start or beyond memory. A number
  // above highest() becomes highest().
  std::optional<int64_t> Map(int64_t seq) {
    if (seq > highest_) [[likely]] {
      highest_ = seq;
      return seq - shift_;
    }
    return Find(seq);
  }
  // Leaves `seq` out. False when it is not above highest(): its place is given out and stays.
  bool Drop(int64_t seq);
  // Leaves out all of (highest(), seq): they were lost, but belong to what is dropped (sfu.md FW-3).
  void DropGap(int64_t seq);
  // Whether a number that Map refuses was left out on purpose.
  bool WasDropped(int64_t seq) const;

 private:
  // Holds for source numbers from start on; the last (shift - previous shift) before start were dropped.
  struct Range {
    int64_t start = 0;
    int64_t shift = 0;
  };
  std::optional<int64_t> Find(int64_t seq) const;
  void Shift(int64_t start, int64_t count);

  int64_t highest_ = -1;
  int64_t shift_ = 0;  // Of the newest range.
  size_t newest_ = 0;
  size_t count_ = 0;
  std::array<Range, kMaxRanges> ranges_ = {};
};

}  // namespace weir::sfu
