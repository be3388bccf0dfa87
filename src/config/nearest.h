// "Did you mean": the candidate that a mistyped name most resembles.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weir::config {

// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
size_t EditDistance(std::string_view a, std::string_view b);

// nullopt when none is near: more than a third of the name (at least one, at most three edits) is different.
std::optional<std::string> Nearest(std::string_view name, std::span<const std::string> candidates);

}  // namespace weir::config
