// Which path is used: roaming, backups, nominations, UDP before TCP.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ice/agent.h"
#include "ice/test_call.h"

namespace weir::ice {
namespace {

using net::Protocol;
using ::testing::ElementsAre;

class SelectionRoles : public ::testing::TestWithParam<Role> {};
INSTANTIATE_TEST_SUITE_P(Server, SelectionRoles, ::testing::Values(Role::kControlled, Role::kControlling));

TEST_P(SelectionRoles, APortThatChangesIsFollowedWithinARoundTripOfTheFirstRequest) {
  Call call(GetParam());
  call.Connect();
  const net::SocketAddress moved = Address("192.0.2.5:40777");
  call.network.Move(Protocol::kUdp, kClientUdp, moved);
  const uint64_t before = call.server.agent.counters().requests_received;
  ASSERT_TRUE(call.network.RunUntil(call.network.now + TimeDelta::Seconds(3),
                                    [&] { return call.server.agent.counters().requests_received > before; }));
  const Timestamp first_request = call.network.now;
  ASSERT_TRUE(call.network.RunUntil(first_request + TimeDelta::Seconds(3), [&] {
    return call.server.agent.selected_path() == UdpFromServer(moved);
  }));
  EXPECT_LE(call.network.now - first_request, call.network.delay * 2);
  EXPECT_TRUE(call.server.agent.IsValidPath(UdpFromServer(moved)));
  call.network.Run(TimeDelta::Seconds(60));
  EXPECT_TRUE(call.connected());
  EXPECT_THAT(call.server.selections, ElementsAre(UdpFromServer(), UdpFromServer(moved)));
}

TEST_P(SelectionRoles, AuthenticatedMediaFromANewPortIsEnoughToFollow) {
  Call call(GetParam());
  call.Connect();
  const net::SocketAddress moved = Address("192.0.2.5:40777");
  call.network.Move(Protocol::kUdp, kClientUdp, moved);
  call.server.agent.OnPathTraffic(call.network.now, UdpFromServer(moved));
  EXPECT_FALSE(call.server.agent.IsValidPath(UdpFromServer(moved)));
  call.network.Run(TimeDelta::Millis(400));
  EXPECT_EQ(call.server.agent.selected_path(), UdpFromServer(moved));
}

// The client has two sockets, and the server's checks to both succeed.
struct TwoSockets : Call {
  explicit TwoSockets(Role server_role) : Call(server_role) {
    network.Attach(client, Protocol::kUdp, kSecond);
  }
  void AddSecond() { client.agent.AddLocalCandidate(MakeHostCandidate(Protocol::kUdp, kSecond, 50)); }
  // A request as from the client's second socket, which its agent does not use for itself.
  void RequestFromSecond() {
    stun::MessageBuilder builder(stun::Class::kRequest, stun::Method::kBinding,
                                 stun::MakeTransactionId(client.random));
    builder
        .AddText(stun::Attribute::kUsername,
                 server.agent.local_credentials().ufrag + ":" + client.agent.local_credentials().ufrag)
        .AddU32(stun::Attribute::kPriority, 1)
        .AddU64(client.agent.role() == Role::kControlling ? stun::Attribute::kIceControlling
                                                          : stun::Attribute::kIceControlled,
                0);
    server.agent.OnDatagram(network.now, UdpFromServer(kSecond),
                            builder.Finish(base::AsBytes(server.agent.local_credentials().pwd)));
  }
  const net::SocketAddress kSecond = Address("192.0.2.6:41000");
};

TEST_P(SelectionRoles, ABackupPathThatShowsUpIsProvedAndNotUsedWhileTheSelectedOneLives) {
  TwoSockets call(GetParam());
  call.Connect();
  call.AddSecond();
  for (int i = 0; i < 20; ++i) {
    call.RequestFromSecond();
    call.network.Run(TimeDelta::Millis(2500));
  }
  EXPECT_TRUE(call.server.agent.IsValidPath(UdpFromServer(call.kSecond)));
  EXPECT_EQ(call.server.agent.selected_path(), UdpFromServer());
  EXPECT_EQ(call.server.selections.size(), 1u);
}

TEST_P(SelectionRoles, ADeadPathIsLeftForABackupOnWhichRequestsArrive) {
  TwoSockets call(GetParam());
  call.Connect();
  call.AddSecond();
  call.RequestFromSecond();
  call.network.Run(TimeDelta::Seconds(5));
  ASSERT_EQ(call.server.agent.selected_path(), UdpFromServer());

  call.network.drop = [](const net::FiveTuple& path) {
    return path.local == kClientUdp || path.remote == kClientUdp;
  };
  const Timestamp cut = call.network.now;
  while (call.server.agent.selected_path() == UdpFromServer() &&
         call.network.now - cut < TimeDelta::Seconds(20)) {
    call.RequestFromSecond();
    call.network.Run(TimeDelta::Millis(480));
  }
  EXPECT_EQ(call.server.agent.selected_path(), UdpFromServer(call.kSecond));
  EXPECT_LE(call.network.now - cut, TimeDelta::Millis(3500));
}

TEST(Selection, TheControllingSideFindsAnotherPathByItselfWhenItsOwnDies) {
  Call call(Role::kControlled);
  const net::SocketAddress second = Address("198.51.100.2:7882");
  call.network.Attach(call.server, Protocol::kUdp, second);
  call.server.agent.AddLocalCandidate(MakeHostCandidate(Protocol::kUdp, second, 50));
  call.Connect();
  ASSERT_EQ(call.client.agent.selected_path()->remote, kServerUdp);
  call.network.drop = [](const net::FiveTuple& path) {
    return path.local == kServerUdp || path.remote == kServerUdp;
  };
  call.network.Run(TimeDelta::Seconds(5));
  EXPECT_EQ(call.client.agent.selected_path()->remote, second);
  EXPECT_EQ(call.server.agent.selected_path()->local, second);
  EXPECT_THAT(call.client.states, ElementsAre(State::kChecking, State::kConnected));
}

TEST(Selection, TheControlledSideFollowsNominations) {
  TwoSockets call(Role::kControlled);
  call.Connect();
  call.AddSecond();
  const auto nominate = [&](net::SocketAddress from) {
    stun::MessageBuilder builder(stun::Class::kRequest, stun::Method::kBinding,
                                 stun::MakeTransactionId(call.client.random));
    builder
        .AddText(stun::Attribute::kUsername, call.server.agent.local_credentials().ufrag + ":" +
                                                 call.client.agent.local_credentials().ufrag)
        .AddU32(stun::Attribute::kPriority, 1)
        .AddU64(stun::Attribute::kIceControlling, 0)
        .AddFlag(stun::Attribute::kUseCandidate);
    call.server.agent.OnDatagram(call.network.now, UdpFromServer(from),
                                 builder.Finish(base::AsBytes(call.server.agent.local_credentials().pwd)));
  };
  call.network.Run(TimeDelta::Millis(300));
  nominate(call.kSecond);
  call.network.Run(TimeDelta::Millis(50));
  EXPECT_EQ(call.server.agent.selected_path(), UdpFromServer(call.kSecond));
}

TEST_P(SelectionRoles, TcpAloneConnects) {
  Call call(GetParam());
  call.AddTcp();
  call.network.drop = [](const net::FiveTuple& path) { return path.protocol == Protocol::kUdp; };
  const Timestamp start = call.network.now;
  call.Signal();
  ASSERT_TRUE(call.RunUntilConnected());
  EXPECT_EQ(call.server.agent.selected_path()->protocol, Protocol::kTcp);
  EXPECT_EQ(call.server.agent.selected_path()->remote, Address("192.0.2.5:50123"));
  EXPECT_LE(call.network.now - start, TimeDelta::Millis(150) + call.network.delay * 6);
  call.network.Run(TimeDelta::Seconds(60));
  EXPECT_TRUE(call.connected());
}

TEST_P(SelectionRoles, UdpIsPreferredWhereBothWork) {
  Call call(GetParam());
  call.AddTcp();
  call.Connect();
  EXPECT_EQ(call.server.agent.selected_path()->protocol, Protocol::kUdp);
  EXPECT_EQ(call.client.agent.selected_path()->protocol, Protocol::kUdp);
  call.network.Run(TimeDelta::Seconds(60));
  EXPECT_THAT(call.server.selections, ElementsAre(UdpFromServer()));
}

TEST_P(SelectionRoles, UdpThatWorksLateTakesOverFromTcp) {
  Call call(GetParam());
  call.AddTcp();
  bool udp_open = false;
  call.network.drop = [&](const net::FiveTuple& path) {
    return path.protocol == Protocol::kUdp && !udp_open;
  };
  call.Signal();
  ASSERT_TRUE(call.RunUntilConnected());
  EXPECT_EQ(call.server.agent.selected_path()->protocol, Protocol::kTcp);
  udp_open = true;
  call.network.Run(TimeDelta::Seconds(3));
  EXPECT_EQ(call.server.agent.selected_path()->protocol, Protocol::kUdp);
  EXPECT_EQ(call.client.agent.selected_path()->protocol, Protocol::kUdp);
}

TEST_P(SelectionRoles, TcpOnlyRefusesUdpAndDoesNotWaitForIt) {
  Call call(Agent::Config{.role = GetParam(), .tcp_only = true});
  call.AddTcp();
  const Timestamp start = call.network.now;
  call.Signal();
  ASSERT_TRUE(call.network.RunUntil(start + TimeDelta::Seconds(2),
                                    [&] { return call.server.agent.state() == State::kConnected; }));
  // The client, which does not know, tries UDP first: one step of its pacing.
  EXPECT_LE(call.network.now - start, call.network.delay * 4 + TimeDelta::Millis(20));
  ASSERT_TRUE(call.RunUntilConnected());
  EXPECT_EQ(call.server.agent.selected_path()->protocol, Protocol::kTcp);
  EXPECT_EQ(call.client.agent.selected_path()->protocol, Protocol::kTcp);
  EXPECT_GT(call.server.agent.counters().refused_udp, 0u);
  EXPECT_EQ(call.server.agent.counters().candidates_refused, 1u);
}

TEST_P(SelectionRoles, AClosedTcpConnectionIsReplacedByTheNext) {
  Call call(Agent::Config{.role = GetParam(), .tcp_only = true});
  call.AddTcp();
  call.Connect();
  const net::FiveTuple first = *call.server.agent.selected_path();
  call.server.agent.OnPathClosed(call.network.now, first);
  EXPECT_FALSE(call.server.agent.IsValidPath(first));
  EXPECT_FALSE(call.server.agent.selected_path());
  call.network.Move(Protocol::kTcp, kClientTcp, Address("192.0.2.5:50124"));  // The client dials again.
  call.network.Run(TimeDelta::Seconds(4));
  EXPECT_TRUE(call.connected());
  EXPECT_EQ(call.server.agent.selected_path()->remote, Address("192.0.2.5:50124"));
}

}  // namespace
}  // namespace weir::ice
