// modules: sfu rtcp codec rtp base
// Drives one publisher's connection with two down tracks through any order of packets, RTCP, settings and
// time. Checks what must hold whatever a publisher sends: no number of a subscriber's stream goes out twice
// with other bytes, heads and payloads stay inside their buffers, deadlines do not stand still.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <unordered_map>
#include <vector>

#include "base/packet_pool.h"
#include "base/random.h"
#include "rtcp/compound.h"
#include "sfu/demuxer.h"
#include "sfu/down_track.h"
#include "sfu/speaker_observer.h"
#include "sfu/track_receiver.h"
#include "sfu/twcc_responder.h"

namespace {

using weir::base::ByteReader;
using weir::base::ConstBytes;
using weir::base::TimeDelta;
using weir::base::Timestamp;
using weir::codec::Codec;
using weir::rtp::Extension;
using weir::rtp::Ssrc;
using namespace weir::sfu;

void Require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

uint64_t Hash(ConstBytes bytes, uint64_t hash) {
  for (const uint8_t byte : bytes) {
    hash = (hash ^ byte) * 0x100000001b3;
  }
  return hash;
}

class CheckingSender : public PacketSender {
 public:
  bool Send(const OutgoingRtp& packet) override {
    Require(packet.header_size >= 12 && packet.header_size + packet.prefix_size <= packet.head.size());
    Require(packet.transport_cc_at + size_t{2} <= packet.header_size);
    Require(packet.abs_send_time_at + size_t{3} <= packet.header_size);
    Require(packet.payload_size == 0 || packet.packet);
    // One number of one SSRC is one content, for ever: the nonce rule of SRTP.
    const uint64_t key =
        uint64_t{packet.ssrc().value() & 0xffff} << 48 | uint64_t{packet.roc} << 16 | packet.sequence();
    uint64_t hash = Hash(packet.header(), 0xcbf29ce484222325);
    hash = Hash(packet.prefix(), hash);
    hash = Hash(packet.payload(), hash) + packet.padding;
    const auto [it, fresh] = seen_.emplace(key, hash);
    Require(fresh || (packet.exact && packet.retransmission && it->second == hash));
    return (hash & 15) != 0;
  }

