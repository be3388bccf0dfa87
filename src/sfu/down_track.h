// One track as one subscriber gets it: its own SSRC, numbers and time, its layers, its repairs, its reports.
//
// In: packets from TrackReceiver, RTCP of the subscriber, settings. Out: packets to the PacketSender within
// the call; sender reports on request; key frame requests to the TrackReceiver. Call OnTimeout at
// NextTimeout(), which any call may move forward.
//
// Codecs: a packet goes on under the payload type that this subscriber negotiated for its codec. RED becomes
// plain Opus for a subscriber without RED, with what was lost on the way in recovered from the redundancy. A
// codec that was not negotiated is not forwarded: codec_supported() says so.
//
// Repairs: by RTX when the codec has an RTX payload type and rtx_ssrc is set. Else the identical packet is
// sent again, and because its bytes must not change, such a stream carries neither transport sequence numbers
// nor send times (OutgoingRtp::exact); Config::repair false gives the stamps back at the price of repairs.
//
// Publisher mute, audio: Opus silence for `silence` (with the room's trailer on encrypted tracks), 20 ms
// apart.
//
// Sans-IO, not thread-safe, allocates nothing per packet in steady state. Must not outlive its PacketSender;
// leaves its TrackReceiver when destroyed.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/counters.h"
#include "base/random.h"
#include "base/time.h"
#include "rtcp/packets.h"
#include "rtp/extensions.h"
#include "sfu/connection_quality.h"
#include "sfu/forwarder.h"
#include "sfu/outgoing.h"
#include "sfu/packet_builder.h"
#include "sfu/received_packet.h"
#include "sfu/red_converter.h"
#include "sfu/report_tracker.h"
#include "sfu/retransmission_gate.h"
#include "sfu/sent_packets.h"
#include "sfu/stream_codec.h"

