// A YAML text as a tree that remembers lines. Stricter than YAML where YAML misleads: a key that occurs twice
// is an error, as are a second document and a key that is not plain text. The YAML library stays in
// yaml_tree.cc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weir::config {

constexpr size_t kMaxYamlNodes = 20'000;  // Values, each use of an alias counted in full.
constexpr size_t kMaxYamlDepth = 64;

struct YamlEntry;
struct YamlNode {
  enum class Kind : unsigned char { kNull, kScalar, kList, kMap };
  // Nothing in it but nulls, zeros, false and empty texts: as good as not written.
  bool IsZero() const;
  std::string ToJson() const;

  Kind kind = Kind::kNull;
  int line = 0;      // From 1; 0 where a text has no lines (a variable, a flag).
  std::string text;  // Of a scalar.
  bool quoted = false;
  std::vector<YamlNode> items;
  std::vector<YamlEntry> entries;  // In the order of the text.
};
struct YamlEntry {
  std::string key;
  int line = 0;
  YamlNode value;
};

// `name` stands in errors: "name:line: what". An empty text is kNull.
base::Result<YamlNode> ParseYaml(std::string_view text, std::string_view name);

}  // namespace weir::config
