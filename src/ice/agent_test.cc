#include "ice/agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ice/test_call.h"

namespace weir::ice {
namespace {

using net::Protocol;
using ::testing::ElementsAre;

class Roles : public ::testing::TestWithParam<Role> {};
INSTANTIATE_TEST_SUITE_P(Server, Roles, ::testing::Values(Role::kControlled, Role::kControlling));

TEST_P(Roles, ConnectInTwoRoundTripsWithFewDatagrams) {
  Call call(GetParam());
  const Timestamp start = call.network.now;
  call.Signal();
  ASSERT_TRUE(call.RunUntilConnected());
  EXPECT_LE(call.network.now - start, call.network.delay * 4);
  call.network.Run(TimeDelta::Millis(500));
  EXPECT_LE(call.network.datagrams, 8u);
  EXPECT_EQ(call.server.agent.selected_path(), UdpFromServer());
  EXPECT_TRUE(call.server.agent.IsValidPath(UdpFromServer()));
  EXPECT_EQ(call.server.agent.rtt(), call.network.delay * 2);
  EXPECT_THAT(call.server.states, ElementsAre(State::kChecking, State::kConnected));
  EXPECT_THAT(call.client.states, ElementsAre(State::kChecking, State::kConnected));
  EXPECT_EQ(call.server.selections.size(), 1u);
}

TEST_P(Roles, StayConnectedForAnHourOnConsentChecks) {
  Call call(GetParam());
  call.Connect();
  call.network.datagrams = 0;
  for (int i = 0; i < 60; ++i) {
    call.network.Run(TimeDelta::Seconds(60));
    ASSERT_TRUE(call.connected());
  }
  // Request and answer from both sides every two seconds.
  EXPECT_NEAR(static_cast<double>(call.network.datagrams), 3600.0 / 2 * 4, 200);
  EXPECT_EQ(call.server.agent.counters().path_changes, 0u);
}

TEST_P(Roles, AClientBehindANatIsFoundByItsRequests) {
  Call call(GetParam());
  const net::SocketAddress seen = Address("203.0.113.9:61000");
  call.network.Move(Protocol::kUdp, kClientUdp, seen);
  call.network.drop = [](const net::FiveTuple& path) { return path.remote == kClientUdp; };
  call.Signal();
  ASSERT_TRUE(call.RunUntilConnected(TimeDelta::Millis(200)));
  EXPECT_EQ(call.server.agent.selected_path(), UdpFromServer(seen));
}

TEST_P(Roles, ConnectDespiteHeavyLoss) {
  int connected = 0;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Call call(GetParam());
    base::SeededRandom random(seed);
    call.network.drop = [&](const net::FiveTuple&) { return random.Below(10) < 3; };
    call.Signal();
    connected += call.RunUntilConnected(TimeDelta::Seconds(10)) ? 1 : 0;
  }
  EXPECT_EQ(connected, 50);
}

TEST_P(Roles, RequestsBeforeTheCredentialsAreAnsweredAndRemembered) {
  Call call(GetParam());
  call.TellClient();  // The offer is there, its answer is not.
  call.network.Run(TimeDelta::Millis(300));
  EXPECT_GT(call.server.agent.counters().responses_sent, 0u);
  EXPECT_EQ(call.server.agent.counters().requests_sent, 0u);
  EXPECT_EQ(call.server.agent.state(), State::kNew);
  EXPECT_FALSE(call.server.agent.IsValidPath(UdpFromServer()));

  const Timestamp start = call.network.now;
  call.server.agent.SetRemoteCredentials(call.client.agent.local_credentials(), start);  // And no candidate.
  ASSERT_TRUE(call.RunUntilConnected());
  EXPECT_LE(call.network.now - start, call.network.delay * 2);
  EXPECT_EQ(call.server.agent.selected_path(), UdpFromServer());
}

TEST(RoleConflict, IsResolvedWhenBothWantToControl) {
  Call call(Agent::Config{.role = Role::kControlling}, Agent::Config{.role = Role::kControlling});
  call.Connect();
  EXPECT_NE(call.server.agent.role(), call.client.agent.role());
  EXPECT_GT(call.server.agent.counters().role_conflicts + call.client.agent.counters().role_conflicts, 0u);
  call.network.Run(TimeDelta::Seconds(20));
  EXPECT_TRUE(call.connected());
}

TEST(RoleConflict, IsResolvedWhenNobodyWantsToControl) {
  Call call(Agent::Config{.role = Role::kControlled}, Agent::Config{.role = Role::kControlled});
  call.Connect();
  EXPECT_NE(call.server.agent.role(), call.client.agent.role());
}

TEST(RoleConflict, IsResolvedFromEverySeed) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    for (const Role role : {Role::kControlling, Role::kControlled}) {
      Side a({.role = role}, seed);
      Side b({.role = role}, seed + 1000);
      TestNetwork network;
      network.Attach(a, Protocol::kUdp, kServerUdp);
      network.Attach(b, Protocol::kUdp, kClientUdp);
      a.agent.AddLocalCandidate(MakeHostCandidate(Protocol::kUdp, kServerUdp, 1));
      b.agent.AddLocalCandidate(MakeHostCandidate(Protocol::kUdp, kClientUdp, 1));
      a.agent.SetRemoteCredentials(b.agent.local_credentials(), network.now);
      a.agent.AddRemoteCandidate(b.agent.local_candidates()[0], network.now);
      b.agent.SetRemoteCredentials(a.agent.local_credentials(), network.now);
      b.agent.AddRemoteCandidate(a.agent.local_candidates()[0], network.now);
      network.Run(TimeDelta::Seconds(2));
      EXPECT_EQ(a.agent.state(), State::kConnected) << seed;
      EXPECT_EQ(b.agent.state(), State::kConnected) << seed;
      EXPECT_NE(a.agent.role(), b.agent.role()) << seed;
    }
  }
}

