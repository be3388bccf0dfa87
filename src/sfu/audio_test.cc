// Audio through a down track: RED, mute, encryption.

#include "codec/audio.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sfu/test_kit.h"

namespace weir::sfu {
namespace {

using namespace test;  // The kit of this module.
using testing::ElementsAre;

base::Buffer Opus(int index) { return {0x78, static_cast<uint8_t>(index), 3, 4, 5, 6}; }

class AudioTest : public testing::Test {
 protected:
  static DownTrack::Config WithRed() {
    DownTrack::Config config = AudioDownConfig();
    config.codecs.insert(config.codecs.begin(),
                         {.codec = Codec::kRed, .payload_type = 35, .clock_rate = 48'000});
    return config;
  }
  static RtpSpec Plain(int index) {
    RtpSpec spec;
    spec.payload_type = kOpusType;
    spec.sequence = static_cast<uint16_t>(65'530 + index);
    spec.timestamp = 960u * static_cast<uint32_t>(index);
    spec.payload = Opus(index);
    return spec;
  }
  // A RED packet with the two packets before it.
  static RtpSpec Red(int index) {
    RtpSpec spec = Plain(index);
    spec.payload_type = kRedType;
    std::vector<codec::RedBlock> blocks;
    const base::Buffer two = Opus(index - 2);
    const base::Buffer one = Opus(index - 1);
    const base::Buffer primary = Opus(index);
    blocks.push_back({.payload_type = kOpusType, .timestamp_offset = 1920, .data = two});
    blocks.push_back({.payload_type = kOpusType, .timestamp_offset = 960, .data = one});
    blocks.push_back({.payload_type = kOpusType, .timestamp_offset = 0, .data = primary});
    spec.payload.resize(200);
    spec.payload.resize(codec::WriteRed(blocks, spec.payload));
    return spec;
  }
  // Index of the Opus frame in each packet sent.
  static std::vector<int> Frames(const FakeSender& sender) {
    std::vector<int> frames;
    for (const Sent& sent : sender.packets) {
      frames.push_back(sent.payload()[1]);
    }
    return frames;
  }
};

TEST_F(AudioTest, OpusGoesThroughFromTheFirstPacket) {
  Rig rig(AudioConfig(), AudioDownConfig());
  for (int i = 0; i < 4; ++i) {
    rig.Receive(Plain(i), i * 20);
  }
  EXPECT_THAT(Frames(rig.sender), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(rig.sender.last().header.payload_type, 109);
  EXPECT_EQ(rig.sender.packets[1].header.timestamp - rig.sender.packets[0].header.timestamp, 960u);
}

TEST_F(AudioTest, DtxKeepsItsGapsInTimeAndTheMarker) {
  Rig rig(AudioConfig(), AudioDownConfig());
  rig.Receive(Plain(0), 0);
  RtpSpec later = Plain(1);
  later.timestamp = 960 * 20;
  later.marker = true;
  rig.Receive(later, 400);
  EXPECT_EQ(rig.sender.packets[1].header.timestamp - rig.sender.packets[0].header.timestamp, 19'200u);
  EXPECT_TRUE(rig.sender.packets[1].header.marker);
}

TEST_F(AudioTest, RedPassesToThoseWhoTakeItUnderTheirPayloadTypes) {
  Rig rig(AudioConfig(), WithRed());
  rig.Receive(Red(5), 0);
  ASSERT_EQ(rig.sender.packets.size(), 1u);
  EXPECT_EQ(rig.sender.last().header.payload_type, 35);
  const auto red = codec::ParseRed(rig.sender.last().payload());
  ASSERT_TRUE(red.has_value());
  ASSERT_EQ(red->count, 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(red->blocks[i].payload_type, 109);
    EXPECT_EQ(red->blocks[i].data[1], 3 + i);
  }
  EXPECT_EQ(rig.track.codec(), Codec::kRed);
  rig.track.OnNack(At(5), std::vector<uint16_t>{rig.sender.last().header.sequence});
  EXPECT_EQ(rig.sender.packets[1].bytes, rig.sender.packets[0].bytes);
}

TEST_F(AudioTest, WithoutRedAListenerGetsOpusAndWhatWasLostIsRecovered) {
  Rig rig(AudioConfig(), AudioDownConfig());
  for (const int i : {3, 4, 7, 8, 10}) {
    rig.Receive(Red(i), i * 20);
  }
  EXPECT_THAT(Frames(rig.sender), ElementsAre(3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_THAT(rig.sender.Steps(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  for (size_t i = 1; i < rig.sender.packets.size(); ++i) {
    EXPECT_EQ(rig.sender.packets[i].header.timestamp - rig.sender.packets[i - 1].header.timestamp, 960u);
    EXPECT_EQ(rig.sender.packets[i].header.payload_type, 109);
  }
  EXPECT_EQ(rig.track.stats().recovered_from_red, 3u);
  rig.Receive(Red(9), 210);  // The original, late.
  EXPECT_EQ(rig.sender.packets.size(), 8u);
  // A recovered packet can be repaired as well.
  rig.track.OnNack(At(220), std::vector<uint16_t>{rig.sender.packets[6].header.sequence});
  EXPECT_EQ(rig.sender.last().bytes, rig.sender.packets[6].bytes);
}

TEST_F(AudioTest, AGapLargerThanTheRedundancyStaysAGap) {
  Rig rig(AudioConfig(), AudioDownConfig());
  rig.Receive(Red(3), 0);
  rig.Receive(Red(8), 100);
  EXPECT_THAT(Frames(rig.sender), ElementsAre(3, 6, 7, 8));
  EXPECT_THAT(rig.sender.Steps(), ElementsAre(0, 3, 4, 5));
}

TEST_F(AudioTest, APublisherMayGoFromRedToOpusAndBack) {
  Rig rig(AudioConfig(), WithRed());
  rig.Receive(Red(3), 0);
  rig.Receive(Plain(4), 20);
  rig.Receive(Red(5), 40);
  EXPECT_THAT(rig.sender.Steps(), ElementsAre(0, 1, 2));
  EXPECT_EQ(rig.sender.packets[1].header.payload_type, 109);
  EXPECT_EQ(rig.sender.packets[2].header.payload_type, 35);
}

TEST_F(AudioTest, ARepairAfterACodecChangeIsStillTheSamePacket) {
  Rig rig(AudioConfig(), WithRed());
  rig.Receive(Red(3), 0);
  rig.Receive(Plain(4), 20);
  rig.track.OnNack(At(30), std::vector<uint16_t>{rig.sender.packets[0].header.sequence});
  EXPECT_EQ(rig.sender.packets[2].bytes, rig.sender.packets[0].bytes);
}

TEST_F(AudioTest, ASubscriberThatMovesToAnotherTrackCannotRepairTheOldOne) {
  Rig rig(AudioConfig(), AudioDownConfig());
  rig.Receive(Plain(0), 0);
  const uint16_t sequence = rig.sender.packets[0].header.sequence;
  TrackReceiver other(AudioConfig(), rig.random);
  rig.receiver.RemoveDownTrack(&rig.track);
  other.AddDownTrack(&rig.track);
  rig.track.OnNack(At(30), std::vector<uint16_t>{sequence});
  EXPECT_EQ(rig.sender.packets.size(), 1u);
  EXPECT_EQ(rig.track.stats().nack_misses, 1u);
}

TEST_F(AudioTest, RedIsNotAskedForAgain) {
  Rig rig(AudioConfig(), AudioDownConfig());
  rig.Receive(Red(3), 0);
  rig.Receive(Red(6), 60);
  rig.RunUntil(400);
  EXPECT_TRUE(rig.nacks.empty());
}

TEST_F(AudioTest, NothingOfAnEncryptedTrackIsConverted) {
  TrackReceiver::Config up = AudioConfig();
  up.encrypted = true;
  Rig rig(up, AudioDownConfig());
  rig.Receive(Red(3), 0);
  EXPECT_TRUE(rig.sender.packets.empty());
  EXPECT_FALSE(rig.track.codec_supported());
  Rig with_red(up, WithRed());
  RtpSpec ciphertext = Red(3);
  ciphertext.payload = {0xff, 0xee, 0xdd, 0xcc};
  with_red.Receive(ciphertext, 0);
  ASSERT_EQ(with_red.sender.packets.size(), 1u);
  EXPECT_TRUE(std::ranges::equal(with_red.sender.last().payload(), ciphertext.payload));
}

TEST_F(AudioTest, ACodecThatWasNotNegotiatedIsNotForwarded) {
  DownTrack::Config down = AudioDownConfig();
  down.codecs = {{.codec = Codec::kPcmu, .payload_type = 0, .clock_rate = 8000}};
  Rig rig(AudioConfig(), down);
  EXPECT_TRUE(rig.track.codec_supported());
  rig.Receive(Plain(0), 0);
  EXPECT_FALSE(rig.track.codec_supported());
  EXPECT_EQ(rig.track.stats().unsupported_codec, 1u);
}

TEST_F(AudioTest, MuteRunsOutInASecondOfSilenceAndTheLineGoesOn) {
  Rig rig(AudioConfig(), AudioDownConfig());
  for (int i = 0; i < 3; ++i) {
    rig.Receive(Plain(i), i * 20);
  }
  rig.receiver.SetMuted(true, At(50));
  rig.RunUntil(3000);
  rig.Receive(Plain(150), 3000);
  ASSERT_EQ(rig.sender.packets.size(), 53u);
  for (size_t i = 1; i < 53; ++i) {
    EXPECT_EQ(rig.sender.packets[i].header.timestamp - rig.sender.packets[i - 1].header.timestamp, 960u);
    EXPECT_EQ(static_cast<uint16_t>(rig.sender.packets[i].header.sequence -
                                    rig.sender.packets[i - 1].header.sequence),
              1);
  }
  EXPECT_TRUE(std::ranges::equal(rig.sender.last().payload(), codec::kOpusSilence));
  rig.receiver.SetMuted(false, At(4000));
  rig.Receive(Plain(200), 4000);
  EXPECT_EQ(
      static_cast<uint16_t>(rig.sender.packets[53].header.sequence - rig.sender.packets[52].header.sequence),
      1);
  const uint32_t since_start =
      rig.sender.packets[53].header.timestamp - rig.sender.packets[0].header.timestamp;
  EXPECT_EQ(since_start, 200u * 960u);  // The publisher's own clock went on.
}

TEST_F(AudioTest, AfterMuteWallTimeCountsWhenThePublishersClockStood) {
  Rig rig(AudioConfig(), AudioDownConfig());
  rig.Receive(Plain(0), 0);
  rig.receiver.SetMuted(true, At(10));
  rig.RunUntil(5000);
  rig.receiver.SetMuted(false, At(5000));
  rig.Receive(Plain(1), 5000);
  const uint32_t since_start = rig.sender.last().header.timestamp - rig.sender.packets[0].header.timestamp;
  EXPECT_NEAR(since_start, 5 * 48'000, 960 * 3);
}

TEST_F(AudioTest, SilenceOfAnEncryptedTrackEndsWithTheTrailerOrIsNotSent) {
  TrackReceiver::Config up = AudioConfig();
  up.encrypted = true;
  DownTrack::Config down = AudioDownConfig();
  down.silence_trailer = {9, 8, 7};
  Rig rig(up, down);
  rig.Receive(Plain(0), 0);
  rig.receiver.SetMuted(true, At(10));
  rig.RunUntil(30);
  ASSERT_EQ(rig.sender.packets.size(), 2u);
  EXPECT_THAT(rig.sender.last().payload(), ElementsAre(0xf8, 0xff, 0xfe, 9, 8, 7));

  Rig bare(up, AudioDownConfig());
  bare.Receive(Plain(0), 0);
  bare.receiver.SetMuted(true, At(10));
  bare.RunUntil(2000);
  EXPECT_EQ(bare.sender.packets.size(), 1u);
}

TEST_F(AudioTest, UnmuteEndsTheSilence) {
  Rig rig(AudioConfig(), AudioDownConfig());
  rig.Receive(Plain(0), 0);
  rig.receiver.SetMuted(true, At(10));
  rig.RunUntil(100);
  rig.receiver.SetMuted(false, At(110));
  rig.RunUntil(1000);
  EXPECT_LE(rig.track.stats().silence_packets, 5u);
}

TEST_F(AudioTest, TheAudioLevelIsPassedOn) {
  TrackReceiver::Config up = AudioConfig();
  up.extensions.Set(Extension::kAudioLevel, 2);
  DownTrack::Config down = AudioDownConfig();
  down.extensions.Set(Extension::kAudioLevel, 7);
  Rig rig(up, down);
  RtpSpec spec = Plain(0);
  spec.extensions = {{2, {0x80 | 33}}};
  rig.Receive(spec, 0);
  EXPECT_THAT(rig.sender.last().header.Find(rig.sender.last().bytes, 7), ElementsAre(0x80 | 33));
  rig.receiver.SetMuted(true, At(10));
  rig.RunUntil(30);
  EXPECT_THAT(rig.sender.last().header.Find(rig.sender.last().bytes, 7), ElementsAre(127));
}

}  // namespace
}  // namespace weir::sfu
