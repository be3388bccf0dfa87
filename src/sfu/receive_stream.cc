#include "sfu/receive_stream.h"

#include <algorithm>
#include <cmath>

#include "rtcp/ntp.h"

namespace weir::sfu {

using base::TimeDelta;
using base::Timestamp;

namespace {
constexpr int64_t kCycle = 65'536;
constexpr TimeDelta kPause = TimeDelta::Millis(150);
constexpr TimeDelta kRateWindow = TimeDelta::Millis(500);
}  // namespace

ReceiveStream::ReceiveStream(const Config& config, base::Random& random)
    : config_(config),
      nack_(config.nack_tracker, random),
      arbiter_(config.keyframes),
      buffer_(config.buffer),
      inspector_(config.encrypted) {}

bool ReceiveStream::OnPacket(base::Now now, const base::PacketRef& packet, const rtp::Header& header,
                             bool rtx, rtp::Ssrc ssrc, const ReceiveCodec& codec,
                             const rtp::ExtensionMap& extensions, ReceivedPacket& out) {
  if (!rtx) {
    CheckIdentity(now.mono, ssrc, codec.codec);
  } else {
    rtx_ssrc_ = ssrc;
  }
  const auto source = Unwrap(packet, header, rtx);
  if (!source) {
    return false;
  }
  MeasureRate(now.mono, header.payload_size);
  int64_t seq = 0;
  const Place place = PlaceSource(now.mono, *source, codec, seq);
  if (place == Place::kRefused) {
    return false;
  }
  const bool late = place == Place::kLate;
  if (last_packet_.never() || now.mono - last_packet_ > std::max(frame_interval_ * 3, kPause)) {
    active_since_ = now.mono;
  }
  last_packet_ = now.mono;
  out.layer = config_.layer;
  out.epoch = epoch_;
  out.source_seq = seq;
  out.timestamp = late ? timestamps_.Peek(header.timestamp) : timestamps_.Unwrap(header.timestamp, now.mono);
  out.arrival = now.mono;
  out.late = late;
  out.repaired = rtx;
  out.codec = codec.codec;
  out.payload_type = codec.payload_type;
  out.clock_rate = codec.clock_rate;
  out.payload_offset = source->payload_offset;
  out.payload_size = source->payload_size;
  if (source->payload_size == 0) {
    return HandlePadding(*source, late, seq, out);
  }
  const auto mapped = holes_.Map(seq);
  if (!mapped) {
    ++counters_.too_old;
    return false;
  }
  out.seq = *mapped;
  out.packet = packet;
  out.marker = header.marker;
  out.csrc_count = header.csrc_count;
  out.extensions = FindForwardedExtensions(header, extensions, config_.audio);
  if (!late && !rtx) {
    timeline_.SetClockRate(codec.clock_rate);
    timeline_.OnPacket(out.timestamp, now.mono);
    MeasureJitter(now.mono, out.timestamp, codec.clock_rate);
  }
  buffer_.Insert(seq, packet, source->payload_offset, source->payload_size, now.mono);
  if (!inspector_.Inspect(out)) {
    ++counters_.malformed;
    return false;
  }
  TrackFrames(now.mono, out);
  return true;
}

std::optional<ReceiveStream::Source> ReceiveStream::Unwrap(const base::PacketRef& packet,
                                                           const rtp::Header& header, bool rtx) {
  Source source{.sequence = header.sequence,
                .payload_offset = static_cast<uint16_t>(header.header_size),
                .payload_size = static_cast<uint16_t>(header.payload_size),
                .rtx = rtx};
  if (!rtx) {
    return source;
  }
  // RFC 4588 section 4: the original sequence number, then the original payload. A stream never begins with a
  // repair, and libwebrtc probes with empty ones.
  ++counters_.rtx_packets;
  if (!started() || header.payload_size == 0) {
    ++counters_.rtx_useless;
    return std::nullopt;
  }
  if (header.payload_size < 2) {
    ++counters_.rtx_malformed;
    return std::nullopt;
  }
  source.sequence = base::LoadU16(packet->bytes().data() + header.header_size);
  source.payload_offset = static_cast<uint16_t>(source.payload_offset + 2);
  source.payload_size = static_cast<uint16_t>(source.payload_size - 2);
  return source;
}

// Another SSRC or another video codec in the same place begins a new stream.
void ReceiveStream::CheckIdentity(Timestamp now, rtp::Ssrc ssrc, codec::Codec codec) {
  if (has_ssrc_ && ssrc != ssrc_ && started()) {
    Restart(now);
  } else if (started() && codec != codec_ && !config_.audio) {
    ++epoch_;
    inspector_.Reset();
    arbiter_.Request(now);
  }
  ssrc_ = ssrc;
  has_ssrc_ = true;
  codec_ = codec;
}

void ReceiveStream::Begin(uint16_t sequence, uint32_t clock_rate) {
  unwrapper_.Reset();
  timestamps_ = rtp::TimestampUnwrapper(clock_rate);
  // Whole cycles, so that the low 16 bits stay those on the wire.
  seq_base_ = highest_ ? (*highest_ / kCycle + 2) * kCycle : kCycle;
  const int64_t seq = seq_base_ + unwrapper_.Unwrap(sequence);
  first_ = seq;
  highest_ = seq;
  holes_.Start(seq, seq);
  received_ = expected_before_ = received_before_ = 0;
  has_transit_ = false;
  probation_count_ = 0;
  frame_timestamp_ = keyframe_timestamp_ = INT64_MIN;
}

void ReceiveStream::Restart(Timestamp now) {
  ++counters_.restarts;
  ++epoch_;
  nack_.Clear();
  timeline_.Reset();
  inspector_.Reset();
  buffer_.Clear();
  report_ntp_ = 0;
  report_arrival_ = Timestamp::Never();
  unwrapper_.Reset();  // The next packet begins.
  if (!config_.audio) {
    arbiter_.Request(now);
  }
}

// Counts packets that jumped; true when enough of them follow each other.
bool ReceiveStream::OnProbation(uint16_t sequence) {
  probation_count_ = probation_count_ > 0 && sequence == probation_next_ ? probation_count_ + 1 : 1;
  probation_next_ = static_cast<uint16_t>(sequence + 1);
  ++counters_.probation;
  return probation_count_ >= kProbation;
}

ReceiveStream::Place ReceiveStream::PlaceSource(Timestamp now, const Source& source,
                                                const ReceiveCodec& codec, int64_t& seq) {
  if (!unwrapper_.highest()) {
    if (source.rtx) {
      ++counters_.rtx_useless;
      return Place::kRefused;
    }
    Begin(source.sequence, codec.clock_rate);
    seq = *highest_;
    seen_.Insert(seq);
    ++counters_.packets;
    ++received_;
    counters_.bytes += source.payload_size;
    return Place::kInOrder;
  }
  seq = seq_base_ + unwrapper_.Peek(source.sequence);
  const int64_t distance = seq - *highest_;
  if (distance > kMaxForwardJump || distance < -kMaxBackwardJump) {
    if (source.rtx) {
      ++counters_.rtx_useless;
      return Place::kRefused;
    }
    if (!OnProbation(source.sequence)) {
      return Place::kRefused;
    }
    Restart(now);
    return PlaceSource(now, source, codec, seq);
  }
  if (distance <= 0) {
    return PlaceLate(now, source, seq);
  }
  probation_count_ = 0;
  if (config_.nack && codec.codec != codec::Codec::kRed) {
    nack_.OnGap(now, *highest_ + 1, seq - 1);
    if (nack_.TakeOverflow() && !config_.audio) {
      arbiter_.Request(now);
    }
  }
  unwrapper_.Unwrap(source.sequence);
  seen_.Insert(seq);
  highest_ = seq;
  if (source.rtx) {
    return Place::kInOrder;  // A repair of a packet whose successors are all lost as well.
  }
  ++counters_.packets;
  ++received_;
  counters_.bytes += source.payload_size;
  return Place::kInOrder;
}

ReceiveStream::Place ReceiveStream::PlaceLate(Timestamp now, const Source& source, int64_t seq) {
  if (seq < first_ || seen_.TooOld(seq)) {
    ++(source.rtx ? counters_.rtx_useless : counters_.too_old);
    return Place::kRefused;
  }
  if (!seen_.Insert(seq)) {
    ++(source.rtx ? counters_.rtx_useless : counters_.duplicates);
    return Place::kRefused;
  }
  nack_.OnLate(now, seq, source.rtx);
  if (!source.rtx) {
    ++counters_.packets;
    ++counters_.late;
    ++received_;
    counters_.bytes += source.payload_size;
  }
  return Place::kLate;
}

// RX-6: a padding-only packet in its place closes up. One that comes late has had its number given out; it
// goes on as an empty packet, or receivers would ask for that number in vain.
bool ReceiveStream::HandlePadding(const Source& source, bool late, int64_t seq, ReceivedPacket& out) {
  if (!source.rtx) {
    ++counters_.padding_only;
  }
  if (!late) {
    holes_.Drop(seq);
    return false;
  }
  const auto mapped = holes_.Map(seq);
  if (!mapped) {
    return false;
  }
  out.seq = *mapped;
  out.filler = true;
  return true;
}

// RFC 3550 appendix A.8.
void ReceiveStream::MeasureJitter(Timestamp now, int64_t timestamp, uint32_t clock_rate) {
  const int64_t arrival =
      now.micros() / 1000 * clock_rate / 1000 + now.micros() % 1000 * clock_rate / 1'000'000;
  const int64_t transit = arrival - timestamp;
  if (has_transit_) {
    const auto difference = static_cast<double>(std::abs(transit - transit_));
    jitter_ += (difference - jitter_) / 16;
  }
  transit_ = transit;
  has_transit_ = true;
}

void ReceiveStream::MeasureRate(Timestamp now, size_t bytes) {
  if (rate_start_.never() || now - rate_start_ > kRateWindow * 4) {
    rate_start_ = now;
    rate_bytes_ = 0;
    rate_ = 0;
  }
  rate_bytes_ += bytes;
  const TimeDelta elapsed = now - rate_start_;
  if (elapsed >= kRateWindow) {
    const uint64_t rate = rate_bytes_ * 8'000'000 / static_cast<uint64_t>(elapsed.micros());
    rate_ = rate_ == 0 ? rate : (rate_ + rate) / 2;
    rate_start_ = now;
    rate_bytes_ = 0;
  }
}

uint64_t ReceiveStream::bitrate(Timestamp now) const {
  return last_packet_.never() || now - last_packet_ > kRateWindow * 4 ? 0 : rate_;
}

void ReceiveStream::TrackFrames(Timestamp now, ReceivedPacket& packet) {
  if (!packet.late && packet.timestamp > frame_timestamp_) {
    packet.new_frame = true;
    ++counters_.frames;
    if (frame_timestamp_ != INT64_MIN) {
      const int64_t micros = (packet.timestamp - frame_timestamp_) * 1'000'000 / packet.clock_rate;
      const int64_t bounded = std::clamp<int64_t>(micros, 1'000, 2'000'000);
      frame_interval_ = TimeDelta::Micros((frame_interval_.micros() * 7 + bounded) / 8);
    }
    frame_timestamp_ = packet.timestamp;
  }
  if (config_.audio) {
    return;
  }
  if (packet.keyframe && packet.timestamp != keyframe_timestamp_) {
    ++counters_.keyframes;
    arbiter_.OnKeyframe(now);
    keyframe_timestamp_ = packet.timestamp;
    keyframe_first_ = packet.source_seq;
    keyframe_last_ = INT64_MIN;
  }
  TrackKeyframe(packet);
}

// Once a key frame is complete, nobody needs what was lost before it.
void ReceiveStream::TrackKeyframe(const ReceivedPacket& packet) {
  if (keyframe_timestamp_ == INT64_MIN || nack_.missing() == 0) {
    return;
  }
  if (packet.timestamp == keyframe_timestamp_ && packet.marker) {
    keyframe_last_ = packet.source_seq;
  }
  if (keyframe_last_ >= keyframe_first_ && !nack_.AnyMissing(keyframe_first_, keyframe_last_)) {
    nack_.ForgetBefore(keyframe_first_);
  }
}

void ReceiveStream::OnSenderReport(base::Now now, const rtcp::SenderReport& report) {
  report_ntp_ = report.ntp;
  report_arrival_ = now.mono;
  if (timestamps_.highest()) {
    timeline_.OnSenderReport(report.ntp, timestamps_.Peek(report.rtp), now.mono);
  }
}

uint64_t ReceiveStream::lost() const {
  if (!started()) {
    return 0;
  }
  const auto expected = static_cast<uint64_t>(*highest_ - first_ + 1);
  return expected > received_ ? expected - received_ : 0;
}

rtcp::ReportBlock ReceiveStream::MakeReportBlock(Timestamp now) {
  rtcp::ReportBlock block;
  block.ssrc = ssrc_;
  if (!started()) {
    return block;
  }
  const auto expected = static_cast<uint64_t>(*highest_ - first_ + 1);
  const auto lost = static_cast<int64_t>(expected) - static_cast<int64_t>(received_);
  const auto expected_interval = static_cast<int64_t>(expected - expected_before_);
  const auto lost_interval = expected_interval - static_cast<int64_t>(received_ - received_before_);
  expected_before_ = expected;
  received_before_ = received_;
  if (expected_interval > 0 && lost_interval > 0) {
    block.fraction_lost =
        static_cast<uint8_t>(std::min<int64_t>(lost_interval * 256 / expected_interval, 255));
  }
  block.cumulative_lost = static_cast<int32_t>(std::clamp<int64_t>(lost, -0x800000, 0x7fffff));
  block.highest_seq = static_cast<uint32_t>(*highest_ - seq_base_);
  block.jitter = static_cast<uint32_t>(jitter_);
  if (!report_arrival_.never()) {
    block.last_sr = rtcp::CompactNtp(report_ntp_);
    block.delay_since_last_sr = rtcp::CompactNtpFromDelta(now - report_arrival_);
  }
  return block;
}

void ReceiveStream::OnTimeout(Timestamp now) { buffer_.Expire(now); }

}  // namespace weir::sfu
