#include "rtp/sequence.h"

#include <algorithm>

namespace weir::rtp {
namespace {

using base::TimeDelta;
using base::Timestamp;

// The value congruent to `timestamp` that is nearest to `reference`.
int64_t NearestTo(int64_t reference, uint32_t timestamp) {
  return reference + TimestampDistance(timestamp, static_cast<uint32_t>(reference));
}

// In microseconds: how long a clock takes for a quarter of its 32 bits.
TimeDelta QuarterCircle(uint32_t clock_rate) {
  return TimeDelta::Micros((int64_t{1} << 30) * 1'000'000 / clock_rate);
}

// Split into seconds and the rest, since ticks of a long silence times a million would overflow.
int64_t TicksOf(TimeDelta elapsed, uint32_t clock_rate) {
  const int64_t seconds = elapsed.micros() / 1'000'000;
  const int64_t micros = elapsed.micros() % 1'000'000;
  return seconds * clock_rate + micros * clock_rate / 1'000'000;
}

}  // namespace

int64_t SeqUnwrapper::Peek(uint16_t seq) const {
  return highest_ ? *highest_ + SeqDistance(seq, static_cast<uint16_t>(*highest_)) : seq;
}

int64_t SeqUnwrapper::Unwrap(uint16_t seq) {
  const int64_t extended = Peek(seq);
  highest_ = highest_ ? std::max(*highest_, extended) : extended;
  return extended;
}

int64_t TimestampUnwrapper::Peek(uint32_t timestamp) const {
  return highest_ ? NearestTo(*highest_, timestamp) : timestamp;
}

int64_t TimestampUnwrapper::Unwrap(uint32_t timestamp) {
  const int64_t extended = Peek(timestamp);
  highest_ = highest_ ? std::max(*highest_, extended) : extended;
  return extended;
}

int64_t TimestampUnwrapper::Unwrap(uint32_t timestamp, Timestamp now) {
  if (highest_ && last_arrival_ && clock_rate_ != 0) {
    const TimeDelta silence = now - *last_arrival_;
    if (silence > QuarterCircle(clock_rate_)) {
      const int64_t expected = *highest_ + TicksOf(silence, clock_rate_);
      const int64_t extended = NearestTo(expected, timestamp);
      highest_ = std::max(*highest_, extended);
      last_arrival_ = now;
      return extended;
    }
  }
  last_arrival_ = last_arrival_ ? std::max(*last_arrival_, now) : now;
  return Unwrap(timestamp);
}

void TimestampUnwrapper::Reset() {
  highest_.reset();
  last_arrival_.reset();
}

}  // namespace weir::rtp
