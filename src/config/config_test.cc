#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>

#include "config/keys.h"

namespace weir::config {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr std::string_view kKeyLine = "keys: {APIone: 0123456789abcdef0123456789abcdef}\n";

// A file of one good key and these lines; they begin in line 2.
Sources File(std::string_view lines) {
  return {.file_name = "weir.yaml", .text = std::string(kKeyLine) + std::string(lines)};
}
Loaded MustLoad(const Sources& sources) {
  auto loaded = Load(sources);
  EXPECT_TRUE(loaded) << loaded.error().message;
  return loaded ? *std::move(loaded) : Loaded();
}
Loaded MustLoad(std::string_view lines) { return MustLoad(File(lines)); }
std::string ErrorOf(const Sources& sources) {
  const auto loaded = Load(sources);
  EXPECT_FALSE(loaded);
  return loaded ? "" : loaded.error().message;
}
std::string ErrorOf(std::string_view lines) { return ErrorOf(File(lines)); }
net::IpAddress Ip(std::string_view text) { return *net::IpAddress::Parse(text); }

TEST(Load, HasLiveKitsDefaults) {
  const Loaded loaded = MustLoad("");
  const Config& config = loaded.config;
  EXPECT_THAT(loaded.warnings, IsEmpty());
  EXPECT_EQ(config.port, 7880);
  EXPECT_THAT(config.bind_addresses, IsEmpty());
  EXPECT_EQ(config.rtc.tcp_port, 7881);
  EXPECT_EQ(config.rtc.UdpPorts(), (PortRange{7882, 7882}));
  EXPECT_TRUE(config.rtc.allow_tcp_fallback);
  EXPECT_TRUE(config.room.auto_create);
  EXPECT_EQ(config.room.empty_timeout, base::TimeDelta::Seconds(300));
  EXPECT_EQ(config.room.departure_timeout, base::TimeDelta::Seconds(20));
  EXPECT_THAT(config.room.enabled_codecs, SizeIs(10));
  EXPECT_EQ(config.limit.max_metadata_size, 524288);
  EXPECT_EQ(config.limit.signal_message_size_limit, 2097152);
  EXPECT_EQ(config.audio.active_level, 35);
  EXPECT_EQ(config.logging.level, base::LogLevel::kInfo);
  EXPECT_EQ(config.signing_key, "APIone");
}

TEST(Load, ReadsAFileOfEveryKind) {
  const Config config = MustLoad(R"(
port: 8080
bind_addresses: ["127.0.0.1", "::1"]
rtc:
  udp_port: 7000-7003
  tcp_port: 0x1f91
  node_ip: 203.0.113.5,2001:db8::5
  use_external_ip: true
  stun_servers: [stun.example.org:3478]
  interfaces: {excludes: [docker0]}
  ips:
    includes: [10.0.0.0/8]
  turn_servers:
    - host: turn.example.org
      port: 443
      protocol: tls
      secret: shared
      ttl: 60
    - {host: other, port: 3478, username: u, credential: "1234"}
  enable_loopback_candidate: on
room:
  auto_create: false
  empty_timeout: 10
  max_participants: 50
  enabled_codecs:
    - mime: audio/opus
    - mime: video/H264
      fmtp_line: level-asymmetry-allowed=1
  playout_delay: {enabled: true, min: 100, max: 2000}
  room_configurations:
    small:
      maxParticipants: 3
      metadata: "7"
      agents: [{agentName: a}]
limit: {num_tracks: 10, bytes_per_sec: 1.5e6}
audio: {update_interval: 500}
logging: {level: debug, json: true}
webhook:
  api_key: APIone
  urls: [https://example.org/hook]
weir: {workers: 2, drain_timeout: 1m30s}
)")
                            .config;
  EXPECT_EQ(config.port, 8080);
  EXPECT_THAT(config.bind_addresses, ElementsAre(Ip("127.0.0.1"), Ip("::1")));
  EXPECT_EQ(config.rtc.UdpPorts(), (PortRange{7000, 7003}));
  EXPECT_EQ(config.rtc.UdpPorts().count(), 4u);
  EXPECT_EQ(config.rtc.tcp_port, 8081);
  EXPECT_THAT(config.rtc.node_ips, ElementsAre(Ip("203.0.113.5"), Ip("2001:db8::5")));
  EXPECT_TRUE(config.rtc.use_external_ip);
  EXPECT_FALSE(config.rtc.interfaces.Allows("docker0"));
  EXPECT_TRUE(config.rtc.interfaces.Allows("eth0"));
  EXPECT_TRUE(config.rtc.ips.Allows(Ip("10.1.2.3")));
  EXPECT_FALSE(config.rtc.ips.Allows(Ip("192.168.1.1")));
  ASSERT_THAT(config.rtc.turn_servers, SizeIs(2));
  EXPECT_EQ(config.rtc.turn_servers[0].protocol, "tls");
  EXPECT_EQ(config.rtc.turn_servers[0].ttl, base::TimeDelta::Seconds(60));
  EXPECT_EQ(config.rtc.turn_servers[1].credential, "1234");
  EXPECT_TRUE(config.rtc.enable_loopback_candidate);
  EXPECT_FALSE(config.room.auto_create);
  EXPECT_EQ(config.room.max_participants, 50);
  EXPECT_THAT(
      config.room.enabled_codecs,
      ElementsAre(EnabledCodec{"audio/opus", ""}, EnabledCodec{"video/H264", "level-asymmetry-allowed=1"}));
  EXPECT_EQ(config.room.playout_delay.max, base::TimeDelta::Seconds(2));
  EXPECT_THAT(
      config.room.configurations,
      ElementsAre(Pair("small", R"({"maxParticipants":3,"metadata":"7","agents":[{"agentName":"a"}]})")));
  EXPECT_EQ(config.limit.num_tracks, 10);
  EXPECT_EQ(config.limit.bytes_per_sec, 1.5e6);
  EXPECT_EQ(config.audio.update_interval, base::TimeDelta::Millis(500));
  EXPECT_TRUE(config.logging.json);
  EXPECT_THAT(config.webhook.urls, ElementsAre("https://example.org/hook"));
  EXPECT_EQ(config.weir.workers, 2);
  EXPECT_EQ(config.weir.drain_timeout, base::TimeDelta::Seconds(90));
}

TEST(Load, AcceptsWhatTestSuitesWrite) {
  const Loaded loaded = MustLoad(R"(
port: 7980
rtc: {udp_port: 0, tcp_port: 7981, datachannel_slow_threshold: 0}
room: {auto_create: true}
enable_data_tracks: false
enable_participant_data_blob: false
limit: {signal_message_size_limit: 0, max_data_blobs_size: 0}
logging: {level: ""}
turn:
  enabled: false
  udp_port: 3478
  relay_range_start: 30000
  relay_range_end: 30010
  allow_restricted_peer_cidrs: []
  deny_peer_cidrs: []
webhook: {urls: [], api_key: ""}
redis: {address: ""}
)");
  EXPECT_THAT(loaded.warnings, IsEmpty());
  EXPECT_EQ(loaded.config.rtc.UdpPorts(), (PortRange{7882, 7882}));
  EXPECT_EQ(loaded.config.limit.signal_message_size_limit, 0);
}

TEST(Load, ServesThePortOfTheMetricsUnderBothNames) {
  EXPECT_THAT(MustLoad("prometheus: {port: 6789, username: a, password: b}\n").warnings, IsEmpty());
  EXPECT_EQ(MustLoad("prometheus_port: 6790\n").config.prometheus.port, 6790);
}

TEST(Load, WarnsOfKeysThatHaveNoEffect) {
  const Loaded loaded = MustLoad(
      "redis:\n  address: localhost:6379\nturn: {enabled: true, udp_port: 3478}\n"
      "rtc: {use_ice_lite: true, strict_acks: true}\n");
  EXPECT_THAT(
      loaded.warnings,
      ElementsAre(
          "weir.yaml:3: 'redis.address' has no effect: weir does not serve it (weir runs as one node)",
          StartsWith("weir.yaml:4: 'turn.enabled' has no effect"),
          StartsWith("weir.yaml:4: 'turn.udp_port' has no effect"),
          StartsWith("weir.yaml:5: 'rtc.use_ice_lite' has no effect")));
  EXPECT_EQ(loaded.config.redis.address, "localhost:6379");
}

TEST(Load, SuggestsTheKeyThatWasMeant) {
  EXPECT_EQ(ErrorOf("rtc:\n  udp_prot: 7882\n"),
            "weir.yaml:3: unknown key 'rtc.udp_prot'; did you mean 'rtc.udp_port'?");
  EXPECT_EQ(ErrorOf("tcp_port: 1\n"), "weir.yaml:2: unknown key 'tcp_port'; did you mean 'rtc.tcp_port'?");
  EXPECT_EQ(ErrorOf("rooom: {}\n"), "weir.yaml:2: unknown key 'rooom'; did you mean 'room'?");
  EXPECT_EQ(ErrorOf("rtc: {turn_servers: [{hots: a}]}\n").substr(0, 96),
            "weir.yaml:2: unknown key 'rtc.turn_servers[].hots'; did you mean 'rtc.turn_servers[].host'?\n"
            "rtc.");
}

TEST(Load, ListsTheKeysWhereNoneIsNear) {
  EXPECT_EQ(ErrorOf("redis: {zzzzzzzzzz: 1}\nwebhook: {elephant: 1}\n").substr(0, 90),
            "weir.yaml:2: unknown key 'redis.zzzzzzzzzz'; the keys of 'redis' are: address, username, p");
  EXPECT_THAT(ErrorOf("elephants: 1\n"), HasSubstr("; the keys are: port, bind_addresses, keys, "));
}

TEST(Load, TurnsUnknownKeysIntoWarningsWhereAsked) {
  Sources sources = File("elephant: 1\n");
  sources.overrides.relaxed = true;
  EXPECT_THAT(MustLoad(sources).warnings, ElementsAre(StartsWith("weir.yaml:2: unknown key 'elephant'")));
}

TEST(Load, RefusesADottedKey) { EXPECT_THAT(ErrorOf("rtc.tcp_port: 1\n"), HasSubstr("unknown key")); }

TEST(Load, RefusesAKeyThatOccursTwice) {
  EXPECT_EQ(ErrorOf("rtc:\n  tcp_port: 1\n  tcp_port: 2\n"),
            "weir.yaml:4: key 'tcp_port' occurs twice; first in line 3");
}

TEST(Load, NamesTheLineOfAWrongValue) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"port: abc", "'port' has to be a port (0 to 65535), not 'abc'"},
      {"port: 65536", "'port' has to be a port (0 to 65535), not '65536'"},
      {"port: \"80\"", "'port' has to be a port (0 to 65535), not the text '80'"},
      {"port: [80]", "'port' has to be a port (0 to 65535), not this list"},
      {"rtc: {udp_port: 5-3}",
       "'rtc.udp_port' has to be a port or a range of ports like 7882-7892, not '5-3'"},
      {"rtc: 5", "'rtc' has to be a map of keys, not '5'"},
      {"rtc: {force_tcp: maybe}", "'rtc.force_tcp' has to be true or false, not 'maybe'"},
      {"rtc: {node_ip: here}", "'rtc.node_ip' has to be IP addresses, not 'here'"},
      {"rtc: {stun_servers: a}", "'rtc.stun_servers' has to be a list of texts, not 'a'"},
      {"rtc: {ips: {includes: [10.0.0.0/33]}}",
       "'rtc.ips.includes' has to be a list of address blocks like 10.0.0.0/8, not this list"},
      {"rtc: {turn_servers: [a]}", "'rtc.turn_servers' has to be a list of maps, not this list"},
      {"audio: {active_level: 128}", "'audio.active_level' has to be 0 to 127, not '128'"},
      {"limit: {num_tracks: -1}", "'limit.num_tracks' has to be 0 or more, not '-1'"},
      {"limit: {num_tracks: 1.5}", "'limit.num_tracks' has to be a whole number, not '1.5'"},
      {"limit: {bytes_per_sec: lots}",
       "'limit.bytes_per_sec' has to be a number that is not negative, not 'lots'"},
      {"room: {empty_timeout: -3}",
       "'room.empty_timeout' has to be a number of seconds in its range, not '-3'"},
      {"weir: {drain_timeout: soon}",
       "'weir.drain_timeout' has to be a duration like 500ms or 1m30s, not 'soon'"},
      {"logging: {level: loud}", "'logging.level' has to be debug, info, warn or error, not 'loud'"},
      {"room: {room_configurations: {a: 1}}",
       "'room.room_configurations' has to be a map of maps, not a map"},
      {"region: [a]", "'region' has to be a text, not this list"},
      {"rtc: {use_mdns: 3}", "'rtc.use_mdns' has to be true or false, not '3'"},
  };
  for (const auto& [line, message] : cases) {
    EXPECT_EQ(ErrorOf(std::string(line) + "\n"), "weir.yaml:2: " + std::string(message));
  }
}

