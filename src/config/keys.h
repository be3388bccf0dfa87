// Every key that a configuration may hold: where its value goes, whether weir serves it, what it means.
//
// The table is the documentation as well as the loader's only knowledge of keys. To serve a key that is
// kKnown, change its status.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"

namespace weir::config {

enum class Status : uint8_t {
  kServed,   // Does what LiveKit's documentation says.
  kKnown,    // A LiveKit key without effect here. A value other than zero or empty gets a warning.
  kIgnored,  // Without effect in LiveKit as well. No warning.
};

// Where a value goes: a field of Config of this type. The type decides what the text may be.
template <typename T>
using Get = T& (*)(Config&);

struct DurationField {
  enum class Unit : uint8_t { kSeconds, kMillis, kGo };  // What a number means; kGo: see ParseDuration.
  Get<base::TimeDelta> get;
  Unit unit;
};
// A list of maps; the keys of its items have the path "list[].key" and write to the item added last.
struct ListOfMaps {
  void (*clear)(Config&);
  void (*add)(Config&);
};
// Names chosen by the operator, each with a tree of values, kept as JSON.
struct JsonMap {
  Get<std::map<std::string, std::string>> get;
};
struct ApiKeys {};
// No field: the type is checked and the value dropped.
enum class Untyped : uint8_t { kFlag, kInteger, kNumber, kText, kDuration, kAny };

using Field = std::variant<Get<bool>, Get<uint16_t>, Get<int64_t>, Get<double>, Get<std::string>,
                           Get<std::vector<std::string>>, Get<std::vector<Cidr>>,
                           Get<std::vector<net::IpAddress>>, Get<std::optional<PortRange>>,
                           Get<base::LogLevel>, DurationField, ListOfMaps, JsonMap, ApiKeys, Untyped>;

struct Key {
  std::string_view path;  // "rtc.tcp_port"
  Status status;
  Field field;
  std::string_view help;
  int64_t min = 0;
  int64_t max = std::numeric_limits<int64_t>::max();
};

std::span<const Key> Keys();
const Key* FindKey(std::string_view path);
// Some key lies below `path`: it is a map (or, with "[]" at its end, an item of a list).
bool IsSection(std::string_view path);
// The names directly below `section` (empty: the top), in the order of the table.
std::vector<std::string> ChildNames(std::string_view section);

// The variables that set a key, weakest first: LIVEKIT_RTC_TCP_PORT and WEIR_RTC_TCP_PORT for "rtc.tcp_port",
// WEIR_WORKERS for "weir.workers", and the names without a prefix that LiveKit reads. Empty for a key inside
// a list and for one that has no text form.
std::vector<std::string> VariablesOf(const Key& key);

}  // namespace weir::config
