// The server's configuration: LiveKit's YAML keys as typed values, checked as a whole before anything starts.
//
// Sources, later ones win: defaults; the file, or instead of it the text of LIVEKIT_CONFIG / --config-body;
// environment variables; flags. Every key that may be written stands in the table of keys.h with its status,
// and that table is the documentation. An unknown key, a duplicate, a wrong type or a value out of range is
// an error that names file and line; all of them are reported at once. What works but is not what the
// operator may believe (a LiveKit key that weir does not serve, a short secret) is a warning.
//
// Load reads nothing itself: the environment, the texts and a file reader are arguments. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/token.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "config/network.h"
#include "net/address.h"

namespace weir::config {

// rtc.turn_servers[]: TURN servers of others, handed to clients.
struct TurnServer {
  std::string host;
  uint16_t port = 0;
  std::string protocol = "udp";  // "udp", "tcp", "tls"
  // Either a fixed user, or a shared secret from which short-lived credentials are made for each participant.
  std::string username;
  std::string credential;
  std::string secret;  // Also the content of secret_file.
  std::string secret_file;
  base::TimeDelta ttl = base::TimeDelta::Seconds(14400);
  bool operator==(const TurnServer&) const = default;
};

// Names or ranges to use and to leave out. A non-empty `includes` decides alone, as in LiveKit.
struct NameFilter {
  bool Allows(std::string_view name) const;
  std::vector<std::string> includes;
  std::vector<std::string> excludes;
};
struct AddressFilter {
  bool Allows(const net::IpAddress& address) const;
  std::vector<Cidr> includes;
  std::vector<Cidr> excludes;
};

struct Rtc {
  // The UDP ports to open: port_range_start/end when both are set, else udp_port. All media is multiplexed,
  // so one port serves any number of clients; more ports are for more sockets. {0, 0}: no UDP at all
  // (force_tcp).
  PortRange UdpPorts() const;

  std::optional<PortRange> udp_port;  // After Load always set; 7882 unless configured.
  uint16_t port_range_start = 0;
  uint16_t port_range_end = 0;
  uint16_t tcp_port = 7881;  // ICE/TCP; 0 turns it off.
  bool use_external_ip = false;
  std::vector<net::IpAddress> node_ips;  // rtc.node_ip: "v4", "v6" or "v4,v6". Empty: found automatically.
  NameFilter interfaces;
  AddressFilter ips;
  bool force_tcp = false;
  bool allow_tcp_fallback = true;
  bool enable_loopback_candidate = false;
  std::vector<std::string> stun_servers;  // host:port
  std::vector<TurnServer> turn_servers;

