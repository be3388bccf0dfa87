#include "rtc/server_rpc.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "rtc/test_room.h"

namespace weir::rtc::test {
namespace {

using base::ErrorCode;

class Rpc : public BothModes {
 protected:
  static livekit::PerformRpcRequest Call(const std::string& to = "a", uint32_t timeout = 10'000) {
    livekit::PerformRpcRequest request;
    request.set_room("room");
    request.set_destination_identity(to);
    request.set_method("greet");
    request.set_payload("hello");
    request.set_response_timeout_ms(timeout);
    return request;
  }
  ServerRpc::Done Keep() {
    return [this](base::Result<std::string> result) {
      EXPECT_FALSE(answer.has_value()) << "answered twice";
      answer = std::move(result);
    };
  }
  // The request as the client got it.
  static const livekit::DataPacket* RequestAt(const TestClient& client) {
    for (const auto& received : client.data) {
      if (received.packet.has_rpc_request()) {
        return &received.packet;
      }
    }
    return nullptr;
  }
  static livekit::DataPacket Reply(const livekit::DataPacket& request) {
    livekit::DataPacket packet;
    packet.add_destination_identities(request.participant_identity());
    return packet;
  }
  static void Acknowledge(TestClient& client) {
    livekit::DataPacket packet = Reply(*RequestAt(client));
    packet.mutable_rpc_ack()->set_request_id(RequestAt(client)->rpc_request().id());
    client.SendPacket(packet);
  }
  static void Answer(TestClient& client, const livekit::DataPacket& request, const std::string& payload) {
    livekit::DataPacket packet = Reply(request);
    packet.mutable_rpc_response()->set_request_id(request.rpc_request().id());
    packet.mutable_rpc_response()->set_payload(payload);
    client.SendPacket(packet);
  }
  void Perform(RoomSim& sim, const livekit::PerformRpcRequest& request) {
    sim.world.rooms.PerformRpc(sim.world.now(), request, Keep());
  }

  std::optional<base::Result<std::string>> answer;
};
INSTANTIATE_TEST_SUITE_P(Modes, Rpc, testing::Bool(), ModeName);

TEST_P(Rpc, TheAnswerComesBackAndNobodyElseSeesIt) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  Perform(sim, Call());
  ASSERT_TRUE(sim.RunUntil([&] { return RequestAt(a) != nullptr; }));
  const livekit::DataPacket request = *RequestAt(a);
  EXPECT_EQ(request.rpc_request().method(), "greet");
  EXPECT_EQ(request.rpc_request().payload(), "hello");
  EXPECT_EQ(request.participant_identity(), request.rpc_request().id());
  Acknowledge(a);
  Answer(b, request, "not from me");  // Only the destination may answer.
  sim.RunMillis(300);
  EXPECT_FALSE(answer);
  Answer(a, request, "hi");
  ASSERT_TRUE(sim.RunUntil([&] { return answer.has_value(); }));
  EXPECT_EQ(answer->value(), "hi");
  EXPECT_TRUE(b.data.empty());
  EXPECT_EQ(sim.world.rooms.Find(RoomName("room"))->size(), 2u);
}

TEST_P(Rpc, AnErrorOfTheMethodIsNamed) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  for (const auto& [code, expected] :
       {std::pair(1400u, ErrorCode::kUnimplemented), std::pair(1500u, ErrorCode::kAborted)}) {
    answer.reset();
    a.data.clear();
    Perform(sim, Call());
    ASSERT_TRUE(sim.RunUntil([&] { return RequestAt(a) != nullptr; }));
    livekit::DataPacket packet = Reply(*RequestAt(a));
    packet.mutable_rpc_response()->set_request_id(RequestAt(a)->rpc_request().id());
    packet.mutable_rpc_response()->mutable_error()->set_code(code);
    packet.mutable_rpc_response()->mutable_error()->set_message("no luck");
    a.SendPacket(packet);
    ASSERT_TRUE(sim.RunUntil([&] { return answer.has_value(); }));
    ASSERT_FALSE(answer->has_value());
    EXPECT_EQ(answer->error().code, expected);
    EXPECT_NE(answer->error().message.find("no luck"), std::string::npos);
  }
}

TEST_P(Rpc, SilenceEndsInATimeOut) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  Perform(sim, Call("a", 20'000));
  sim.RunMillis(6500);
  EXPECT_FALSE(answer);
  sim.RunMillis(1000);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error().code, ErrorCode::kDeadlineExceeded);
  answer.reset();
  a.data.clear();
  Perform(sim, Call("a", 20'000));
  ASSERT_TRUE(sim.RunUntil([&] { return RequestAt(a) != nullptr; }));
  Acknowledge(a);
  sim.Run(TimeDelta::Seconds(18));
  EXPECT_FALSE(answer) << "an acknowledged call has its whole time";
  sim.Run(TimeDelta::Seconds(3));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error().code, ErrorCode::kDeadlineExceeded);
}

TEST_P(Rpc, WhoIsNotThereOrLeavesFailsAtOnce) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  Perform(sim, Call("z"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error().code, ErrorCode::kNotFound);
  answer.reset();
  Perform(sim, Call());
  a.Leave();
  ASSERT_TRUE(sim.RunUntil([&] { return answer.has_value(); }, TimeDelta::Seconds(2)));
  EXPECT_EQ(answer->error().code, ErrorCode::kUnavailable);
}

TEST(ServerRpcTest, PendingCallsAreBounded) {
  TimerQueue timers;
  base::SeededRandom random(1);
  ServerRpc rpc(timers, random);
  int failed = 0;
  livekit::PerformRpcRequest request;
  request.set_response_timeout_ms(1000);
  for (size_t i = 0; i < ServerRpc::kMaxPending + 5; ++i) {
    rpc.Begin(Timestamp::Seconds(1), request, [&](const base::Result<std::string>& result) {
      failed += !result && result.error().code == ErrorCode::kResourceExhausted ? 1 : 0;
    });
  }
  EXPECT_EQ(failed, 5);
  EXPECT_EQ(rpc.pending(), ServerRpc::kMaxPending);
  timers.Run(Now{Timestamp::Seconds(3), {}});
  EXPECT_EQ(rpc.pending(), 0u);
}

}  // namespace
}  // namespace weir::rtc::test
