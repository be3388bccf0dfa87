// Which simulcast stream and which temporal layers a subscriber sees.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sfu/test_kit.h"

namespace weir::sfu {
namespace {

using namespace test;  // The kit of this module.
using testing::ElementsAre;
using testing::IsEmpty;

class SimulcastTest : public testing::Test {
 protected:
  SimulcastTest() {
    rig_.receiver.SetSimulcastStreams(3);
    for (int layer = 0; layer < 3; ++layer) {
      const auto index = static_cast<size_t>(layer);
      sources_[index] = {.ssrc = static_cast<uint32_t>(layer + 1),
                         .layer = layer,
                         .sequence = static_cast<uint16_t>(1000 * (layer + 1)),
                         .timestamp = 111'111u * static_cast<uint32_t>(layer + 1),
                         .picture_id = 300 * (layer + 1),
                         .tl0picidx = 50 * (layer + 1),
                         .keyidx = layer};
    }
  }
  // One frame of each stream that is on, every 33 ms; `keyframes` are the streams that send one now.
  void Tick(std::vector<int> keyframes = {}, int tid = 0, bool y = false) {
    rig_.RunUntil(millis_);
    for (int layer = 0; layer < 3; ++layer) {
      if (on_[static_cast<size_t>(layer)]) {
        const bool key = std::ranges::count(keyframes, layer) > 0;
        rig_.Receive(sources_[static_cast<size_t>(layer)].Frame(key, 2, tid, y), millis_, layer);
      } else {
        sources_[static_cast<size_t>(layer)].timestamp += 3000;  // The publisher's clock goes on.
      }
    }
    millis_ += 33;
  }
  void Ticks(int count) {
    for (int i = 0; i < count; ++i) {
      Tick();
    }
  }
  int current() const { return rig_.track.current_spatial(); }
  std::vector<int64_t> PliTimes(uint32_t ssrc) const {
    std::vector<int64_t> times;
    for (size_t i = 0; i < rig_.plis.size(); ++i) {
      if (rig_.plis[i].media == Ssrc(ssrc)) {
        times.push_back(rig_.pli_times[i]);
      }
    }
    return times;
  }
  // What every switch must keep: numbers without holes but for cut pictures, rising time, counting picture
  // ids.
  void CheckContinuity() const {
    const auto& packets = rig_.sender.packets;
    for (size_t i = 1; i < packets.size(); ++i) {
      const auto before = codec::ParseVp8(packets[i - 1].payload()).value();
      const auto now = codec::ParseVp8(packets[i].payload()).value();
      const auto step = static_cast<uint16_t>(packets[i].header.sequence - packets[i - 1].header.sequence);
      ASSERT_LE(step, packets[i - 1].header.marker ? 1 : 2);
      ASSERT_GE(step, 1);
      const auto elapsed =
          static_cast<int32_t>(packets[i].header.timestamp - packets[i - 1].header.timestamp);
      const bool new_picture = now.start_of_frame;
      ASSERT_EQ(elapsed > 0, new_picture);
      ASSERT_EQ((now.picture_id - before.picture_id) & 0x7fff, new_picture ? 1 : 0);
      ASSERT_TRUE(now.picture_id_15bit);
      ASSERT_LE((now.tl0picidx - before.tl0picidx) & 0xff, 1);
      ASSERT_LE((now.keyidx - before.keyidx) & 0x1f, 1);
    }
  }

