// The few text operations that reading SDP takes. Views into the argument; nothing allocates.
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <utility>

namespace weir::sdp {

constexpr char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, Lower, Lower);
}

inline std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  return first == text.npos ? std::string_view{}
                            : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

inline bool HasBlank(std::string_view text) { return text.find_first_of(" \t") != text.npos; }

// What stands before and after the first `separator`; the second is empty when there is none.
inline std::pair<std::string_view, std::string_view> Cut(std::string_view text, char separator) {
  const size_t at = text.find(separator);
  return at == text.npos ? std::pair{text, std::string_view{}}
                         : std::pair{text.substr(0, at), text.substr(at + 1)};
}

// Takes the next word from `rest`; empty at the end. Runs of blanks count as one: endpoints write them.
inline std::string_view NextWord(std::string_view& rest) {
  rest = Trim(rest);
  const size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest = Trim(rest.substr(end));
  return word;
}

// Decimal digits only, all of `text`.
template <std::unsigned_integral T>
std::optional<T> ParseNumber(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

}  // namespace weir::sdp