TEST(Load, ReportsAllFaultsAtOnce) {
  const std::string errors = ErrorOf("port: abc\nrtc: {tcp_port: x}\nelephants: 1\n");
  EXPECT_EQ(std::ranges::count(errors, '\n'), 2);
  std::string many;
  for (int i = 0; i < 50; ++i) {
    many += "elephant" + std::to_string(i) + ": 1\n";
  }
  EXPECT_THAT(ErrorOf(many), HasSubstr("and 30 more"));
}

TEST(Load, NamesTheLineOfBrokenYaml) {
  EXPECT_THAT(ErrorOf("rtc: {tcp_port: 1\n"), StartsWith("weir.yaml:"));
  EXPECT_THAT(ErrorOf("- a\n"), StartsWith("weir.yaml:2: "));
  EXPECT_THAT(ErrorOf(Sources{.file_name = "weir.yaml", .text = "just text"}), HasSubstr("a map of keys"));
}

TEST(Load, RefusesAFileOverTheLimit) {
  EXPECT_THAT(ErrorOf(std::string(kMaxFileSize, '#')), HasSubstr("larger than"));
}

TEST(Load, DemandsAKeyAndSaysHowToMakeOne) {
  const std::string error = ErrorOf(Sources{.file_name = "weir.yaml"});
  EXPECT_THAT(error, HasSubstr("weir generate-keys"));
  EXPECT_THAT(error, HasSubstr("--dev"));
}

