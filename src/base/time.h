// Points and spans of time, in whole microseconds, as values that cannot be mixed up.
//
// Below `server` nothing reads a clock: `now` is always an argument. A Timestamp counts from an arbitrary
// start (the shell uses the monotonic clock), so only differences mean anything; wall-clock time is a
// separate type.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace weir::base {

class TimeDelta {
 public:
  constexpr TimeDelta() = default;
  static constexpr TimeDelta Micros(int64_t value) { return TimeDelta(value); }
  static constexpr TimeDelta Millis(int64_t value) { return TimeDelta(value * 1000); }
  static constexpr TimeDelta Seconds(int64_t value) { return TimeDelta(value * 1'000'000); }
  static constexpr TimeDelta Infinity() { return TimeDelta(std::numeric_limits<int64_t>::max()); }

  constexpr int64_t micros() const { return micros_; }
  constexpr int64_t millis() const { return micros_ / 1000; }
  constexpr double seconds() const { return static_cast<double>(micros_) / 1e6; }
  constexpr bool infinite() const { return micros_ == std::numeric_limits<int64_t>::max(); }

  constexpr TimeDelta operator+(TimeDelta other) const { return TimeDelta(micros_ + other.micros_); }
  constexpr TimeDelta operator-(TimeDelta other) const { return TimeDelta(micros_ - other.micros_); }
  constexpr TimeDelta operator-() const { return TimeDelta(-micros_); }
  constexpr TimeDelta operator*(int64_t factor) const { return TimeDelta(micros_ * factor); }
  constexpr TimeDelta operator/(int64_t divisor) const { return TimeDelta(micros_ / divisor); }
  constexpr TimeDelta& operator+=(TimeDelta other) { return *this = *this + other; }
  constexpr auto operator<=>(const TimeDelta&) const = default;

 private:
  explicit constexpr TimeDelta(int64_t micros) : micros_(micros) {}
  int64_t micros_ = 0;
};

class Timestamp {
 public:
  constexpr Timestamp() = default;
  static constexpr Timestamp Micros(int64_t value) { return Timestamp(value); }
  static constexpr Timestamp Millis(int64_t value) { return Timestamp(value * 1000); }
  static constexpr Timestamp Seconds(int64_t value) { return Timestamp(value * 1'000'000); }
  // Later than every time: "no deadline".
  static constexpr Timestamp Infinity() { return Timestamp(std::numeric_limits<int64_t>::max()); }
  // Earlier than every time: "never happened".
  static constexpr Timestamp Never() { return Timestamp(std::numeric_limits<int64_t>::min() / 2); }

  constexpr int64_t micros() const { return micros_; }
  constexpr int64_t millis() const { return micros_ / 1000; }
  constexpr bool infinite() const { return micros_ == std::numeric_limits<int64_t>::max(); }
  constexpr bool never() const { return *this == Never(); }

  constexpr Timestamp operator+(TimeDelta delta) const {
    return infinite() || delta.infinite() ? Infinity() : Timestamp(micros_ + delta.micros());
  }
  constexpr Timestamp operator-(TimeDelta delta) const { return Timestamp(micros_ - delta.micros()); }
  constexpr TimeDelta operator-(Timestamp other) const { return TimeDelta::Micros(micros_ - other.micros_); }
  constexpr Timestamp& operator+=(TimeDelta delta) { return *this = *this + delta; }
  constexpr auto operator<=>(const Timestamp&) const = default;

 private:
  explicit constexpr Timestamp(int64_t micros) : micros_(micros) {}
  int64_t micros_ = 0;
};

// Wall-clock time, microseconds since 1970-01-01 UTC. Only for what leaves the process: tokens, protocol
// fields, logs.
struct WallTime {
  int64_t micros = 0;
  constexpr int64_t millis() const { return micros / 1000; }
  constexpr int64_t seconds() const { return micros / 1'000'000; }
  constexpr auto operator<=>(const WallTime&) const = default;
};

// What the shell tells the core of time: the monotonic clock, and the offset to wall time at that moment.
struct Now {
  Timestamp mono;
  WallTime wall;
};

}  // namespace weir::base
