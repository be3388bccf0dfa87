// Repairs, reports and header extensions of a down track.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtcp/ntp.h"
#include "sfu/test_kit.h"

namespace weir::sfu {
namespace {

using namespace test;  // The kit of this module.
using testing::ElementsAre;

class RepairTest : public testing::Test {
 protected:
  static DownTrack::Config WithoutRtx() {
    DownTrack::Config config = VideoDownConfig();
    config.rtx_ssrc.reset();
    return config;
  }
  void Play(Rig& rig, int frames, int64_t begin = 0) {
    for (int i = 0; i < frames; ++i) {
      rig.Receive(source_.Frame(i == 0, 2), begin + i * 33);
    }
  }
  void Nack(Rig& rig, std::vector<uint16_t> sequences, int64_t millis) {
    rig.track.OnNack(At(millis), sequences);
  }

  Vp8Source source_;
};

TEST_F(RepairTest, ARepairByRtxCarriesTheSamePacketUnderItsOwnNumber) {
  Rig rig(VideoConfig(), VideoDownConfig());
  Play(rig, 4);
  const Sent original = rig.sender.packets[3];
  Nack(rig, {original.header.sequence}, 200);
  Nack(rig, {rig.sender.packets[4].header.sequence}, 200);
  ASSERT_EQ(rig.sender.packets.size(), 10u);
  const Sent& repair = rig.sender.packets[8];
  EXPECT_TRUE(repair.out.retransmission);
  EXPECT_EQ(repair.header.ssrc, Ssrc(0xbcde));
  EXPECT_EQ(repair.header.payload_type, 121);
  EXPECT_EQ(repair.header.timestamp, original.header.timestamp);
  EXPECT_EQ(repair.header.marker, original.header.marker);
  EXPECT_EQ(base::LoadU16(repair.payload().data()), original.header.sequence);
  const auto unwrapped = repair.payload().subspan(2);
  EXPECT_TRUE(std::ranges::equal(unwrapped, original.payload()));
  EXPECT_EQ(rig.sender.packets[9].header.sequence, static_cast<uint16_t>(repair.header.sequence + 1));
}

TEST_F(RepairTest, WithoutRtxTheIdenticalPacketIsSentAgain) {
  TrackReceiver::Config up = VideoConfig();
  up.extensions.Set(Extension::kVideoOrientation, 5);
  DownTrack::Config down = WithoutRtx();
  down.mid = "4";
  down.extensions.Set(Extension::kMid, 3);
  down.extensions.Set(Extension::kTransportCc, 4);
  down.extensions.Set(Extension::kVideoOrientation, 6);
  Rig rig(up, down);
  auto frame = source_.Frame(true);
  frame[0].extensions = {{5, {1}}};
  rig.Receive(frame, 0);
  const Sent original = rig.sender.packets[0];
  EXPECT_TRUE(original.out.exact);
  EXPECT_EQ(original.out.transport_cc_at, 0);
  rtcp::ReportBlock block{.ssrc = Ssrc(0xabcd), .highest_seq = original.header.sequence};
  rig.track.OnReportBlock(At(50), block);  // Ends the MID, but not in repeats.
  Nack(rig, {original.header.sequence}, 100);
  EXPECT_EQ(rig.sender.last().bytes, original.bytes);
  EXPECT_EQ(rig.sender.last().out.roc, original.out.roc);
  EXPECT_EQ(rig.sender.last().out.transport_cc_at, 0);
}

TEST_F(RepairTest, TenNacksForOnePacketBringOneRetransmission) {
  Rig rig(VideoConfig(), VideoDownConfig());
  Play(rig, 2);
  const uint16_t sequence = rig.sender.packets[1].header.sequence;
  for (int i = 0; i < 10; ++i) {
    Nack(rig, {sequence}, 100 + i);
  }
  EXPECT_EQ(rig.track.stats().retransmitted_packets, 1u);
  EXPECT_EQ(rig.track.stats().nack_suppressed, 9u);
}

TEST_F(RepairTest, UnknownFutureAndForgottenPacketsAreMisses) {
  Rig rig(VideoConfig(), VideoDownConfig());
  Play(rig, 2);
  const uint16_t first = rig.sender.packets[0].header.sequence;
  Nack(rig,
       {static_cast<uint16_t>(first - 1), static_cast<uint16_t>(first + 4),
        static_cast<uint16_t>(first + 9000)},
       100);
  EXPECT_EQ(rig.track.stats().nack_misses, 3u);
  rig.RunUntil(10'000);  // The receive buffer lets go.
  Nack(rig, {first}, 10'000);
  EXPECT_EQ(rig.track.stats().nack_misses, 4u);
  EXPECT_EQ(rig.track.stats().retransmitted_packets, 0u);
}

TEST_F(RepairTest, AnswersABoundedNumberPerNack) {
  Rig rig(VideoConfig(), VideoDownConfig());
  Play(rig, 200);
  std::vector<uint16_t> sequences = rig.sender.Sequences();
  Nack(rig, sequences, 6700);
  EXPECT_EQ(rig.track.stats().nack_overflow, 100u);
}

TEST_F(RepairTest, ARepairOfARewrittenDescriptorIsRewrittenTheSameWay) {
  Rig rig(VideoConfig(), VideoDownConfig());
  Play(rig, 3);
  rig.track.SetDisabled(true, At(120).mono);
  rig.track.SetDisabled(false, At(150).mono);
  source_.picture_id = 7000;
  Play(rig, 3, 200);
  const Sent original = rig.sender.last();
  Nack(rig, {original.header.sequence}, 400);
  EXPECT_TRUE(std::ranges::equal(rig.sender.last().payload().subspan(2), original.payload()));
}

TEST_F(RepairTest, ReservesStampsAndSendsTheMidUntilTheFirstReport) {
  DownTrack::Config down = VideoDownConfig();
  down.mid = "v1";
  down.extensions.Set(Extension::kMid, 1);
  down.extensions.Set(Extension::kTransportCc, 2);
  down.extensions.Set(Extension::kAbsSendTime, 3);
  Rig rig(VideoConfig(), down);
  Play(rig, 2);
  const Sent& first = rig.sender.packets[0];
  const rtp::ExtensionElement* twcc = first.header.FindElement(2);
  const rtp::ExtensionElement* send_time = first.header.FindElement(3);
  ASSERT_NE(twcc, nullptr);
  ASSERT_NE(send_time, nullptr);
  EXPECT_EQ(first.out.transport_cc_at, twcc->offset);
  EXPECT_EQ(first.out.abs_send_time_at, send_time->offset);
  EXPECT_EQ(base::AsText(first.header.Find(first.bytes, 1)), "v1");
  rig.track.OnReportBlock(At(80), {.ssrc = Ssrc(0xabcd), .highest_seq = first.header.sequence});
  Play(rig, 1, 100);
  EXPECT_EQ(rig.sender.last().header.FindElement(1), nullptr);
}

TEST_F(RepairTest, PassesOnTheExtensionsThatBothSidesHave) {
  TrackReceiver::Config up = VideoConfig();
  up.extensions.Set(Extension::kAbsCaptureTime, 1);
  up.extensions.Set(Extension::kVideoOrientation, 2);
  DownTrack::Config down = VideoDownConfig();
  down.extensions.Set(Extension::kAbsCaptureTime, 9);
  down.extensions.Set(Extension::kVideoOrientation, 20);  // Needs the two-byte form.
  Rig rig(up, down);
  auto frame = source_.Frame(true);
  const base::Buffer capture = {1, 2, 3, 4, 5, 6, 7, 8};
  frame[0].extensions = {{1, capture}, {2, {3}}, {7, {1, 1}}};
  rig.Receive(frame, 0);
  const Sent& sent = rig.sender.last();
  EXPECT_EQ(sent.header.element_count, 2);
  EXPECT_TRUE(std::ranges::equal(sent.header.Find(sent.bytes, 9), capture));
  EXPECT_THAT(sent.header.Find(sent.bytes, 20), ElementsAre(3));
}

TEST_F(RepairTest, ARefusalByTheSenderIsCountedAndCanStillBeRepaired) {
  Rig rig(VideoConfig(), VideoDownConfig());
  rig.sender.accepts = false;
  Play(rig, 1);
  EXPECT_EQ(rig.track.stats().sender_drops, 2u);
  rig.sender.accepts = true;
  Nack(rig, {rig.sender.packets[0].header.sequence}, 50);
  EXPECT_EQ(rig.track.stats().retransmitted_packets, 1u);
}

class ReportTest : public RepairTest {};

TEST_F(ReportTest, SenderReportsKeepTheRelationOfAudioAndVideoOfOnePublisher) {
  PublisherClock clock;
  TrackReceiver::Config video_up = VideoConfig();
  video_up.clock = &clock;
  TrackReceiver::Config audio_up = AudioConfig();
  audio_up.clock = &clock;
  Rig video(video_up, VideoDownConfig());
  Rig audio(audio_up, AudioDownConfig());
  RtpSpec opus;
  opus.ssrc = 5;
  opus.payload_type = kOpusType;
  opus.payload = {0x78, 1, 2, 3};
  uint32_t video_rtp = 0;
  for (int i = 0; i < 60; ++i) {
    video.Receive(source_.Frame(i == 0), i * 33 + 40);  // Video is 40 ms slower on the way.
    video_rtp = source_.timestamp;
    for (; opus.sequence * 20 < i * 33 + 33; ++opus.sequence) {
      opus.timestamp = opus.sequence * 960u;
      audio.Receive(opus, opus.sequence * 20);
    }
  }
  // At the publisher's time T the camera shows the frame of i = 59 and the microphone hears sample 59 * 33
  // * 48.
  const uint64_t ntp = NtpFromMicros(4'000'000'000'000 + 59 * 33'000);
  video.receiver.OnSenderReport(At(2000), {.sender = Ssrc(1), .ntp = ntp, .rtp = video_rtp});
  audio.receiver.OnSenderReport(At(1990), {.sender = Ssrc(5), .ntp = ntp, .rtp = 59 * 33 * 48});
  const auto video_report = video.track.MakeSenderReport(At(2100));
  const auto audio_report = audio.track.MakeSenderReport(At(2150));
  ASSERT_TRUE(video_report.has_value());
  ASSERT_TRUE(audio_report.has_value());
  // Where each line stands at T, from its own report.
  const auto at = [&](const rtcp::SenderReport& report, int64_t rate) {
    return report.rtp - static_cast<uint32_t>((NtpMicros(report.ntp) - NtpMicros(ntp)) * rate / 1'000'000);
  };
  const uint32_t video_at = at(*video_report, 90'000) - video.sender.last().header.timestamp;
  const uint32_t audio_first = audio.sender.packets[0].header.timestamp;
  const uint32_t audio_at = at(*audio_report, 48'000) - audio_first;
  EXPECT_NEAR(static_cast<int32_t>(video_at), 0, 2);
  EXPECT_NEAR(static_cast<int32_t>(audio_at), 59 * 33 * 48, 2);
  EXPECT_EQ(video_report->packets, 60u);
}

TEST_F(ReportTest, WithoutAReportOfItsOwnAStreamBorrowsThePublishersClock) {
  PublisherClock clock;
  TrackReceiver::Config up = VideoConfig();
  up.clock = &clock;
  Rig rig(up, VideoDownConfig());
  Play(rig, 10);
  EXPECT_FALSE(rig.track.MakeSenderReport(At(300)).has_value());
  clock.OnSenderReport(At(310).mono, NtpFromMicros(9'000'000'310'000));
  const auto report = rig.track.MakeSenderReport(At(400));
  ASSERT_TRUE(report.has_value());
  EXPECT_NEAR(static_cast<double>(NtpMicros(report->ntp)), 9'000'000'400'000.0, 2.0);
  const auto age = static_cast<int32_t>(report->rtp - rig.sender.last().header.timestamp);
  EXPECT_NEAR(age, (400 - 9 * 33) * 90, 90 * 5);
}

TEST_F(ReportTest, NoReportIsMadeOfAStreamThatIsSilent) {
  Rig rig(VideoConfig(), VideoDownConfig());
  EXPECT_FALSE(rig.track.MakeSenderReport(At(0)).has_value());
  Play(rig, 2);
  rig.receiver.OnSenderReport(At(50), {.sender = Ssrc(1), .ntp = 1ull << 40, .rtp = source_.timestamp});
  EXPECT_EQ(rig.track.NextSenderReport(), At(100).mono);
  EXPECT_TRUE(rig.track.MakeSenderReport(At(100)).has_value());
  EXPECT_GE(rig.track.NextSenderReport(), At(900).mono);
  EXPECT_LE(rig.track.NextSenderReport(), At(1300).mono);
  EXPECT_FALSE(rig.track.MakeSenderReport(At(2100)).has_value());
}

TEST_F(ReportTest, MeasuresTheRoundTripAgainstItsOwnReports) {
  Rig rig(VideoConfig(), VideoDownConfig());
  Play(rig, 2);
  rig.receiver.OnSenderReport(At(50), {.sender = Ssrc(1), .ntp = 77ull << 33, .rtp = source_.timestamp});
  const auto report = rig.track.MakeSenderReport(At(100));
  rtcp::ReportBlock block{.ssrc = Ssrc(0xabcd),
                          .fraction_lost = 64,
                          .highest_seq = rig.sender.last().header.sequence,
                          .last_sr = rtcp::CompactNtp(report->ntp),
                          .delay_since_last_sr = 65'536 / 2};
  rig.track.OnReportBlock(At(680), block);
  ASSERT_TRUE(rig.track.rtt().has_value());
  EXPECT_NEAR(static_cast<double>(rig.track.rtt()->millis()), 80, 1);
  EXPECT_DOUBLE_EQ(rig.track.reports().fraction_lost(), 0.25);
  block.highest_seq += 100;  // About packets that were never sent.
  block.fraction_lost = 255;
  rig.track.OnReportBlock(At(700), block);
  EXPECT_DOUBLE_EQ(rig.track.reports().fraction_lost(), 0.25);
}

}  // namespace
}  // namespace weir::sfu
