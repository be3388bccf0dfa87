#include "config/validate.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace weir::config {
namespace {

bool Written(const Findings& findings, std::string_view path) { return findings.written.contains(path); }

bool HasPlaceholderKeysOnly(const Config& config) {
  return config.keys.keys.size() == 1 && config.keys.Secret(kDevelopmentKey) != nullptr;
}

void CompleteDevelopment(Config& config, const Findings& findings) {
  if (config.keys.keys.empty()) {
    config.keys.keys.emplace(kDevelopmentKey, kDevelopmentSecret);
    config.signing_key = kDevelopmentKey;
    if (config.bind_addresses.empty()) {
      config.bind_addresses = {*net::IpAddress::Parse("127.0.0.1"), *net::IpAddress::Parse("::1")};
    }
  }
  // With the keys that everybody knows, media follows the interface that HTTP is bound to.
  if (HasPlaceholderKeysOnly(config)) {
    for (const net::IpAddress& address : config.bind_addresses) {
      if (address.is_v4() && !address.is_loopback() && !address.is_any()) {
        config.rtc.ips.includes.push_back(*Cidr::Parse(address.ToString() + "/24"));
      }
    }
  }
  if (!Written(findings, "logging.level") && !Written(findings, "log_level")) {
    config.logging.level = base::LogLevel::kDebug;
  }
}

class Checker {
 public:
  Checker(const Config& config, Findings& findings) : config_(config), findings_(findings) {}

  void Run() {
    CheckKeys();
    CheckPorts();
    CheckRtc();
    CheckRoom();
    CheckWebhook();
    if ((config_.prometheus.username.empty()) != (config_.prometheus.password.empty())) {
      Error("prometheus.username and prometheus.password have to be set both or not at all");
    }
    if (config_.turn.enabled && config_.turn.relay_range_start > config_.turn.relay_range_end) {
      Error("turn.relay_range_start lies above turn.relay_range_end");
    }
  }

 private:
  void Error(std::string what) { findings_.errors.push_back(std::move(what)); }
  void Warn(std::string what) { findings_.warnings.push_back(std::move(what)); }

  void CheckKeys() {
    if (config_.keys.keys.empty()) {
      Error(
          "no API key: make one with `weir generate-keys` and write it under 'keys', into LIVEKIT_KEYS or "
          "into "
          "a --key-file; or try weir with `weir --dev`, which uses devkey and secret");
    }
    for (const auto& [key, secret] : config_.keys.keys) {
      if (secret.size() < kMinSecretLength && !config_.development) {
        Warn("the secret of API key '" + key + "' is shorter than " + std::to_string(kMinSecretLength) +
             " characters: anybody can guess it; `weir generate-keys` makes a good one");
      }
    }
    const bool local = !config_.bind_addresses.empty() &&
                       std::ranges::all_of(config_.bind_addresses, &net::IpAddress::is_loopback);
    if (config_.development && HasPlaceholderKeysOnly(config_) && !local) {
      Warn("development mode with the well-known key 'devkey' on an address that others may reach");
    }
  }

  void CheckPorts() {
    struct Port {
      std::string_view name;
      uint16_t number;
    };
    const std::array ports = {Port{"port", config_.port}, Port{"rtc.tcp_port", config_.rtc.tcp_port},
                              Port{"prometheus.port", config_.prometheus.port}};
    for (size_t i = 0; i < ports.size(); ++i) {
      for (size_t j = i + 1; j < ports.size(); ++j) {
        if (ports[i].number != 0 && ports[i].number == ports[j].number) {
          Error("'" + std::string(ports[i].name) + "' and '" + std::string(ports[j].name) +
                "' are both TCP port " + std::to_string(ports[i].number));
        }
      }
    }
    const Rtc& rtc = config_.rtc;
    if ((rtc.port_range_start == 0) != (rtc.port_range_end == 0) ||
        rtc.port_range_start > rtc.port_range_end) {
      Error(
          "rtc.port_range_start and rtc.port_range_end have to be set both, the first not above the second");
    }
  }

  void CheckRtc() {
    const Rtc& rtc = config_.rtc;
    if (rtc.force_tcp && rtc.tcp_port == 0) {
      Error("rtc.force_tcp needs rtc.tcp_port");
    }
    if (std::ranges::count_if(rtc.node_ips, &net::IpAddress::is_v4) > 1 ||
        std::ranges::count_if(rtc.node_ips, &net::IpAddress::is_v6) > 1) {
      Error("rtc.node_ip takes one IPv4 and one IPv6 address");
    }
    for (const std::string& server : rtc.stun_servers) {
      if (server.empty() || server.find_first_of(" /?#") != server.npos) {
        Error("rtc.stun_servers: '" + server + "' is not host:port");
      }
    }
    for (const TurnServer& server : rtc.turn_servers) {
      CheckTurnServer(server);
    }
  }

  void CheckTurnServer(const TurnServer& server) {
    const std::string name = "rtc.turn_servers: '" + server.host + "'";
    if (server.host.empty() || server.port == 0) {
      Error("rtc.turn_servers: every entry needs host and port");
    }
    if (server.protocol != "udp" && server.protocol != "tcp" && server.protocol != "tls") {
      Error(name + " has protocol '" + server.protocol + "'; there are udp, tcp and tls");
    }
    if (server.secret.empty() && (server.username.empty() || server.credential.empty())) {
      Warn(name + " has neither username and credential nor a secret");
    }
  }

