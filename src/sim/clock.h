// Virtual time: moves only when told to, and never back. Wall time runs beside it from a fixed day, so that
// tokens and NTP fields have something to say.
#pragma once

#include <algorithm>

#include "base/time.h"

namespace weir::sim {

class Clock {
 public:
  static constexpr base::Timestamp kStart = base::Timestamp::Seconds(1000);
  static constexpr base::WallTime kWallStart = {1'700'000'000'000'000};  // 2023-11-14 22:13:20 UTC.

  base::Timestamp now() const { return now_; }
  base::WallTime wall() const { return {kWallStart.micros + (now_ - kStart).micros()}; }
  base::Now both() const { return {now_, wall()}; }
  // Times that have passed already leave the clock where it is.
  void AdvanceTo(base::Timestamp time) { now_ = std::max(now_, time); }

 private:
  base::Timestamp now_ = kStart;
};

}  // namespace weir::sim
