#include "sfu/demuxer.h"

#include <gtest/gtest.h>

#include "sfu/test_kit.h"
#include "sfu/twcc_responder.h"

namespace weir::sfu {
namespace {

using namespace test;  // The kit of this module.

constexpr uint8_t kMid = 1;
constexpr uint8_t kRid = 2;
constexpr uint8_t kRepaired = 3;
constexpr uint8_t kTwcc = 4;

base::Buffer Text(std::string_view text) { return {text.begin(), text.end()}; }

class DemuxerTest : public testing::Test {
 protected:
  DemuxerTest() {
    rtp::ExtensionMap map;
    map.Set(Extension::kMid, kMid);
    map.Set(Extension::kRid, kRid);
    map.Set(Extension::kRepairedRid, kRepaired);
    map.Set(Extension::kTransportCc, kTwcc);
    demuxer_.SetExtensions(map);
  }
  void Route(const RtpSpec& spec, int64_t millis = 0) {
    demuxer_.Route(At(millis), pool_.Copy(Bytes(spec), At(millis).mono));
  }
  RtpSpec Video(uint32_t ssrc, std::vector<std::pair<uint8_t, base::Buffer>> extensions = {}) {
    RtpSpec spec = source_.Frame(true)[0];
    spec.ssrc = ssrc;
    spec.extensions = std::move(extensions);
    return spec;
  }
  uint64_t Packets(const TrackReceiver& receiver, int layer = 0) {
    return receiver.Layer(layer, At(0).mono).counters.packets;
  }

