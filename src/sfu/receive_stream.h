// One received SSRC (a simulcast layer, or the whole of a track): unwraps, notices loss, duplicates, restarts
// and padding, unwraps RTX (RFC 4588), parses the codec once, keeps packets for repair, and knows what to
// report.
//
// Restart (sfu.md RX-5): a jump too far to be loss is held for kProbation contiguous packets and then taken
// as a new beginning; an SSRC change at once. The epoch of the packets changes with it.
//
// Sans-IO, not thread-safe; owned by its TrackReceiver.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/counters.h"
#include "base/packet_pool.h"
#include "base/random.h"
#include "base/time.h"
#include "codec/dependency_descriptor.h"
#include "rtcp/packets.h"
#include "rtp/extensions.h"
#include "rtp/packet.h"
#include "rtp/sequence.h"
#include "sfu/keyframe_arbiter.h"
#include "sfu/nack_tracker.h"
#include "sfu/packet_inspector.h"
#include "sfu/receive_buffer.h"
#include "sfu/received_packet.h"
#include "sfu/sequence_mapper.h"
#include "sfu/sequence_window.h"
#include "sfu/stream_codec.h"
#include "sfu/stream_timeline.h"

namespace weir::sfu {

class ReceiveStream {
 public:
  static constexpr int64_t kMaxForwardJump = 3000;
  static constexpr int64_t kMaxBackwardJump = 8192;
  static constexpr int kProbation = 3;

