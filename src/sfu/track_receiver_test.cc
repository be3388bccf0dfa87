#include "sfu/track_receiver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtcp/ntp.h"
#include "sfu/speaker_observer.h"
#include "sfu/test_kit.h"

namespace weir::sfu {
namespace {

using namespace test;  // The kit of this module.
using testing::ElementsAre;
using testing::IsEmpty;

class ReceiverTest : public testing::Test {
 protected:
  Rig rig_{VideoConfig(), VideoDownConfig()};
  Vp8Source source_;

  // Packets 1..10, the first of them a key frame.
  std::vector<RtpSpec> Ten() {
    source_.sequence = 1;
    std::vector<RtpSpec> packets;
    for (int i = 1; i <= 10; ++i) {
      packets.push_back(source_.Frame(i == 1)[0]);
    }
    return packets;
  }
};

TEST_F(ReceiverTest, AsksForExactlyThePacketsThatAreMissing) {
  const auto packets = Ten();
  for (size_t i = 0; i < packets.size(); ++i) {
    if (i + 1 != 3 && i + 1 != 7 && i + 1 != 8) {
      rig_.Receive(packets[i], 0);
    }
  }
  rig_.RunUntil(30);
  ASSERT_EQ(rig_.nacks.size(), 1u);
  EXPECT_EQ(rig_.nacks[0].media, Ssrc(1));
  EXPECT_EQ(rig_.nacks[0].sender, Ssrc(77));
  EXPECT_THAT(rig_.nacks[0].sequences, ElementsAre(3, 7, 8));
}

TEST_F(ReceiverTest, ALatePacketTakesItsPlaceAndIsNoLoss) {
  const auto packets = Ten();
  rig_.Receive(packets[0], 0);
  rig_.Receive(packets[2], 1);
  rig_.Receive(packets[1], 3);
  rig_.Receive(packets[3], 4);
  rig_.RunUntil(500);
  EXPECT_THAT(rig_.nacks, IsEmpty());
  EXPECT_THAT(rig_.sender.Steps(), ElementsAre(0, 2, 1, 3));
  const auto blocks = rig_.receiver.ReportBlocks(At(500).mono);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].cumulative_lost, 0);
  EXPECT_EQ(blocks[0].fraction_lost, 0);
  EXPECT_EQ(blocks[0].highest_seq, 4u);
}

TEST_F(ReceiverTest, LossOfTheLastPacketIsAskedForWithoutFurtherArrivals) {
  // The gap shows with the next frame; the request then comes from the timer alone.
  const auto packets = Ten();
  rig_.Receive(packets[0], 0);
  rig_.Receive(packets[2], 200);
  rig_.RunUntil(260);
  EXPECT_EQ(rig_.nacks.size(), 1u);
}

TEST_F(ReceiverTest, UnwrapsARepairAndForwardsItInPlace) {
  const auto packets = Ten();
  rig_.Receive(packets[0], 0);
  rig_.Receive(packets[2], 5);
  RtpSpec repair = packets[1];
  repair.payload_type = kVp8RtxType;
  repair.ssrc = 9;
  repair.sequence = 4711;
  repair.payload.insert(repair.payload.begin(), {0, 2});
  rig_.Receive(repair, 30, 0, true);
  EXPECT_THAT(rig_.sender.Steps(), ElementsAre(0, 2, 1));
  EXPECT_EQ(base::Buffer(rig_.sender.last().payload().begin(), rig_.sender.last().payload().end()).back(), 2);
  rig_.RunUntil(300);
  EXPECT_THAT(rig_.nacks, testing::SizeIs(testing::Le(1)));
  rig_.Receive(repair, 300, 0, true);  // Again: a probe.
  EXPECT_EQ(rig_.sender.packets.size(), 3u);
  EXPECT_EQ(rig_.receiver.Layer(0, At(300).mono).counters.rtx_useless, 1);
}

TEST_F(ReceiverTest, ARepairNeverBeginsAStreamAndEmptyOnesAreProbes) {
  RtpSpec probe;
  probe.payload_type = kVp8RtxType;
  probe.padding = 100;
  rig_.Receive(probe, 0, 0, true);
  rig_.Receive(Ten()[0], 1);
  rig_.Receive(probe, 2, 0, true);
  EXPECT_EQ(rig_.sender.packets.size(), 1u);
}

TEST_F(ReceiverTest, DuplicatesStopHere) {
  const auto packets = Ten();
  rig_.Receive(packets[0], 0);
  rig_.Receive(packets[0], 1);
  rig_.Receive(packets[1], 2);
  rig_.Receive(packets[0], 3);
  EXPECT_THAT(rig_.sender.Steps(), ElementsAre(0, 1));
  EXPECT_EQ(rig_.receiver.Layer(0, At(3).mono).counters.duplicates, 2);
}

