// Remembers which of the last kSize extended sequence numbers occurred. It is what makes sure that a number
// is used once: SRTP must never seal two different packets under one number, whatever a publisher sends.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weir::sfu {

template <size_t kSize>
class SequenceWindow {
  static_assert(kSize % 64 == 0 && (kSize & (kSize - 1)) == 0);

 public:
  // False for a number that occurred before, or lies too far back to tell.
  bool Insert(int64_t seq) {
    if (seq > highest_) [[likely]] {
      Advance(seq);
    } else if (highest_ - seq >= static_cast<int64_t>(kSize)) {
      return false;
    }
    uint64_t& word = words_[Word(seq)];
    const uint64_t bit = uint64_t{1} << (seq & 63);
    if ((word & bit) != 0) {
      return false;
    }
    word |= bit;
    return true;
  }
  bool Contains(int64_t seq) const {
    return seq <= highest_ && highest_ - seq < static_cast<int64_t>(kSize) &&
           (words_[Word(seq)] >> (seq & 63) & 1) != 0;
  }
  bool TooOld(int64_t seq) const { return seq <= highest_ && highest_ - seq >= static_cast<int64_t>(kSize); }

 private:
  static size_t Word(int64_t seq) { return static_cast<size_t>(seq) / 64 % (kSize / 64); }
  void Advance(int64_t seq) {
    if (highest_ == INT64_MIN || seq - highest_ >= static_cast<int64_t>(kSize)) {
      words_ = {};
    } else {
      for (int64_t next = highest_ + 1; next <= seq; ++next) {
        words_[Word(next)] &= ~(uint64_t{1} << (next & 63));
      }
    }
    highest_ = seq;
  }

  std::array<uint64_t, kSize / 64> words_ = {};
  int64_t highest_ = INT64_MIN;
};

}  // namespace weir::sfu
