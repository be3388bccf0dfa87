// Writes the values of one source (a YAML tree, a variable, a flag) into Config by the table of keys.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/keys.h"
#include "config/yaml_tree.h"

namespace weir::config {

// What was found wrong so far, and which keys were written. One for all sources of a Load.
struct Findings {
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
  std::set<std::string_view> written;  // Paths of the table.
  bool relaxed = false;                // Unknown keys are warnings.
};

class Binder {
 public:
  // `source` stands before every message: a file's name, to which lines are added, or "variable WEIR_PORT".
  Binder(Config& config, Findings& findings, std::string source)
      : config_(config), findings_(findings), source_(std::move(source)) {}

  void Apply(const YamlNode& root);                          // A whole tree.
  void Set(std::string_view path, const std::string& text);  // One key, from a text without lines.
  void AddApiKeys(const YamlNode& map);                      // "key: secret" entries, over those there are.
  void AddApiKeys(std::string_view yaml);

 private:
  void ApplyMap(const YamlNode& map, const std::string& section);
  void ApplyEntry(const YamlEntry& entry, const std::string& path);
  void Bind(const Key& key, const YamlNode& node);
  void ReportUnknown(const std::string& path, int line);
  void Error(int line, const std::string& what);
  void Warn(int line, const std::string& what);
  std::string At(int line) const;

  // Each returns what the value has to be, or nullptr when it was taken (or its fault was reported already).
  const char* Take(const Key& key, const YamlNode& node, Get<bool> get);
  const char* Take(const Key& key, const YamlNode& node, Get<uint16_t> get);
  const char* Take(const Key& key, const YamlNode& node, Get<int64_t> get);
  const char* Take(const Key& key, const YamlNode& node, Get<double> get);
  const char* Take(const Key& key, const YamlNode& node, Get<std::string> get);
  const char* Take(const Key& key, const YamlNode& node, Get<std::vector<std::string>> get);
  const char* Take(const Key& key, const YamlNode& node, Get<std::vector<Cidr>> get);
  const char* Take(const Key& key, const YamlNode& node, Get<std::vector<net::IpAddress>> get);
  const char* Take(const Key& key, const YamlNode& node, Get<std::optional<PortRange>> get);
  const char* Take(const Key& key, const YamlNode& node, Get<base::LogLevel> get);
  const char* Take(const Key& key, const YamlNode& node, const DurationField& field);
  const char* Take(const Key& key, const YamlNode& node, const ListOfMaps& list);
  const char* Take(const Key& key, const YamlNode& node, const JsonMap& map);
  const char* Take(const Key& key, const YamlNode& node, const ApiKeys&);
  const char* Take(const Key& key, const YamlNode& node, Untyped type);

  Config& config_;
  Findings& findings_;
  const std::string source_;
};

}  // namespace weir::config
