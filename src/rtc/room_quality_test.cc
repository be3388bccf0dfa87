// A publisher that falls silent, the quality of connections, and which video qualities are wanted.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "rtc/test_room.h"

namespace weir::rtc::test {
namespace {

class Quality : public BothModes {
 protected:
  static bool ShownMuted(const TestClient& viewer, const std::string& identity) {
    const livekit::ParticipantInfo* info = viewer.Remote(identity);
    return info != nullptr && info->tracks_size() > 0 && info->tracks(0).muted();
  }
  static std::optional<livekit::ConnectionQuality> QualityOf(const TestClient& viewer,
                                                             const std::string& sid) {
    std::optional<livekit::ConnectionQuality> quality;
    for (const Response& message : viewer.messages) {
      for (const livekit::ConnectionQualityInfo& info : message.connection_quality().updates()) {
        if (info.participant_sid() == sid) {
          quality = info.quality();
        }
      }
    }
    return quality;
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, Quality, testing::Bool(), ModeName);

TEST_P(Quality, ASilentPublisherIsShownMutedToTheOthersUntilItIsBack) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  PublishBoth(a);
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-mic"));
  const std::string sid = b.Remote("a")->tracks(0).sid();
  a.Vanish();
  sim.RunMillis(4500);
  EXPECT_FALSE(ShownMuted(b, "a"));
  sim.RunMillis(1000);
  EXPECT_TRUE(ShownMuted(b, "a"));
  EXPECT_EQ(b.Remote("a")->tracks_size(), 2);
  EXPECT_TRUE(b.Remote("a")->tracks(1).muted());
  EXPECT_FALSE(a.self.tracks(0).muted()) << "the publisher is not told";
  TestClient& c = sim.Add("c", single());
  ASSERT_TRUE(sim.RunUntil([&] { return ShownMuted(c, "a"); }));
  a.Return();
  ASSERT_TRUE(
      sim.RunUntil([&] { return !ShownMuted(b, "a") && !ShownMuted(c, "a"); }, TimeDelta::Seconds(3)));
  EXPECT_EQ(b.Remote("a")->tracks(0).sid(), sid);
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-mic"));
}

TEST_P(Quality, APublisherThatSendsNoMediaIsNotSilent) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  a.PublishAudio({.cid = "a-mic"});
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-mic"));
  a.publisher->sources.begin()->second->sending = false;
  sim.Run(TimeDelta::Seconds(20));
  EXPECT_FALSE(ShownMuted(b, "a"));
}

TEST_P(Quality, AGoodConnectionIsExcellentToItselfAndItsSubscribers) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  PublishBoth(a);
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-mic"));
  sim.Run(TimeDelta::Seconds(11));
  EXPECT_EQ(QualityOf(a, a.self.sid()), livekit::EXCELLENT);
  EXPECT_EQ(QualityOf(b, a.self.sid()), livekit::EXCELLENT);
  EXPECT_EQ(QualityOf(b, b.self.sid()), livekit::EXCELLENT);
  EXPECT_EQ(QualityOf(a, b.self.sid()), std::nullopt) << "it subscribes to nothing of b";
  const size_t messages = a.CountOf(Response::kConnectionQuality);
  sim.Run(TimeDelta::Seconds(30));
  EXPECT_LE(a.CountOf(Response::kConnectionQuality), messages + 1)
      << "what does not change is not said again";
}

TEST_P(Quality, ALostPublisherIsLost) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  PublishBoth(a);
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-mic"));
  sim.Run(TimeDelta::Seconds(6));
  a.Vanish();
  ASSERT_TRUE(
      sim.RunUntil([&] { return QualityOf(b, a.self.sid()) == livekit::LOST; }, TimeDelta::Seconds(12)));
}

TEST_P(Quality, AudioUnderHeavyLossIsNotExcellent) {
  sim::Link::Config link = GoodLink();
  link.loss = 0.25;
  RoomSim sim(3, link);
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  a.PublishAudio({.cid = "a-mic"});
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-mic", TimeDelta::Seconds(20)));
  ASSERT_TRUE(sim.RunUntil(
      [&] {
        const auto quality = QualityOf(b, a.self.sid());
        return quality == livekit::GOOD || quality == livekit::POOR;
      },
      TimeDelta::Seconds(40)));
}

// "LMH" for all on; "-" when nothing was told.
std::string WantedOf(const TestClient& client) {
  const Response* message = client.LastOf(Response::kSubscribedQualityUpdate);
  std::string words;
  if (message == nullptr) {
    return "-";
  }
  for (const auto& quality : message->subscribed_quality_update().subscribed_codecs(0).qualities()) {
    words += quality.enabled() ? std::string(1, "LMH"[quality.quality()]) : "";
  }
  return words;
}

TEST_P(Quality, ThePublisherHearsWhatItsSubscribersWant) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  a.PublishVideo({.cid = "a-cam"});
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-cam"));
  b.SetTrack(a.sids["a-cam"], livekit::LOW);
  ASSERT_TRUE(sim.RunUntil([&] { return WantedOf(a) == "L"; }, TimeDelta::Seconds(15)));
  b.SetTrack(a.sids["a-cam"], livekit::HIGH);
  ASSERT_TRUE(sim.RunUntil([&] { return WantedOf(a) == "LMH"; }, TimeDelta::Seconds(1)));
  b.Subscribe(a.sids["a-cam"], false);
  ASSERT_TRUE(sim.RunUntil([&] { return WantedOf(a).empty(); }, TimeDelta::Seconds(8)));
  const size_t before = a.CountOf(Response::kSubscribedQualityUpdate);
  a.Resume();
  ASSERT_TRUE(sim.RunUntil([&] { return a.CountOf(Response::kSubscribedQualityUpdate) > before; }));
  EXPECT_EQ(WantedOf(a), "");
}

}  // namespace
}  // namespace weir::rtc::test
