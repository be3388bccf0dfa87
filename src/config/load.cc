#include <algorithm>
#include <string>
#include <string_view>

#include "config/binder.h"
#include "config/config.h"
#include "config/keys.h"
#include "config/nearest.h"
#include "config/validate.h"
#include "config/yaml_tree.h"

namespace weir::config {
namespace {

using Environment = std::map<std::string, std::string>;

std::string Variable(const Environment& environment, const std::string& name) {
  const auto it = environment.find(name);
  return it == environment.end() ? "" : it->second;
}

// The YAML text that counts, and what to call it in messages.
struct Body {
  std::string name;
  std::string_view text;
};
Body ChooseBody(const Sources& sources, Findings& findings, std::string& storage) {
  Body body{sources.file_name, sources.text};
  if (sources.overrides.config_body && !sources.overrides.config_body->empty()) {
    body = {"--config-body", *sources.overrides.config_body};
  } else {
    for (const char* const name : {"WEIR_CONFIG", "LIVEKIT_CONFIG"}) {
      storage = Variable(sources.environment, name);
      if (!storage.empty()) {
        body = {name, storage};
        break;
      }
    }
  }
  if (body.text.data() != sources.text.data() && !sources.text.empty()) {
    findings.warnings.push_back(sources.file_name + " is not read: " + body.name + " takes its place");
  }
  return body;
}

// Kubernetes gives every container variables about the services around it; those of a service that is named
// "livekit" or "weir" look like ours (LIVEKIT_PORT=tcp://10.0.0.1:7880).
bool IsServiceLink(std::string_view name, std::string_view value) {
  return value.starts_with("tcp://") || value.starts_with("udp://") || name.starts_with("WEIR_SERVICE_") ||
         name.starts_with("WEIR_PORT_");
}

void ApplyEnvironment(const Environment& environment, Config& config, Findings& findings) {
  std::vector<std::string> known = {"WEIR_CONFIG"};
  for (const Key& key : Keys()) {
    for (const std::string& name : VariablesOf(key)) {
      known.push_back(name);
      const std::string value = Variable(environment, name);
      if (!value.empty() && !IsServiceLink(name, value)) {
        Binder(config, findings, "variable " + name).Set(key.path, value);
      }
    }
  }
  for (const auto& [name, value] : environment) {
    if (!name.starts_with("WEIR_") || IsServiceLink(name, value) ||
        std::ranges::find(known, name) != known.end()) {
      continue;
    }
    const auto nearest = Nearest(name, known);
    findings.warnings.push_back("variable " + name + " is none of weir's" +
                                (nearest ? "; did you mean " + *nearest + "?" : ""));
  }
}

void ApplyOverrides(const Overrides& overrides, Config& config, Findings& findings) {
  const auto set = [&](const char* flag, std::string_view path, const std::optional<std::string>& value) {
    if (value) {
      Binder(config, findings, flag).Set(path, *value);
    }
  };
  for (const auto& [path, value] : overrides.values) {
    Binder(config, findings, "--" + path).Set(path, value);
  }
  set("--keys", "keys", overrides.keys);
  set("--key-file", "key_file", overrides.key_file);
  set("--region", "region", overrides.region);
  set("--node-ip", "rtc.node_ip", overrides.node_ip);
  set("--udp-port", "rtc.udp_port", overrides.udp_port);
  std::string addresses;
  for (const std::string& address : overrides.bind_addresses) {
    addresses += (addresses.empty() ? "" : ",") + address;
  }
  if (!addresses.empty()) {
    Binder(config, findings, "--bind").Set("bind_addresses", addresses);
  }
  config.development = config.development || overrides.development;
}

// Nobody needs to hear that the port of a TURN server which is off has no effect.
void DropWarningsAboutTurn(std::vector<std::string>& warnings) {
  std::erase_if(warnings, [](const std::string& warning) { return warning.contains(": 'turn."); });
}

std::string Joined(const std::vector<std::string>& lines) {
  constexpr size_t kMaxShown = 20;
  std::string text;
  for (size_t i = 0; i < std::min(lines.size(), kMaxShown); ++i) {
    text += (i == 0 ? "" : "\n") + lines[i];
  }
  if (lines.size() > kMaxShown) {
    text += "\nand " + std::to_string(lines.size() - kMaxShown) + " more";
  }
  return text;
}

}  // namespace

base::Result<Loaded> Load(const Sources& sources) {
  Loaded loaded;
  Config& config = loaded.config;
  config.room.enabled_codecs = DefaultCodecs();
  Findings findings;
  findings.relaxed = sources.overrides.relaxed;

  std::string storage;
  const Body body = ChooseBody(sources, findings, storage);
  if (body.text.size() > kMaxFileSize) {
    return base::Fail(base::ErrorCode::kInvalidArgument,
                      body.name + " is larger than " + std::to_string(kMaxFileSize) + " bytes");
  }
  Binder(config, findings, body.name).Apply(TRY(ParseYaml(body.text, body.name)));
  ApplyEnvironment(sources.environment, config, findings);
  ApplyOverrides(sources.overrides, config, findings);
  ReadFiles(config, findings, sources.read_file, sources.environment);
  Complete(config, findings);
  Validate(config, findings);
  if (!findings.errors.empty()) {
    return base::Fail(base::ErrorCode::kInvalidArgument, Joined(findings.errors));
  }
  if (!config.turn.enabled) {
    DropWarningsAboutTurn(findings.warnings);
  }
  loaded.warnings = std::move(findings.warnings);
  return loaded;
}

}  // namespace weir::config