  struct Config {
    uint8_t layer = 0;
    bool audio = false;
    bool encrypted = false;
    bool nack = true;
    NackTracker::Config nack_tracker;
    KeyframeArbiter::Config keyframes;
    ReceiveBuffer::Config buffer;
  };
  struct Counters {
    uint64_t packets = 0;  // Primary packets, duplicates not counted.
    uint64_t bytes = 0;    // Of those, payload with padding.
    uint64_t duplicates = 0;
    uint64_t late = 0;
    uint64_t padding_only = 0;
    uint64_t rtx_packets = 0;
    uint64_t rtx_useless = 0;  // Probes and repeats of what was here.
    uint64_t rtx_malformed = 0;
    uint64_t too_old = 0;    // Late beyond memory.
    uint64_t probation = 0;  // Held back by a jump.
    uint64_t restarts = 0;
    uint64_t malformed = 0;  // The codec's descriptor could not be read.
    uint64_t keyframes = 0;
    uint64_t frames = 0;

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"packets", &Counters::packets},
          {"bytes", &Counters::bytes},
          {"duplicates", &Counters::duplicates},
          {"late", &Counters::late},
          {"padding_only", &Counters::padding_only},
          {"rtx_packets", &Counters::rtx_packets},
          {"rtx_useless", &Counters::rtx_useless},
          {"rtx_malformed", &Counters::rtx_malformed},
          {"too_old", &Counters::too_old},
          {"probation", &Counters::probation},
          {"restarts", &Counters::restarts},
          {"malformed", &Counters::malformed},
          {"keyframes", &Counters::keyframes},
          {"frames", &Counters::frames},
      });
    }
  };

  ReceiveStream(const Config& config, base::Random& random);

  // True: `out` is to be forwarded. `codec` is the primary's, chosen by payload type (for RTX by its apt).
  bool OnPacket(base::Now now, const base::PacketRef& packet, const rtp::Header& header, bool rtx,
                rtp::Ssrc ssrc, const ReceiveCodec& codec, const rtp::ExtensionMap& extensions,
                ReceivedPacket& out);
  void OnSenderReport(base::Now now, const rtcp::SenderReport& report);

  rtcp::ReportBlock MakeReportBlock(base::Timestamp now);
  void OnTimeout(base::Timestamp now);

  bool started() const { return highest_.has_value(); }
  rtp::Ssrc ssrc() const { return ssrc_; }
  std::optional<rtp::Ssrc> rtx_ssrc() const { return rtx_ssrc_; }
  base::Timestamp last_packet() const { return last_packet_; }
  // When the stream last came up after a pause (or began).
  base::Timestamp active_since() const { return active_since_; }
  // Smoothed time between frames; 33 ms until known.
  base::TimeDelta frame_interval() const { return frame_interval_; }
  // Over the last second or so, in bits per second; 0 when the stream stopped.
  uint64_t bitrate(base::Timestamp now) const;
  uint32_t epoch() const { return epoch_; }
  uint32_t jitter() const { return static_cast<uint32_t>(jitter_); }
  uint64_t lost() const;
  uint16_t width() const { return inspector_.width(); }
  uint16_t height() const { return inspector_.height(); }

  NackTracker& nack() { return nack_; }
  const NackTracker& nack() const { return nack_; }
  KeyframeArbiter& keyframes() { return arbiter_; }
  const KeyframeArbiter& keyframes() const { return arbiter_; }
  const ReceiveBuffer& buffer() const { return buffer_; }
  const StreamTimeline& timeline() const { return timeline_; }
  const PacketInspector& inspector() const { return inspector_; }
  const Counters& counters() const { return counters_; }

 private:
  // What of a datagram is media: the RTX wrapping taken off.
  struct Source {
    uint16_t sequence = 0;
    uint16_t payload_offset = 0;
    uint16_t payload_size = 0;
    bool rtx = false;
  };
  enum class Place : uint8_t { kInOrder, kLate, kRefused };

  std::optional<Source> Unwrap(const base::PacketRef& packet, const rtp::Header& header, bool rtx);
  void CheckIdentity(base::Timestamp now, rtp::Ssrc ssrc, codec::Codec codec);
  void Begin(uint16_t sequence, uint32_t clock_rate);
  Place PlaceSource(base::Timestamp now, const Source& source, const ReceiveCodec& codec, int64_t& seq);
  Place PlaceLate(base::Timestamp now, const Source& source, int64_t seq);
  bool OnProbation(uint16_t sequence);
  void Restart(base::Timestamp now);
  bool HandlePadding(const Source& source, bool late, int64_t seq, ReceivedPacket& out);
  void MeasureJitter(base::Timestamp now, int64_t timestamp, uint32_t clock_rate);
  void MeasureRate(base::Timestamp now, size_t bytes);
  void TrackFrames(base::Timestamp now, ReceivedPacket& packet);
  void TrackKeyframe(const ReceivedPacket& packet);

  const Config config_;
  rtp::Ssrc ssrc_;
  std::optional<rtp::Ssrc> rtx_ssrc_;
  codec::Codec codec_ = codec::Codec::kUnknown;
  uint32_t epoch_ = 0;
  bool has_ssrc_ = false;

  rtp::SeqUnwrapper unwrapper_;
  rtp::TimestampUnwrapper timestamps_;
  int64_t seq_base_ = 0;  // Added to unwrapped numbers: keeps them positive, and ascending over restarts.
  std::optional<int64_t> highest_;
  int64_t first_ = 0;  // Of this epoch.
  int probation_count_ = 0;
  uint16_t probation_next_ = 0;
  SequenceWindow<4096> seen_;  // A number is accepted once.
  SequenceMapper holes_;       // Closes the holes of padding-only packets.

  NackTracker nack_;
  KeyframeArbiter arbiter_;
  ReceiveBuffer buffer_;
  StreamTimeline timeline_;
  PacketInspector inspector_;

  int64_t frame_timestamp_ = INT64_MIN;     // Of the newest frame.
  int64_t keyframe_timestamp_ = INT64_MIN;  // Of the newest key frame until it is complete.
  int64_t keyframe_first_ = 0;              // Its numbers.
  int64_t keyframe_last_ = INT64_MIN;
  base::TimeDelta frame_interval_ = base::TimeDelta::Micros(33'333);
  base::Timestamp last_packet_ = base::Timestamp::Never();
  base::Timestamp active_since_ = base::Timestamp::Never();

  // Reports, RFC 3550 appendix A.3 and A.8.
  uint64_t received_ =
      0;  // In this epoch. Repairs by RTX do not count: the report is about the primary stream.
  uint64_t expected_before_ = 0;
  uint64_t received_before_ = 0;
  double jitter_ = 0;
  int64_t transit_ = 0;
  bool has_transit_ = false;
  uint64_t report_ntp_ = 0;
  base::Timestamp report_arrival_ = base::Timestamp::Never();

  base::Timestamp rate_start_ = base::Timestamp::Never();
  uint64_t rate_bytes_ = 0;
  uint64_t rate_ = 0;
  Counters counters_;
};

}  // namespace weir::sfu