TEST(Load, ReadsTheKeysOfTheEnvironment) {
  Sources sources;
  sources.environment = {
      {"LIVEKIT_KEYS", "APIb: 0123456789abcdef0123456789abcdef\nAPIa: ffffffffffffffffffffffffffffffff"}};
  const Config config = MustLoad(sources).config;
  EXPECT_THAT(config.keys.keys, SizeIs(2));
  EXPECT_EQ(config.signing_key, "APIb");
  ASSERT_NE(config.keys.Secret("APIa"), nullptr);
}

TEST(Load, NeverShowsASecret) {
  for (const std::string_view keys :
       {"APIkey:topsecretvalue", "- topsecretvalue", "APIkey: [topsecretvalue]"}) {
    Sources sources;
    sources.environment = {{"LIVEKIT_KEYS", std::string(keys)}};
    const std::string error = ErrorOf(sources);
    EXPECT_THAT(error, HasSubstr("variable LIVEKIT_KEYS"));
    EXPECT_THAT(error, Not(HasSubstr("topsecret")));
  }
  Sources short_secret;
  short_secret.text = "keys: {APIkey: topsecret}";
  EXPECT_THAT(MustLoad(short_secret).warnings,
              ElementsAre(AllOf(HasSubstr("'APIkey' is shorter than 32"), Not(HasSubstr("topsecret")))));
}