TEST_P(Roles, ARestartLeavesTheMediaPathWorking) {
  Call call(GetParam());
  call.Connect();
  const Credentials old = call.server.agent.local_credentials();
  call.server.agent.Restart(call.network.now);
  EXPECT_NE(call.server.agent.local_credentials(), old);
  EXPECT_TRUE(call.server.agent.OwnsUfrag(old.ufrag));
  EXPECT_TRUE(call.server.agent.OwnsUfrag(call.server.agent.local_credentials().ufrag));
  // The other side knows nothing yet: its consent checks with the old password go on being answered.
  call.network.Run(TimeDelta::Seconds(12));
  EXPECT_EQ(call.server.agent.selected_path(), UdpFromServer());
  EXPECT_TRUE(call.server.agent.IsValidPath(UdpFromServer()));
  EXPECT_EQ(call.server.agent.state(), State::kChecking);
  EXPECT_EQ(call.client.agent.state(), State::kConnected);

  call.client.agent.Restart(call.network.now);
  call.TellClient();
  call.network.Run(call.network.delay);
  EXPECT_TRUE(call.server.agent.IsValidPath(UdpFromServer()));
  call.TellServer();
  ASSERT_TRUE(call.RunUntilConnected(TimeDelta::Millis(200)));
  EXPECT_EQ(call.server.selections.size(), 1u);  // The path has not changed.
  call.network.Run(TimeDelta::Seconds(10));
  EXPECT_TRUE(call.connected());
  EXPECT_FALSE(call.server.agent.OwnsUfrag(old.ufrag));
  EXPECT_THAT(call.server.states,
              ElementsAre(State::kChecking, State::kConnected, State::kChecking, State::kConnected));
}

TEST_P(Roles, ARestartByTheOtherSideMovesToItsNewSocket) {
  Call call(GetParam());
  call.Connect();
  const net::SocketAddress fresh = Address("192.0.2.5:40002");
  call.network.Attach(call.client, Protocol::kUdp, fresh);
  call.network.Unplug(Protocol::kUdp, kClientUdp);
  call.client.agent.Restart(call.network.now);
  call.client.agent.AddLocalCandidate(MakeHostCandidate(Protocol::kUdp, fresh, 101));
  // In the order of an offer applied before its answer is made.
  call.server.agent.SetRemoteCredentials(call.client.agent.local_credentials(), call.network.now);
  call.server.agent.Restart(call.network.now);
  call.TellServer();
  call.network.Run(call.network.delay);
  call.TellClient();
  ASSERT_TRUE(call.RunUntilConnected());
  EXPECT_EQ(call.server.agent.selected_path(), UdpFromServer(fresh));
  call.network.Run(TimeDelta::Seconds(20));
  EXPECT_TRUE(call.connected());
  EXPECT_FALSE(call.server.agent.IsValidPath(UdpFromServer()));
}

TEST(Restart, TwiceInARowKeepsThePathOfTheFirstSession) {
  Call call(Role::kControlling);
  call.Connect();
  call.server.agent.Restart(call.network.now);
  call.network.Run(TimeDelta::Seconds(1));
  call.server.agent.Restart(call.network.now);
  call.network.Run(TimeDelta::Seconds(12));
  EXPECT_TRUE(call.server.agent.IsValidPath(UdpFromServer()));
  EXPECT_EQ(call.client.agent.state(), State::kConnected);
  call.client.agent.Restart(call.network.now);
  call.TellServer();
  call.TellClient();
  EXPECT_TRUE(call.RunUntilConnected());
}

TEST(Restart, BringsAFailedAgentBack) {
  Call call;
  call.Connect();
  call.network.drop = [](const net::FiveTuple&) { return true; };
  call.network.Run(TimeDelta::Seconds(20));
  ASSERT_EQ(call.server.agent.state(), State::kFailed);
  call.network.drop = [](const net::FiveTuple&) { return false; };
  call.server.agent.Restart(call.network.now);
  call.client.agent.Restart(call.network.now);
  call.TellClient();
  call.network.Run(TimeDelta::Millis(100));  // Requests come before the answer does.
  call.TellServer();
  EXPECT_TRUE(call.RunUntilConnected());
}

