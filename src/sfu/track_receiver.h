// One published track as it arrives: up to kMaxLayers received streams (simulcast), the feedback that its
// publisher needs, and the down tracks that it is forwarded to.
//
// In: RTP from RtpDemuxer, sender reports, the round trip time, mute. Out: ReceivedPacket to every down track
// within OnRtp; NACKs, PLIs and report blocks when the connection asks. RTCP is driven by time: at
// NextTimeout() call OnTimeout and then AppendFeedback. Any call may move NextTimeout() forward.
//
// NACKs: for every stream but RED, and simulcast layers that no down track wants. Key frames: see
// KeyframeArbiter.
//
// Down tracks are not owned. They may be added and removed at any time, also from within their own OnPacket
// (as when a sender gives up). Sans-IO, not thread-safe, allocates nothing per packet in steady state.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/counters.h"
#include "base/packet_pool.h"
#include "base/random.h"
#include "base/time.h"
#include "codec/codec.h"
#include "rtcp/packets.h"
#include "rtp/extensions.h"
#include "rtp/packet.h"
#include "sfu/connection_quality.h"
#include "sfu/publisher_clock.h"
#include "sfu/receive_stream.h"
#include "sfu/received_packet.h"
#include "sfu/stream_codec.h"

namespace weir::sfu {

class DownTrack;
class SpeakerObserver;

// The latest audio level, for those who do not use SpeakerObserver.
struct AudioLevelSample {
  uint8_t level = 127;  // -dBov.
  bool voice = false;
  base::Timestamp at;
};

class TrackReceiver {
 public:
  struct Config {
    bool audio = false;
    std::vector<ReceiveCodec> codecs;  // As negotiated with the publisher.
    rtp::ExtensionMap extensions;
    bool nack = true;
    int spatial_layers = 1;           // Simulcast streams or SVC layers that the publisher announced.
    bool encrypted = false;           // End-to-end encrypted frames: nothing is converted.
    bool screen_share = false;        // Slow frames are normal: layers count as stopped after 2 s only.
    PublisherClock* clock = nullptr;  // Shared by the receivers of one publisher; null: one of its own.
    base::TimeDelta keyframe_spacing = base::TimeDelta::Millis(500);
    size_t max_down_tracks = 10'000;
  };
  struct Counters {
    uint64_t packets = 0;
    uint64_t forwarded = 0;  // Packets handed to down tracks, each counted once.
    uint64_t unknown_payload_type = 0;
    uint64_t unknown_layer = 0;
    uint64_t muted = 0;  // Arrived while muted.
    uint64_t down_tracks_refused = 0;

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"packets", &Counters::packets},
          {"forwarded", &Counters::forwarded},
          {"unknown_payload_type", &Counters::unknown_payload_type},
          {"unknown_layer", &Counters::unknown_layer},
          {"muted", &Counters::muted},
          {"down_tracks_refused", &Counters::down_tracks_refused},
      });
    }
  };
  struct LayerStats {
    bool started = false;
    bool active = false;
    rtp::Ssrc ssrc;
    uint64_t bitrate = 0;  // Bits per second.
    uint64_t lost = 0;
    uint32_t jitter = 0;  // In RTP clock units.
    uint16_t width = 0;
    uint16_t height = 0;
    ReceiveStream::Counters counters;
    NackTracker::Counters nack;
    KeyframeArbiter::Counters keyframes;
  };

  TrackReceiver(const Config& config, base::Random& random);
  ~TrackReceiver();
  TrackReceiver(const TrackReceiver&) = delete;
  TrackReceiver& operator=(const TrackReceiver&) = delete;

  const Config& config() const { return config_; }

  // `header` is of `packet`; `ssrc` the one it came with.
  void OnRtp(base::Now now, base::PacketRef packet, const rtp::Header& header, int layer, bool rtx,
             rtp::Ssrc ssrc);
  void OnSenderReport(base::Now now, const rtcp::SenderReport& report);

  void AddDownTrack(DownTrack* track);
  void RemoveDownTrack(DownTrack* track);
  size_t down_tracks() const;

  // The publisher muted: packets that still come are not forwarded, and down tracks are told.
  void SetMuted(bool muted, base::Now now);
  bool muted() const { return muted_; }

  void RequestKeyframe(int layer, base::Timestamp now);
  void SetRtt(base::TimeDelta rtt) { rtt_ = rtt; }

  // Appends what is due at `now` (possibly nothing).
  void AppendFeedback(base::Now now, rtp::Ssrc local_ssrc, std::vector<rtcp::Nack>& nacks,
                      std::vector<rtcp::Pli>& plis);
  // One per stream that has started.
  std::vector<rtcp::ReportBlock> ReportBlocks(base::Timestamp now);
  base::Timestamp NextTimeout() const;
  void OnTimeout(base::Now now);

  // Of the last media packet; kUnknown before it.
  codec::Codec codec() const { return codec_; }
  base::Timestamp last_packet() const;
  // Whether a simulcast layer flows: a packet within max(3 frame intervals, 300 ms), 2 s for screen share.
  bool LayerActive(int layer, base::Timestamp now) const;
  // Bits per second of one simulcast stream.
  uint64_t LayerBitrate(int layer, base::Timestamp now) const;
  LayerStats Layer(int layer, base::Timestamp now) const;
  // Of all streams since they began, and the worst jitter among those that flow.
  QualityMeter::Totals QualityTotals() const;
  base::TimeDelta Jitter() const;
  // True when more than one simulcast stream was announced or has been seen.
  bool simulcast() const { return layers_seen_ > 1 || announced_streams_ > 1; }
  // How many simulcast streams the publisher announced (RIDs or SSRC groups); SVC has one. RtpDemuxer tells.
  void SetSimulcastStreams(int count) { announced_streams_ = count; }
  bool AcceptsPayloadType(uint8_t payload_type) const;
  bool IsRtxPayloadType(uint8_t payload_type) const;

  // Audio: the observer hears every level of this track under the key `owner`. Null: nobody. Not owned.
  void SetSpeakerObserver(SpeakerObserver* observer, uint64_t owner);
  std::optional<AudioLevelSample> audio_level() const { return audio_level_; }
  const Counters& counters() const { return counters_; }

  // For down tracks.
  const ReceiveStream* stream(int layer) const;
  const PublisherClock& clock() const { return *clock_; }
  base::TimeDelta rtt() const { return rtt_; }

 private:
  const ReceiveCodec* FindCodec(uint8_t payload_type, bool rtx) const;
  ReceiveStream& StreamOf(int layer);
  void Forward(base::Now now, const ReceivedPacket& packet);
  void HearLevel(base::Now now, const ReceivedPacket& packet);
  bool LayerWanted(int layer, base::Timestamp now) const;
  void CompactDownTracks();

  const Config config_;
  base::Random& random_;
  PublisherClock own_clock_;
  PublisherClock* clock_;
  std::array<std::unique_ptr<ReceiveStream>, kMaxLayers> streams_;
  std::vector<DownTrack*> down_tracks_;  // Null: removed while iterating.
  int iterating_ = 0;
  bool holes_in_down_tracks_ = false;
  bool muted_ = false;
  int layers_seen_ = 0;  // Highest layer that a packet came for, plus one.
  int announced_streams_ = 1;
  codec::Codec codec_ = codec::Codec::kUnknown;
  base::TimeDelta rtt_ = base::TimeDelta::Millis(100);
  base::Timestamp next_expiry_ = base::Timestamp::Infinity();
  SpeakerObserver* speakers_ = nullptr;
  uint64_t owner_ = 0;
  std::optional<AudioLevelSample> audio_level_;
  std::optional<int64_t> last_level_timestamp_;
  Counters counters_;
};

}  // namespace weir::sfu