  void CheckRoom() {
    const PlayoutDelay& delay = config_.room.playout_delay;
    if (delay.max.micros() != 0 && delay.min > delay.max) {
      Error("room.playout_delay.min lies above room.playout_delay.max");
    }
    constexpr std::array<std::string_view, 10> kKnown = {
        "audio/opus", "audio/red",  "audio/pcmu", "audio/pcma", "video/vp8",
        "video/vp9",  "video/h264", "video/h265", "video/av1",  "video/rtx"};
    for (const EnabledCodec& codec : config_.room.enabled_codecs) {
      std::string mime = codec.mime;
      std::ranges::transform(mime, mime.begin(), [](unsigned char c) { return std::tolower(c); });
      if (std::ranges::find(kKnown, mime) == kKnown.end()) {
        Warn("room.enabled_codecs: weir does not know '" + codec.mime + "'");
      }
    }
  }

  void CheckWebhook() {
    const Webhook& webhook = config_.webhook;
    for (const std::string& url : webhook.urls) {
      if (!url.starts_with("http://") && !url.starts_with("https://")) {
        Error("webhook.urls: '" + url + "' does not begin with http:// or https://");
      }
    }
    if (!webhook.urls.empty() && config_.keys.Secret(webhook.api_key) == nullptr) {
      Error(webhook.api_key.empty()
                ? "webhook.api_key is required to use webhooks: one of the API keys, to sign them"
                : "webhook.api_key '" + webhook.api_key + "' is none of the API keys");
    }
    CheckEvents("include_events", webhook.events.includes);
    CheckEvents("exclude_events", webhook.events.excludes);
  }

  void CheckEvents(std::string_view list, const std::vector<std::string>& names) {
    constexpr std::array<std::string_view, 14> kEvents = {"room_started",
                                                          "room_finished",
                                                          "participant_joined",
                                                          "participant_left",
                                                          "participant_connection_aborted",
                                                          "track_published",
                                                          "track_unpublished",
                                                          "egress_started",
                                                          "egress_updated",
                                                          "egress_ended",
                                                          "ingress_started",
                                                          "ingress_ended",
                                                          "agent_job_started",
                                                          "agent_job_ended"};
    for (const std::string& name : names) {
      if (std::ranges::find(kEvents, name) == kEvents.end()) {
        Warn("webhook.filter_params." + std::string(list) + ": no event is called '" + name + "'");
      }
    }
  }

  const Config& config_;
  Findings& findings_;
};

}  // namespace

std::string ExpandPath(std::string_view path, const std::map<std::string, std::string>& environment) {
  const auto variable = [&](std::string_view name) {
    const auto it = environment.find(std::string(name));
    return it == environment.end() ? std::string() : it->second;
  };
  std::string expanded;
  if (path == "~" || path.starts_with("~/")) {
    expanded = variable("HOME");
    path.remove_prefix(1);
  }
  while (!path.empty()) {
    if (path[0] != '$') {
      expanded += path[0];
      path.remove_prefix(1);
      continue;
    }
    path.remove_prefix(1);
    const bool braced = path.starts_with('{');
    path.remove_prefix(braced ? 1 : 0);
    const auto end = std::ranges::find_if(
        path, [&](unsigned char c) { return braced ? c == '}' : std::isalnum(c) == 0 && c != '_'; });
    const auto length = static_cast<size_t>(end - path.begin());
    expanded += variable(path.substr(0, length));
    path.remove_prefix(std::min(path.size(), length + (braced ? 1 : 0)));
  }
  return expanded;
}

void ReadFiles(Config& config, Findings& findings, const FileReader& read_file,
               const std::map<std::string, std::string>& environment) {
  const auto read = [&](const std::string& key, const std::string& path) -> std::optional<std::string> {
    const auto content = read_file(path);
    if (!content) {
      findings.errors.push_back(key + ": " + content.error().message);
      return std::nullopt;
    }
    if (content->readable_by_others) {
      findings.warnings.push_back(path + ": a file of secrets that others can read; chmod 600 it");
    }
    return content->text;
  };
  if (!config.key_file.empty()) {
    config.key_file = ExpandPath(config.key_file, environment);
    if (const auto text = read("key_file", config.key_file)) {
      Binder(config, findings, config.key_file).AddApiKeys(*text);
    }
  }
  for (TurnServer& server : config.rtc.turn_servers) {
    if (server.secret_file.empty()) {
      continue;
    }
    if (const auto text =
            read("rtc.turn_servers[].secret_file", ExpandPath(server.secret_file, environment))) {
      server.secret = text->substr(0, text->find_last_not_of(" \t\r\n") + 1);
    }
  }
}

void Complete(Config& config, const Findings& findings) {
  constexpr uint16_t kDefaultUdpPort = 7882;
  if (!config.rtc.udp_port || config.rtc.udp_port->first == 0) {
    config.rtc.udp_port = PortRange{kDefaultUdpPort, kDefaultUdpPort};
  }
  if (config.development) {
    CompleteDevelopment(config, findings);
  }
  if (config.turn.relay_range_start == 0 || config.turn.relay_range_end == 0) {
    config.turn.relay_range_start = 30'000;
    config.turn.relay_range_end = config.development ? 30'002 : 40'000;
  }
  if (config.webhook.max_age.micros() == 0) {
    config.webhook.max_age = Webhook().max_age;
  }
  if (config.webhook.max_depth == 0) {
    config.webhook.max_depth = Webhook().max_depth;
  }
  constexpr auto kMaxTtl = base::TimeDelta::Seconds(86'400);
  if (config.turn.ttl.micros() == 0) {
    config.turn.ttl = Turn().ttl;
  }
  config.turn.ttl = std::min(config.turn.ttl, kMaxTtl);
}

void Validate(const Config& config, Findings& findings) { Checker(config, findings).Run(); }

}  // namespace weir::config
