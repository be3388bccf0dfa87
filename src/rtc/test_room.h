// A simulated room and its clients, for tests that tell what happens in it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rtc/test_client.h"

namespace weir::rtc::test {

using Response = livekit::SignalResponse;

inline sim::Link::Config GoodLink() {
  sim::Link::Config link;
  link.delay = TimeDelta::Millis(15);
  return link;
}
// 10 % loss, 40 ms of jitter that reorders.
inline sim::Link::Config BadLink() {
  sim::Link::Config link;
  link.delay = TimeDelta::Millis(20);
  link.jitter = TimeDelta::Millis(40);
  link.loss = 0.1;
  link.reorder = true;
  return link;
}

inline std::string MicOf(const std::string& identity) { return identity + "-mic"; }
inline std::string CamOf(const std::string& identity) { return identity + "-cam"; }
inline void PublishBoth(TestClient& client) {
  client.PublishAudio({.cid = MicOf(client.identity())});
  client.PublishVideo({.cid = CamOf(client.identity())});
}

class RoomSim {
 public:
  explicit RoomSim(uint64_t seed = 1, const sim::Link::Config& link = GoodLink(),
                   const Settings& settings = TestSettings())
      : world(seed, settings) {
    world.network.set_default_link(link);
  }
  ~RoomSim() { EXPECT_EQ(world.violation(), ""); }

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
  // Two or more, connected.
  bool RunUntil(const std::function<bool()>& done, TimeDelta span = TimeDelta::Seconds(10)) {
    return world.RunUntil(span, done);
  }
  bool RunUntilConnected() {
    return RunUntil([&] {
      return std::all_of(clients.begin(), clients.end(),
                         [](const auto& client) { return client->connected(); });
    });
  }
  bool RunUntilFlows(TestClient& receiver, const std::string& cid, TimeDelta span = TimeDelta::Seconds(10)) {
    const size_t before = receiver.PacketsOf(cid);
    return RunUntil([&] { return receiver.PacketsOf(cid) > before + 3; }, span);
  }
  void Run(TimeDelta span) { EXPECT_TRUE(world.RunFor(span)) << world.violation(); }
  void RunMillis(int64_t millis) { Run(TimeDelta::Millis(millis)); }
  void ExpectOrder() {
    for (const auto& client : clients) {
      EXPECT_EQ(client->CheckOrder().value_or(""), "") << client->identity();
    }
  }
  Room* room() { return world.rooms.Find(RoomName("room")); }
  Participant* Find(const std::string& identity) {
    return room() == nullptr ? nullptr : room()->FindByIdentity(Identity(identity));
  }

  TestWorld world;
  std::vector<std::unique_ptr<TestClient>> clients;
};

// Tests that hold for either kind of client.
class BothModes : public testing::TestWithParam<bool> {
 protected:
  bool single() const { return GetParam(); }
};
inline std::string ModeName(const testing::TestParamInfo<bool>& info) {
  return info.param ? "Single" : "Dual";
}

}  // namespace weir::rtc::test
