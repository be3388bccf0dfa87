#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/audio.h"
#include "rtcp/ntp.h"
#include "sim/clock.h"
#include "sim/link.h"
#include "sim/media_sink.h"
#include "sim/media_source.h"

namespace weir::sim {
namespace {

using base::Buffer;
using base::TimeDelta;
using base::Timestamp;
using rtp::Extension;
using rtp::Ssrc;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Timestamp kStart = Clock::kStart;

SourceContext Context() {
  SourceContext context;
  context.extensions.Set(Extension::kMid, 1);
  context.extensions.Set(Extension::kAudioLevel, 2);
  context.extensions.Set(Extension::kAbsSendTime, 3);
  context.extensions.Set(Extension::kTransportCc, 4);
  context.extensions.Set(Extension::kRid, 10);
  context.extensions.Set(Extension::kRepairedRid, 11);
  return context;
}

// A source and a sink over a link with loss, and a feedback path without.
struct VideoLine {
  explicit VideoLine(const Link::Config& link_config, int temporal_layers = 3, bool rtx = true,
                     bool nack = true)
      : link(link_config, random), source(SourceConfig(temporal_layers, rtx), context, random, kStart) {
    MediaSink::Config config;
    config.ssrc = Ssrc(1000);
    config.rtx_ssrc = rtx ? std::optional(Ssrc(1001)) : std::nullopt;
    config.nack = nack;
    sink.emplace(config);
  }
  static VideoSource::Config SourceConfig(int temporal_layers, bool rtx) {
    VideoSource::Config config;
    config.layers = VideoSource::SimulcastLayers(1000);
    config.layers.resize(1);
    config.layers[0].bitrate_bps = 600'000;
    if (!rtx) {
      config.layers[0].rtx_ssrc.reset();
    }
    config.temporal_layers = temporal_layers;
    return config;
  }
  void RunFor(TimeDelta span) {
    const Timestamp end = now + span;
    while (now < end) {
      now = std::max(now, std::min({end, source.NextTimeout(), link.NextTimeout(), sink->NextTimeout()}));
      while (auto packet = source.Poll(now)) {
        if (!filter || !filter(*packet)) {
          link.Send(now, Datagram{{}, *std::move(packet)});
        }
      }
      while (auto datagram = link.Poll(now)) {
        sink->OnRtp(now, datagram->bytes);
      }
      sink->OnTimeout(now);
      if (const auto nack = sink->TakeNack()) {
        source.OnRtcp(now, *nack);
      }
      if (const auto pli = sink->TakePli(now); pli && answer_pli) {
        source.OnRtcp(now, *pli);
      }
    }
  }