  Rig rig_{VideoConfig(), VideoDownConfig()};
  std::array<Vp8Source, 3> sources_;
  std::array<bool, 3> on_ = {true, true, true};
  int64_t millis_ = 0;
};

TEST_F(SimulcastTest, BeginsWithTheFirstKeyFrameAndGoesUpAtKeyFramesOnly) {
  Ticks(3);
  EXPECT_THAT(rig_.sender.packets, IsEmpty());
  Tick({0});
  EXPECT_EQ(current(), 0);
  Ticks(3);
  EXPECT_EQ(current(), 0);
  Tick({1});
  EXPECT_EQ(current(), 1);
  Tick({0, 2});
  EXPECT_EQ(current(), 2);
  Ticks(5);
  CheckContinuity();
  EXPECT_EQ(PliTimes(3).size(), 1u);  // The layer it wants was asked for at once, and once.
}

TEST_F(SimulcastTest, ADowngradeKeepsTheOldStreamUntilTheLowerKeyFrame) {
  Tick({0, 1, 2});
  Ticks(3);
  ASSERT_EQ(current(), 2);
  rig_.track.SetMaxLayers(0, 3, At(millis_).mono);
  const size_t before = rig_.sender.packets.size();
  Ticks(10);
  EXPECT_EQ(current(), 2);
  EXPECT_EQ(rig_.sender.packets.size(), before + 20);
  EXPECT_THAT(PliTimes(1), testing::SizeIs(1));
  Tick({0});
  EXPECT_EQ(current(), 0);
  CheckContinuity();
}

TEST_F(SimulcastTest, ADowngradeDoesNotWaitForever) {
  Tick({0, 1, 2});
  rig_.track.SetMaxLayers(0, 3, At(millis_).mono);
  Ticks(40);
  EXPECT_EQ(current(), -1);
  Tick({0});
  EXPECT_EQ(current(), 0);
  CheckContinuity();
}

TEST_F(SimulcastTest, GoingUpAgainBeforeTheDowngradeHappenedChangesNothing) {
  Tick({0, 1, 2});
  rig_.track.SetMaxLayers(0, 3, At(millis_).mono);
  Ticks(2);
  rig_.track.SetMaxLayers(2, 3, At(millis_).mono);
  Tick({0});
  EXPECT_EQ(current(), 2);
  Ticks(60);
  EXPECT_EQ(current(), 2);
}

TEST_F(SimulcastTest, FallsBackWhenTheCurrentStreamIsSilentAndReturnsWithItsKeyFrame) {
  Tick({0, 1, 2});
  Ticks(10);
  ASSERT_EQ(current(), 2);
  on_[2] = false;
  const int64_t stopped = millis_;
  while (PliTimes(2).empty() && millis_ < stopped + 2000) {
    Tick();
  }
  EXPECT_LE(PliTimes(2).front() - stopped, 250);
  Tick({1});
  EXPECT_EQ(current(), 1);
  Ticks(100);
  on_[2] = true;
  Tick();
  EXPECT_EQ(current(), 1);
  Tick({2});
  EXPECT_EQ(current(), 2);
  CheckContinuity();
}

TEST_F(SimulcastTest, AnOutageOfEverythingChangesNothing) {
  Tick({0, 1, 2});
  Ticks(5);
  on_ = {false, false, false};
  Ticks(60);
  on_ = {true, true, true};
  Tick({0});
  EXPECT_EQ(current(), 2);
}

TEST_F(SimulcastTest, TakesAHigherStreamWhenThePublisherSendsNothingElse) {
  rig_.track.SetMaxLayers(0, 3, At(0).mono);
  on_ = {false, false, true};
  Tick();
  Tick({2});
  EXPECT_EQ(current(), 2);
  Ticks(60);
  EXPECT_EQ(current(), 2);
  on_[0] = true;
  Tick();
  Ticks(3);
  Tick({0});
  EXPECT_EQ(current(), 0);
}

TEST_F(SimulcastTest, ASubscriberThatHidesTheTrackGetsNothingAndResumesAtAKeyFrame) {
  Tick({0, 1, 2});
  Ticks(3);
  rig_.track.SetDisabled(true, At(millis_).mono);
  const size_t before = rig_.sender.packets.size();
  Ticks(30);
  EXPECT_EQ(rig_.sender.packets.size(), before);
  EXPECT_FALSE(rig_.track.WantsLayer(2, At(millis_).mono));
  rig_.track.SetDisabled(false, At(millis_).mono);
  Ticks(2);
  EXPECT_EQ(rig_.sender.packets.size(), before);
  EXPECT_FALSE(PliTimes(3).empty());
  Tick({2});
  EXPECT_EQ(current(), 2);
  CheckContinuity();
  const auto& packets = rig_.sender.packets;
  const uint32_t step = packets[before].header.timestamp - packets[before - 1].header.timestamp;
  EXPECT_NEAR(step, 33 * 33 * 90, 33 * 90 * 2);
}

TEST_F(SimulcastTest, NobodysLayersAreNotRepaired) {
  rig_.track.SetMaxLayers(0, 3, At(0).mono);
  Tick({0, 1, 2});
  Ticks(3);
  for (auto& source : sources_) {
    source.Frame(false);  // One packet lost in each stream.
  }
  Ticks(3);
  rig_.RunUntil(millis_);
  for (const rtcp::Nack& nack : rig_.nacks) {
    EXPECT_EQ(nack.media, Ssrc(1));
  }
  EXPECT_FALSE(rig_.nacks.empty());
}

TEST_F(SimulcastTest, DropsTemporalLayersWithoutAHoleAndRisesAtASyncOnly) {
  on_ = {true, false, false};
  Tick({0});
  rig_.track.SetMaxLayers(0, 0, At(millis_).mono);
  const int pattern[] = {0, 2, 1, 2};
  for (int i = 4; i < 24; ++i) {
    Tick({}, pattern[i % 4]);
  }
  EXPECT_EQ(rig_.sender.packets.size(), 2u + 5 * 2);
  CheckContinuity();
  rig_.track.SetMaxLayers(0, 2, At(millis_).mono);
  const size_t before = rig_.sender.packets.size();
  for (int i = 0; i < 8; ++i) {
    Tick({}, pattern[i % 4]);
  }
  EXPECT_EQ(rig_.sender.packets.size(), before + 4);  // No sync: the base layer alone.
  Tick({}, 0);
  Tick({}, 2, true);
  Tick({}, 1, true);
  Tick({}, 2);
  EXPECT_EQ(rig_.sender.packets.size(), before + 4 + 8);
  EXPECT_EQ(rig_.track.current_temporal(), 2);
  CheckContinuity();
}

TEST_F(SimulcastTest, ALateTemporalPacketThatIsNotWantedFillsItsPlace) {
  on_ = {true, false, false};
  Tick({0});
  rig_.track.SetMaxLayers(0, 0, At(millis_).mono);
  Tick({}, 0);
  const auto lost = sources_[0].Frame(false, 1, 2);
  Tick({}, 0);
  const size_t before = rig_.sender.packets.size();
  rig_.Receive(lost, millis_);
  ASSERT_EQ(rig_.sender.packets.size(), before + 1);
  EXPECT_EQ(rig_.sender.last().header.payload_size, 0u);
  EXPECT_EQ(rig_.track.stats().fillers, 1u);
}

TEST_F(SimulcastTest, PublisherMuteStopsVideoAndUnmuteAsksForAKeyFrame) {
  Tick({0, 1, 2});
  Ticks(3);
  rig_.receiver.SetMuted(true, At(millis_));
  const size_t before = rig_.sender.packets.size();
  const size_t plis = rig_.plis.size();
  Ticks(30);
  EXPECT_EQ(rig_.sender.packets.size(), before);
  EXPECT_EQ(rig_.plis.size(), plis);
  rig_.receiver.SetMuted(false, At(millis_));
  Ticks(3);
  EXPECT_GT(rig_.plis.size(), plis);
  Tick({0, 1, 2});
  EXPECT_EQ(current(), 2);
  CheckContinuity();
}

TEST_F(SimulcastTest, ACutPictureLeavesOneNumberOut) {
  Tick({0});
  auto cut = sources_[0].Frame(false, 3);
  cut.pop_back();
  rig_.Receive(cut, millis_);
  rig_.Receive(sources_[1].Frame(true, 1), millis_ + 10, 1);
  EXPECT_THAT(rig_.sender.Steps(), ElementsAre(0, 1, 2, 3, 5));
}

}  // namespace
}  // namespace weir::sfu
