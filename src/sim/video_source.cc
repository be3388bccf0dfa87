#include <algorithm>

#include "codec/vp8.h"
#include "rtcp/ntp.h"
#include "sim/media_source.h"
#include "sim/stamp.h"

namespace weir::sim {

using base::Timestamp;

namespace {

struct PatternStep {
  int tid;
  bool sync;           // Refers to the base layer only.
  bool non_reference;  // Nothing refers to it.
};
// libvpx's patterns: 0 1 0 1, and 0 2 1 2.
constexpr PatternStep kOne[] = {{0, false, false}};
constexpr PatternStep kTwo[] = {{0, false, false}, {1, true, true}};
constexpr PatternStep kThree[] = {{0, false, false}, {2, true, true}, {1, true, false}, {2, false, true}};

std::span<const PatternStep> PatternOf(int temporal_layers) {
  switch (temporal_layers) {
    case 1:
      return kOne;
    case 2:
      return kTwo;
    default:
      return kThree;
  }
}

constexpr size_t kFrameHeaderSize = 10;  // Of a key frame; others have 3.
constexpr size_t kKeyframeFactor = 4;

// RFC 6386 section 9.1.
void WriteFrameHeader(bool keyframe, const VideoSource::Layer& layer, base::MutableBytes out) {
  out[0] = keyframe ? 0x10 : 0x11;
  out[1] = 0x02;
  out[2] = 0x00;
  if (keyframe) {
    const uint8_t rest[7] = {0x9d,
                             0x01,
                             0x2a,
                             static_cast<uint8_t>(layer.width),
                             static_cast<uint8_t>(layer.width >> 8),
                             static_cast<uint8_t>(layer.height),
                             static_cast<uint8_t>(layer.height >> 8)};
    std::ranges::copy(rest, out.begin() + 3);
  }
}

}  // namespace

std::vector<VideoSource::Layer> VideoSource::SimulcastLayers(uint32_t first) {
  const auto layer = [&](uint32_t index, std::string rid, uint16_t width, int64_t bitrate) {
    return Layer{rtp::Ssrc(first + 2 * index),
                 rtp::Ssrc(first + 2 * index + 1),
                 std::move(rid),
                 width,
                 static_cast<uint16_t>(width * 9 / 16),
                 bitrate};
  };
  return {layer(0, "q", 320, 150'000), layer(1, "h", 640, 500'000), layer(2, "f", 1280, 1'700'000)};
}

VideoSource::VideoSource(const Config& config, SourceContext& context, base::Random& random, Timestamp start)
    : config_(config), context_(context), start_(start), layers_(config.layers.size()) {
  for (State& state : layers_) {
    state.first_timestamp = random.Next32();
    state.sequence = static_cast<uint16_t>(random.Next32());
    state.rtx_sequence = static_cast<uint16_t>(random.Next32());
    state.picture_id = static_cast<uint16_t>(random.Next32() & 0x7fff);
    state.tl0picidx = static_cast<uint8_t>(random.Next32());
  }
}

Timestamp VideoSource::NextTimeout() const {
  return ready_.empty() ? start_ + base::TimeDelta::Micros(next_frame_ * 1'000'000 / config_.fps)
                        : Timestamp::Never();
}

std::optional<base::Buffer> VideoSource::Poll(Timestamp now) {
  while (ready_.empty() && NextTimeout() <= now) {
    const Timestamp at = NextTimeout();
    ++next_frame_;
    MakeFrames(at);
  }
  if (ready_.empty()) {
    return std::nullopt;
  }
  base::Buffer packet = std::move(ready_.front());
  ready_.pop_front();
  return packet;
}

uint32_t VideoSource::TimestampAt(const State& state, Timestamp time) const {
  return state.first_timestamp + static_cast<uint32_t>((time - start_).micros() * 9 / 100);
}

void VideoSource::MakeFrames(Timestamp at) {
  for (size_t layer = 0; layer < layers_.size(); ++layer) {
    if (layers_[layer].active) {
      MakeFrame(layer, at);
    }
  }
}

void VideoSource::MakeFrame(size_t index, Timestamp at) {
  State& state = layers_[index];
  const Layer& layer = config_.layers[index];
  const auto pattern = PatternOf(config_.temporal_layers);
  const bool keyframe = std::exchange(state.keyframe_due, false);
  state.phase = keyframe ? 0 : state.phase % pattern.size();
  const PatternStep step = pattern[state.phase++];
  state.picture_id = (state.picture_id + 1) & 0x7fff;
  state.tl0picidx = static_cast<uint8_t>(state.tl0picidx + (step.tid == 0 ? 1 : 0));

  codec::Vp8Descriptor descriptor;
  descriptor.picture_id = state.picture_id;
  descriptor.picture_id_15bit = true;
  if (config_.temporal_layers > 1) {
    descriptor.tl0picidx = state.tl0picidx;
    descriptor.tid = step.tid;
    descriptor.y = step.sync;
  }
  descriptor.non_reference = step.non_reference;

  const size_t average = static_cast<size_t>(layer.bitrate_bps / 8 / config_.fps);
  const size_t frame_size = std::max<size_t>(average * (keyframe ? kKeyframeFactor : 1), 100);
  const size_t packets = (frame_size + config_.max_payload - 1) / config_.max_payload;
  for (size_t i = 0; i < packets; ++i) {
    descriptor.start_of_partition = i == 0;
    base::Buffer payload(config_.max_payload + codec::kMaxVp8DescriptorSize);
    const size_t head = codec::WriteVp8(descriptor, payload);
    payload.resize(head + std::max(frame_size / packets, kFrameHeaderSize + kStampSize), uint8_t{0xaa});
    if (i == 0) {
      WriteFrameHeader(keyframe, layer, base::MutableBytes(payload).subspan(head));
    }
    WriteStamp({layer.ssrc, state.counter++}, base::MutableBytes(payload).last(kStampSize));
    RtpFields fields;
    fields.payload_type = config_.payload_type;
    fields.marker = i + 1 == packets;
    fields.sequence = state.sequence++;
    fields.timestamp = TimestampAt(state, at);
    fields.ssrc = layer.ssrc;
    fields.mid = config_.mid;
    fields.rid = layer.rid;
    ready_.push_back(BuildRtp(context_, at, fields, payload));
    ++state.sent.packets;
    state.sent.octets += static_cast<uint32_t>(payload.size());
    Keep(state, {fields, std::move(payload)});
  }
  ++state.frames;
  state.keyframes += keyframe ? 1 : 0;
}

void VideoSource::Keep(State& state, Kept packet) {
  const uint16_t sequence = packet.fields.sequence;
  state.history[sequence] = std::move(packet);
  state.history_order.push_back(sequence);
  if (state.history_order.size() > config_.history) {
    state.history.erase(state.history_order.front());
    state.history_order.pop_front();
  }
}

std::optional<size_t> VideoSource::LayerOf(rtp::Ssrc ssrc) const {
  const auto layer = std::ranges::find(config_.layers, ssrc, &Layer::ssrc);
  return layer == config_.layers.end() ? std::nullopt
                                       : std::optional(static_cast<size_t>(layer - config_.layers.begin()));
}

void VideoSource::OnRtcp(Timestamp now, const rtcp::Packet& packet) {
  if (const auto* nack = std::get_if<rtcp::Nack>(&packet)) {
    if (const auto layer = LayerOf(nack->media)) {
      Repair(now, *layer, nack->sequences);
    }
  } else if (const auto* pli = std::get_if<rtcp::Pli>(&packet)) {
    if (const auto layer = LayerOf(pli->media)) {
      RequestKeyframe(*layer);
    }
  } else if (const auto* fir = std::get_if<rtcp::Fir>(&packet)) {
    for (const rtcp::FirEntry& entry : fir->entries) {
      const auto layer = LayerOf(entry.ssrc);
      if (layer && layers_[*layer].last_fir != entry.sequence) {  // A repetition is not a new request.
        layers_[*layer].last_fir = entry.sequence;
        RequestKeyframe(*layer);
      }
    }
  }
}

void VideoSource::Repair(Timestamp now, size_t index, std::span<const uint16_t> sequences) {
  State& state = layers_[index];
  const Layer& layer = config_.layers[index];
  for (const uint16_t sequence : sequences) {
    const auto found = state.history.find(sequence);
    if (found == state.history.end()) {
      continue;
    }
    RtpFields fields = found->second.fields;
    base::Buffer payload = found->second.payload;
    if (layer.rtx_ssrc) {
      fields.payload_type = config_.rtx_payload_type;
      fields.ssrc = *layer.rtx_ssrc;
      fields.sequence = state.rtx_sequence++;
      fields.repaired_rid = std::exchange(fields.rid, {});
      payload.insert(payload.begin(), {static_cast<uint8_t>(sequence >> 8), static_cast<uint8_t>(sequence)});
    }
    ready_.push_back(BuildRtp(context_, now, fields, payload));
    ++repairs_sent_;
  }
}

void VideoSource::SetLayerActive(size_t layer, bool active) {
  State& state = layers_.at(layer);
  state.keyframe_due |= active && !state.active;
  state.active = active;
}

rtcp::SenderReport VideoSource::MakeSenderReport(base::Now now, size_t layer) const {
  const State& state = layers_.at(layer);
  return rtcp::SenderReport{.sender = config_.layers[layer].ssrc,
                            .ntp = rtcp::NtpFromWall(now.wall),
                            .rtp = TimestampAt(state, now.mono),
                            .packets = state.sent.packets,
                            .octets = state.sent.octets,
                            .blocks = {}};
}

}  // namespace weir::sim