TEST_F(ReceiverTest, PaddingOnlyPacketsLeaveNoHole) {
  rig_.Receive(source_.Frame(true), 0);
  RtpSpec padding;
  padding.padding = 200;
  padding.timestamp = source_.timestamp;
  for (int i = 0; i < 3; ++i) {
    padding.sequence = source_.sequence++;
    rig_.Receive(padding, 1);
  }
  rig_.Receive(source_.Frame(false), 33);
  EXPECT_THAT(rig_.sender.Steps(), ElementsAre(0, 1));
}

TEST_F(ReceiverTest, APaddingOnlyPacketThatComesLateFillsItsPlace) {
  rig_.Receive(source_.Frame(true), 0);
  RtpSpec padding;
  padding.padding = 200;
  padding.timestamp = source_.timestamp;
  padding.sequence = source_.sequence++;
  rig_.Receive(source_.Frame(false), 33);
  rig_.Receive(padding, 40);
  rig_.Receive(padding, 41);
  EXPECT_THAT(rig_.sender.Steps(), ElementsAre(0, 2, 1));
  EXPECT_EQ(rig_.sender.last().header.payload_size, 0u);
  EXPECT_EQ(rig_.sender.last().header.padding_size, 1u);
}

TEST_F(ReceiverTest, PaddingOfMediaIsTakenOff) {
  auto packets = source_.Frame(true);
  packets[0].padding = 30;
  rig_.Receive(packets, 0);
  ASSERT_EQ(rig_.sender.packets.size(), 1u);
  EXPECT_EQ(rig_.sender.last().header.padding_size, 0u);
  EXPECT_EQ(rig_.sender.last().bytes[0] & 0x20, 0);
}

TEST_F(ReceiverTest, AFarJumpIsARestartOnceItGoesOn) {
  rig_.Receive(source_.Frame(true), 0);
  source_.sequence = 40'000;
  source_.timestamp = 77;
  rig_.Receive(source_.Frame(true), 33);
  rig_.Receive(source_.Frame(false), 66);
  EXPECT_EQ(rig_.sender.packets.size(), 1u);
  rig_.Receive(source_.Frame(false), 100);
  EXPECT_EQ(rig_.receiver.Layer(0, At(100).mono).counters.restarts, 1);
  rig_.RunUntil(100);
  EXPECT_FALSE(rig_.plis.empty());
  rig_.Receive(source_.Frame(true), 200);
  EXPECT_THAT(rig_.sender.Steps(), ElementsAre(0, 1));
  const auto& packets = rig_.sender.packets;
  const uint32_t step = packets[1].header.timestamp - packets[0].header.timestamp;
  EXPECT_NEAR(step, 200 * 90, 90 * 30);  // Goes on by wall time.
}

TEST_F(ReceiverTest, AnotherSsrcInTheSamePlaceIsARestart) {
  rig_.Receive(source_.Frame(true), 0);
  Vp8Source other{.ssrc = 2, .sequence = 9000, .timestamp = 1'000'000};
  rig_.Receive(other.Frame(true), 40);
  EXPECT_THAT(rig_.sender.Steps(), ElementsAre(0, 1));
  EXPECT_EQ(rig_.sender.packets[1].header.ssrc, Ssrc(0xabcd));
}

