#include "io/clock.h"

#include <ctime>

namespace weir::io {
namespace {

int64_t Micros(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

}  // namespace

base::Timestamp MonotonicNow() { return base::Timestamp::Micros(Micros(CLOCK_MONOTONIC)); }

base::Now ReadClock() { return {MonotonicNow(), base::WallTime{Micros(CLOCK_REALTIME)}}; }

}  // namespace weir::io
