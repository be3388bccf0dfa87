#include "config/binder.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "config/log_sink.h"
#include "config/nearest.h"
#include "config/scalar.h"

namespace weir::config {
namespace {

using Kind = YamlNode::Kind;

constexpr size_t kMaxListItems = 256;

// A number or truth value in quotes is text, in YAML and so in LiveKit.
std::optional<std::string_view> PlainText(const YamlNode& node) {
  return node.kind == Kind::kScalar && !node.quoted ? std::optional<std::string_view>(node.text)
                                                    : std::nullopt;
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first == text.npos ? std::string_view()
                            : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// The items of a list of texts. A variable or a flag writes one as "a,b"; so may a file where `commas` is
// set.
std::optional<std::vector<std::string>> Texts(const YamlNode& node, bool commas) {
  std::vector<std::string> texts;
  if (node.kind == Kind::kScalar && (commas || node.line == 0)) {
    for (std::string_view rest = node.text; !rest.empty();) {
      const size_t comma = std::min(rest.find(','), rest.size());
      if (const std::string_view item = Trim(rest.substr(0, comma)); !item.empty()) {
        texts.emplace_back(item);
      }
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return texts;
  }
  if (node.kind != Kind::kList || node.items.size() > kMaxListItems) {
    return std::nullopt;
  }
  for (const YamlNode& item : node.items) {
    if (item.kind != Kind::kScalar) {
      return std::nullopt;
    }
    texts.push_back(item.text);
  }
  return texts;
}

// What stood there, short enough for a message. Never used for keys that hold a secret: those take any text.
std::string Shown(const YamlNode& node) {
  switch (node.kind) {
    case Kind::kScalar:
      return (node.quoted ? "the text '" : "'") + node.text.substr(0, 60) + "'";
    case Kind::kList:
      return "this list";
    case Kind::kMap:
      return "a map";
    case Kind::kNull:
      break;
  }
  return "nothing";
}

}  // namespace

std::string Binder::At(int line) const {
  return source_ + (line > 0 ? ":" + std::to_string(line) : "") + ": ";
}
void Binder::Error(int line, const std::string& what) { findings_.errors.push_back(At(line) + what); }
void Binder::Warn(int line, const std::string& what) { findings_.warnings.push_back(At(line) + what); }

void Binder::Apply(const YamlNode& root) {
  if (root.kind == Kind::kMap) {
    ApplyMap(root, "");
  } else if (root.kind != Kind::kNull) {
    Error(root.line, "a configuration is a map of keys, not " + Shown(root));
  }
}

void Binder::ApplyMap(const YamlNode& map, const std::string& section) {
  for (const YamlEntry& entry : map.entries) {
    ApplyEntry(entry, section.empty() ? entry.key : section + "." + entry.key);
  }
}

void Binder::ApplyEntry(const YamlEntry& entry, const std::string& path) {
  // A key's own name may not address a deeper level ("rtc.tcp_port: 1"): LiveKit does not read it so.
  const bool plain_name = entry.key.find_first_of(".[]") == entry.key.npos;
  const Key* const key = plain_name ? FindKey(path) : nullptr;
  if (key != nullptr) {
    Bind(*key, entry.value);
  } else if (!plain_name || !IsSection(path)) {
    ReportUnknown(path, entry.line);
  } else if (entry.value.kind == Kind::kMap) {
    ApplyMap(entry.value, path);
  } else if (entry.value.kind != Kind::kNull) {
    Error(entry.line, "'" + path + "' has to be a map of keys, not " + Shown(entry.value));
  }
}

void Binder::Set(std::string_view path, const std::string& text) {
  const Key* const key = FindKey(path);
  if (key == nullptr || VariablesOf(*key).empty()) {
    ReportUnknown(std::string(path), 0);
    return;
  }
  Bind(*key, {.kind = Kind::kScalar, .text = text});
}

void Binder::Bind(const Key& key, const YamlNode& node) {
  const bool empty = node.kind == Kind::kScalar && node.text.empty();
  if (node.kind == Kind::kNull || (empty && std::holds_alternative<Get<base::LogLevel>>(key.field))) {
    return;  // Not set: "key:" with nothing behind it, and the empty level that templates write.
  }
  const char* const expected =
      std::visit([&](const auto& field) { return Take(key, node, field); }, key.field);
  if (expected != nullptr) {
    Error(node.line, "'" + std::string(key.path) + "' has to be " + expected + ", not " + Shown(node));
    return;
  }
  findings_.written.insert(key.path);
  if (key.status == Status::kKnown && !node.IsZero()) {
    Warn(node.line, "'" + std::string(key.path) + "' has no effect: weir does not serve it" +
                        (key.help.empty() ? "" : " (" + std::string(key.help) + ")"));
  }
}

void Binder::ReportUnknown(const std::string& path, int line) {
  const size_t dot = path.rfind('.');
  const std::string section = dot == path.npos ? "" : path.substr(0, dot);
  const std::string prefix = section.empty() ? "" : section + ".";
  const std::string name = dot == path.npos ? path : path.substr(dot + 1);
  const std::vector<std::string> siblings = ChildNames(section);
  std::string message = "unknown key '" + path.substr(0, 200) + "'";
  const auto elsewhere = std::ranges::find_if(Keys(), [&](const Key& key) {
    return key.path.ends_with("." + name) && !key.path.contains('[') && key.status == Status::kServed;
  });
  if (const auto nearest = Nearest(name, siblings)) {
    message += "; did you mean '" + prefix + *nearest + "'?";
  } else if (elsewhere != Keys().end()) {
    message += "; did you mean '" + std::string(elsewhere->path) + "'?";
  } else {
    message += section.empty() ? "; the keys are: " : "; the keys of '" + section + "' are: ";
    for (const std::string& sibling : siblings) {
      message += (&sibling == &siblings.front() ? "" : ", ") + sibling;
    }
  }
  findings_.relaxed ? Warn(line, message) : Error(line, message);
}

void Binder::AddApiKeys(const YamlNode& map) {
  if (map.kind != Kind::kMap) {
    // "key:secret" without the blank is the usual slip. What stands there may be a secret: not shown.
    Error(map.line, "API keys have to be 'key: secret', with a blank behind the colon, one a line");
    return;
  }
  for (const YamlEntry& entry : map.entries) {
    if (entry.value.kind != Kind::kScalar || entry.value.text.empty() || entry.key.empty()) {
      Error(entry.line, "API key '" + entry.key.substr(0, 60) + "' has no secret");
      continue;
    }
    if (config_.signing_key.empty()) {
      config_.signing_key = entry.key;
    }
    config_.keys.keys[entry.key] = entry.value.text;
  }
}

void Binder::AddApiKeys(std::string_view yaml) {
  const auto tree = ParseYaml(yaml, source_);
  if (!tree) {
    findings_.errors.push_back(tree.error().message);
  } else if (tree->kind != Kind::kNull) {
    AddApiKeys(*tree);
  }
}

const char* Binder::Take(const Key&, const YamlNode& node, Get<bool> get) {
  const auto text = PlainText(node);
  const auto value = text ? ParseBool(*text) : std::nullopt;
  if (!value) {
    return "true or false";
  }
  get(config_) = *value;
  return nullptr;
}

const char* Binder::Take(const Key&, const YamlNode& node, Get<uint16_t> get) {
  const auto text = PlainText(node);
  const auto value = text ? ParseInteger(*text) : std::nullopt;
  if (!value || *value < 0 || *value > 65535) {
    return "a port (0 to 65535)";
  }
  get(config_) = static_cast<uint16_t>(*value);
  return nullptr;
}

const char* Binder::Take(const Key& key, const YamlNode& node, Get<int64_t> get) {
  const auto text = PlainText(node);
  const auto value = text ? ParseInteger(*text) : std::nullopt;
  if (!value) {
    return "a whole number";
  }
  if (*value < key.min || *value > key.max) {
    Error(node.line, "'" + std::string(key.path) + "' has to be " + std::to_string(key.min) +
                         (key.max == std::numeric_limits<int64_t>::max() ? " or more"
                                                                         : " to " + std::to_string(key.max)) +
                         ", not " + Shown(node));
    return nullptr;
  }
  get(config_) = *value;
  return nullptr;
}

const char* Binder::Take(const Key&, const YamlNode& node, Get<double> get) {
  const auto text = PlainText(node);
  const auto value = text ? ParseDecimal(*text) : std::nullopt;
  if (!value || *value < 0) {
    return "a number that is not negative";
  }
  get(config_) = *value;
  return nullptr;
}

const char* Binder::Take(const Key&, const YamlNode& node, Get<std::string> get) {
  if (node.kind != Kind::kScalar) {
    return "a text";
  }
  get(config_) = node.text;
  return nullptr;
}

const char* Binder::Take(const Key&, const YamlNode& node, Get<std::vector<std::string>> get) {
  auto texts = Texts(node, /*commas=*/false);
  if (!texts) {
    return "a list of texts";
  }
  get(config_) = *std::move(texts);
  return nullptr;
}

const char* Binder::Take(const Key&, const YamlNode& node, Get<std::vector<Cidr>> get) {
  const auto texts = Texts(node, /*commas=*/false);
  std::vector<Cidr> blocks;
  for (const std::string& text : texts.value_or(std::vector<std::string>{""})) {
    const auto block = Cidr::Parse(text);
    if (!block) {
      return "a list of address blocks like 10.0.0.0/8";
    }
    blocks.push_back(*block);
  }
  get(config_) = std::move(blocks);
  return nullptr;
}

const char* Binder::Take(const Key&, const YamlNode& node, Get<std::vector<net::IpAddress>> get) {
  const auto texts = Texts(node, /*commas=*/true);
  std::vector<net::IpAddress> addresses;
  for (const std::string& text : texts.value_or(std::vector<std::string>{""})) {
    if (text == "localhost") {
      addresses.push_back(*net::IpAddress::Parse("127.0.0.1"));
      addresses.push_back(*net::IpAddress::Parse("::1"));
      continue;
    }
    const auto address = net::IpAddress::Parse(text);
    if (!address) {
      return "IP addresses";
    }
    addresses.push_back(*address);
  }
  get(config_) = std::move(addresses);
  return nullptr;
}

const char* Binder::Take(const Key&, const YamlNode& node, Get<std::optional<PortRange>> get) {
  const auto range = node.kind == Kind::kScalar ? ParsePortRange(node.text) : std::nullopt;
  if (!range) {
    return "a port or a range of ports like 7882-7892";
  }
  get(config_) = range;
  return nullptr;
}

const char* Binder::Take(const Key&, const YamlNode& node, Get<base::LogLevel> get) {
  const auto level = node.kind == Kind::kScalar ? LogLevelFromString(node.text) : std::nullopt;
  if (!level) {
    return "debug, info, warn or error";
  }
  get(config_) = *level;
  return nullptr;
}

const char* Binder::Take(const Key& key, const YamlNode& node, const DurationField& field) {
  if (field.unit == DurationField::Unit::kGo) {
    const auto value = node.kind == Kind::kScalar ? ParseDuration(node.text) : std::nullopt;
    if (!value) {
      return "a duration like 500ms or 1m30s";
    }
    field.get(config_) = *value;
    return nullptr;
  }
  const bool seconds = field.unit == DurationField::Unit::kSeconds;
  const auto text = PlainText(node);
  const auto value = text ? ParseInteger(*text) : std::nullopt;
  constexpr int64_t kMaxAmount = 1'000'000'000'000;  // Far beyond use, and no overflow in microseconds.
  if (!value || *value < key.min || *value > std::min(key.max, kMaxAmount)) {
    return seconds ? "a number of seconds in its range" : "a number of milliseconds in its range";
  }
  field.get(config_) = seconds ? base::TimeDelta::Seconds(*value) : base::TimeDelta::Millis(*value);
  return nullptr;
}

const char* Binder::Take(const Key& key, const YamlNode& node, const ListOfMaps& list) {
  if (node.kind != Kind::kList || node.items.size() > kMaxListItems ||
      !std::ranges::all_of(node.items, [](const YamlNode& item) { return item.kind == Kind::kMap; })) {
    return "a list of maps";
  }
  list.clear(config_);
  for (const YamlNode& item : node.items) {
    list.add(config_);
    ApplyMap(item, std::string(key.path) + "[]");
  }
  return nullptr;
}

const char* Binder::Take(const Key&, const YamlNode& node, const JsonMap& map) {
  if (node.kind != Kind::kMap || node.entries.size() > kMaxListItems) {
    return "a map of names";
  }
  auto& values = map.get(config_);
  values.clear();
  for (const YamlEntry& entry : node.entries) {
    if (entry.value.kind != Kind::kMap && entry.value.kind != Kind::kNull) {
      return "a map of maps";
    }
    values[entry.key] = entry.value.kind == Kind::kNull ? "{}" : entry.value.ToJson();
  }
  return nullptr;
}

const char* Binder::Take(const Key&, const YamlNode& node, const ApiKeys&) {
  config_.keys.keys.clear();
  config_.signing_key.clear();
  node.kind == Kind::kScalar ? AddApiKeys(node.text) : AddApiKeys(node);
  return nullptr;
}

const char* Binder::Take(const Key&, const YamlNode& node, Untyped type) {
  const auto text = PlainText(node);
  switch (type) {
    case Untyped::kFlag:
      return text && ParseBool(*text) ? nullptr : "true or false";
    case Untyped::kInteger:
      return text && ParseInteger(*text) ? nullptr : "a whole number";
    case Untyped::kNumber:
      return text && ParseDecimal(*text) ? nullptr : "a number";
    case Untyped::kText:
      return node.kind == Kind::kScalar ? nullptr : "a text";
    case Untyped::kDuration:
      return node.kind == Kind::kScalar && ParseDuration(node.text) ? nullptr
                                                                    : "a duration like 500ms or 1m30s";
    case Untyped::kAny:
      return nullptr;
  }
  return nullptr;
}

}  // namespace weir::config