// Whatever happens in between, two agents that are told of each other and left alone end up on one working
// path.
TEST(Agent, ComesOutConnectedOfAnyDisorder) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    base::SeededRandom random(seed);
    Call call(random.Below(2) == 0 ? Role::kControlled : Role::kControlling);
    if (random.Below(2) == 0) {
      call.AddTcp();
    }
    uint32_t loss = 10;
    call.network.drop = [&](const net::FiveTuple&) { return random.Below(100) < loss; };
    for (int step = 0; step < 30; ++step) {
      switch (random.Below(7)) {
        case 0:
          call.server.agent.Restart(call.network.now);
          break;
        case 1:
          call.client.agent.Restart(call.network.now);
          break;
        case 2:
          call.TellServer();
          break;
        case 3:
          call.TellClient();
          break;
        case 4:
          call.network.Move(Protocol::kUdp, kClientUdp,
                            {kClientUdp.ip, static_cast<uint16_t>(41'000 + random.Below(1000))});
          break;
        case 5:
          loss = random.Below(100);
          break;
        default:
          break;
      }
      call.network.Run(TimeDelta::Millis(random.Below(3000)));
    }
    loss = 0;
    call.server.agent.Restart(call.network.now);
    call.client.agent.Restart(call.network.now);
    call.TellServer();
    call.TellClient();
    call.network.Run(TimeDelta::Seconds(6));
    ASSERT_TRUE(call.connected());
    ASSERT_EQ(call.server.agent.selected_path()->protocol, call.client.agent.selected_path()->protocol);
    ASSERT_TRUE(call.server.agent.IsValidPath(*call.server.agent.selected_path()));
    call.network.Run(TimeDelta::Seconds(30));
    ASSERT_TRUE(call.connected());
  }
}

TEST(Agent, NeverDialsAnActiveCandidate) {
  Call call(Role::kControlling);
  call.AddTcp();
  call.server.agent.SetRemoteCredentials(call.client.agent.local_credentials(), call.network.now);
  call.server.agent.AddRemoteCandidate(call.client.agent.local_candidates()[1], call.network.now);
  call.network.Run(TimeDelta::Seconds(2));
  EXPECT_EQ(call.network.datagrams, 0u);
}

TEST(Agent, ChecksNothingThatItCannotSendTo) {
  Call call(Role::kControlling);
  call.server.agent.SetRemoteCredentials({"abcd", "0123456789012345678901"}, call.network.now);
  for (const char* address : {"[2001:db8::1]:5000", "127.0.0.1:5000", "0.0.0.0:5000", "224.0.0.251:5353",
                              "255.255.255.255:5000", "10.0.0.1:0", "169.254.1.1:5000"}) {
    Candidate candidate = MakeHostCandidate(Protocol::kUdp, Address(address), 1);
    call.server.agent.AddRemoteCandidate(candidate, call.network.now);
  }
  call.network.Run(TimeDelta::Seconds(2));
  EXPECT_EQ(call.network.datagrams, 0u);
}

TEST(Agent, SendsFromTheBaseOfACandidateThatANatTranslates) {
  base::SeededRandom random(1);
  Agent agent({.role = Role::kControlling}, random);
  Candidate candidate = MakeHostCandidate(Protocol::kUdp, Address("203.0.113.1:7882"), 1);
  candidate.related = kServerUdp;
  agent.AddLocalCandidate(candidate);
  agent.SetRemoteCredentials({"abcd", "0123456789012345678901"}, Timestamp::Seconds(1));
  agent.AddRemoteCandidate(MakeHostCandidate(Protocol::kUdp, kClientUdp, 1), Timestamp::Seconds(1));
  EXPECT_EQ(agent.PollTransmit()->path, UdpFromServer());
}

TEST(Agent, ACandidateOfAnotherSessionWaitsForIt) {
  Call call(Role::kControlling);
  call.server.agent.SetRemoteCredentials(call.client.agent.local_credentials(), call.network.now);
  Candidate candidate = call.client.agent.local_candidates()[0];
  candidate.ufrag = "next";
  call.server.agent.AddRemoteCandidate(candidate, call.network.now);
  call.network.Run(TimeDelta::Seconds(1));
  EXPECT_EQ(call.network.datagrams, 0u);
  call.server.agent.SetRemoteCredentials({"next", "0123456789012345678901"}, call.network.now);
  EXPECT_TRUE(call.server.agent.PollTransmit());
}

TEST(Agent, ClosesForGood) {
  Call call;
  call.Connect();
  call.server.agent.Close();
  EXPECT_EQ(call.server.agent.state(), State::kClosed);
  EXPECT_TRUE(call.server.agent.NextTimeout().infinite());
  call.server.agent.Restart(call.network.now);
  call.TellServer();
  EXPECT_FALSE(call.server.agent.PollTransmit());
  EXPECT_EQ(call.server.agent.state(), State::kClosed);
}

}  // namespace
}  // namespace weir::ice