TEST(Load, TakesTheTextOfTheEnvironmentInsteadOfTheFile) {
  Sources sources = File("port: 1111\n");
  sources.environment = {{"LIVEKIT_CONFIG", std::string(kKeyLine) + "rtc: {tcp_port: 1234}\n"}};
  const Loaded loaded = MustLoad(sources);
  EXPECT_EQ(loaded.config.port, 7880);
  EXPECT_EQ(loaded.config.rtc.tcp_port, 1234);
  EXPECT_THAT(loaded.warnings, ElementsAre("weir.yaml is not read: LIVEKIT_CONFIG takes its place"));
  sources.overrides.config_body = std::string(kKeyLine) + "port: x\n";
  EXPECT_THAT(ErrorOf(sources), StartsWith("--config-body:2: "));
}

TEST(Load, LetsVariablesWinOverTheFileAndFlagsOverVariables) {
  Sources sources = File("rtc: {tcp_port: 1}\nregion: file\nbind_addresses: [10.0.0.1]\n");
  sources.environment = {{"LIVEKIT_RTC_TCP_PORT", "2"}, {"WEIR_BIND_ADDRESSES", "127.0.0.1, ::1"},
                         {"WEIR_WORKERS", "3"},         {"NODE_IP", "192.0.2.1"},
                         {"UDP_PORT", "5000"},          {"LIVEKIT_API_KEY", "of a client"}};
  Config config = MustLoad(sources).config;
  EXPECT_EQ(config.rtc.tcp_port, 2);
  EXPECT_THAT(config.bind_addresses, ElementsAre(Ip("127.0.0.1"), Ip("::1")));
  EXPECT_EQ(config.weir.workers, 3);
  EXPECT_THAT(config.rtc.node_ips, ElementsAre(Ip("192.0.2.1")));
  EXPECT_EQ(config.rtc.UdpPorts().first, 5000);

  sources.environment["WEIR_RTC_TCP_PORT"] = "4";
  EXPECT_EQ(MustLoad(sources).config.rtc.tcp_port, 4);

  sources.overrides.values = {{"rtc.tcp_port", "5"}};
  sources.overrides.udp_port = "6000-6001";
  sources.overrides.bind_addresses = {"localhost"};
  sources.overrides.keys = "APItwo: 0123456789abcdef0123456789abcdef";
  config = MustLoad(sources).config;
  EXPECT_EQ(config.rtc.tcp_port, 5);
  EXPECT_EQ(config.rtc.UdpPorts(), (PortRange{6000, 6001}));
  EXPECT_THAT(config.bind_addresses, ElementsAre(Ip("127.0.0.1"), Ip("::1")));
  EXPECT_EQ(config.signing_key, "APItwo");
}

