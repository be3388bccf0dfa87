#include "sim/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::sim {
namespace {

using base::TimeDelta;
using base::Timestamp;
using net::FiveTuple;
using net::IpAddress;
using net::Protocol;
using net::SocketAddress;
using testing::HasSubstr;

SocketAddress At(uint8_t host, uint16_t port = 1000) { return {IpAddress::V4(10, 0, 0, host), port}; }

// Sends a numbered datagram every 10 ms to its peer; answers nothing.
class Talker final : public Host {
 public:
  Talker(SocketAddress self, SocketAddress peer, int count) : self_(self), peer_(peer), left_(count) {}

  void OnDatagram(base::Now now, const Datagram& datagram) override {
    received.push_back(base::LoadU32(datagram.bytes.data()));
    paths.push_back(datagram.path);
    last_arrival = now.mono;
  }
  Timestamp NextTimeout() const override { return left_ > 0 ? next_ : Timestamp::Infinity(); }
  void OnTimeout(base::Now now) override {
    next_ = now.mono + TimeDelta::Millis(10);
    --left_;
    pending_ = true;
  }
  void Flush(base::Now, Network& network) override {
    if (pending_) {
      base::Buffer bytes(200);
      base::StoreU32(bytes.data(), number_++);
      network.Send(FiveTuple{Protocol::kUdp, self_, peer_}, bytes);
      pending_ = false;
    }
  }
  void set_self(SocketAddress self) { self_ = self; }

  std::vector<uint32_t> received;
  std::vector<FiveTuple> paths;
  Timestamp last_arrival;

 private:
  SocketAddress self_;
  SocketAddress peer_;
  int left_;
  Timestamp next_ = Clock::kStart;
  uint32_t number_ = 0;
  bool pending_ = false;
};

struct Outcome {
  uint64_t hash = 0;
  std::vector<uint32_t> received;
};
Outcome RunOnce(uint64_t seed) {
  Network network(seed);
  network.set_default_link({.jitter = TimeDelta::Millis(40), .loss = 0.1, .duplicate = 0.1, .reorder = true});
  Talker a(At(1), At(2), 300);
  Talker b(At(2), At(1), 300);
  network.AddHost(a, {At(1)});
  network.AddHost(b, {At(2)});
  EXPECT_TRUE(network.RunFor(TimeDelta::Seconds(10)));
  return {network.log_hash(), b.received};
}

TEST(Network, TheSameSeedReplaysIdentically) {
  const Outcome first = RunOnce(42);
  const Outcome second = RunOnce(42);
  const Outcome other = RunOnce(43);
  EXPECT_EQ(first.hash, second.hash);
  EXPECT_EQ(first.received, second.received);
  EXPECT_NE(first.hash, other.hash);
  EXPECT_NE(first.received, other.received);
  EXPECT_FALSE(std::ranges::is_sorted(first.received));
}

TEST(Network, TheReceiverSeesThePathFromItsSide) {
  Network network(1);
  Talker a(At(1), At(2), 1);
  Talker b(At(2), At(1), 0);
  network.AddHost(a, {At(1)});
  network.AddHost(b, {At(2)});
  network.RunFor(TimeDelta::Seconds(1));
  ASSERT_EQ(b.paths.size(), 1u);
  EXPECT_EQ(b.paths[0], (FiveTuple{Protocol::kUdp, At(2), At(1)}));
  EXPECT_EQ(b.last_arrival, Clock::kStart + TimeDelta::Millis(10));
  EXPECT_EQ(network.now(), Clock::kStart + TimeDelta::Seconds(1));
}

TEST(Network, LinksDifferByDirection) {
  Network network(1);
  Talker a(At(1), At(2), 50);
  Talker b(At(2), At(1), 50);
  network.AddHost(a, {At(1)});
  network.AddHost(b, {At(2)});
  network.SetLink(a, b, {.loss = 1.0});
  network.RunFor(TimeDelta::Seconds(2));
  EXPECT_EQ(a.received.size(), 50u);
  EXPECT_TRUE(b.received.empty());
  EXPECT_EQ(network.link(a, b).counters().lost, 50u);
}

TEST(Network, AHostMayMove) {
  Network network(1);
  Talker a(At(1), At(2), 100);
  Talker b(At(2), At(1), 100);
  network.AddHost(a, {At(1)});
  network.AddHost(b, {At(2)});
  network.RunFor(TimeDelta::Millis(500));
  network.AddAddress(a, At(9));
  network.RemoveAddress(At(1));
  a.set_self(At(9));
  const size_t before = a.received.size();
  network.RunFor(TimeDelta::Seconds(2));
  EXPECT_EQ(a.received.size(), before) << "b still sends to the old address";
  EXPECT_EQ(b.received.size(), 100u);
  EXPECT_EQ(b.paths.back().remote, At(9));
  EXPECT_GT(network.counters().unroutable, 0u);
}

TEST(Network, ARemovedHostIsLeftAlone) {
  Network network(1);
  Talker a(At(1), At(2), 100);
  {
    Talker b(At(2), At(1), 100);
    network.AddHost(a, {At(1)});
    network.AddHost(b, {At(2)});
    network.RunFor(TimeDelta::Millis(105));
    network.RemoveHost(b);
  }
  EXPECT_TRUE(network.RunFor(TimeDelta::Seconds(2)));
}

TEST(Network, StopsAtTheFirstViolation) {
  Network network(1);
  Talker a(At(1), At(2), 100);
  Talker b(At(2), At(1), 0);
  network.AddHost(a, {At(1)});
  network.AddHost(b, {At(2)});
  network.AddInvariant([&]() -> std::optional<std::string> {
    return b.received.size() > 5 ? std::optional<std::string>("too many") : std::nullopt;
  });
  EXPECT_FALSE(network.RunFor(TimeDelta::Seconds(5)));
  EXPECT_EQ(network.violation(), "too many");
  EXPECT_EQ(b.received.size(), 6u);
}

TEST(Network, NoticesThatTimeStandsStill) {
  class Stuck final : public Host {
    void OnDatagram(base::Now, const Datagram&) override {}
    Timestamp NextTimeout() const override { return Clock::kStart; }
    void OnTimeout(base::Now) override {}
    void Flush(base::Now, Network&) override {}
  } stuck;
  Network network(1);
  network.AddHost(stuck, {At(1)});
  EXPECT_FALSE(network.RunFor(TimeDelta::Seconds(1)));
  EXPECT_THAT(network.violation().value_or(""), HasSubstr("time stands still"));
}

TEST(Network, RunsUntilACondition) {
  Network network(1);
  Talker a(At(1), At(2), 100);
  Talker b(At(2), At(1), 0);
  network.AddHost(a, {At(1)});
  network.AddHost(b, {At(2)});
  EXPECT_TRUE(network.RunUntilDone(TimeDelta::Seconds(5), [&] { return b.received.size() == 3; }));
  EXPECT_EQ(network.now(), Clock::kStart + TimeDelta::Millis(30));
  EXPECT_FALSE(network.RunUntilDone(TimeDelta::Millis(5), [&] { return b.received.size() == 30; }));
}

}  // namespace
}  // namespace weir::sim
