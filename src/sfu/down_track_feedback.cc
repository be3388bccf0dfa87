// The RTCP side of a down track: repairs, key frame requests, reports.

#include <algorithm>

#include "sfu/down_track.h"
#include "sfu/track_receiver.h"

namespace weir::sfu {

using base::TimeDelta;
using base::Timestamp;

namespace {
constexpr TimeDelta kReportIdle = TimeDelta::Seconds(2);
constexpr TimeDelta kClockPatience = TimeDelta::Seconds(2);
}  // namespace

void DownTrack::OnNack(base::Now now, std::span<const uint16_t> sequences) {
  stats_.nacked += sequences.size();
  if (!config_.repair || receiver_ == nullptr || disabled_) {
    stats_.nack_misses += sequences.size();
    return;
  }
  if (sequences.size() > config_.max_nacks_per_call) {
    stats_.nack_overflow += sequences.size() - config_.max_nacks_per_call;
    sequences = sequences.last(config_.max_nacks_per_call);  // The newest can still be played.
  }
  for (const uint16_t sequence : sequences) {
    Resend(now, sequence);
  }
}

void DownTrack::Resend(base::Now now, uint16_t sequence) {
  const int64_t last = forwarder_.last_seq();
  const auto behind = static_cast<uint16_t>(static_cast<uint16_t>(last) - sequence);
  const int64_t seq = last - behind;
  SentPacket* sent = behind < 0x8000 ? sent_.Find(seq) : nullptr;
  if (sent == nullptr) {
    ++stats_.nack_misses;
    return;
  }
  // The codec it went out with; the publisher may have changed since.
  const auto codec = std::ranges::find(config_.codecs, sent->payload_type, &SendCodec::payload_type);
  if (codec == config_.codecs.end()) {
    ++stats_.nack_misses;
    return;
  }
  if (!gate_.Admit(*sent, sent->payload_size, now.mono)) {
    ++stats_.nack_suppressed;
    return;
  }
  if (!BuildRepair(*sent, *codec, seq)) {
    ++stats_.nack_misses;
    return;
  }
  out_.audio = config_.audio;
  out_.retransmission = true;
  out_.exact = Exact(*codec);
  ++stats_.retransmitted_packets;
  stats_.retransmitted_bytes += size_t{out_.prefix_size} + out_.payload_size;
  if (!sender_.Send(out_)) {
    ++stats_.sender_drops;
  }
  out_.packet = base::PacketRef();
}

// The packet once more, from the receive buffer and what is remembered of it.
bool DownTrack::BuildRepair(const SentPacket& sent, const SendCodec& codec, int64_t seq) {
  const ReceiveStream* stream = receiver_->stream(sent.layer);
  const ReceiveBuffer::Entry* entry = stream == nullptr ? nullptr : stream->buffer().FindLow(sent.source_seq);
  if (entry == nullptr) {
    return false;
  }
  const base::ConstBytes bytes = entry->packet->bytes();
  const auto header = rtp::ParseHeader(bytes);
  if (!header) {
    return false;
  }
  PacketBuilder::Source source{
      .packet = entry->packet,
      .csrc_count = header->csrc_count,
      .extensions = FindForwardedExtensions(*header, receiver_->config().extensions, config_.audio)};
  codec::Vp8Descriptor vp8;
  if (sent.form == PayloadForm::kVp8) {
    const auto parsed = codec::ParseVp8(bytes.subspan(entry->payload_offset, entry->payload_size));
    if (!parsed) {
      return false;
    }
    vp8 = *parsed;
    source.vp8 = &vp8;
  }
  PacketBuilder::Target target = PrimaryTarget(seq, codec);
  if (UsesRtx(codec)) {
    target = PacketBuilder::Target{.ssrc = *config_.rtx_ssrc,
                                   .seq = rtx_seq_++,
                                   .payload_type = *codec.rtx_payload_type,
                                   .original_seq = static_cast<uint16_t>(seq)};
  }
  return builder_.Build(source, sent, sent.descriptor ? sent_.FindDescriptor(seq) : nullptr, target, out_);
}

void DownTrack::OnPli(Timestamp now) {
  ++stats_.plis;
  RequestCurrentKeyframe(now);
}

void DownTrack::OnFir(Timestamp now) {
  ++stats_.firs;
  RequestCurrentKeyframe(now);
}

void DownTrack::RequestCurrentKeyframe(Timestamp now) {
  if (config_.audio || disabled_ || publisher_muted_ || receiver_ == nullptr) {
    return;
  }
  const LayerSelector& selector = forwarder_.selector();
  const auto wanted = selector.WantedKeyframe(now, *receiver_);
  const int layer = wanted.value_or(selector.current_stream());
  receiver_->RequestKeyframe(layer, now);
}

void DownTrack::OnReportBlock(base::Now now, const rtcp::ReportBlock& block) {
  if (!forwarder_.started()) {
    return;
  }
  const auto behind = static_cast<uint16_t>(static_cast<uint16_t>(forwarder_.last_seq()) -
                                            static_cast<uint16_t>(block.highest_seq));
  if (behind >= 0x8000) {
    return;  // About packets that we have not sent.
  }
  mid_needed_ = false;
  if (const auto rtt = reports_.OnReportBlock(now.mono, block)) {
    gate_.OnRtt(*rtt, now.mono);
  }
}

std::optional<rtcp::SenderReport> DownTrack::MakeSenderReport(base::Now now) {
  const auto line = ReportLine(now);
  if (!line) {
    if (forwarder_.started()) {
      reports_.Postpone(now.mono);
    }
    return std::nullopt;
  }
  rtcp::SenderReport report;
  report.sender = config_.ssrc;
  report.ntp = line->ntp;
  report.rtp = line->rtp;
  report.packets = static_cast<uint32_t>(stats_.packets);
  report.octets = static_cast<uint32_t>(stats_.bytes);
  reports_.OnSenderReport(now.mono, report.ntp, config_.audio);
  return report;
}

// Where the publisher's line stands now: its sender report carried forward, else what the least delayed
// packets and the publisher's other streams tell.
std::optional<DownTrack::Line> DownTrack::ReportLine(base::Now now) const {
  if (!forwarder_.started() || receiver_ == nullptr || now.mono - last_sent_ > kReportIdle) {
    return std::nullopt;
  }
  const TimestampAligner& aligner = forwarder_.aligner();
  const ReceiveStream* stream = receiver_->stream(aligner.layer());
  if (stream == nullptr) {
    return std::nullopt;
  }
  const StreamTimeline& timeline = stream->timeline();
  if (const auto& report = timeline.last_report()) {
    // After a pause in which the publisher's RTP clock stood still, an older report is about another line.
    if (aligner.level() == TimestampAligner::Level::kElapsed && report->arrival < aligner.adopted_at()) {
      return std::nullopt;
    }
    const int64_t elapsed = (now.mono - report->arrival).micros();
    return Line{.ntp = NtpFromMicros(NtpMicros(report->ntp) + elapsed),
                .rtp = static_cast<uint32_t>(aligner.Map(report->timestamp + timeline.TicksOf(elapsed)))};
  }
  const auto offset = timeline.ArrivalOffset();
  const bool impatient = now.mono - reports_.first_packet() >= kClockPatience;
  if (!offset || (!receiver_->clock().known() && !impatient)) {
    return std::nullopt;
  }
  const int64_t media = timeline.TicksOf(now.mono.micros() - *offset);
  return Line{.ntp = receiver_->clock().NtpAt(now, now.mono),
              .rtp = static_cast<uint32_t>(aligner.Map(media))};
}

}  // namespace weir::sfu
