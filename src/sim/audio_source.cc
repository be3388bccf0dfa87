#include "rtcp/ntp.h"
#include "sim/media_source.h"
#include "sim/stamp.h"

namespace weir::sim {
namespace {

constexpr uint8_t kOpusToc = 0xf8;  // CELT, fullband, one frame of 20 ms, mono.

}  // namespace

AudioSource::AudioSource(const Config& config, SourceContext& context, base::Random& random,
                         base::Timestamp start)
    : config_(config),
      context_(context),
      start_(start),
      first_timestamp_(random.Next32()),
      sequence_(static_cast<uint16_t>(random.Next32())),
      next_frame_(start) {}

std::optional<base::Buffer> AudioSource::Poll(base::Timestamp now) {
  if (NextTimeout() > now) {
    return std::nullopt;
  }
  base::Buffer payload(1 + std::max(config_.frame_bytes, kStampSize), uint8_t{0x55});
  payload[0] = kOpusToc;
  WriteStamp({config_.ssrc, counter_++}, base::MutableBytes(payload).last(kStampSize));
  RtpFields fields;
  fields.payload_type = config_.payload_type;
  fields.marker = std::exchange(talkspurt_begins_, false);  // RFC 7587 section 4.1.
  fields.sequence = sequence_++;
  fields.timestamp =
      first_timestamp_ + static_cast<uint32_t>((next_frame_ - start_).micros() * kClockRate / 1'000'000);
  fields.ssrc = config_.ssrc;
  fields.mid = config_.mid;
  fields.level = level_;
  next_frame_ += kFrame;
  ++sent_.packets;
  sent_.octets += static_cast<uint32_t>(payload.size());
  return BuildRtp(context_, now, fields, payload);
}

void AudioSource::SetPaused(bool paused, base::Timestamp now) {
  if (paused_ && !paused) {
    while (next_frame_ < now) {
      next_frame_ += kFrame;
    }
    talkspurt_begins_ = true;
  }
  paused_ = paused;
}

rtcp::SenderReport AudioSource::MakeSenderReport(base::Now now) const {
  const auto elapsed = static_cast<uint32_t>((now.mono - start_).micros() * kClockRate / 1'000'000);
  return rtcp::SenderReport{.sender = config_.ssrc,
                            .ntp = rtcp::NtpFromWall(now.wall),
                            .rtp = first_timestamp_ + elapsed,
                            .packets = sent_.packets,
                            .octets = sent_.octets,
                            .blocks = {}};
}

}  // namespace weir::sim
