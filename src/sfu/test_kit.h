// Builders and doubles for the tests of sfu: publishers as packets, subscribers as a list of what was sent to
// them.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/packet_pool.h"
#include "base/random.h"
#include "base/time.h"
#include "codec/red.h"
#include "codec/vp8.h"
#include "rtp/header_writer.h"
#include "rtp/packet.h"
#include "sfu/down_track.h"
#include "sfu/outgoing.h"
#include "sfu/track_receiver.h"

namespace weir::sfu::test {

using base::TimeDelta;
using base::Timestamp;
using codec::Codec;
using rtp::Extension;
using rtp::Ssrc;

inline constexpr uint8_t kVp8Type = 96;
inline constexpr uint8_t kVp8RtxType = 97;
inline constexpr uint8_t kOpusType = 111;
inline constexpr uint8_t kRedType = 63;
inline constexpr uint8_t kVp9Type = 98;
inline constexpr uint8_t kAv1Type = 45;

inline base::Now At(int64_t millis) {
  return base::Now{.mono = Timestamp::Seconds(1000) + TimeDelta::Millis(millis),
                   .wall = base::WallTime{1'700'000'000'000'000 + millis * 1000}};
}

struct RtpSpec {
  uint8_t payload_type = kVp8Type;
  uint16_t sequence = 0;
  uint32_t timestamp = 0;
  uint32_t ssrc = 1;
  bool marker = false;
  uint8_t padding = 0;
  base::Buffer payload;
  std::vector<std::pair<uint8_t, base::Buffer>> extensions;
  rtp::ExtensionForm form = rtp::ExtensionForm::kOneByte;
};

inline base::Buffer Bytes(const RtpSpec& spec) {
  base::Buffer bytes(1500);
  rtp::HeaderWriter writer(bytes);
  writer.Begin(spec.payload_type, spec.marker, spec.sequence, spec.timestamp, Ssrc(spec.ssrc), spec.form);
  for (const auto& [id, data] : spec.extensions) {
    writer.AddExtension(id, data);
  }
  if (spec.padding > 0) {
    writer.SetPadding();
  }
  bytes.resize(writer.Finish());
  bytes.insert(bytes.end(), spec.payload.begin(), spec.payload.end());
  if (spec.padding > 0) {
    bytes.insert(bytes.end(), spec.padding - 1u, 0);
    bytes.push_back(spec.padding);
  }
  return bytes;
}

// A VP8 payload: descriptor, frame header, and `size` bytes that tell packets apart.
inline base::Buffer Vp8Payload(const codec::Vp8Descriptor& descriptor, bool keyframe, uint8_t filling = 0,
                               size_t size = 20) {
  base::Buffer payload(codec::kMaxVp8DescriptorSize);
  payload.resize(codec::WriteVp8(descriptor, payload));
  if (descriptor.start_of_frame) {
    const uint8_t key[] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00};
    const uint8_t delta[] = {0x11, 0x02, 0x00};
    if (keyframe) {
      payload.insert(payload.end(), std::begin(key), std::end(key));
    } else {
      payload.insert(payload.end(), std::begin(delta), std::end(delta));
    }
  }
  payload.insert(payload.end(), size, filling);
  return payload;
}

struct Sent {
  base::Buffer bytes;  // As it would stand before sealing.
  OutgoingRtp out;
  rtp::Header header;
  base::ConstBytes payload() const { return header.Payload(bytes); }
};

class FakeSender : public PacketSender {
 public:
  bool Send(const OutgoingRtp& packet) override {
    Sent sent;
    sent.bytes.assign(packet.header().begin(), packet.header().end());
    sent.bytes.insert(sent.bytes.end(), packet.prefix().begin(), packet.prefix().end());
    sent.bytes.insert(sent.bytes.end(), packet.payload().begin(), packet.payload().end());
    if (packet.padding > 0) {
      sent.bytes.insert(sent.bytes.end(), packet.padding - 1u, 0);
      sent.bytes.push_back(packet.padding);
    }
    sent.out = packet;
    sent.out.packet = base::PacketRef();
    sent.header = rtp::ParseHeader(sent.bytes).value();
    packets.push_back(std::move(sent));
    return accepts;
  }
  std::vector<uint16_t> Sequences() const {
    std::vector<uint16_t> sequences;
    for (const Sent& sent : packets) {
      sequences.push_back(sent.header.sequence);
    }
    return sequences;
  }
  // Sequence numbers relative to the first one sent.
  std::vector<int> Steps() const {
    std::vector<int> steps;
    for (const Sent& sent : packets) {
      steps.push_back(static_cast<uint16_t>(sent.header.sequence - packets.front().header.sequence));
    }
    return steps;
  }
  const Sent& last() const { return packets.back(); }

  std::deque<Sent> packets;  // References to its elements stay good.
  bool accepts = true;
};

// A publisher of VP8 on one SSRC: frames of one packet unless told otherwise.
struct Vp8Source {
  uint32_t ssrc = 1;
  int layer = 0;
  uint16_t sequence = 100;
  uint32_t timestamp = 5000;
  int32_t picture_id = 10;
  int tl0picidx = 3;
  int keyidx = 1;

  RtpSpec Packet(bool keyframe, bool first, bool last, int tid = 0, bool y = false) {
    codec::Vp8Descriptor descriptor;
    descriptor.picture_id = picture_id & 0x7fff;
    descriptor.tl0picidx = tl0picidx & 0xff;
    descriptor.tid = tid;
    descriptor.y = y;
    descriptor.keyidx = keyidx & 0x1f;
    descriptor.start_of_partition = first;
    descriptor.start_of_frame = first;
    RtpSpec spec;
    spec.ssrc = ssrc;
    spec.sequence = sequence;
    spec.timestamp = timestamp;
    spec.marker = last;
    spec.payload = Vp8Payload(descriptor, keyframe, static_cast<uint8_t>(sequence));
    ++sequence;
    return spec;
  }
  // One frame of `count` packets.
  std::vector<RtpSpec> Frame(bool keyframe, int count = 1, int tid = 0, bool y = false) {
    timestamp += 3000;
    ++picture_id;
    if (tid == 0) {
      ++tl0picidx;
    }
    if (keyframe) {
      ++keyidx;
    }
    std::vector<RtpSpec> packets;
    for (int i = 0; i < count; ++i) {
      packets.push_back(Packet(keyframe, i == 0, i == count - 1, tid, y));
    }
    return packets;
  }
};

inline TrackReceiver::Config VideoConfig() {
  TrackReceiver::Config config;
  config.codecs = {{.codec = Codec::kVp8, .payload_type = kVp8Type, .rtx_payload_type = kVp8RtxType},
                   {.codec = Codec::kVp9, .payload_type = kVp9Type, .rtx_payload_type = std::nullopt},
                   {.codec = Codec::kAv1, .payload_type = kAv1Type, .rtx_payload_type = std::nullopt}};
  return config;
}
inline TrackReceiver::Config AudioConfig() {
  TrackReceiver::Config config;
  config.audio = true;
  config.codecs = {{.codec = Codec::kRed, .payload_type = kRedType, .clock_rate = 48'000},
                   {.codec = Codec::kOpus, .payload_type = kOpusType, .clock_rate = 48'000}};
  return config;
}
inline DownTrack::Config VideoDownConfig() {
  DownTrack::Config config;
  config.ssrc = Ssrc(0xabcd);
  config.rtx_ssrc = Ssrc(0xbcde);
  config.codecs = {{.codec = Codec::kVp8, .payload_type = 120, .rtx_payload_type = 121},
                   {.codec = Codec::kVp9, .payload_type = 122, .rtx_payload_type = 123},
                   {.codec = Codec::kAv1, .payload_type = 124, .rtx_payload_type = 125}};
  return config;
}
inline DownTrack::Config AudioDownConfig() {
  DownTrack::Config config;
  config.ssrc = Ssrc(0xaaaa);
  config.audio = true;
  config.codecs = {{.codec = Codec::kOpus, .payload_type = 109, .clock_rate = 48'000}};
  return config;
}

// A receiver with one subscriber.
class Rig {
 public:
  explicit Rig(const TrackReceiver::Config& up, const DownTrack::Config& down)
      : receiver(up, random), track(down, sender, random) {
    receiver.AddDownTrack(&track);
  }

  void Receive(const RtpSpec& spec, int64_t millis, int layer = 0, bool rtx = false) {
    const base::PacketRef packet = pool.Copy(Bytes(spec), At(millis).mono);
    const auto header = rtp::ParseHeader(packet->bytes());
    receiver.OnRtp(At(millis), packet, header.value(), layer, rtx, header->ssrc);
  }
  void Receive(const std::vector<RtpSpec>& specs, int64_t millis, int layer = 0) {
    for (const RtpSpec& spec : specs) {
      Receive(spec, millis, layer);
    }
  }
  // Lets time pass for both sides up to `millis`, collecting the receiver's feedback.
  void RunUntil(int64_t millis) {
    const Timestamp end = At(millis).mono;
    while (std::min(receiver.NextTimeout(), track.NextTimeout()) <= end) {
      const Timestamp next = std::max(std::min(receiver.NextTimeout(), track.NextTimeout()), clock);
      clock = next;
      const int64_t offset = (next - At(0).mono).micros();
      const base::Now now{.mono = next, .wall = base::WallTime{At(0).wall.micros + offset}};
      track.OnTimeout(now);
      receiver.OnTimeout(now);
      const size_t before = plis.size();
      receiver.AppendFeedback(now, Ssrc(77), nacks, plis);
      for (size_t i = before; i < plis.size(); ++i) {
        pli_times.push_back((next - At(0).mono).millis());
      }
    }
    clock = std::max(clock, end);
  }

  base::PacketPool pool;
  base::SeededRandom random{1};
  FakeSender sender;
  TrackReceiver receiver;
  DownTrack track;
  std::vector<rtcp::Nack> nacks;
  std::vector<rtcp::Pli> plis;
  std::vector<int64_t> pli_times;
  Timestamp clock = At(0).mono;
};

}  // namespace weir::sfu::test