  base::PacketPool pool_;
  base::SeededRandom random_{1};
  RtpDemuxer demuxer_;
  TrackReceiver video_{VideoConfig(), random_};
  TrackReceiver second_video_{VideoConfig(), random_};
  TrackReceiver audio_{AudioConfig(), random_};
  Vp8Source source_;
};

TEST_F(DemuxerTest, FollowsSignalledSsrcs) {
  demuxer_.AddSection(
      At(0), {.mid = "0", .receiver = &video_, .ssrcs = {{Ssrc(10), Ssrc(11)}, {Ssrc(20), Ssrc(21)}}});
  Route(Video(10));
  Route(Video(20));
  EXPECT_EQ(Packets(video_, 0), 1u);
  EXPECT_EQ(Packets(video_, 1), 1u);
  EXPECT_TRUE(video_.simulcast());
  EXPECT_EQ(demuxer_.ReceiverOf(Ssrc(21)), &video_);
  EXPECT_EQ(demuxer_.ReceiverOf(Ssrc(99)), nullptr);
}

TEST_F(DemuxerTest, LearnsFromMidAndRidAndRemembers) {
  demuxer_.AddSection(At(0), {.mid = "a", .receiver = &video_, .rids = {"q", "h", "f"}});
  Route(Video(30, {{kMid, Text("a")}, {kRid, Text("f")}}));
  Route(Video(30));
  EXPECT_EQ(Packets(video_, 2), 2u);
  RtpSpec repair = Video(31, {{kMid, Text("a")}, {kRepaired, Text("f")}});
  repair.payload_type = kVp8RtxType;
  repair.payload.insert(repair.payload.begin(), {0, 1});
  Route(repair);
  EXPECT_EQ(video_.Layer(2, At(0).mono).counters.rtx_packets, 1u);
  EXPECT_EQ(Packets(video_, 0), 0u);
}

TEST_F(DemuxerTest, AMidAloneIsEnoughWithoutSimulcast) {
  demuxer_.AddSection(At(0), {.mid = "a", .receiver = &video_});
  demuxer_.AddSection(At(0), {.mid = "b", .receiver = &second_video_});
  Route(Video(30, {{kMid, Text("b")}}));
  EXPECT_EQ(Packets(second_video_), 1u);
  RtpSpec repair = Video(31, {{kMid, Text("b")}});
  repair.payload_type = kVp8RtxType;
  Route(repair);
  EXPECT_EQ(second_video_.Layer(0, At(0).mono).counters.rtx_packets, 1u);
}

TEST_F(DemuxerTest, TakesThePayloadTypeOnlyWhenItIsUnambiguous) {
  demuxer_.AddSection(At(0), {.mid = "0", .receiver = &audio_});
  demuxer_.AddSection(At(0), {.mid = "1", .receiver = &video_});
  Route(Video(40));
  EXPECT_EQ(Packets(video_), 1u);
  demuxer_.AddSection(At(0), {.mid = "2", .receiver = &second_video_});
  Route(Video(41));
  EXPECT_EQ(Packets(second_video_), 0u);
  EXPECT_EQ(demuxer_.unbound_ssrcs(), 1u);
}

TEST_F(DemuxerTest, PacketsThatComeBeforeTheAnswerWaitForIt) {
  for (int i = 0; i < 3; ++i) {
    Route(Video(50, {{kMid, Text("a")}}), i * 33);
  }
  demuxer_.AddSection(At(100), {.mid = "a", .receiver = &video_});
  EXPECT_EQ(Packets(video_), 3u);
  EXPECT_EQ(demuxer_.counters().replayed, 3u);
  EXPECT_EQ(demuxer_.unbound_ssrcs(), 0u);
}

TEST_F(DemuxerTest, WaitsForAMidInALaterPacketAndKeepsTheOrder) {
  demuxer_.AddSection(At(0), {.mid = "a", .receiver = &video_, .rids = {"q", "f"}});
  Route(Video(50));
  Route(Video(50, {{kMid, Text("a")}, {kRid, Text("f")}}), 10);
  EXPECT_EQ(Packets(video_, 1), 2u);
  EXPECT_EQ(video_.Layer(1, At(0).mono).counters.late, 0u);
}

TEST_F(DemuxerTest, WaitingIsBounded) {
  for (int i = 0; i < 100; ++i) {
    Route(Video(50), 0);
  }
  EXPECT_EQ(demuxer_.counters().queued, 64u);
  EXPECT_EQ(demuxer_.counters().unbound, 36u);
  for (uint32_t ssrc = 100; ssrc < 200; ++ssrc) {
    Route(Video(ssrc), 1);
  }
  EXPECT_EQ(demuxer_.unbound_ssrcs(), 64u);
  Route(Video(1000), 700);
  EXPECT_EQ(demuxer_.unbound_ssrcs(), 1u);  // The others waited too long.
  EXPECT_EQ(pool_.in_use(), 1u);
}

TEST_F(DemuxerTest, TheTableOfSsrcsIsBounded) {
  RtpDemuxer::Config config;
  config.max_ssrcs = 4;
  config.max_sections = 1;
  RtpDemuxer demuxer(config);
  rtp::ExtensionMap map;
  map.Set(Extension::kMid, kMid);
  demuxer.SetExtensions(map);
  demuxer.AddSection(At(0), {.mid = "a", .receiver = &video_});
  demuxer.AddSection(At(0), {.mid = "b", .receiver = &second_video_});
  EXPECT_EQ(demuxer.counters().sections_refused, 1u);
  for (uint32_t ssrc = 1; ssrc <= 6; ++ssrc) {
    demuxer.Route(At(0), pool_.Copy(Bytes(Video(ssrc, {{kMid, Text("a")}})), At(0).mono));
  }
  EXPECT_EQ(demuxer.bound_ssrcs(), 4u);
  EXPECT_EQ(demuxer.counters().ssrc_table_full, 2u);
}

TEST_F(DemuxerTest, ARemovedSectionLosesItsBindings) {
  demuxer_.AddSection(At(0), {.mid = "0", .receiver = &video_, .ssrcs = {{Ssrc(10), std::nullopt}}});
  demuxer_.RemoveSection("0");
  Route(Video(10));
  EXPECT_EQ(Packets(video_), 0u);
  EXPECT_EQ(demuxer_.bound_ssrcs(), 0u);
}

TEST_F(DemuxerTest, ProbesOnSsrcZeroAreAcknowledgedAndGoNowhere) {
  TwccResponder responder;
  demuxer_.SetTwccResponder(&responder);
  demuxer_.AddSection(At(0), {.mid = "0", .receiver = &video_});
  Route(Video(0, {{kTwcc, {0, 9}}}));
  EXPECT_EQ(responder.counters().packets, 1u);
  EXPECT_EQ(demuxer_.counters().probes, 1u);
  EXPECT_EQ(Packets(video_), 0u);
}

TEST_F(DemuxerTest, RubbishIsCounted) {
  demuxer_.Route(At(0), pool_.Copy(base::Buffer(5, 0xff), At(0).mono));
  EXPECT_EQ(demuxer_.counters().malformed, 1u);
}

}  // namespace
}  // namespace weir::sfu
