#include "codec/codec.h"
#include "server/server.h"
#include "server/version.h"

namespace weir::server {
namespace {

// TURN over UDP and TCP of others, as clients read it.
livekit::ICEServer TurnServer(const config::TurnServer& turn) {
  livekit::ICEServer server;
  const bool tls = turn.protocol == "tls";
  server.add_urls(std::string(tls ? "turns:" : "turn:") + turn.host + ":" + std::to_string(turn.port) +
                  "?transport=" + (turn.protocol == "udp" ? "udp" : "tcp"));
  server.set_username(turn.username);
  server.set_credential(turn.credential);
  return server;
}

}  // namespace

rtc::Settings MakeSettings(const config::Config& config, const std::string& node_id) {
  rtc::Settings settings;
  settings.node_id = node_id;
  settings.region = config.region;
  settings.server_version = kLiveKitVersion;
  settings.signing_key = config.signing_key;
  settings.development = config.development;
  settings.auto_create = config.room.auto_create;
  settings.enable_remote_unmute = config.room.enable_remote_unmute;
  settings.allow_tcp_fallback = config.rtc.allow_tcp_fallback;
  settings.force_tcp = config.rtc.force_tcp;
  settings.sync_streams = config.room.sync_streams;
  settings.enable_data_tracks = config.enable_data_tracks;
  settings.enable_data_blobs = config.enable_participant_data_blob;
  settings.limits.max_data_track_encoding_length =
      static_cast<size_t>(config.limit.max_data_track_custom_encoding_length);
  settings.limits.max_data_blob_key = static_cast<size_t>(config.limit.max_data_blob_key_length);
  settings.limits.max_data_blobs_size = static_cast<size_t>(config.limit.max_data_blobs_size);
  settings.empty_timeout_seconds = static_cast<uint32_t>(config.room.empty_timeout.seconds());
  settings.departure_timeout_seconds = static_cast<uint32_t>(config.room.departure_timeout.seconds());
  settings.max_participants = static_cast<uint32_t>(config.room.max_participants);
  for (const config::EnabledCodec& enabled : config.room.enabled_codecs) {
    const codec::Codec codec = codec::CodecFromMime(enabled.mime);
    if (codec != codec::Codec::kUnknown) {
      settings.enabled_codecs.push_back(codec);
    }
  }
  settings.room_presets = config.room.configurations;
  for (const std::string& stun : config.rtc.stun_servers) {
    livekit::ICEServer server;
    server.add_urls("stun:" + stun);
    settings.ice_servers.push_back(server);
  }
  for (const config::TurnServer& turn : config.rtc.turn_servers) {
    if (turn.secret.empty() && turn.secret_file.empty()) {
      settings.ice_servers.push_back(TurnServer(turn));
    }
  }
  settings.audio_active_level = static_cast<uint8_t>(config.audio.active_level);
  settings.audio_min_percentile = static_cast<uint8_t>(config.audio.min_percentile);
  settings.audio_update_interval = config.audio.update_interval;
  settings.audio_smooth_intervals = static_cast<uint32_t>(config.audio.smooth_intervals);
  settings.limits.max_name_length = static_cast<size_t>(config.limit.max_participant_name_length);
  settings.limits.max_metadata_size = static_cast<size_t>(config.limit.max_metadata_size);
  settings.limits.max_attributes_size = static_cast<size_t>(config.limit.max_attributes_size);
  if (config.weir.max_rooms > 0) {
    settings.limits.max_rooms = static_cast<size_t>(config.weir.max_rooms);
  }
  return settings;
}

}  // namespace weir::server