TEST_F(ReceiverTest, KeyFrameRequestsAreMergedAndStop) {
  rig_.Receive(source_.Frame(false), 0);
  for (int64_t millis = 0; millis < 400; millis += 10) {
    rig_.track.OnPli(At(millis).mono);
    rig_.RunUntil(millis);
  }
  EXPECT_THAT(rig_.pli_times, ElementsAre(0));
  rig_.RunUntil(600);
  EXPECT_THAT(rig_.pli_times, ElementsAre(0, 500));
  rig_.Receive(source_.Frame(true), 650);
  rig_.RunUntil(10'000);
  EXPECT_EQ(rig_.pli_times.size(), 2u);
}

TEST_F(ReceiverTest, WhatWasLostBeforeACompleteKeyFrameIsForgotten) {
  rig_.Receive(source_.Frame(true), 0);
  source_.Frame(false);
  const auto key = source_.Frame(true, 2);
  rig_.Receive(key, 5);
  rig_.RunUntil(100);
  EXPECT_THAT(rig_.nacks, IsEmpty());
}

TEST_F(ReceiverTest, ReportsLossAndEchoesTheSenderReport) {
  const auto packets = Ten();
  for (const size_t i : {0, 1, 3, 4, 5, 6, 7, 9}) {
    rig_.Receive(packets[i], static_cast<int64_t>(i) * 33);
  }
  rtcp::SenderReport report{.sender = Ssrc(1), .ntp = 0x1234'5678'9abc'def0, .rtp = packets[9].timestamp};
  rig_.receiver.OnSenderReport(At(400), report);
  const auto blocks = rig_.receiver.ReportBlocks(At(900).mono);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].cumulative_lost, 2);
  EXPECT_EQ(blocks[0].fraction_lost, 2 * 256 / 10);
  EXPECT_EQ(blocks[0].highest_seq, 10u);
  EXPECT_EQ(blocks[0].last_sr, 0x5678'9abcu);
  EXPECT_EQ(blocks[0].delay_since_last_sr, 32'768u);
  EXPECT_EQ(rig_.receiver.ReportBlocks(At(950).mono)[0].fraction_lost, 0);
}

TEST_F(ReceiverTest, UnknownPayloadTypesAndLayersAreCountedAndDropped) {
  RtpSpec spec = Ten()[0];
  spec.payload_type = 5;
  rig_.Receive(spec, 0);
  rig_.Receive(Ten()[0], 0, 7);
  EXPECT_EQ(rig_.receiver.counters().unknown_payload_type, 1);
  EXPECT_EQ(rig_.receiver.counters().unknown_layer, 1);
  EXPECT_THAT(rig_.sender.packets, IsEmpty());
}

TEST_F(ReceiverTest, RefusesMoreDownTracksThanAllowed) {
  TrackReceiver::Config config = VideoConfig();
  config.max_down_tracks = 1;
  Rig rig(config, VideoDownConfig());
  DownTrack second(VideoDownConfig(), rig.sender, rig.random);
  rig.receiver.AddDownTrack(&second);
  EXPECT_EQ(rig.receiver.counters().down_tracks_refused, 1);
  EXPECT_EQ(second.receiver(), nullptr);
}

// A sender that gives up on the first packet.
class QuittingSender : public FakeSender {
 public:
  bool Send(const OutgoingRtp& packet) override {
    FakeSender::Send(packet);
    if (on_send) {
      on_send();
    }
    return true;
  }
  std::function<void()> on_send;
};

TEST_F(ReceiverTest, DownTracksMayLeaveAndJoinWhileAPacketIsForwarded) {
  QuittingSender quitting;
  DownTrack leaving(VideoDownConfig(), quitting, rig_.random);
  FakeSender late_sender;
  DownTrack joining(VideoDownConfig(), late_sender, rig_.random);
  FakeSender other_sender;
  auto other = std::make_unique<DownTrack>(VideoDownConfig(), other_sender, rig_.random);
  rig_.receiver.AddDownTrack(&leaving);
  rig_.receiver.AddDownTrack(other.get());
  quitting.on_send = [&] {
    rig_.receiver.RemoveDownTrack(&leaving);
    rig_.receiver.AddDownTrack(&joining);
    other.reset();
  };
  rig_.Receive(source_.Frame(true), 0);
  rig_.Receive(source_.Frame(false), 33);
  EXPECT_EQ(rig_.sender.packets.size(), 2u);
  EXPECT_EQ(quitting.packets.size(), 1u);
  EXPECT_EQ(other_sender.packets.size(), 0u);
  EXPECT_EQ(late_sender.packets.size(), 2u);
  EXPECT_EQ(rig_.receiver.down_tracks(), 2u);
}

TEST_F(ReceiverTest, FeedsTheSpeakerObserverWithWhatIsHeardOnce) {
  TrackReceiver::Config config = AudioConfig();
  config.extensions.Set(Extension::kAudioLevel, 1);
  Rig rig(config, AudioDownConfig());
  SpeakerObserver speakers;
  rig.receiver.SetSpeakerObserver(&speakers, 42);
  RtpSpec spec;
  spec.payload_type = kOpusType;
  spec.extensions = {{1, {0x80 | 10}}};
  spec.payload = {0x78, 1, 2, 3, 4};
  rig.Receive(spec, 0);
  rig.Receive(spec, 0);  // A duplicate.
  spec.sequence = 1;
  spec.payload = {0x78, 0};  // DTX.
  rig.Receive(spec, 20);
  rig.receiver.SetMuted(true, At(30));
  spec.sequence = 2;
  spec.payload = {0x78, 1, 2, 3, 4};
  rig.Receive(spec, 40);
  EXPECT_EQ(speakers.counters().samples, 1);
  EXPECT_EQ(rig.receiver.audio_level()->level, 10);
}

TEST_F(ReceiverTest, LetsGoOfPacketsOfAStreamThatStopped) {
  rig_.Receive(Ten(), 0);
  EXPECT_EQ(rig_.pool.in_use(), 10u);
  rig_.RunUntil(5000);
  EXPECT_EQ(rig_.pool.in_use(), 0u);
}

}  // namespace
}  // namespace weir::sfu
