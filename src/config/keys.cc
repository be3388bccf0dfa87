#include "config/keys.h"

#include <algorithm>

namespace weir::config {
namespace {

constexpr Status kServed = Status::kServed;
constexpr Status kKnown = Status::kKnown;
constexpr Status kIgnored = Status::kIgnored;
constexpr auto kFlag = Untyped::kFlag;
constexpr auto kInteger = Untyped::kInteger;
constexpr auto kNumber = Untyped::kNumber;
constexpr auto kText = Untyped::kText;
constexpr auto kDuration = Untyped::kDuration;
constexpr auto kAny = Untyped::kAny;

// At<&Config::rtc, &Rtc::tcp_port> is the function that reaches this field.
template <auto... kPath>
constexpr auto* At = +[](Config& config) -> auto& { return (config.*....*kPath); };
template <auto kMember>
constexpr auto* Server = +[](Config& config) -> auto& { return config.rtc.turn_servers.back().*kMember; };
template <auto kMember>
constexpr auto* CodecAt = +[](Config& config) -> auto& { return config.room.enabled_codecs.back().*kMember; };

template <auto... kPath>
constexpr DurationField Seconds = {At<kPath...>, DurationField::Unit::kSeconds};
template <auto... kPath>
constexpr DurationField Millis = {At<kPath...>, DurationField::Unit::kMillis};
template <auto... kPath>
constexpr DurationField GoDuration = {At<kPath...>, DurationField::Unit::kGo};

constexpr ListOfMaps kTurnServers = {[](Config& c) { c.rtc.turn_servers.clear(); },
                                     [](Config& c) { c.rtc.turn_servers.emplace_back(); }};
constexpr ListOfMaps kCodecs = {[](Config& c) { c.room.enabled_codecs.clear(); },
                                [](Config& c) { c.room.enabled_codecs.emplace_back(); }};

// clang-format off
const Key kKeys[] = {
    {"port", kServed, At<&Config::port>, "HTTP and WebSocket port"},
    {"bind_addresses", kServed, At<&Config::bind_addresses>, "addresses of the HTTP port; none: every interface"},
    {"keys", kServed, ApiKeys{}, "API key: secret; the first one signs what the server signs"},
    {"key_file", kServed, At<&Config::key_file>, "file of more keys, 'key: secret' a line; ~ and $NAME are expanded"},
    {"development", kServed, At<&Config::development>, "as --dev"},
    {"region", kKnown, At<&Config::region>, "label of this node"},
    {"log_level", kServed, At<&Config::logging, &Logging::level>, "old name of logging.level"},
    {"logging.level", kServed, At<&Config::logging, &Logging::level>, "debug, info, warn or error"},
    {"logging.json", kServed, At<&Config::logging, &Logging::json>, "one JSON object a line"},
    {"logging.sample", kKnown, kFlag, "drop repeated messages"},
    {"logging.sample_initial", kKnown, kInteger, "of sample"},
    {"logging.sample_interval", kKnown, kInteger, "of sample"},
    {"logging.item_sample_seconds", kKnown, kInteger, "of sample"},
    {"logging.item_sample_initial", kKnown, kInteger, "of sample"},
    {"logging.item_sample_interval", kKnown, kInteger, "of sample"},
    {"logging.component_levels", kKnown, kAny, "levels of LiveKit's components"},
    {"logging.pion_level", kKnown, kText, "level of LiveKit's WebRTC stack"},

    {"rtc.udp_port", kServed, At<&Config::rtc, &Rtc::udp_port>, "UDP port for media, or a range 'a-b'; 0: the default, 7882"},
    {"rtc.port_range_start", kServed, At<&Config::rtc, &Rtc::port_range_start>, "with port_range_end: wins over udp_port"},
    {"rtc.port_range_end", kServed, At<&Config::rtc, &Rtc::port_range_end>, "last port, inclusive"},
    {"rtc.tcp_port", kServed, At<&Config::rtc, &Rtc::tcp_port>, "ICE/TCP port; 0 turns it off"},
    {"rtc.use_external_ip", kServed, At<&Config::rtc, &Rtc::use_external_ip>, "find the public address by STUN"},
    {"rtc.node_ip", kServed, At<&Config::rtc, &Rtc::node_ips>, "advertised address: 'v4', 'v6' or 'v4,v6'"},
    {"rtc.interfaces.includes", kServed, At<&Config::rtc, &Rtc::interfaces, &NameFilter::includes>, "network interfaces to use"},
    {"rtc.interfaces.excludes", kServed, At<&Config::rtc, &Rtc::interfaces, &NameFilter::excludes>, "network interfaces to leave out"},
    {"rtc.ips.includes", kServed, At<&Config::rtc, &Rtc::ips, &AddressFilter::includes>, "address blocks to use"},
    {"rtc.ips.excludes", kServed, At<&Config::rtc, &Rtc::ips, &AddressFilter::excludes>, "address blocks to leave out"},
    {"rtc.force_tcp", kServed, At<&Config::rtc, &Rtc::force_tcp>, "no UDP candidates; for tests"},
    {"rtc.allow_tcp_fallback", kServed, At<&Config::rtc, &Rtc::allow_tcp_fallback>, "let clients that fail over UDP come back over TCP"},
    {"rtc.enable_loopback_candidate", kServed, At<&Config::rtc, &Rtc::enable_loopback_candidate>, "offer 127.0.0.1 and ::1"},
    {"rtc.stun_servers", kServed, At<&Config::rtc, &Rtc::stun_servers>, "host:port, for this server and for clients"},
    {"rtc.turn_servers", kServed, kTurnServers, "TURN servers for clients"},
    {"rtc.turn_servers[].host", kServed, Server<&TurnServer::host>, "name or address"},
    {"rtc.turn_servers[].port", kServed, Server<&TurnServer::port>, "port"},
    {"rtc.turn_servers[].protocol", kServed, Server<&TurnServer::protocol>, "udp, tcp or tls"},
    {"rtc.turn_servers[].username", kServed, Server<&TurnServer::username>, "a fixed user"},
    {"rtc.turn_servers[].credential", kServed, Server<&TurnServer::credential>, "its password"},
    {"rtc.turn_servers[].secret", kServed, Server<&TurnServer::secret>, "shared secret for short-lived credentials"},
    {"rtc.turn_servers[].secret_file", kServed, Server<&TurnServer::secret_file>, "file with the secret"},
    {"rtc.turn_servers[].ttl", kServed, DurationField{Server<&TurnServer::ttl>, DurationField::Unit::kSeconds}, "of such credentials, s", 0, 86400},
    {"rtc.use_ice_lite", kKnown, At<&Config::rtc, &Rtc::use_ice_lite>, "weir is a full ICE agent always"},
    {"rtc.use_stun_port_as_ice", kKnown, kFlag, "media on 3478 as well"},
    {"rtc.external_ip_only", kKnown, kFlag, "no candidates without a public address"},
    {"rtc.advertise_internal_ip", kKnown, kFlag, "offer the private address beside the public one"},
    {"rtc.skip_external_ip_validation", kKnown, kFlag, "trust what STUN says"},
    {"rtc.use_mdns", kKnown, kFlag, "mDNS candidates"},
    {"rtc.batch_io.batch_size", kKnown, kInteger, "weir batches always"},
    {"rtc.batch_io.max_flush_interval", kKnown, kDuration, "weir batches always"},
    {"rtc.sctp_min_cwnd", kKnown, kInteger, "tunes LiveKit's SCTP"},
    {"rtc.sctp_fast_rtx_wnd", kKnown, kInteger, "tunes LiveKit's SCTP"},
    {"rtc.sctp_cwnd_ca_step", kKnown, kInteger, "tunes LiveKit's SCTP"},
    {"rtc.enable_warp", kKnown, kFlag, "start-up shortcut"},
    {"rtc.strict_acks", kIgnored, kFlag, "obsolete"},
    {"rtc.packet_buffer_size", kIgnored, kInteger, "obsolete"},
    {"rtc.packet_buffer_size_video", kKnown, At<&Config::rtc, &Rtc::packet_buffer_size_video>, "packets kept for repairs", 0, 1 << 16},
    {"rtc.packet_buffer_size_audio", kKnown, At<&Config::rtc, &Rtc::packet_buffer_size_audio>, "packets kept for repairs", 0, 1 << 16},
    {"rtc.pli_throttle.low_quality", kKnown, GoDuration<&Config::rtc, &Rtc::pli_throttle_low>, "least time between key frame requests"},
    {"rtc.pli_throttle.mid_quality", kKnown, GoDuration<&Config::rtc, &Rtc::pli_throttle_mid>, "least time between key frame requests"},
    {"rtc.pli_throttle.high_quality", kKnown, GoDuration<&Config::rtc, &Rtc::pli_throttle_high>, "least time between key frame requests"},
    {"rtc.congestion_control.enabled", kServed, At<&Config::rtc, &Rtc::congestion_control_enabled>, "fit what is sent to the receiver's bandwidth"},
    {"rtc.congestion_control.allow_pause", kServed, At<&Config::rtc, &Rtc::congestion_control_allow_pause>, "pause video that does not fit"},
    {"rtc.congestion_control.stream_allocator", kKnown, kAny, "tunes LiveKit's allocator"},
    {"rtc.congestion_control.remote_bwe", kKnown, kAny, "tunes LiveKit's estimator"},
    {"rtc.congestion_control.use_send_side_bwe_interceptor", kKnown, kFlag, "chooses LiveKit's estimator"},
    {"rtc.congestion_control.use_send_side_bwe", kKnown, kFlag, "chooses LiveKit's estimator"},
    {"rtc.congestion_control.send_side_bwe_pacer", kKnown, kText, "chooses LiveKit's pacer"},
    {"rtc.congestion_control.send_side_bwe", kKnown, kAny, "tunes LiveKit's estimator"},
    {"rtc.tcp_fallback_rtt_threshold", kKnown, kInteger, "ms"},
    {"rtc.allow_udp_unstable_fallback", kKnown, kFlag, "TCP on unstable UDP"},
    {"rtc.reconnect_on_publication_error", kKnown, kFlag, "full reconnect on that error"},
    {"rtc.reconnect_on_subscription_error", kKnown, kFlag, "full reconnect on that error"},
    {"rtc.reconnect_on_data_channel_error", kKnown, kFlag, "full reconnect on that error"},
    {"rtc.data_channel_max_buffered_amount", kIgnored, kInteger, "obsolete"},
    {"rtc.datachannel_slow_threshold", kKnown, At<&Config::rtc, &Rtc::datachannel_slow_threshold>, "B/s below which a reliable reader is slow"},
    {"rtc.datachannel_lossy_target_latency", kKnown, kDuration, "drop policy of lossy data"},
    {"rtc.datachannel_data_track_target_latency", kKnown, kDuration, "drop policy of data tracks"},
    {"rtc.forward_stats.summary_interval", kKnown, kDuration, "forwarding latency statistics"},
    {"rtc.forward_stats.report_interval", kKnown, kDuration, "forwarding latency statistics"},
    {"rtc.forward_stats.report_window", kKnown, kDuration, "forwarding latency statistics"},
    {"rtc.enable_rtp_stream_restart_detection", kKnown, kFlag, ""},

    {"room.auto_create", kServed, At<&Config::room, &Room::auto_create>, "joining creates the room"},
    {"room.empty_timeout", kServed, Seconds<&Config::room, &Room::empty_timeout>, "s until a room nobody joined closes", 0, 1 << 30},
    {"room.departure_timeout", kServed, Seconds<&Config::room, &Room::departure_timeout>, "s until a room everybody left closes", 0, 1 << 30},
    {"room.max_participants", kServed, At<&Config::room, &Room::max_participants>, "0: no limit", 0, UINT32_MAX},
    {"room.enabled_codecs", kServed, kCodecs, "what rooms negotiate"},
    {"room.enabled_codecs[].mime", kServed, CodecAt<&EnabledCodec::mime>, "as in audio/opus"},
    {"room.enabled_codecs[].fmtp_line", kServed, CodecAt<&EnabledCodec::fmtp_line>, "parameters"},
    {"room.enable_remote_unmute", kServed, At<&Config::room, &Room::enable_remote_unmute>, "the API may unmute"},
    {"room.playout_delay.enabled", kServed, At<&Config::room, &Room::playout_delay, &PlayoutDelay::enabled>, "send the playout-delay extension"},
    {"room.playout_delay.min", kServed, Millis<&Config::room, &Room::playout_delay, &PlayoutDelay::min>, "ms", 0, 40'950},
    {"room.playout_delay.max", kServed, Millis<&Config::room, &Room::playout_delay, &PlayoutDelay::max>, "ms", 0, 40'950},
    {"room.sync_streams", kServed, At<&Config::room, &Room::sync_streams>, "one media stream for each participant"},
    {"room.max_metadata_size", kServed, At<&Config::limit, &Limit::max_metadata_size>, "old name of limit.max_metadata_size"},
    {"room.max_room_name_length", kServed, At<&Config::limit, &Limit::max_room_name_length>, "old name of limit.max_room_name_length"},
    {"room.max_participant_identity_length", kServed, At<&Config::limit, &Limit::max_participant_identity_length>, "old name of limit.max_participant_identity_length"},
    {"room.room_configurations", kServed, JsonMap{At<&Config::room, &Room::configurations>}, "presets that a token's roomPreset names"},
    {"room.enable_full_room_in_webhooks", kServed, At<&Config::room, &Room::enable_full_room_in_webhooks>, "whole room in webhooks of tracks"},
    {"room.create_room_timeout", kKnown, kDuration, "between nodes"},
    {"room.create_room_attempts", kKnown, kInteger, "between nodes"},
    {"room.update_batch_target_size", kKnown, kInteger, "bytes of a batch of participant updates"},

    {"limit.num_tracks", kServed, At<&Config::limit, &Limit::num_tracks>, "of this node; joins are refused beyond"},
    {"limit.bytes_per_sec", kServed, At<&Config::limit, &Limit::bytes_per_sec>, "of this node; joins are refused beyond"},
    {"limit.subscription_limit_video", kServed, At<&Config::limit, &Limit::subscription_limit_video>, "of one participant"},
    {"limit.subscription_limit_audio", kServed, At<&Config::limit, &Limit::subscription_limit_audio>, "of one participant"},
    {"limit.max_metadata_size", kServed, At<&Config::limit, &Limit::max_metadata_size>, "bytes, of a room or a participant"},
    {"limit.max_attributes_size", kServed, At<&Config::limit, &Limit::max_attributes_size>, "bytes, keys and values"},
    {"limit.max_room_name_length", kServed, At<&Config::limit, &Limit::max_room_name_length>, "bytes"},
    {"limit.max_participant_identity_length", kServed, At<&Config::limit, &Limit::max_participant_identity_length>, "bytes"},
    {"limit.max_participant_name_length", kServed, At<&Config::limit, &Limit::max_participant_name_length>, "bytes"},
    {"limit.max_data_blob_key_length", kServed, At<&Config::limit, &Limit::max_data_blob_key_length>, "bytes"},
    {"limit.max_data_blobs_size", kServed, At<&Config::limit, &Limit::max_data_blobs_size>, "bytes"},
    {"limit.max_data_track_custom_encoding_length", kServed, At<&Config::limit, &Limit::max_data_track_custom_encoding_length>, "bytes"},
    {"limit.signal_message_size_limit", kServed, At<&Config::limit, &Limit::signal_message_size_limit>, "bytes of a WebSocket message"},
    {"limit.agent_signal_message_size_limit", kServed, At<&Config::limit, &Limit::agent_signal_message_size_limit>, "bytes of a worker's message"},
    {"limit.max_api_request_body_size", kServed, At<&Config::limit, &Limit::max_api_request_body_size>, "bytes"},

    {"audio.active_level", kServed, At<&Config::audio, &Audio::active_level>, "-dBov from which somebody speaks", 0, 127},
    {"audio.min_percentile", kServed, At<&Config::audio, &Audio::min_percentile>, "% of an interval's packets at that level", 0, 100},
    {"audio.update_interval", kServed, Millis<&Config::audio, &Audio::update_interval>, "ms between updates of the speakers", 10, 60'000},
    {"audio.smooth_intervals", kServed, At<&Config::audio, &Audio::smooth_intervals>, "intervals to average over", 0, 1000},
    {"audio.active_red_encoding", kKnown, kFlag, "make RED for receivers"},
    {"audio.enable_loss_proxying", kKnown, kFlag, ""},
    {"video.dynacast_pause_delay", kKnown, kDuration, "until an unused layer is paused"},
    {"video.codec_regression_threshold", kKnown, kInteger, ""},
    {"video.stream_tracker_manager", kKnown, kAny, "tunes LiveKit's trackers"},

    {"webhook.urls", kServed, At<&Config::webhook, &Webhook::urls>, "where events are posted"},
    {"webhook.api_key", kServed, At<&Config::webhook, &Webhook::api_key>, "the key that signs them"},
    {"webhook.url_notifier", kKnown, kAny, "tunes LiveKit's sender"},
    {"webhook.resource_url_notifier.max_age", kServed, GoDuration<&Config::webhook, &Webhook::max_age>, "a webhook that waited longer is dropped; 0: 30s"},
    {"webhook.resource_url_notifier.max_depth", kServed, At<&Config::webhook, &Webhook::max_depth>, "webhooks that wait for one URL and room; 0: 200", 0, 10'000},
    {"webhook.filter_params.include_events", kServed, At<&Config::webhook, &Webhook::events, &NameFilter::includes>, "post these events only"},
    {"webhook.filter_params.exclude_events", kServed, At<&Config::webhook, &Webhook::events, &NameFilter::excludes>, "events to keep back"},

    {"redis.address", kKnown, At<&Config::redis, &Redis::address>, "weir runs as one node"},
    {"redis.username", kKnown, At<&Config::redis, &Redis::username>, ""},
    {"redis.password", kKnown, At<&Config::redis, &Redis::password>, ""},
    {"redis.db", kKnown, At<&Config::redis, &Redis::db>, ""},
    {"redis.use_tls", kKnown, kFlag, ""},
    {"redis.tls", kKnown, kAny, ""},
    {"redis.sentinel_master_name", kKnown, kText, ""},
    {"redis.sentinel_username", kKnown, kText, ""},
    {"redis.sentinel_password", kKnown, kText, ""},
    {"redis.sentinel_addresses", kKnown, kAny, ""},
    {"redis.cluster_addresses", kKnown, kAny, ""},
    {"redis.dial_timeout", kKnown, kInteger, "ms"},
    {"redis.read_timeout", kKnown, kInteger, "ms"},
    {"redis.write_timeout", kKnown, kInteger, "ms"},
    {"redis.max_redirects", kKnown, kInteger, ""},
    {"redis.pool_timeout", kKnown, kDuration, ""},
    {"redis.pool_size", kKnown, kInteger, ""},

    {"turn.enabled", kKnown, At<&Config::turn, &Turn::enabled>, "the TURN server inside"},
    {"turn.domain", kKnown, At<&Config::turn, &Turn::domain>, "name in its certificate"},
    {"turn.cert_file", kKnown, At<&Config::turn, &Turn::cert_file>, ""},
    {"turn.key_file", kKnown, At<&Config::turn, &Turn::key_file>, ""},
    {"turn.tls_port", kKnown, At<&Config::turn, &Turn::tls_port>, ""},
    {"turn.udp_port", kKnown, At<&Config::turn, &Turn::udp_port>, ""},
    {"turn.external_tls", kKnown, At<&Config::turn, &Turn::external_tls>, "TLS ends in front of it"},
    {"turn.bind_addresses", kKnown, At<&Config::turn, &Turn::bind_addresses>, ""},
    {"turn.relay_range_start", kKnown, At<&Config::turn, &Turn::relay_range_start>, "first relay port"},
    {"turn.relay_range_end", kKnown, At<&Config::turn, &Turn::relay_range_end>, "last relay port, inclusive"},
    {"turn.per_user_relay_allocation_limit", kKnown, At<&Config::turn, &Turn::per_user_relay_allocation_limit>, "0 or less: no limit", -1},
    {"turn.ttl_seconds", kKnown, Seconds<&Config::turn, &Turn::ttl>, "of its credentials; 0: the default"},
    {"turn.allow_restricted_peer_cidrs", kKnown, At<&Config::turn, &Turn::allow_restricted_peer_cidrs>, "private peers that may be relayed to"},
    {"turn.deny_peer_cidrs", kKnown, At<&Config::turn, &Turn::deny_peer_cidrs>, "peers that may not"},

    {"prometheus.port", kServed, At<&Config::prometheus, &Prometheus::port>, "TCP port of the metrics, under any path; 0: none"},
    {"prometheus.username", kServed, At<&Config::prometheus, &Prometheus::username>, "who may read them; with password"},
    {"prometheus.password", kServed, At<&Config::prometheus, &Prometheus::password>, "of username"},
    {"prometheus_port", kServed, At<&Config::prometheus, &Prometheus::port>, "old name of prometheus.port"},
    {"debug_handler.port", kKnown, kInteger, "port of Go's profiles"},
    {"enable_data_tracks", kServed, At<&Config::enable_data_tracks>, "data tracks"},
    {"enable_participant_data_blob", kServed, At<&Config::enable_participant_data_blob>, "data blobs of participants"},
    {"ingress.rtmp_base_url", kKnown, kText, ""},
    {"ingress.whip_base_url", kKnown, kText, ""},
    {"sip", kKnown, kAny, ""},
    {"node_selector.kind", kKnown, kText, "between nodes"},
    {"node_selector.sort_by", kKnown, kText, "between nodes"},
    {"node_selector.algorithm", kKnown, kText, "between nodes"},
    {"node_selector.cpu_load_limit", kKnown, kNumber, "between nodes"},
    {"node_selector.sysload_limit", kKnown, kNumber, "between nodes"},
    {"node_selector.regions", kKnown, kAny, "between nodes"},
    {"signal_relay.retry_timeout", kKnown, kDuration, "between nodes"},
    {"signal_relay.min_retry_interval", kKnown, kDuration, "between nodes"},
    {"signal_relay.max_retry_interval", kKnown, kDuration, "between nodes"},
    {"signal_relay.stream_buffer_size", kKnown, kInteger, "between nodes"},
    {"signal_relay.connect_attempts", kKnown, kInteger, "between nodes"},
    {"psrpc.max_attempts", kKnown, kInteger, "between nodes"},
    {"psrpc.timeout", kKnown, kDuration, "between nodes"},
    {"psrpc.backoff", kKnown, kDuration, "between nodes"},
    {"psrpc.buffer_size", kKnown, kInteger, "between nodes"},
    {"node_stats.stats_update_interval", kKnown, kDuration, "between nodes"},
    {"node_stats.stats_rate_measurement_intervals", kKnown, kAny, "between nodes"},
    {"node_stats.stats_max_delay", kKnown, kDuration, "between nodes"},
    {"api.execution_timeout", kKnown, kDuration, "between nodes"},
    {"api.check_interval", kKnown, kDuration, "between nodes"},
    {"api.max_check_interval", kKnown, kDuration, "between nodes"},
    {"api.enable_psrpc_for_get_list_participants", kKnown, kFlag, "between nodes"},
    {"agents.enable_user_data_recording", kServed, At<&Config::agents, &Agents::enable_user_data_recording>, "told to workers with each job"},
    {"agents.enable_user_data_redaction", kServed, At<&Config::agents, &Agents::enable_user_data_redaction>, "told to workers with each job"},
    {"agents.target_load", kServed, At<&Config::agents, &Agents::target_load>, "0 to 1: load of the workers up to which they get more jobs"},
    {"metric.timestamper_config", kKnown, kAny, ""},
    {"metric.collector", kKnown, kAny, ""},
    {"metric.reporter", kKnown, kAny, ""},
    {"trace.jaeger_url", kKnown, kText, ""},

    {"weir.workers", kServed, At<&Config::weir, &Own::workers>, "media threads; 0: one for each core", 0, 1024},
    {"weir.max_rooms", kServed, At<&Config::weir, &Own::max_rooms>, "of this process; 0: no limit"},
    {"weir.max_participants", kServed, At<&Config::weir, &Own::max_participants>, "of this process; 0: no limit"},
    {"weir.max_connections", kServed, At<&Config::weir, &Own::max_connections>, "TCP connections of a listener", 1, 1 << 20},
    {"weir.udp_socket_buffer", kServed, At<&Config::weir, &Own::udp_socket_buffer>, "bytes asked of the kernel, each way", 64 << 10, 1 << 30},
    {"weir.drain_timeout", kServed, GoDuration<&Config::weir, &Own::drain_timeout>, "from SIGTERM to a hard stop"},
    {"weir.failed_requests_per_second", kServed, At<&Config::weir, &Own::failed_requests_per_second>, "joins and API calls with bad tokens, of one address; 0: no limit", 0, 1'000'000},
    {"weir.failed_requests_burst", kServed, At<&Config::weir, &Own::failed_requests_burst>, "of those, in a row", 1, 1'000'000},
    {"weir.forged_checks_per_second", kServed, At<&Config::weir, &Own::forged_checks_per_second>, "ICE requests with a wrong password, of one address for one connection; 0: no limit", 0, 1'000'000},
    {"weir.forged_checks_burst", kServed, At<&Config::weir, &Own::forged_checks_burst>, "of those, in a row", 1, 1'000'000},
    {"weir.revoke_removed_tokens", kServed, At<&Config::weir, &Own::revoke_removed_tokens>, "who was removed needs a new token to come back"},
};
// clang-format on

// Of LiveKit's flags: names that do not follow from the path.
struct PlainVariable {
  std::string_view path;
  std::string_view name;
};
constexpr PlainVariable kPlainVariables[] = {
    {"rtc.node_ip", "NODE_IP"},
    {"rtc.udp_port", "UDP_PORT"},
    {"redis.address", "REDIS_HOST"},
    {"redis.password", "REDIS_PASSWORD"},
    {"turn.cert_file", "LIVEKIT_TURN_CERT"},
    {"turn.key_file", "LIVEKIT_TURN_KEY"},
};

}  // namespace

std::span<const Key> Keys() { return kKeys; }

const Key* FindKey(std::string_view path) {
  const auto it = std::ranges::find(kKeys, path, &Key::path);
  return it == std::end(kKeys) ? nullptr : it;
}

bool IsSection(std::string_view path) {
  return std::ranges::any_of(kKeys, [&](const Key& key) {
    return key.path.starts_with(path) && key.path.substr(path.size()).starts_with('.');
  });
}

std::vector<std::string> ChildNames(std::string_view section) {
  std::vector<std::string> names;
  for (const Key& key : kKeys) {
    std::string_view rest = key.path;
    if (!section.empty()) {
      if (!rest.starts_with(section) || !rest.substr(section.size()).starts_with('.')) {
        continue;
      }
      rest.remove_prefix(section.size() + 1);
    }
    std::string name(rest.substr(0, rest.find_first_of(".[")));
    if (std::ranges::find(names, name) == names.end()) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

std::vector<std::string> VariablesOf(const Key& key) {
  const bool has_text =
      !std::holds_alternative<ListOfMaps>(key.field) && !std::holds_alternative<JsonMap>(key.field) &&
      !(std::holds_alternative<Untyped>(key.field) && std::get<Untyped>(key.field) == Untyped::kAny);
  // The old name of prometheus.port would have the same variables.
  if (!has_text || key.path.contains('[') || key.path == "prometheus_port") {
    return {};
  }
  std::vector<std::string> names;
  for (const PlainVariable& variable : kPlainVariables) {
    if (variable.path == key.path) {
      names.emplace_back(variable.name);
    }
  }
  std::string upper(key.path.substr(key.path.starts_with("weir.") ? 5 : 0));
  std::ranges::transform(upper, upper.begin(), [](char c) {
    return c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  if (!key.path.starts_with("weir.")) {
    names.push_back("LIVEKIT_" + upper);
  }
  names.push_back("WEIR_" + upper);
  return names;
}

}  // namespace weir::config
