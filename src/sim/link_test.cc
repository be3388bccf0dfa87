#include "sim/link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/clock.h"

namespace weir::sim {
namespace {

using base::TimeDelta;
using base::Timestamp;

constexpr Timestamp kStart = Clock::kStart;

Datagram Numbered(uint32_t number, size_t size = 100, net::Protocol protocol = net::Protocol::kUdp) {
  base::Buffer bytes(size);
  base::StoreU32(bytes.data(), number);
  return Datagram{net::FiveTuple{protocol, {}, {}}, std::move(bytes)};
}
struct Arrival {
  uint32_t number;
  Timestamp at;
};
// Everything that is under way, in order of arrival.
std::vector<Arrival> Drain(Link& link) {
  std::vector<Arrival> arrivals;
  while (!link.NextTimeout().infinite()) {
    const Timestamp at = link.NextTimeout();
    arrivals.push_back({base::LoadU32(link.Poll(at)->bytes.data()), at});
  }
  return arrivals;
}
bool InOrder(const std::vector<Arrival>& arrivals) {
  return std::ranges::is_sorted(arrivals, {}, &Arrival::number);
}

TEST(Clock, NeverGoesBack) {
  Clock clock;
  clock.AdvanceTo(kStart + TimeDelta::Seconds(2));
  clock.AdvanceTo(kStart + TimeDelta::Seconds(1));
  EXPECT_EQ(clock.now(), kStart + TimeDelta::Seconds(2));
  EXPECT_EQ(clock.wall().micros, Clock::kWallStart.micros + 2'000'000);
}

TEST(Link, DeliversAfterItsDelayAndNotBefore) {
  base::SeededRandom random(1);
  Link link({.delay = TimeDelta::Millis(30)}, random);
  link.Send(kStart, Numbered(1));
  EXPECT_EQ(link.NextTimeout(), kStart + TimeDelta::Millis(30));
  EXPECT_FALSE(link.Poll(kStart + TimeDelta::Millis(29)));
  EXPECT_TRUE(link.Poll(kStart + TimeDelta::Millis(30)));
  EXPECT_TRUE(link.NextTimeout().infinite());
}

TEST(Link, LosesAndRepeatsAsOftenAsItShould) {
  base::SeededRandom random(2);
  Link link({.loss = 0.1, .duplicate = 0.05}, random);
  for (uint32_t i = 0; i < 20'000; ++i) {
    link.Send(kStart, Numbered(i));
  }
  EXPECT_NEAR(static_cast<double>(link.counters().lost), 2000, 150);
  EXPECT_NEAR(static_cast<double>(link.counters().duplicated), 900, 100);
  EXPECT_EQ(Drain(link).size(), 20'000 - link.counters().lost + link.counters().duplicated);
}

TEST(Link, JitterReordersOnlyWhereAllowed) {
  for (const bool reorder : {false, true}) {
    base::SeededRandom random(3);
    Link link({.jitter = TimeDelta::Millis(20), .reorder = reorder}, random);
    for (uint32_t i = 0; i < 500; ++i) {
      link.Send(kStart + TimeDelta::Millis(i), Numbered(i));
    }
    const auto arrivals = Drain(link);
    EXPECT_EQ(arrivals.size(), 500u);
    EXPECT_EQ(InOrder(arrivals), !reorder);
    for (const Arrival& arrival : arrivals) {
      const TimeDelta travel = arrival.at - (kStart + TimeDelta::Millis(arrival.number));
      EXPECT_GE(travel, TimeDelta::Millis(10));
      EXPECT_LE(travel, TimeDelta::Millis(30));
    }
  }
}

TEST(Link, SpacesPacketsByItsRate) {
  base::SeededRandom random(4);
  Link link({.rate_bps = 800'000}, random);  // 100 bytes take 1 ms.
  for (uint32_t i = 0; i < 10; ++i) {
    link.Send(kStart, Numbered(i));
  }
  const auto arrivals = Drain(link);
  ASSERT_EQ(arrivals.size(), 10u);
  for (uint32_t i = 0; i < 10; ++i) {
    EXPECT_EQ(arrivals[i].at, kStart + TimeDelta::Millis(10 + i + 1));
  }
}

TEST(Link, DropsWhatItsQueueCannotHold) {
  base::SeededRandom random(5);
  Link link({.rate_bps = 800'000, .queue_bytes = 1000}, random);
  for (uint32_t i = 0; i < 20; ++i) {
    link.Send(kStart, Numbered(i));
  }
  EXPECT_EQ(link.counters().queue_dropped, 10u);
  EXPECT_EQ(link.queued_bytes(kStart), 1000u);
  EXPECT_EQ(link.queued_bytes(kStart + TimeDelta::Millis(5)), 500u);
  link.Send(kStart + TimeDelta::Millis(5), Numbered(20));
  EXPECT_EQ(link.counters().queue_dropped, 10u);
}

TEST(Link, TcpIsLateButWholeAndInOrder) {
  base::SeededRandom random(6);
  Link link({.jitter = TimeDelta::Millis(20), .loss = 0.2, .duplicate = 0.2, .reorder = true}, random);
  for (uint32_t i = 0; i < 500; ++i) {
    link.Send(kStart + TimeDelta::Millis(i), Numbered(i, 100, net::Protocol::kTcp));
  }
  const auto arrivals = Drain(link);
  EXPECT_EQ(arrivals.size(), 500u);
  EXPECT_TRUE(InOrder(arrivals));
  EXPECT_GT(arrivals.back().at - kStart, TimeDelta::Millis(200));
}

}  // namespace
}  // namespace weir::sim
