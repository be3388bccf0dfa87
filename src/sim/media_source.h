// RTP as senders make it, before SRTP: an Opus microphone and a VP8 simulcast camera. Nothing is encoded; the
// headers and descriptors are true and the payload is filler that ends with a Stamp.
//
// Pull: Poll gives the packets that are due by now, one at a time, and NextTimeout tells when there is more.
// All chance (first sequence numbers, timestamps, picture ids) comes from the Random given.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/time.h"
#include "rtcp/packets.h"
#include "rtp/ssrc.h"
#include "sim/rtp_builder.h"

namespace weir::sim {

// Counts what a stream has sent, for its sender reports.
struct SentStream {
  uint32_t packets = 0;
  uint32_t octets = 0;  // Payload.
};

class AudioSource {
 public:
  struct Config {
    rtp::Ssrc ssrc;
    uint8_t payload_type = 111;
    std::string mid;
    size_t frame_bytes = 80;
  };
  static constexpr base::TimeDelta kFrame = base::TimeDelta::Millis(20);
  static constexpr uint32_t kClockRate = 48'000;

  AudioSource(const Config& config, SourceContext& context, base::Random& random, base::Timestamp start);

  std::optional<base::Buffer> Poll(base::Timestamp now);
  base::Timestamp NextTimeout() const { return paused_ ? base::Timestamp::Infinity() : next_frame_; }
  void set_level(rtp::AudioLevel level) { level_ = level; }
  // Sends nothing while paused; the timestamp goes on, as a microphone's does.
  void SetPaused(bool paused, base::Timestamp now);
  rtcp::SenderReport MakeSenderReport(base::Now now) const;
  rtp::Ssrc ssrc() const { return config_.ssrc; }
  uint64_t frames_sent() const { return counter_; }

 private:
  const Config config_;
  SourceContext& context_;
  const base::Timestamp start_;
  const uint32_t first_timestamp_;
  uint16_t sequence_;
  base::Timestamp next_frame_;
  bool paused_ = false;
  bool talkspurt_begins_ = true;
  rtp::AudioLevel level_{.voice = true, .level = 30};
  uint64_t counter_ = 0;
  SentStream sent_;
};

class VideoSource {
 public:
  struct Layer {
    rtp::Ssrc ssrc;
    std::optional<rtp::Ssrc> rtx_ssrc;
    std::string rid;  // Empty without simulcast.
    uint16_t width = 0;
    uint16_t height = 0;
    int64_t bitrate_bps = 0;
  };
  struct Config {
    std::vector<Layer> layers;  // Lowest first; see SimulcastLayers.
    uint8_t payload_type = 96;
    uint8_t rtx_payload_type = 97;  // Used by layers with an rtx_ssrc; others repeat the packet itself.
    std::string mid;
    int temporal_layers = 3;  // 1 to 3.
    int fps = 30;
    size_t max_payload = 1100;
    size_t history = 1024;  // Packets kept for repair, of each layer.
  };
  static constexpr uint32_t kClockRate = 90'000;

  // Three layers of 320x180, 640x360 and 1280x720 with rids q, h, f and SSRCs counting from `first`, each
  // followed by its RTX.
  static std::vector<Layer> SimulcastLayers(uint32_t first);

  VideoSource(const Config& config, SourceContext& context, base::Random& random, base::Timestamp start);

  std::optional<base::Buffer> Poll(base::Timestamp now);
  base::Timestamp NextTimeout() const;

  void RequestKeyframe(size_t layer) { layers_.at(layer).keyframe_due = true; }
  // NACK, PLI and FIR that concern one of the layers. Repairs come out of Poll.
  void OnRtcp(base::Timestamp now, const rtcp::Packet& packet);
  // As dynacast does: an inactive layer is not sent, and begins again with a key frame.
  void SetLayerActive(size_t layer, bool active);
  rtcp::SenderReport MakeSenderReport(base::Now now, size_t layer) const;

  const Config& config() const { return config_; }
  uint64_t frames_sent(size_t layer) const { return layers_.at(layer).frames; }
  uint64_t keyframes_sent(size_t layer) const { return layers_.at(layer).keyframes; }
  uint64_t repairs_sent() const { return repairs_sent_; }

 private:
  struct Kept {
    RtpFields fields;
    base::Buffer payload;
  };
  struct State {
    bool active = true;
    bool keyframe_due = true;
    uint32_t first_timestamp = 0;
    uint16_t sequence = 0;
    uint16_t rtx_sequence = 0;
    uint16_t picture_id = 0;
    uint8_t tl0picidx = 0;
    size_t phase = 0;  // In the temporal pattern.
    int32_t last_fir = -1;
    uint64_t frames = 0;
    uint64_t keyframes = 0;
    uint64_t counter = 0;
    SentStream sent;
    std::map<uint16_t, Kept> history;
    std::deque<uint16_t> history_order;
  };

  uint32_t TimestampAt(const State& state, base::Timestamp time) const;
  void MakeFrames(base::Timestamp at);
  void MakeFrame(size_t layer, base::Timestamp at);
  void Keep(State& state, Kept packet);
  void Repair(base::Timestamp now, size_t layer, std::span<const uint16_t> sequences);
  std::optional<size_t> LayerOf(rtp::Ssrc ssrc) const;

  const Config config_;
  SourceContext& context_;
  const base::Timestamp start_;
  std::vector<State> layers_;
  int64_t next_frame_ = 0;  // Frames are at start_ + number / fps, exactly.
  std::deque<base::Buffer> ready_;
  uint64_t repairs_sent_ = 0;
};

}  // namespace weir::sim
