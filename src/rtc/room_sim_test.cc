// Rooms in virtual time over bad networks. The invariants of test_world.h and test_incoming.h hold after
// every step: no two contents under one number, no payload that its publisher did not send, nobody's own
// media, nothing of a track that is not subscribed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "rtc/test_client.h"

namespace weir::rtc::test {
namespace {

using Response = livekit::SignalResponse;

sim::Link::Config BadLink() {
  sim::Link::Config link;
  link.delay = TimeDelta::Millis(20);
  link.jitter = TimeDelta::Millis(40);
  link.loss = 0.1;
  link.reorder = true;
  return link;
}
sim::Link::Config GoodLink() {
  sim::Link::Config link;
  link.delay = TimeDelta::Millis(15);
  return link;
}

// Clients of one room, named "a", "b", ...
class RoomSim {
 public:
  explicit RoomSim(uint64_t seed, const sim::Link::Config& link, const Settings& settings = TestSettings())
      : world(seed, settings) {
    world.network.set_default_link(link);
  }

  TestClient& Add(TestClient::Options options) {
    clients.push_back(std::make_unique<TestClient>(world, std::move(options)));
    clients.back()->Join();
    return *clients.back();
  }
  TestClient& Add(const std::string& identity, bool single) {
    TestClient::Options options;
    options.identity = identity;
    options.single = single;
    return Add(options);
  }
  bool RunUntil(const std::function<bool()>& done, TimeDelta span = TimeDelta::Seconds(10)) {
    return world.RunUntil(span, done);
  }
  void Run(TimeDelta span) { EXPECT_TRUE(world.RunFor(span)) << world.violation(); }
  void ExpectOrder() {
    for (const auto& client : clients) {
      EXPECT_EQ(client->CheckOrder().value_or(""), "") << client->identity();
    }
  }

  TestWorld world;
  std::vector<std::unique_ptr<TestClient>> clients;
};

std::string Cid(const std::string& identity, const char* kind) { return identity + "-" + kind; }

void PublishBoth(TestClient& client) {
  client.PublishAudio({.cid = Cid(client.identity(), "mic")});
  client.PublishVideo({.cid = Cid(client.identity(), "cam")});
}

struct Outcome {
  uint64_t hash = 0;
  double worst_audio = 1;
  double worst_video = 1;
};

// Three clients, everything from everybody to everybody.
Outcome RunConference(uint64_t seed, bool single, TimeDelta span) {
  RoomSim sim(seed, BadLink());
  for (const char* identity : {"a", "b", "c"}) {
    PublishBoth(sim.Add(identity, single));
  }
  const auto everything_flows = [&] {
    for (const auto& to : sim.clients) {
      for (const auto& from : sim.clients) {
        if (to != from && (to->PacketsOf(Cid(from->identity(), "mic")) == 0 ||
                           to->PacketsOf(Cid(from->identity(), "cam")) == 0)) {
          return false;
        }
      }
    }
    return true;
  };
  EXPECT_TRUE(sim.RunUntil(everything_flows, TimeDelta::Seconds(15))) << sim.world.violation();
  sim.Run(TimeDelta::Seconds(2));
  const Timestamp from = sim.world.network.now();
  sim.Run(span);
  const Timestamp to = sim.world.network.now() - TimeDelta::Seconds(1);

  Outcome outcome;
  outcome.hash = sim.world.log_hash();
  for (const auto& receiver : sim.clients) {
    for (const auto& sender : sim.clients) {
      if (receiver != sender) {
        const Coverage audio = receiver->CoverageOfCid(Cid(sender->identity(), "mic"), from, to);
        const Coverage video = receiver->CoverageOfCid(Cid(sender->identity(), "cam"), from, to);
        outcome.worst_audio = std::min(outcome.worst_audio, audio.ratio());
        outcome.worst_video = std::min(outcome.worst_video, video.ratio());
      }
    }
    EXPECT_EQ(receiver->downlink().failure, "");
  }
  sim.ExpectOrder();
  return outcome;
}

class Conference : public testing::TestWithParam<std::tuple<uint64_t, bool>> {};

TEST_P(Conference, MediaArrivesThroughLossJitterAndReordering) {
  const auto [seed, single] = GetParam();
  const Outcome outcome = RunConference(seed, single, TimeDelta::Seconds(20));
  EXPECT_GE(outcome.worst_audio, 0.97);
  EXPECT_GE(outcome.worst_video, 0.9);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Conference,
                         testing::Combine(testing::Values(1, 2, 3), testing::Bool()),
                         [](const auto& info) {
                           return std::string(std::get<1>(info.param) ? "Single" : "Dual") +
                                  std::to_string(std::get<0>(info.param));
                         });

TEST(RoomSim, TheSameSeedReplaysTheSameRun) {
  for (const bool single : {false, true}) {
    const uint64_t first = RunConference(7, single, TimeDelta::Seconds(2)).hash;
    EXPECT_EQ(RunConference(7, single, TimeDelta::Seconds(2)).hash, first);
    EXPECT_NE(RunConference(8, single, TimeDelta::Seconds(2)).hash, first);
  }
}

}  // namespace
}  // namespace weir::rtc::test