 private:
  std::unordered_map<uint64_t, uint64_t> seen_;
};

weir::rtp::ExtensionMap Extensions() {
  weir::rtp::ExtensionMap map;
  map.Set(Extension::kMid, 1);
  map.Set(Extension::kRid, 2);
  map.Set(Extension::kRepairedRid, 3);
  map.Set(Extension::kTransportCc, 4);
  map.Set(Extension::kAbsSendTime, 5);
  map.Set(Extension::kAudioLevel, 6);
  map.Set(Extension::kAbsCaptureTime, 7);
  map.Set(Extension::kDependencyDescriptor, 8);
  map.Set(Extension::kVideoOrientation, 9);
  return map;
}

constexpr Codec kVideo[] = {Codec::kVp8, Codec::kVp9, Codec::kH264, Codec::kH265, Codec::kAv1};

TrackReceiver::Config ReceiverConfig(bool audio, bool encrypted) {
  TrackReceiver::Config config;
  config.audio = audio;
  config.encrypted = encrypted;
  config.extensions = Extensions();
  if (audio) {
    config.codecs = {{Codec::kRed, 63, 48'000, std::nullopt}, {Codec::kOpus, 111, 48'000, std::nullopt}};
    return config;
  }
  uint8_t payload_type = 96;
  for (const Codec codec : kVideo) {
    config.codecs.push_back({codec, payload_type, 90'000, static_cast<uint8_t>(payload_type + 1)});
    payload_type = static_cast<uint8_t>(payload_type + 2);
  }
  return config;
}

DownTrack::Config DownConfig(bool audio, uint32_t ssrc, bool rtx) {
  DownTrack::Config config;
  config.audio = audio;
  config.ssrc = Ssrc(ssrc);
  config.mid = "7";
  config.extensions = Extensions();
  if (rtx) {
    config.rtx_ssrc = Ssrc(ssrc + 1);
  }
  for (const auto& codec : ReceiverConfig(audio, false).codecs) {
    if (codec.codec != Codec::kRed || rtx) {
      config.codecs.push_back(codec);
    }
  }
  return config;
}

struct World {
  explicit World(uint8_t options)
      : audio((options & 1) != 0),
        receiver(ReceiverConfig(audio, (options & 2) != 0), random),
        first(DownConfig(audio, 0x1000, true), sender, random),
        second(DownConfig(audio, 0x2000, false), sender, random) {
    demuxer.SetExtensions(Extensions());
    demuxer.SetTwccResponder(&twcc);
    RtpDemuxer::Section section{.mid = "a", .receiver = &receiver};
    if ((options & 4) != 0) {
      section.rids = {"q", "h", "f"};
    } else {
      section.ssrcs = {{Ssrc(1), Ssrc(2)}, {Ssrc(3), Ssrc(4)}};
    }
    demuxer.AddSection(now(), section);
    receiver.SetSpeakerObserver(&speakers, 1);
    receiver.AddDownTrack(&first);
    receiver.AddDownTrack(&second);
  }

  weir::base::Now now() const { return {.mono = clock, .wall = {1'700'000'000'000'000 + clock.micros()}}; }

  void Advance(TimeDelta delta) {
    clock += delta;
    std::vector<weir::rtcp::Nack> nacks;
    std::vector<weir::rtcp::Pli> plis;
    first.OnTimeout(now());
    second.OnTimeout(now());
    receiver.OnTimeout(now());
    receiver.AppendFeedback(now(), Ssrc(99), nacks, plis);
    while (twcc.Build(clock, Ssrc(99))) {
    }
    speakers.Update(clock);
    Require(receiver.NextTimeout() > clock);
    Require(first.NextTimeout() > clock && second.NextTimeout() > clock);
  }

  bool audio;
  weir::base::SeededRandom random{1};
  weir::base::PacketPool pool;
  CheckingSender sender;
  TwccResponder twcc;
  SpeakerObserver speakers;
  RtpDemuxer demuxer;
  Timestamp clock = Timestamp::Seconds(100);
  TrackReceiver receiver;
  DownTrack first;
  DownTrack second;
};

// A packet whose header is sane more often than not: flags, sequence, time and SSRC from a few bytes.
void RoutePacket(World& world, ByteReader& reader) {
  const uint8_t shape = reader.ReadU8();
  const uint8_t size = reader.ReadU8();
  if ((shape & 1) != 0) {
    world.demuxer.Route(
        world.now(),
        world.pool.Copy(reader.ReadBytes(std::min<size_t>(size, reader.remaining())), world.clock));
    return;
  }
  weir::base::Buffer bytes = {
      static_cast<uint8_t>(0x80 | ((shape & 2) != 0 ? 0x10 : 0) | ((shape & 4) != 0 ? 0x20 : 0)),
      reader.ReadU8()};
  const uint16_t sequence = reader.ReadU16();
  const uint16_t time = reader.ReadU16();
  const uint8_t ssrc = reader.ReadU8();
  for (const int value : {sequence >> 8, sequence & 0xff, 0, time >> 8, time & 0xff, 0, 0, 0, 0, int{ssrc}}) {
    bytes.push_back(static_cast<uint8_t>(value));
  }
  const ConstBytes rest = reader.ReadBytes(std::min<size_t>(size, reader.remaining()));
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  world.demuxer.Route(world.now(), world.pool.Copy(bytes, world.clock));
}

void Nack(DownTrack& track, const World& world, uint8_t back) {
  std::vector<uint16_t> sequences;
  for (uint16_t i = 0; i < 5; ++i) {
    sequences.push_back(static_cast<uint16_t>(track.forwarder().last_seq() - back - i));
  }
  track.OnNack(world.now(), sequences);
}

void Step(World& world, ByteReader& reader) {
  const uint8_t action = reader.ReadU8();
  DownTrack& track = (action & 0x80) != 0 ? world.second : world.first;
  switch (action & 0x0f) {
    case 0:
      world.Advance(TimeDelta::Micros(int64_t{reader.ReadU16()} * 100));
      return;
    case 1:
      track.SetMaxLayers(reader.ReadU8() & 3, action >> 4 & 3, world.clock);
      return;
    case 2:
      track.SetDisabled((action & 0x10) != 0, world.clock);
      return;
    case 3:
      world.receiver.SetMuted((action & 0x10) != 0, world.now());
      return;
    case 4:
      Nack(track, world, reader.ReadU8());
      return;
    case 5:
      track.OnPli(world.clock);
      return;
    case 6:
      world.receiver.OnSenderReport(
          world.now(), {.sender = Ssrc(reader.ReadU8()), .ntp = reader.ReadU64(), .rtp = reader.ReadU32()});
      return;
    case 7:
      track.MakeSenderReport(world.now());
      world.receiver.ReportBlocks(world.clock);
      return;
    case 8:
      track.OnReportBlock(world.now(), {.ssrc = track.ssrc(),
                                        .highest_seq = static_cast<uint32_t>(track.forwarder().last_seq()),
                                        .last_sr = reader.ReadU32(),
                                        .delay_since_last_sr = reader.ReadU16()});
      return;
    case 9:
      if (track.receiver() == nullptr) {
        world.receiver.AddDownTrack(&track);
      } else {
        world.receiver.RemoveDownTrack(&track);
      }
      return;
    default:
      RoutePacket(world, reader);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader reader(ConstBytes(data, size));
  World world(reader.ReadU8());
  while (reader.ok() && reader.remaining() > 0) {
    Step(world, reader);
  }
  return 0;
}
