#include "config/scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace weir::config {
namespace {

std::string Lowered(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

template <typename T>
std::optional<T> ParseWhole(std::string_view text, auto... format) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, format...);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

struct Unit {
  std::string_view name;
  double micros;
};
constexpr Unit kUnits[] = {{"ns", 1e-3}, {"us", 1},   {"\xc2\xb5s", 1}, {"ms", 1e3},
                           {"s", 1e6},   {"m", 60e6}, {"h", 3600e6}};

// The length of the UTF-8 sequence at the start of `text`; 0 for a malformed one (RFC 3629 section 4).
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0}; };
  const auto tail = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const uint8_t first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xc2 && first <= 0xdf) {
    return tail(1) ? 2 : 0;
  }
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = first == 0xed && byte(1) > 0x9f;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && byte(1) < 0x90;
    const bool beyond = first == 0xf4 && byte(1) > 0x8f;
    return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

constexpr std::string_view kHex = "0123456789abcdef";

void AppendEscaped(char c, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) {
        out += "\\u00";
        out += kHex[static_cast<uint8_t>(c) >> 4];
        out += kHex[c & 15];
      } else {
        out += c;
      }
  }
}

}  // namespace

std::optional<bool> ParseBool(std::string_view text) {
  const std::string lower = Lowered(text);
  if (lower == "true" || lower == "yes" || lower == "on") {
    return true;
  }
  if (lower == "false" || lower == "no" || lower == "off") {
    return false;
  }
  return std::nullopt;
}

std::optional<int64_t> ParseInteger(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) {
    const std::string_view digits = text.substr(2);
    return digits.starts_with('-') ? std::nullopt : ParseWhole<int64_t>(digits, 16);
  }
  return ParseWhole<int64_t>(text);
}

std::optional<double> ParseDecimal(std::string_view text) {
  const auto value = ParseWhole<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<base::TimeDelta> ParseDuration(std::string_view text) {
  constexpr double kMaxMicros = 9e15;  // 285 years: far from overflow, and more than anybody means.
  if (const auto nanoseconds = ParseInteger(text)) {
    return *nanoseconds < 0 ? std::nullopt : std::optional(base::TimeDelta::Micros(*nanoseconds / 1000));
  }
  double micros = 0;
  if (text.empty()) {
    return std::nullopt;
  }
  while (!text.empty()) {
    const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto number = ParseDecimal(text.substr(0, digits));
    text.remove_prefix(digits);
    const std::string_view name = text.substr(0, text.find_first_of("0123456789."));
    const auto unit = std::ranges::find(kUnits, name, &Unit::name);
    if (!number || unit == std::end(kUnits)) {
      return std::nullopt;
    }
    text.remove_prefix(name.size());
    micros += *number * unit->micros;
    if (micros > kMaxMicros) {
      return std::nullopt;
    }
  }
  return base::TimeDelta::Micros(std::llround(micros));
}

bool IsJsonNumber(std::string_view text) {
  const auto digits = [&] {
    const size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count;
  };
  const auto take = [&](std::string_view any) {
    const bool found = !text.empty() && any.contains(text[0]);
    text.remove_prefix(found ? 1 : 0);
    return found;
  };
  take("-");
  const bool leading_zero = text.starts_with('0');
  const size_t whole = digits();
  if (whole == 0 || (leading_zero && whole > 1)) {
    return false;
  }
  if (take(".") && digits() == 0) {
    return false;
  }
  if (take("eE")) {
    take("+-");
    if (digits() == 0) {
      return false;
    }
  }
  return text.empty();
}

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (length == 1) {
      AppendEscaped(text[0], out);
    } else if (length == 2 && text[0] == '\xc2' && static_cast<uint8_t>(text[1]) < 0xa0) {
      out += "\\u00";  // C1 controls: U+009B starts an escape sequence in some terminals.
      out += kHex[static_cast<uint8_t>(text[1]) >> 4];
      out += kHex[text[1] & 15];
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  out += '"';
}

}  // namespace weir::config
