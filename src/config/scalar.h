// Reading the text of one YAML value, and writing JSON values. Every reader takes the whole text or refuses
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace weir::config {

std::optional<bool> ParseBool(std::string_view text);        // true/false, yes/no, on/off.
std::optional<int64_t> ParseInteger(std::string_view text);  // Decimal or 0x.
std::optional<double> ParseDecimal(std::string_view text);   // Finite.
// Go's form, which LiveKit's files use: "500ms", "1h30m", "1.5s"; a bare number is nanoseconds.
std::optional<base::TimeDelta> ParseDuration(std::string_view text);

bool IsJsonNumber(std::string_view text);
// With quotes. Bytes that are not UTF-8 become U+FFFD.
void AppendJsonString(std::string_view text, std::string& out);

}  // namespace weir::config