namespace weir::sfu {

class TrackReceiver;

class DownTrack {
 public:
  struct Config {
    rtp::Ssrc ssrc;
    std::optional<rtp::Ssrc> rtx_ssrc;
    bool audio = false;
    std::vector<SendCodec> codecs;  // Negotiated with this subscriber, in order.
    rtp::ExtensionMap extensions;
    std::string mid;  // Sent until the first receiver report when the extension is negotiated. May be empty.
    bool repair = true;  // Answer NACKs.
    base::TimeDelta silence = base::TimeDelta::Seconds(1);
    base::Buffer
        silence_trailer;  // Ends each silence frame of an encrypted track; at most 64 bytes are used.
    base::TimeDelta downgrade_overlap = base::TimeDelta::Seconds(1);
    size_t video_history = 512;  // Packets remembered for repair; powers of two.
    size_t audio_history = 256;
    size_t max_nacks_per_call =
        300;  // Sequence numbers answered per OnNack; the rest is counted and ignored.
  };
  struct Stats {
    uint64_t packets = 0;  // First transmissions.
    uint64_t bytes = 0;    // Of those, payload.
    uint64_t header_bytes = 0;
    uint64_t sender_drops = 0;  // Refused by the PacketSender.
    uint64_t fillers = 0;       // Padding-only packets for places that were kept.
    uint64_t silence_packets = 0;
    uint64_t recovered_from_red = 0;
    uint64_t retransmitted_packets = 0;
    uint64_t retransmitted_bytes = 0;
    uint64_t nacked = 0;           // Sequence numbers asked for.
    uint64_t nack_misses = 0;      // Not known any more.
    uint64_t nack_suppressed = 0;  // Too soon, too often or over budget.
    uint64_t nack_overflow = 0;    // Over max_nacks_per_call.
    uint64_t plis = 0;
    uint64_t firs = 0;
    uint64_t unsupported_codec = 0;  // Packets.
    uint64_t unbuildable = 0;        // Packets whose head did not fit.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Stats>>({
          {"packets", &Stats::packets},
          {"bytes", &Stats::bytes},
          {"header_bytes", &Stats::header_bytes},
          {"sender_drops", &Stats::sender_drops},
          {"fillers", &Stats::fillers},
          {"silence_packets", &Stats::silence_packets},
          {"recovered_from_red", &Stats::recovered_from_red},
          {"retransmitted_packets", &Stats::retransmitted_packets},
          {"retransmitted_bytes", &Stats::retransmitted_bytes},
          {"nacked", &Stats::nacked},
          {"nack_misses", &Stats::nack_misses},
          {"nack_suppressed", &Stats::nack_suppressed},
          {"nack_overflow", &Stats::nack_overflow},
          {"plis", &Stats::plis},
          {"firs", &Stats::firs},
          {"unsupported_codec", &Stats::unsupported_codec},
          {"unbuildable", &Stats::unbuildable},
      });
    }
  };

  DownTrack(const Config& config, PacketSender& sender, base::Random& random);
  ~DownTrack();
  DownTrack(const DownTrack&) = delete;
  DownTrack& operator=(const DownTrack&) = delete;

  // From TrackReceiver.
  void OnPacket(base::Now now, const ReceivedPacket& packet);
  void OnPublisherMuted(bool muted, base::Now now);
  // OnPacket will follow soon.
  void Prefetch() const { sent_.Prefetch(forwarder_.last_seq() + 1); }
  void Attach(TrackReceiver* receiver);
  TrackReceiver* receiver() const { return receiver_; }

  // Highest layers that this subscriber wants and can take, 0-based; beyond what exists is fine. Going up
  // asks for a key frame at once.
  void SetMaxLayers(int spatial, int temporal, base::Timestamp now);
  void SetDisabled(bool disabled, base::Timestamp now);
  bool disabled() const { return disabled_; }

  void OnNack(base::Now now, std::span<const uint16_t> sequences);
  void OnPli(base::Timestamp now);
  void OnFir(base::Timestamp now);
  void OnReportBlock(base::Now now, const rtcp::ReportBlock& block);

  // Nothing while no packet went out in the last two seconds. The caller adds report blocks as it likes.
  std::optional<rtcp::SenderReport> MakeSenderReport(base::Now now);
  // When the next sender report is due by sfu.md DT-2; infinity before the first packet.
  base::Timestamp NextSenderReport() const { return reports_.next_sender_report(); }

  base::Timestamp NextTimeout() const;
  void OnTimeout(base::Now now);

  // False once the publisher's codec turned out not to be negotiated with this subscriber.
  bool codec_supported() const { return codec_supported_; }
  codec::Codec codec() const { return codec_; }  // Sent to the subscriber; kUnknown before the first packet.
  rtp::Ssrc ssrc() const { return config_.ssrc; }
  std::optional<rtp::Ssrc> rtx_ssrc() const { return config_.rtx_ssrc; }
  const Config& config() const { return config_; }
  // Layer that is being forwarded; -1 for none.
  int current_spatial() const { return forwarder_.selector().current_spatial(); }
  int current_temporal() const { return forwarder_.selector().current_temporal(); }
  int max_spatial() const { return forwarder_.selector().max_spatial(); }
  int max_temporal() const { return forwarder_.selector().max_temporal(); }
  bool WantsLayer(int layer, base::Timestamp now) const;
  base::Timestamp last_sent() const { return last_sent_; }
  std::optional<base::TimeDelta> rtt() const { return reports_.rtt(); }
  const ReportTracker& reports() const { return reports_; }
  const Forwarder& forwarder() const { return forwarder_; }
  const Stats& stats() const { return stats_; }
  // What the subscriber says of what it was sent.
  QualityMeter::Totals QualityTotals() const {
    return {.received = stats_.packets,
            .lost = static_cast<uint64_t>(std::max(0, reports_.cumulative_lost())),
            .repaired = stats_.retransmitted_packets};
  }

 private:
  enum class Mode : uint8_t { kUnknown, kPass, kRed, kRedToOpus, kUnsupported };

  struct Line {
    uint64_t ntp = 0;
    uint32_t rtp = 0;
  };

  void Resolve(const ReceivedPacket& packet);
  void EmitPacket(base::Now now, const ReceivedPacket& packet, const Forwarded& forwarded);
  void EmitRecovered(base::Now now, const ReceivedPacket& packet);
  void Emit(base::Now now, const ReceivedPacket& packet, const Forwarded& forwarded, PayloadForm form,
            uint16_t payload_offset, uint16_t payload_size);
  bool PatchDescriptor(const ReceivedPacket& packet, uint32_t mask, KeptDescriptor& kept) const;
  void EmitFiller(base::Now now, const Forwarded& forwarded);
  void EmitSilence(base::Now now);
  void SendFirst(base::Now now, const SendCodec& codec);
  PacketBuilder::Target PrimaryTarget(int64_t seq, const SendCodec& codec) const;
  void Resend(base::Now now, uint16_t sequence);
  bool BuildRepair(const SentPacket& sent, const SendCodec& codec, int64_t seq);
  void RequestCurrentKeyframe(base::Timestamp now);
  void AskForKeyframe(base::Timestamp now);
  void Check(base::Timestamp now);
  std::optional<Line> ReportLine(base::Now now) const;
  const SendCodec* Find(codec::Codec codec) const;
  bool UsesRtx(const SendCodec& codec) const;
  // Repeats go out under the same number, so nothing in the packet may depend on when it is sent.
  bool Exact(const SendCodec& codec) const { return config_.repair && !UsesRtx(codec); }

  const Config config_;
  PacketSender& sender_;
  TrackReceiver* receiver_ = nullptr;
  Forwarder forwarder_;
  PacketBuilder builder_;
  SentPackets sent_;
  RetransmissionGate gate_;
  ReportTracker reports_;
  RedConverter red_;
  OutgoingRtp out_;

  bool disabled_ = false;
  bool publisher_muted_ = false;
  bool mid_needed_;
  bool codec_supported_ = true;
  Mode mode_ = Mode::kUnknown;
  uint8_t source_payload_type_ = 0xff;
  codec::Codec source_codec_ = codec::Codec::kUnknown;
  codec::Codec codec_ = codec::Codec::kUnknown;
  const SendCodec* send_codec_ = nullptr;  // Into config_.codecs.
  int64_t rtx_seq_;
  int silence_left_ = 0;
  base::Timestamp next_silence_ = base::Timestamp::Infinity();
  base::Timestamp next_check_ = base::Timestamp::Infinity();
  base::Timestamp last_sent_ = base::Timestamp::Never();
  Stats stats_;
};

}  // namespace weir::sfu
