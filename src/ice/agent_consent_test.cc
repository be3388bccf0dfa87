// Life, consent and giving up.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ice/agent.h"
#include "ice/test_call.h"

namespace weir::ice {
namespace {

using net::Protocol;

class ConsentRoles : public ::testing::TestWithParam<Role> {};
INSTANTIATE_TEST_SUITE_P(Server, ConsentRoles, ::testing::Values(Role::kControlled, Role::kControlling));

TEST_P(ConsentRoles, SilenceDisconnectsAfterTenSecondsAndFailsAfterFiveMore) {
  Call call(GetParam());
  call.Connect();
  call.network.Run(TimeDelta::Seconds(30));
  const Timestamp cut = call.network.now;
  call.network.drop = [](const net::FiveTuple&) { return true; };
  ASSERT_TRUE(call.network.RunUntil(cut + TimeDelta::Seconds(30),
                                    [&] { return call.server.agent.state() == State::kDisconnected; }));
  const Timestamp disconnected = call.network.now;
  EXPECT_LE(disconnected - cut, TimeDelta::Seconds(10));
  EXPECT_GE(disconnected - cut, TimeDelta::Millis(7'500));  // The last sign of life is up to 2.4 s old.
  ASSERT_TRUE(call.network.RunUntil(cut + TimeDelta::Seconds(30),
                                    [&] { return call.server.agent.state() == State::kFailed; }));
  EXPECT_EQ(call.network.now - disconnected, TimeDelta::Seconds(5));
  EXPECT_FALSE(call.server.agent.selected_path());
  EXPECT_FALSE(call.server.agent.IsValidPath(UdpFromServer()));
  EXPECT_TRUE(call.server.agent.NextTimeout().infinite());
}

TEST_P(ConsentRoles, AnInterruptionOfTwelveSecondsHeals) {
  Call call(GetParam());
  call.Connect();
  call.network.drop = [](const net::FiveTuple&) { return true; };
  call.network.Run(TimeDelta::Seconds(12));
  EXPECT_EQ(call.server.agent.state(), State::kDisconnected);
  call.network.drop = [](const net::FiveTuple&) { return false; };
  EXPECT_TRUE(call.RunUntilConnected(TimeDelta::Seconds(2)));
  EXPECT_EQ(call.server.agent.selected_path(), UdpFromServer());
}

TEST(Consent, MediaIsLifeButDoesNotReplaceConsentForEver) {
  Call call(Role::kControlling);
  call.Connect();
  call.network.drop = [](const net::FiveTuple& path) {
    return path.local == kServerUdp || path.local == kClientUdp;
  };
  const Timestamp cut = call.network.now;
  while (call.server.agent.state() == State::kConnected && call.network.now - cut < TimeDelta::Seconds(60)) {
    call.network.Run(TimeDelta::Millis(20));
    call.server.agent.OnPathTraffic(call.network.now, UdpFromServer());
  }
  EXPECT_EQ(call.server.agent.state(), State::kFailed);
  EXPECT_GE(call.network.now - cut, TimeDelta::Seconds(25));
  EXPECT_LE(call.network.now - cut, TimeDelta::Seconds(31));
}

TEST(Checking, FailsWhenNothingAnswers) {
  Call call;
  call.network.drop = [](const net::FiveTuple&) { return true; };
  const Timestamp start = call.network.now;
  call.TellServer();
  ASSERT_TRUE(call.network.RunUntil(start + TimeDelta::Seconds(60),
                                    [&] { return call.server.agent.state() == State::kFailed; }));
  EXPECT_EQ(call.network.now - start, TimeDelta::Seconds(15));
  EXPECT_LE(call.network.datagrams, 7u);
}

}  // namespace
}  // namespace weir::ice
