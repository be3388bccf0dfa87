// Identifiers of one kind that do not convert into those of another.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace weir::base {

// using TrackSid = StrongString<struct TrackSidTag>;
template <typename Tag>
class StrongString {
 public:
  StrongString() = default;
  explicit StrongString(std::string value) : value_(std::move(value)) {}
  const std::string& value() const { return value_; }
  bool empty() const { return value_.empty(); }
  auto operator<=>(const StrongString&) const = default;
  bool operator==(const StrongString&) const = default;

 private:
  std::string value_;
};

// using Ssrc = StrongInt<struct SsrcTag, uint32_t>;
template <typename Tag, typename T>
class StrongInt {
 public:
  constexpr StrongInt() = default;
  explicit constexpr StrongInt(T value) : value_(value) {}
  constexpr T value() const { return value_; }
  constexpr auto operator<=>(const StrongInt&) const = default;

 private:
  T value_{};
};

}  // namespace weir::base

template <typename Tag>
struct std::hash<weir::base::StrongString<Tag>> {
  size_t operator()(const weir::base::StrongString<Tag>& id) const {
    return std::hash<std::string>()(id.value());
  }
};
template <typename Tag, typename T>
struct std::hash<weir::base::StrongInt<Tag, T>> {
  size_t operator()(const weir::base::StrongInt<Tag, T>& id) const { return std::hash<T>()(id.value()); }
};