  base::SeededRandom random{5};
  SourceContext context = Context();
  Link link;
  VideoSource source;
  std::optional<MediaSink> sink;
  std::function<bool(const Buffer&)> filter;
  bool answer_pli = true;
  Timestamp now = kStart;
};

TEST(AudioSource, SendsAFrameEvery20MsWithItsLevel) {
  base::SeededRandom random(1);
  SourceContext context = Context();
  AudioSource source({.ssrc = Ssrc(7), .mid = "0"}, context, random, kStart);
  source.set_level({.voice = true, .level = 12});
  std::optional<rtp::Header> last;
  for (int i = 0; i < 50; ++i) {
    const Timestamp now = kStart + TimeDelta::Millis(20 * i);
    const auto packet = source.Poll(now);
    ASSERT_TRUE(packet);
    EXPECT_FALSE(source.Poll(now));
    const auto header = rtp::ParseHeader(*packet);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->payload_type, 111);
    EXPECT_EQ(header->marker, i == 0);
    EXPECT_EQ(rtp::ReadAudioLevel(header->Find(*packet, 2)), (rtp::AudioLevel{true, 12}));
    EXPECT_EQ(rtp::ReadTransportSequence(header->Find(*packet, 4)), i + 1);
    EXPECT_EQ(rtp::ReadSdesText(header->Find(*packet, 1)), "0");
    const auto payload = header->Payload(*packet);
    EXPECT_EQ(codec::OpusPacketDuration(payload), TimeDelta::Millis(20));
    EXPECT_EQ(ReadStamp(payload), (Stamp{Ssrc(7), static_cast<uint64_t>(i)}));
    if (last) {
      EXPECT_EQ(header->timestamp, last->timestamp + 960);
      EXPECT_EQ(header->sequence, static_cast<uint16_t>(last->sequence + 1));
    }
    last = *header;
  }
}

TEST(AudioSource, PauseLeavesTimeRunning) {
  base::SeededRandom random(1);
  SourceContext context = Context();
  AudioSource source({.ssrc = Ssrc(7)}, context, random, kStart);
  const auto before = rtp::ParseHeader(*source.Poll(kStart));
  source.SetPaused(true, kStart);
  EXPECT_TRUE(source.NextTimeout().infinite());
  source.SetPaused(false, kStart + TimeDelta::Seconds(1));
  const auto after = rtp::ParseHeader(*source.Poll(source.NextTimeout()));
  EXPECT_EQ(after->timestamp, before->timestamp + 48'000);
  EXPECT_EQ(after->sequence, static_cast<uint16_t>(before->sequence + 1));
  EXPECT_TRUE(after->marker);
}

TEST(VideoSource, SendsThreeLayersThatBeginWithKeyframes) {
  base::SeededRandom random(1);
  SourceContext context = Context();
  VideoSource::Config config;
  config.layers = VideoSource::SimulcastLayers(100);
  config.mid = "1";
  VideoSource source(config, context, random, kStart);
  std::map<Ssrc, std::vector<codec::Vp8Descriptor>> frames;
  std::map<Ssrc, int> packets;
  while (source.NextTimeout() < kStart + TimeDelta::Seconds(1)) {
    const auto packet = source.Poll(std::max(source.NextTimeout(), kStart));
    ASSERT_TRUE(packet);
    const auto header = rtp::ParseHeader(*packet);
    ASSERT_TRUE(header);
    EXPECT_LT(packet->size(), 1200u);
    const auto vp8 = codec::ParseVp8(header->Payload(*packet));
    ASSERT_TRUE(vp8);
    ++packets[header->ssrc];
    if (vp8->start_of_frame) {
      frames[header->ssrc].push_back(*vp8);
    }
  }
  ASSERT_THAT(frames, SizeIs(3));
  for (const uint32_t ssrc : {100u, 102u, 104u}) {
    const auto& layer = frames[Ssrc(ssrc)];
    ASSERT_THAT(layer, SizeIs(30));
    EXPECT_TRUE(layer[0].keyframe);
    EXPECT_EQ(layer[0].width, 320 << (ssrc - 100) / 2);
    for (size_t i = 1; i < 30; ++i) {
      EXPECT_FALSE(layer[i].keyframe);
      EXPECT_EQ(layer[i].tid, (std::array{0, 2, 1, 2})[i % 4]);
      EXPECT_EQ(layer[i].picture_id, (layer[i - 1].picture_id + 1) & 0x7fff);
      EXPECT_TRUE(layer[i].picture_id_15bit);
    }
  }
  EXPECT_NEAR(packets[Ssrc(104)] * 1100 * 8, 1'700'000, 500'000);
  EXPECT_EQ(source.keyframes_sent(2), 1u);
}

TEST(VideoSource, AnswersRequestsForKeyframesPerLayer) {
  VideoLine line({});
  line.RunFor(TimeDelta::Seconds(1));
  EXPECT_EQ(line.source.keyframes_sent(0), 1u);
  line.source.OnRtcp(line.now, rtcp::Pli{Ssrc(1), Ssrc(1000)});
  line.source.OnRtcp(line.now, rtcp::Pli{Ssrc(1), Ssrc(555)});
  line.RunFor(TimeDelta::Seconds(1));
  EXPECT_EQ(line.source.keyframes_sent(0), 2u);
  for (int i = 0; i < 3; ++i) {
    line.source.OnRtcp(line.now, rtcp::Fir{Ssrc(1), {{Ssrc(1000), 4}}});
    line.RunFor(TimeDelta::Millis(100));
  }
  EXPECT_EQ(line.source.keyframes_sent(0), 3u) << "a repeated FIR is one request";
  EXPECT_THAT(line.sink->violations(), IsEmpty());
}

TEST(VideoSource, ALayerThatWasOffBeginsWithAKeyframe) {
  VideoLine line({});
  line.RunFor(TimeDelta::Seconds(1));
  line.source.SetLayerActive(0, false);
  line.RunFor(TimeDelta::Seconds(1));
  EXPECT_NEAR(static_cast<double>(line.source.frames_sent(0)), 30, 1);
  line.source.SetLayerActive(0, true);
  line.RunFor(TimeDelta::Seconds(1));
  EXPECT_EQ(line.source.keyframes_sent(0), 2u);
  EXPECT_THAT(line.sink->violations(), IsEmpty());
  EXPECT_GT(line.sink->stats().longest_freeze, TimeDelta::Millis(900));
}

TEST(VideoSource, SenderReportsMatchTheFrames) {
  VideoLine line({});
  const auto first = rtp::ParseHeader(*line.source.Poll(kStart));
  const auto report = line.source.MakeSenderReport({kStart + TimeDelta::Seconds(1), {5'000'000}}, 0);
  EXPECT_EQ(report.rtp, first->timestamp + 90'000);
  EXPECT_EQ(report.sender, Ssrc(1000));
  EXPECT_EQ(rtcp::WallFromNtp(report.ntp).micros, 5'000'000);
}

TEST(MediaSink, ShowsEverythingFromACleanLine) {
  for (const int temporal_layers : {1, 2, 3}) {
    VideoLine line({}, temporal_layers);
    line.RunFor(TimeDelta::Seconds(10));
    const auto& stats = line.sink->stats();
    EXPECT_NEAR(static_cast<double>(stats.frames), 300, 2);
    EXPECT_EQ(stats.frames_lost, 0u);
    EXPECT_EQ(stats.keyframes, 1u);
    EXPECT_EQ(stats.nacks, 0u);
    EXPECT_EQ(stats.plis, 0u);
    EXPECT_EQ(stats.width, 320);
    EXPECT_EQ(stats.last_stamp->source, Ssrc(1000));
    EXPECT_LT(stats.longest_freeze, TimeDelta::Millis(40));
    EXPECT_THAT(line.sink->violations(), IsEmpty());
  }
}

TEST(MediaSink, RepairsHealABadLine) {
  for (const bool rtx : {true, false}) {
    VideoLine line({.delay = TimeDelta::Millis(20),
                    .jitter = TimeDelta::Millis(10),
                    .loss = 0.1,
                    .duplicate = 0.02,
                    .reorder = true},
                   3, rtx);
    line.RunFor(TimeDelta::Seconds(20));
    const auto& stats = line.sink->stats();
    EXPECT_GT(stats.frames, 590u);
    EXPECT_GT(stats.repaired, 50u);
    EXPECT_EQ(stats.given_up, 0u);
    EXPECT_GT(stats.duplicates, 0u);
    EXPECT_THAT(line.sink->violations(), IsEmpty());
  }
}

TEST(MediaSink, WithoutRepairsItLosesFramesButJudgesThemRight) {
  VideoLine line({.loss = 0.05}, 3, true, /*nack=*/false);
  line.RunFor(TimeDelta::Seconds(30));
  const auto& stats = line.sink->stats();
  EXPECT_GT(stats.frames_lost, 50u);
  EXPECT_GT(stats.given_up, 50u);
  EXPECT_GT(stats.plis, 3u);
  EXPECT_GT(stats.keyframes, 3u);
  EXPECT_THAT(line.sink->violations(), IsEmpty()) << "loss is not the forwarder's fault";
}

TEST(MediaSink, AnUpperLayerFrameMayBeLostWithoutAFreeze) {
  VideoLine line({}, 3, true, /*nack=*/false);
  bool lost = false;
  line.filter = [&](const Buffer& packet) {
    const auto header = rtp::ParseHeader(packet);
    const auto vp8 = codec::ParseVp8(header->Payload(packet));
    const bool lose = !lost && line.now > kStart + TimeDelta::Seconds(1) && vp8->tid == 1;
    lost |= lose;
    return lose;
  };
  line.RunFor(TimeDelta::Seconds(4));
  EXPECT_TRUE(lost);
  EXPECT_EQ(line.sink->stats().plis, 0u);
  EXPECT_EQ(line.sink->stats().keyframes, 1u);
  EXPECT_GE(line.sink->stats().frames_lost, 1u) << "and the one that refers to it";
  EXPECT_LE(line.sink->stats().frames_lost, 3u);
}

TEST(MediaSink, ALostBaseFrameNeedsAKeyframe) {
  VideoLine line({}, 3, true, /*nack=*/false);
  bool lost = false;
  line.filter = [&](const Buffer& packet) {
    const auto header = rtp::ParseHeader(packet);
    const auto vp8 = codec::ParseVp8(header->Payload(packet));
    const bool lose = !lost && line.now > kStart + TimeDelta::Seconds(1) && vp8->tid == 0;
    lost |= lose;
    return lose;
  };
  line.answer_pli = false;
  line.RunFor(TimeDelta::Seconds(4));
  const uint64_t frozen_at = line.sink->stats().frames;
  EXPECT_GT(line.sink->stats().plis, 1u);
  line.answer_pli = true;
  line.RunFor(TimeDelta::Seconds(2));
  EXPECT_EQ(line.sink->stats().keyframes, 2u);
  EXPECT_GT(line.sink->stats().frames, frozen_at + 30);
}

// What a broken forwarder does, done to the packets of a clean source.
class ForwarderFaults : public testing::Test {
 protected:
  std::vector<Buffer> Packets(int frames) {
    std::vector<Buffer> packets;
    while (source_.frames_sent(0) < static_cast<uint64_t>(frames) || source_.NextTimeout().never()) {
      packets.push_back(*source_.Poll(std::max(kStart, source_.NextTimeout())));
    }
    return packets;
  }
  std::vector<std::string> ViolationsOf(const std::vector<Buffer>& packets) {
    MediaSink sink({.ssrc = Ssrc(1000)});
    Timestamp now = kStart;
    for (const Buffer& packet : packets) {
      sink.OnRtp(now, packet);
      now += TimeDelta::Millis(1);
    }
    return sink.violations();
  }
  static void Shift(Buffer& packet, size_t at, uint16_t by) {
    base::StoreU16(packet.data() + at, static_cast<uint16_t>(base::LoadU16(packet.data() + at) + by));
  }
  size_t PayloadAt(const Buffer& packet) { return rtp::ParseHeader(packet)->header_size; }

  base::SeededRandom random_{9};
  SourceContext context_;
  VideoSource source_{VideoLine::SourceConfig(1, false), context_, random_, kStart};
};

TEST_F(ForwarderFaults, NoneInWhatTheSourceSent) { EXPECT_THAT(ViolationsOf(Packets(20)), IsEmpty()); }

TEST_F(ForwarderFaults, APayloadUnderTwoNumbers) {
  auto packets = Packets(20);
  for (size_t i = 30; i < packets.size(); ++i) {
    Shift(packets[i], 2, 1);
  }
  packets.insert(packets.begin() + 30, packets[29]);
  Shift(packets[30], 2, 1);
  EXPECT_THAT(ViolationsOf(packets), testing::Contains(testing::HasSubstr("two sequence numbers")));
}

TEST_F(ForwarderFaults, AHalfFrame) {
  auto packets = Packets(20);
  const auto starts = [&](const Buffer& packet) {
    return codec::ParseVp8(rtp::ParseHeader(packet)->Payload(packet))->start_of_frame;
  };
  size_t at = 30;
  while (!starts(packets[at])) {
    ++at;
  }
  packets.erase(packets.begin() + static_cast<ptrdiff_t>(at) - 1);  // The last packet of a frame.
  for (size_t i = at - 1; i < packets.size(); ++i) {
    Shift(packets[i], 2, 0xffff);
  }
  EXPECT_THAT(ViolationsOf(packets), testing::Contains(testing::HasSubstr("before the last one ended")));
}

TEST_F(ForwarderFaults, AJumpOfThePictureId) {
  auto packets = Packets(20);
  for (size_t i = packets.size() / 2; i < packets.size(); ++i) {
    packets[i][PayloadAt(packets[i]) + 3] ^= 0x40;  // The low byte of the picture id.
  }
  EXPECT_THAT(ViolationsOf(packets), testing::Contains(testing::HasSubstr("picture id")));
}

TEST_F(ForwarderFaults, TimeThatGoesBack) {
  auto packets = Packets(20);
  for (size_t i = packets.size() / 2; i < packets.size(); ++i) {
    Shift(packets[i], 4, 0xffff);  // By 65536 ticks.
  }
  EXPECT_THAT(ViolationsOf(packets), testing::Contains(testing::HasSubstr("goes back")));
}

TEST(MediaSink, ReportsWhatItReceived) {
  VideoLine line({.loss = 0.1}, 1, true, /*nack=*/false);
  line.RunFor(TimeDelta::Seconds(5));
  line.sink->OnSenderReport(line.now, {.sender = Ssrc(1000), .ntp = 0x0000'1234'5678'0000});
  line.RunFor(TimeDelta::Seconds(1));
  const auto block = line.sink->MakeReportBlock(line.now);
  EXPECT_EQ(block.ssrc, Ssrc(1000));
  EXPECT_NEAR(block.fraction_lost, 25.6, 10);
  EXPECT_NEAR(block.cumulative_lost, static_cast<double>(line.link.counters().lost), 2);
  EXPECT_EQ(block.last_sr, 0x12345678u);
  EXPECT_EQ(block.delay_since_last_sr, 65536u);
  line.link.set_config({});
  line.sink->MakeReportBlock(line.now);
  line.RunFor(TimeDelta::Seconds(1));
  EXPECT_EQ(line.sink->MakeReportBlock(line.now).fraction_lost, 0);
}

TEST(MediaSink, CountsAudioFramesAndGaps) {
  base::SeededRandom random(3);
  SourceContext context = Context();
  AudioSource source({.ssrc = Ssrc(7)}, context, random, kStart);
  MediaSink sink({.ssrc = Ssrc(7), .video = false, .payload_type = 111});
  for (int i = 0; i < 200; ++i) {
    const Timestamp now = source.NextTimeout();
    const auto packet = source.Poll(now);
    if (i % 20 != 10) {
      sink.OnRtp(now, *packet);
    }
    sink.OnTimeout(now);
  }
  EXPECT_EQ(sink.stats().packets, 190u);
  EXPECT_GE(sink.stats().given_up, 7u);
  EXPECT_GT(sink.stats().nacks, 10u);
  EXPECT_THAT(sink.violations(), IsEmpty());
}

}  // namespace
}  // namespace weir::sim
