// Sums over a simulated room: complete, and never lower than they were.

#include "rtc/census.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "rtc/test_room.h"
#include "rtc/totals.h"

namespace weir::rtc::test {
namespace {

Totals Read(Census& census) {
  census.Begin();
  EXPECT_TRUE(census.Step(1'000'000));
  return census.totals();
}

std::map<std::string, uint64_t> ByName(const Totals& totals) {
  std::map<std::string, uint64_t> values;
  ForEachPart([&](std::string_view part, std::string_view, auto member) {
    base::VisitCounters(totals.*member, [&](std::string_view name, uint64_t value) {
      values[std::string(part) + "." + std::string(name)] = value;
    });
  });
  return values;
}

void ExpectNoneFell(const Totals& before, const Totals& after) {
  const auto later = ByName(after);
  for (const auto& [name, value] : ByName(before)) {
    EXPECT_GE(later.at(name), value) << name;
  }
}

TEST(Census, CountsWhatLivesAndKeepsWhatHasGone) {
  RoomSim sim;
  TestClient& a = sim.Add("a", false);
  TestClient& b = sim.Add("b", true);
  PublishBoth(a);
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-cam"));
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-mic"));
  sim.RunMillis(2000);
  const Totals alive = Read(sim.world.census);
  const Population& population = sim.world.census.population();
  EXPECT_EQ(population.rooms, 1u);
  EXPECT_EQ(population.participants, 2u);
  EXPECT_EQ(population.transports, 3u);
  uint64_t published = 0;
  uint64_t subscribed = 0;
  for (size_t type = 0; type < Population::kTypes; ++type) {
    for (size_t source = 0; source < Population::kSources; ++source) {
      published += population.published[type][source];
      subscribed += population.subscribed[type][source];
    }
  }
  EXPECT_EQ(published, 2u);
  EXPECT_EQ(subscribed, 2u);
  EXPECT_GT(alive.stream.packets, 100u);
  EXPECT_GT(alive.srtp.rtp_packets, alive.stream.packets / 2);
  EXPECT_GE(alive.down_track.packets, b.PacketsOf("a-cam"));
  EXPECT_GT(alive.ice.responses_sent, 0u);
  EXPECT_GT(alive.dtls.datagrams_in, 0u);

  a.Leave();
  sim.RunMillis(500);
  const Totals without_a = Read(sim.world.census);
  ExpectNoneFell(alive, without_a);
  b.Leave();
  sim.Run(TimeDelta::Seconds(25));
  ASSERT_EQ(sim.room(), nullptr);
  EXPECT_EQ(sim.world.census.size(), 0u);
  const Totals empty = Read(sim.world.census);
  EXPECT_EQ(sim.world.census.population().participants, 0u);
  ExpectNoneFell(without_a, empty);
}

TEST(Census, IsExactWhenSomebodyLeavesBetweenItsSteps) {
  RoomSim sim;
  TestClient& a = sim.Add("a", false);
  TestClient& b = sim.Add("b", false);
  PublishBoth(a);
  PublishBoth(b);
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-cam"));
  ASSERT_TRUE(sim.RunUntilFlows(a, "b-cam"));
  Census& census = sim.world.census;
  const Totals before = Read(census);
  // Whoever leaves is partly read and partly not, wherever the cursor stands.
  census.Begin();
  ASSERT_FALSE(census.Step(census.size() / 2));
  a.Leave();
  sim.RunMillis(500);
  sim.Add("c", false);
  ASSERT_TRUE(sim.RunUntilConnected());
  while (!census.Step(1)) {
  }
  const Totals during = census.totals();
  ExpectNoneFell(before, during);
  EXPECT_EQ(during.participant.data_refused, before.participant.data_refused);
  ExpectNoneFell(during, Read(census));
}

}  // namespace
}  // namespace weir::rtc::test