  bool use_ice_lite = false;
  int64_t packet_buffer_size_video = 500;
  int64_t packet_buffer_size_audio = 200;
  base::TimeDelta pli_throttle_low = base::TimeDelta::Millis(500);
  base::TimeDelta pli_throttle_mid = base::TimeDelta::Seconds(1);
  base::TimeDelta pli_throttle_high = base::TimeDelta::Seconds(1);
  bool congestion_control_enabled = true;
  bool congestion_control_allow_pause = false;
  int64_t datachannel_slow_threshold = 0;  // Bytes a second.
};

struct EnabledCodec {
  std::string mime;  // "audio/opus"
  std::string fmtp_line;
  bool operator==(const EnabledCodec&) const = default;
};

struct PlayoutDelay {
  bool enabled = false;
  base::TimeDelta min;
  base::TimeDelta max;
};

struct Room {
  bool auto_create = true;
  base::TimeDelta empty_timeout = base::TimeDelta::Seconds(300);     // Nobody ever joined.
  base::TimeDelta departure_timeout = base::TimeDelta::Seconds(20);  // After the last one left.
  int64_t max_participants = 0;                                      // 0: no limit.
  std::vector<EnabledCodec> enabled_codecs;                          // In LiveKit's order; see DefaultCodecs.
  bool enable_remote_unmute = false;
  PlayoutDelay playout_delay;
  bool sync_streams = false;
  bool enable_full_room_in_webhooks = false;
  std::map<std::string, std::string> configurations;  // Preset name to the JSON of a RoomConfiguration.
};
std::vector<EnabledCodec> DefaultCodecs();

// Lengths and sizes in bytes; 0 turns a limit off.
struct Limit {
  int64_t num_tracks = 0;
  double bytes_per_sec = 0;
  int64_t subscription_limit_video = 0;
  int64_t subscription_limit_audio = 0;
  int64_t max_metadata_size = 512 * 1024;
  int64_t max_attributes_size = 64 * 1024;
  int64_t max_room_name_length = 256;
  int64_t max_participant_identity_length = 256;
  int64_t max_participant_name_length = 256;
  int64_t max_data_blob_key_length = 256;
  int64_t max_data_blobs_size = 64'000;
  int64_t max_data_track_custom_encoding_length = 32;
  int64_t signal_message_size_limit = 2 << 20;
  int64_t agent_signal_message_size_limit = 2 << 20;
  int64_t max_api_request_body_size = 10 << 20;
};

// Active speakers.
struct Audio {
  int64_t active_level = 35;    // -dBov: 0 loudest, 127 silence.
  int64_t min_percentile = 40;  // Of the interval's packets at or above the level.
  base::TimeDelta update_interval = base::TimeDelta::Millis(400);
  int64_t smooth_intervals = 2;
};

struct Logging {
  base::LogLevel level = base::LogLevel::kInfo;
  bool json = false;
};

// Workers of agents and their jobs.
struct Agents {
  double target_load = 0.7;  // 0 to 1: no worker is asked while all of them carry this and more.
  bool enable_user_data_recording = false;
  bool enable_user_data_redaction = false;
};

struct Webhook {
  std::vector<std::string> urls;
  std::string api_key;  // Signs them; one of the configured keys.
  NameFilter events;
  // Of one URL and room. After Load never zero.
  base::TimeDelta max_age = base::TimeDelta::Seconds(30);  // Until the first attempt.
  int64_t max_depth = 200;
};

struct Redis {
  std::string address;
  std::string username;
  std::string password;
  int64_t db = 0;
};

// The embedded TURN server.
struct Turn {
  bool enabled = false;
  std::string domain;
  std::string cert_file;
  std::string key_file;
  uint16_t tls_port = 0;
  uint16_t udp_port = 0;
  bool external_tls = false;
  std::vector<std::string> bind_addresses = {"0.0.0.0"};
  uint16_t relay_range_start = 0;  // After Load 30000 to 40000, in dev mode to 30002, unless configured.
  uint16_t relay_range_end = 0;
  int64_t per_user_relay_allocation_limit = 12;
  base::TimeDelta ttl = base::TimeDelta::Seconds(300);
  std::vector<Cidr> allow_restricted_peer_cidrs;
  std::vector<Cidr> deny_peer_cidrs;
};

struct Prometheus {
  uint16_t port = 0;  // 0: no listener.
  std::string username;
  std::string password;
};

// Weir's own keys, under `weir:`.
struct Own {
  int64_t workers = 0;                   // Media threads; 0: one for each core.
  int64_t max_rooms = 0;                 // Of this process; 0: no limit.
  int64_t max_participants = 0;          // Of this process; 0: no limit.
  int64_t max_connections = 16'384;      // TCP connections of the HTTP port and of ICE/TCP, each.
  int64_t udp_socket_buffer = 16 << 20;  // Bytes asked of the kernel, each way.
  base::TimeDelta drain_timeout = base::TimeDelta::Seconds(4);  // From the first SIGTERM to a hard stop.
  // Joins and API calls with bad tokens, of one address (IPv4 /32, IPv6 /64); 0 per second: no limit.
  int64_t failed_requests_per_second = 20;
  int64_t failed_requests_burst = 200;
  // ICE requests with a wrong password, of one address for one connection; 0 per second: no limit.
  int64_t forged_checks_per_second = 100;
  int64_t forged_checks_burst = 500;
  bool revoke_removed_tokens = true;  // A removed participant needs a token made after the removal.
};

struct Config {
  uint16_t port = 7880;
  std::vector<net::IpAddress> bind_addresses;  // Empty: every interface.
  bool development = false;
  std::string region;
  auth::KeyProvider keys;
  // The key that signs what the server signs (refresh tokens): the first one written. Names one of `keys`.
  std::string signing_key;
  std::string key_file;
  Rtc rtc;
  Room room;
  Limit limit;
  Audio audio;
  Logging logging;
  Webhook webhook;
  Agents agents;
  Redis redis;
  Turn turn;
  Prometheus prometheus;
  bool enable_data_tracks = true;
  bool enable_participant_data_blob = false;
  Own weir;
};

// What the command line says. apps parses it; nothing here has a default of its own.
struct Overrides {
  std::vector<std::string> bind_addresses;
  std::optional<std::string> keys;  // "key: secret", one a line.
  std::optional<std::string> key_file;
  std::optional<std::string> region;
  std::optional<std::string> node_ip;
  std::optional<std::string> udp_port;
  std::optional<std::string> config_body;
  bool development = false;
  bool relaxed = false;  // Unknown keys are warnings (--disable-strict-config).
  std::vector<std::pair<std::string, std::string>> values;  // Any dotted path: {"rtc.tcp_port", "7891"}.
};

struct FileContent {
  std::string text;
  bool readable_by_others = false;
};
// Reads a file named by the configuration (key_file, secret_file).
using FileReader = std::function<base::Result<FileContent>(const std::string& path)>;
base::Result<FileContent> ReadFile(const std::string& path);  // The real one, up to kMaxFileSize.

constexpr size_t kMaxFileSize = 1 << 20;  // Bytes of a configuration or key file.
constexpr size_t kMinSecretLength = 32;   // Shorter ones get a warning.
constexpr std::string_view kDevelopmentKey = "devkey";
constexpr std::string_view kDevelopmentSecret = "secret";

struct Sources {
  std::string file_name;  // For messages.
  std::string text;       // Its content; may be empty.
  std::map<std::string, std::string> environment;
  Overrides overrides;
  FileReader read_file = ReadFile;
};

struct Loaded {
  Config config;
  std::vector<std::string> warnings;
};

// Errors are kInvalidArgument; the message has one line for each problem.
base::Result<Loaded> Load(const Sources& sources);

}  // namespace weir::config
