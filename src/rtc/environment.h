// What a worker's rooms see of the world: clock readings come as arguments, everything else through these
// interfaces.
//
// One Environment per worker thread; all of it is used on that thread only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "auth/token.h"
#include "base/log.h"
#include "base/packet_pool.h"
#include "base/random.h"
#include "codec/codec.h"
#include "dtls/certificate.h"
#include "ice/candidate.h"
#include "net/packet_output.h"
#include "proto/livekit_models.pb.h"
#include "proto/livekit_rtc.pb.h"
#include "rtc/census.h"
#include "rtc/flush_list.h"
#include "rtc/packet_router.h"
#include "rtc/room_event.h"
#include "rtc/timer_queue.h"

namespace weir::rtc {

// WebSocket close codes. livekit-client before 2.23 ignores a clean close (1000) while it is connected; any
// other code brings it back, so 1000 is for sessions that are over (docs/decisions/0012).
inline constexpr uint16_t kCloseDone = 1000;
inline constexpr uint16_t kCloseReconnect = 1011;

// Where the signalling messages of one connection go. The shell encodes and queues them; a sink outlives its
// connection (a message after the end goes nowhere).
class SignalSink {
 public:
  virtual ~SignalSink() = default;
  virtual void Send(const livekit::SignalResponse& message) = 0;
  // After what was sent before. A code other than 1000 makes every livekit-client come back
  // (docs/decisions/0012).
  virtual void Close(uint16_t code) = 0;
  // Instead of a first message: the WebSocket upgrade is answered by this HTTP error.
  virtual void Reject(int status, const std::string& body) = 0;
};

// What the shell wants to know of rooms: for the room directory, routing of datagrams and the API.
class RoomObserver {
 public:
  virtual ~RoomObserver() = default;
  // Datagrams whose STUN user name begins with `ufrag` belong to this worker; called on this worker's thread.
  virtual void OnUfragAdded(const std::string& ufrag) = 0;
  virtual void OnUfragRemoved(const std::string& ufrag) = 0;
  virtual void OnRoomEvent(RoomEvent event) = 0;
};

struct Limits {
  size_t max_participants_per_room = 0;  // 0: no limit beyond the room's own.
  size_t max_pending_tracks = 20;        // AddTrack requests without media, per participant.
  size_t max_tracks_per_participant = 64;
  size_t max_subscriptions = 2000;  // Per participant.
  size_t max_name_length = 256;
  size_t max_metadata_size = 512 * 1024;
  size_t max_attributes_size = 64 * 1024;
  size_t max_media_sections = 1024;   // Sections of one description.
  size_t max_remote_candidates = 64;  // Per connection; more are ignored and counted.
  size_t max_rooms = 100'000;
  size_t max_data_tracks_per_participant = 256;
  size_t max_data_track_encoding_length = 32;  // Of an encoding's name that is not well known.
  // Bytes that may wait for one subscriber's data track channel; past it packets are dropped and counted.
  size_t max_data_track_buffer = 256 * 1024;
  size_t max_data_blob_key = 256;
  size_t max_data_blobs_size = 64'000;  // Bytes, per participant.
};

struct Settings {
  std::string node_id;
  std::string region;
  std::string server_version;
  std::string signing_key;  // The API key that signs refreshed tokens.
  bool development = false;
  bool auto_create = true;
  bool enable_remote_unmute = false;
  bool allow_tcp_fallback = true;
  bool force_tcp = false;
  bool sync_streams = false;
  bool enable_data_tracks = true;
  bool enable_data_blobs = false;
  uint32_t empty_timeout_seconds = 300;
  uint32_t departure_timeout_seconds = 20;
  uint32_t max_participants = 0;
  std::vector<codec::Codec> enabled_codecs;  // In order of preference; RTX is implied.
  std::vector<livekit::ICEServer> ice_servers;
  std::map<std::string, std::string> room_presets;  // Name to the JSON of a RoomConfiguration.
  uint8_t audio_active_level = 35;
  uint8_t audio_min_percentile = 40;
  base::TimeDelta audio_update_interval = base::TimeDelta::Millis(400);
  uint32_t audio_smooth_intervals = 2;
  Limits limits;
};

struct Environment {
  base::Random& random;
  base::Logger log;
  const dtls::Certificate& certificate;
  const Settings& settings;
  const auth::KeyProvider& keys;
  const std::vector<ice::Candidate>& host_candidates;  // Of this worker: UDP and TCP.
  base::PacketPool& pool;
  TimerQueue& timers;
  FlushList& flush;
  PacketRouter& router;
  net::PacketOutput& output;
  RoomObserver& observer;
  Census* census = nullptr;  // Null: nobody counts.
};

}  // namespace weir::rtc