TEST(Load, NamesTheVariableOrFlagOfAWrongValue) {
  Sources sources = File("");
  sources.environment = {{"WEIR_RTC_TCP_PORT", "x"}};
  sources.overrides.values = {{"rtc.tcp_prot", "1"}, {"rtc.turn_servers", "1"}};
  const std::string error = ErrorOf(sources);
  EXPECT_THAT(error, StartsWith("variable WEIR_RTC_TCP_PORT: 'rtc.tcp_port' has to be a port"));
  EXPECT_THAT(error, HasSubstr("--rtc.tcp_prot: unknown key 'rtc.tcp_prot'; did you mean 'rtc.tcp_port'?"));
}

TEST(Load, WarnsOfAVariableThatNobodyReads) {
  Sources sources = File("");
  sources.environment = {{"WEIR_WORKER", "3"}};
  EXPECT_THAT(MustLoad(sources).warnings,
              ElementsAre("variable WEIR_WORKER is none of weir's; did you mean WEIR_WORKERS?"));
}

TEST(Load, IgnoresTheServiceLinksOfKubernetes) {
  Sources sources = File("");
  sources.environment = {{"LIVEKIT_PORT", "tcp://10.0.0.1:7880"},
                         {"WEIR_PORT", "tcp://10.0.0.1:7880"},
                         {"WEIR_SERVICE_HOST", "10.0.0.1"},
                         {"WEIR_PORT_7880_TCP_ADDR", "10.0.0.1"}};
  const Loaded loaded = MustLoad(sources);
  EXPECT_EQ(loaded.config.port, 7880);
  EXPECT_THAT(loaded.warnings, IsEmpty());
}

