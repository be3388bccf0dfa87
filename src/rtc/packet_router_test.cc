#include "rtc/packet_router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "rtc/test_world.h"
#include "rtc/transport.h"
#include "stun/message.h"

namespace weir::rtc::test {
namespace {

class SilentOwner final : public Transport::Owner {
 public:
  void OnTransportConnected(Now, Transport&) override {}
  void OnTransportIceState(Now, Transport&, ice::State) override {}
  void OnTransportFailed(Now, Transport&, const std::string&) override {}
  void OnDataChannelOpened(Now, Transport&, DataChannel) override {}
  void OnTransportSilence(Now, Transport&, bool) override {}
  void OnData(Now, DataChannel, bool, ConstBytes) override {}
};

class PacketRouterTest : public testing::Test {
 protected:
  std::unique_ptr<Transport> MakeTransport() {
    return std::make_unique<Transport>(world_.environment, Transport::Config(), owner_);
  }
  static std::string UfragOf(Transport& transport) {
    return transport.connection().ice().local_credentials().ufrag;
  }
  static net::FiveTuple Path(uint16_t port) {
    return {net::Protocol::kUdp, kServerAddress, {net::IpAddress::V4(198, 51, 100, 7), port}};
  }
  static Buffer Request(const std::string& ufrag) {
    return stun::MessageBuilder(stun::Class::kRequest, stun::Method::kBinding, stun::TransactionId())
        .AddText(stun::Attribute::kUsername, ufrag + ":remote")
        .Finish();
  }
  void Receive(const net::FiveTuple& path, const Buffer& bytes) {
    world_.router.OnDatagram(world_.now(), path, world_.pool.Copy(bytes, world_.now().mono));
  }
  // How many datagrams of no known protocol a transport got: a probe of where the router sends a path.
  static uint64_t Heard(Transport& transport) { return transport.connection().counters().unknown_protocol; }

  const Buffer probe_ = Buffer(20, 0xff);
  TestWorld world_{1};
  SilentOwner owner_;
};

TEST_F(PacketRouterTest, LearnsAPathFromTheRequestThatNamesItsConnection) {
  const auto a = MakeTransport();
  const auto b = MakeTransport();
  Receive(Path(1), probe_);
  EXPECT_EQ(world_.router.counters().unknown, 1u);
  Receive(Path(1), Request(UfragOf(*a)));
  Receive(Path(2), Request(UfragOf(*b)));
  EXPECT_EQ(world_.router.paths(), 2u);
  Receive(Path(1), probe_);
  Receive(Path(2), probe_);
  Receive(Path(2), probe_);
  EXPECT_EQ(Heard(*a), 1u);
  EXPECT_EQ(Heard(*b), 2u);
}

TEST_F(PacketRouterTest, CountsRequestsForConnectionsThatAreGone) {
  std::string gone;
  {
    const auto a = MakeTransport();
    gone = UfragOf(*a);
  }
  Receive(Path(1), Request(gone));
  EXPECT_EQ(world_.router.counters().unknown_ufrag, 1u);
  EXPECT_EQ(world_.router.paths(), 0u);
}

TEST_F(PacketRouterTest, SlowsDownWhoGuessesPasswordsWithoutKeepingOthersOut) {
  const auto a = MakeTransport();
  const auto b = MakeTransport();
  const Buffer wrong =
      stun::MessageBuilder(stun::Class::kRequest, stun::Method::kBinding, stun::TransactionId())
          .AddText(stun::Attribute::kUsername, UfragOf(*a) + ":remote")
          .Finish(base::AsBytes(std::string_view("a guess")));
  const auto checked = [&] { return a->connection().ice().counters().unauthentic; };
  for (int i = 0; i < 2000; ++i) {
    Receive(Path(static_cast<uint16_t>(1 + i % 50)), wrong);
  }
  EXPECT_EQ(checked(), 500u);
  EXPECT_EQ(world_.router.forged().counters().limited, 1500u);
  EXPECT_LE(world_.router.paths(), 32u);
  // Another address, and another connection of the same address, are not concerned.
  net::FiveTuple elsewhere = Path(1);
  elsewhere.remote.ip = net::IpAddress::V4(198, 51, 100, 8);
  Receive(elsewhere, wrong);
  EXPECT_EQ(checked(), 501u);
  Receive(Path(9000), Request(UfragOf(*b)));
  EXPECT_EQ(b->connection().ice().counters().requests_received, 1u);
  // Time forgives.
  ASSERT_TRUE(world_.RunFor(TimeDelta::Seconds(1)));
  for (int i = 0; i < 300; ++i) {
    Receive(Path(1), wrong);
  }
  EXPECT_EQ(checked(), 601u);
}

TEST_F(PacketRouterTest, MovesAPathWhoseSocketServesANewConnection) {
  const auto a = MakeTransport();
  const auto b = MakeTransport();
  Receive(Path(1), Request(UfragOf(*a)));
  Receive(Path(1), Request(UfragOf(*b)));
  EXPECT_EQ(world_.router.paths(), 1u);
  Receive(Path(1), probe_);
  EXPECT_EQ(Heard(*a), 0u);
  EXPECT_EQ(Heard(*b), 1u);
}

TEST_F(PacketRouterTest, RemembersABoundedNumberOfPaths) {
  const auto a = MakeTransport();
  const size_t limit = PacketRouter::Config().max_paths_per_transport;
  for (uint16_t port = 1; port <= limit + 10; ++port) {
    Receive(Path(port), Request(UfragOf(*a)));
  }
  EXPECT_EQ(world_.router.paths(), limit);
  EXPECT_EQ(world_.router.counters().paths_refused, 10u);
}

TEST_F(PacketRouterTest, ForgetsEverythingOfADestroyedConnection) {
  auto a = MakeTransport();
  const auto b = MakeTransport();
  Receive(Path(1), Request(UfragOf(*a)));
  Receive(Path(2), Request(UfragOf(*b)));
  Receive(Path(1), probe_);
  a.reset();
  Receive(Path(1), probe_);
  EXPECT_EQ(world_.router.counters().unknown, 1u);
  EXPECT_EQ(world_.router.paths(), 1u);
  EXPECT_EQ(world_.router.ufrags(), 1u);
  EXPECT_THAT(world_.ufrags, testing::ElementsAre(UfragOf(*b)));
}

TEST_F(PacketRouterTest, ForgetsAClosedPath) {
  const auto a = MakeTransport();
  Receive(Path(1), Request(UfragOf(*a)));
  world_.router.OnPathClosed(world_.now(), Path(1));
  world_.router.OnPathClosed(world_.now(), Path(9));
  Receive(Path(1), probe_);
  EXPECT_EQ(Heard(*a), 0u);
  EXPECT_EQ(world_.router.paths(), 0u);
}

TEST_F(PacketRouterTest, KnowsTheOldFragmentThroughARestartAndNoOlderOne) {
  const auto a = MakeTransport();
  const std::string first = UfragOf(*a);
  a->RestartIce(world_.now());
  const std::string second = UfragOf(*a);
  EXPECT_NE(first, second);
  EXPECT_THAT(world_.ufrags, testing::UnorderedElementsAre(first, second));
  a->RestartIce(world_.now());
  EXPECT_THAT(world_.ufrags, testing::UnorderedElementsAre(second, UfragOf(*a)));
  Receive(Path(1), Request(first));
  EXPECT_EQ(world_.router.counters().unknown_ufrag, 1u);
}

}  // namespace
}  // namespace weir::rtc::test
