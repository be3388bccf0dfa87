// Conferences in virtual time over a bad network. The invariants of test_world.h and test_incoming.h hold
// after every step: no two contents under one number, no payload that its publisher did not send, nobody's
// own media, nothing of a track that is not subscribed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "rtc/test_room.h"

namespace weir::rtc::test {
namespace {

struct Outcome {
  uint64_t hash = 0;
  double worst_audio = 1;
  double worst_video = 1;
};

enum class Mode { kDual, kSingle, kMixed };

// Three clients, everything from everybody to everybody.
Outcome RunConference(uint64_t seed, Mode mode, TimeDelta span) {
  RoomSim sim(seed, BadLink());
  for (const char* identity : {"a", "b", "c"}) {
    const bool single = mode == Mode::kSingle || (mode == Mode::kMixed && identity[0] != 'a');
    PublishBoth(sim.Add(identity, single));
  }
  const auto everything_flows = [&] {
    for (const auto& to : sim.clients) {
      for (const auto& from : sim.clients) {
        if (to != from &&
            (to->PacketsOf(MicOf(from->identity())) == 0 || to->PacketsOf(CamOf(from->identity())) == 0)) {
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
        const Coverage audio = receiver->CoverageOfCid(MicOf(sender->identity()), from, to);
        const Coverage video = receiver->CoverageOfCid(CamOf(sender->identity()), from, to);
        outcome.worst_audio = std::min(outcome.worst_audio, audio.ratio());
        outcome.worst_video = std::min(outcome.worst_video, video.ratio());
      }
    }
    EXPECT_EQ(receiver->downlink().failure, "");
    EXPECT_GT(receiver->publisher->counters.nacks_received, 0u);
    EXPECT_GT(receiver->publisher->counters.transport_feedback, 0u);
  }
  sim.ExpectOrder();
  return outcome;
}

class Conference : public testing::TestWithParam<std::tuple<uint64_t, Mode>> {};

TEST_P(Conference, MediaArrivesThroughLossJitterAndReordering) {
  const auto [seed, mode] = GetParam();
  const Outcome outcome = RunConference(seed, mode, TimeDelta::Seconds(20));
  EXPECT_GE(outcome.worst_audio, 0.97);
  EXPECT_GE(outcome.worst_video, 0.9);
}

std::string Name(const testing::TestParamInfo<std::tuple<uint64_t, Mode>>& info) {
  static constexpr const char* kNames[] = {"Dual", "Single", "Mixed"};
  return kNames[static_cast<int>(std::get<1>(info.param))] + std::to_string(std::get<0>(info.param));
}
INSTANTIATE_TEST_SUITE_P(Seeds, Conference,
                         testing::Combine(testing::Values(1, 2, 3),
                                          testing::Values(Mode::kDual, Mode::kSingle, Mode::kMixed)),
                         Name);

TEST(RoomSim, TheSameSeedReplaysTheSameRun) {
  for (const Mode mode : {Mode::kDual, Mode::kSingle}) {
    const uint64_t first = RunConference(7, mode, TimeDelta::Seconds(2)).hash;
    EXPECT_EQ(RunConference(7, mode, TimeDelta::Seconds(2)).hash, first);
    EXPECT_NE(RunConference(8, mode, TimeDelta::Seconds(2)).hash, first);
  }
}

}  // namespace
}  // namespace weir::rtc::test
