// Counters that wrap, made into counters that do not: 16-bit sequence numbers and 32-bit timestamps become
// int64_t by the half-range rule, measured from the highest value seen (RFC 3550 appendix A.1).
//
// An unwrapper begins at the first value itself, so that values just before it are negative. It never decides
// that a stream restarted: the caller looks at the distance of a result from highest() and calls Reset().
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace weir::rtp {

// Signed distance from b to a on the circle: positive when a is newer. The antipode counts as older.
constexpr int SeqDistance(uint16_t a, uint16_t b) {
  return static_cast<int16_t>(static_cast<uint16_t>(a - b));
}
constexpr bool SeqNewer(uint16_t a, uint16_t b) { return SeqDistance(a, b) > 0; }
constexpr int64_t TimestampDistance(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b); }
constexpr bool TimestampNewer(uint32_t a, uint32_t b) { return TimestampDistance(a, b) > 0; }

class SeqUnwrapper {
 public:
  // The extended number, which also becomes highest() when it is.
  int64_t Unwrap(uint16_t seq);
  // The same answer without remembering it.
  int64_t Peek(uint16_t seq) const;
  std::optional<int64_t> highest() const { return highest_; }
  void Reset() { highest_.reset(); }

 private:
  std::optional<int64_t> highest_;
};

class TimestampUnwrapper {
 public:
  // With a clock rate (Hz) the second form of Unwrap can use the time that passed.
  explicit TimestampUnwrapper(uint32_t clock_rate = 0) : clock_rate_(clock_rate) {}

  int64_t Unwrap(uint32_t timestamp);
  // After a silence longer than a quarter of the circle the half-range rule cannot be trusted: the value
  // nearest to what the elapsed time predicts is taken instead.
  int64_t Unwrap(uint32_t timestamp, base::Timestamp now);
  int64_t Peek(uint32_t timestamp) const;
  std::optional<int64_t> highest() const { return highest_; }
  void Reset();

 private:
  uint32_t clock_rate_;
  std::optional<int64_t> highest_;
  std::optional<base::Timestamp> last_arrival_;
};

}  // namespace weir::rtp