TEST(DevelopmentMode, RunsWithoutAnyConfiguration) {
  Sources sources;
  sources.overrides.development = true;
  const Loaded loaded = MustLoad(sources);
  EXPECT_THAT(loaded.warnings, IsEmpty());
  EXPECT_THAT(loaded.config.keys.keys, ElementsAre(Pair("devkey", "secret")));
  EXPECT_EQ(loaded.config.signing_key, "devkey");
  EXPECT_THAT(loaded.config.bind_addresses, ElementsAre(Ip("127.0.0.1"), Ip("::1")));
  EXPECT_EQ(loaded.config.port, 7880);
  EXPECT_EQ(loaded.config.rtc.tcp_port, 7881);
  EXPECT_EQ(loaded.config.rtc.UdpPorts(), (PortRange{7882, 7882}));
  EXPECT_EQ(loaded.config.logging.level, base::LogLevel::kDebug);
  EXPECT_EQ(loaded.config.turn.relay_range_end, 30002);
}

TEST(DevelopmentMode, KeepsWhatIsConfigured) {
  const Loaded loaded = MustLoad("development: true\nlogging: {level: warn}\n");
  EXPECT_THAT(loaded.config.keys.keys, SizeIs(1));
  EXPECT_EQ(loaded.config.signing_key, "APIone");
  EXPECT_THAT(loaded.config.bind_addresses, IsEmpty());
  EXPECT_EQ(loaded.config.logging.level, base::LogLevel::kWarn);
}

TEST(DevelopmentMode, FollowsAnAddressOthersReachAndWarns) {
  Sources sources;
  sources.overrides.development = true;
  sources.overrides.bind_addresses = {"192.168.7.20"};
  const Loaded loaded = MustLoad(sources);
  EXPECT_TRUE(loaded.config.rtc.ips.Allows(Ip("192.168.7.99")));
  EXPECT_FALSE(loaded.config.rtc.ips.Allows(Ip("10.0.0.1")));
  EXPECT_THAT(loaded.warnings, ElementsAre(HasSubstr("well-known key")));
}

TEST(Validate, RefusesWhatCannotWorkTogether) {
  for (const auto& [lines, message] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"port: 7881\n", "'port' and 'rtc.tcp_port' are both TCP port 7881"},
           {"rtc: {port_range_start: 50000}\n", "have to be set both"},
           {"rtc: {port_range_start: 5, port_range_end: 4}\n", "have to be set both"},
           {"rtc: {force_tcp: true, tcp_port: 0}\n", "rtc.force_tcp needs rtc.tcp_port"},
           {"rtc: {node_ip: '1.1.1.1,2.2.2.2'}\n", "one IPv4 and one IPv6"},
           {"rtc: {stun_servers: ['stun:a/b']}\n", "is not host:port"},
           {"rtc: {turn_servers: [{host: a}]}\n", "needs host and port"},
           {"rtc: {turn_servers: [{host: a, port: 1, protocol: quic, secret: s}]}\n", "has protocol 'quic'"},
           {"room: {playout_delay: {min: 5, max: 4}}\n", "lies above"},
           {"webhook: {urls: ['https://a']}\n", "webhook.api_key is required to use webhooks"},
           {"webhook: {urls: ['https://a'], api_key: b}\n", "'b' is none of the API keys"},
           {"webhook: {urls: ['ftp://a'], api_key: APIone}\n", "does not begin with http"},
           {"prometheus: {username: a}\n", "both or not at all"},
           {"turn: {enabled: true, relay_range_start: 2, relay_range_end: 1}\n", "lies above"}}) {
    EXPECT_THAT(ErrorOf(lines), HasSubstr(std::string(message))) << lines;
  }
}

TEST(Validate, WarnsOfWhatItDoubts) {
  EXPECT_THAT(MustLoad("rtc: {turn_servers: [{host: a, port: 1}]}\n").warnings,
              ElementsAre(HasSubstr("neither")));
  EXPECT_THAT(MustLoad("room: {enabled_codecs: [{mime: video/h999}]}\n").warnings,
              ElementsAre(HasSubstr("video/h999")));
}

TEST(Rtc, LetsAPortRangeWinOverThePort) {
  EXPECT_EQ(
      MustLoad("rtc: {udp_port: 1, port_range_start: 50000, port_range_end: 50100}\n").config.rtc.UdpPorts(),
      (PortRange{50000, 50100}));
  EXPECT_EQ(MustLoad("rtc: {force_tcp: true}\n").config.rtc.UdpPorts(), PortRange());
}

TEST(KeyFile, AddsItsKeys) {
  Sources sources = File("key_file: ~/$SUB/keys\n");
  sources.environment = {{"HOME", "/home/a"}, {"SUB", "s"}};
  sources.read_file = [](const std::string& path) -> base::Result<FileContent> {
    EXPECT_EQ(path, "/home/a/s/keys");
    return FileContent{.text = "APIfile: ffffffffffffffffffffffffffffffff\n", .readable_by_others = true};
  };
  const Loaded loaded = MustLoad(sources);
  EXPECT_THAT(loaded.config.keys.keys, SizeIs(2));
  EXPECT_THAT(loaded.warnings,
              ElementsAre("/home/a/s/keys: a file of secrets that others can read; chmod 600 it"));
}

TEST(KeyFile, IsAnErrorWhenItCannotBeRead) {
  EXPECT_THAT(ErrorOf("key_file: /nowhere/keys\n"), HasSubstr("key_file: /nowhere/keys: No such file"));
}

TEST(KeyFile, MayHoldTheSecretOfATurnServer) {
  Sources sources = File("rtc: {turn_servers: [{host: a, port: 1, secret_file: /s}]}\n");
  sources.read_file = [](const std::string&) { return FileContent{.text = "shared\n"}; };
  EXPECT_EQ(MustLoad(sources).config.rtc.turn_servers[0].secret, "shared");
}

TEST(ReadFile, SeesWhoMayReadTheFile) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("weir_config_test_" + std::to_string(getpid()));
  std::FILE* const file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs("a: b\n", file);
  std::fclose(file);
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_TRUE(ReadFile(path)->readable_by_others);
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  const auto content = ReadFile(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(content);
  EXPECT_FALSE(content->readable_by_others);
  EXPECT_EQ(content->text, "a: b\n");
  EXPECT_FALSE(ReadFile("/"));
}

TEST(Keys, HaveUniquePathsAndVariables) {
  std::set<std::string_view> paths;
  std::set<std::string> variables;
  for (const Key& key : Keys()) {
    EXPECT_TRUE(paths.insert(key.path).second) << key.path;
    for (const std::string& name : VariablesOf(key)) {
      EXPECT_TRUE(variables.insert(name).second) << name;
    }
  }
}

// Every key of the table can be written: none is shadowed by another that ends where it would go on.
TEST(Keys, AreReachable) {
  for (const Key& key : Keys()) {
    for (size_t dot = key.path.find('.'); dot != key.path.npos; dot = key.path.find('.', dot + 1)) {
      EXPECT_EQ(FindKey(key.path.substr(0, dot)), nullptr) << key.path;
      EXPECT_TRUE(IsSection(key.path.substr(0, dot))) << key.path;
    }
  }
}

}  // namespace
}  // namespace weir::config
