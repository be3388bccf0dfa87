#include "service/agent_worker.h"

#include <limits>

#include "service/test_agents.h"

namespace weir::service {
namespace {

using base::ErrorCode;
using base::TimeDelta;
using test::Time;
using test::Wire;
using test::WireSink;
using testing::HasSubstr;
using testing::SizeIs;

class AgentWorkerTest : public testing::Test {
 protected:
  AgentWorkerTest() { config_.server_info.set_version("1.2.3"); }

  AgentWorker& worker() {
    if (!worker_) {
      worker_.emplace(config_, AgentConnection(1), "AW_1", "key", std::make_unique<WireSink>(wire_),
                      time_.now().mono);
    }
    return *worker_;
  }
  base::Result<AgentWorker::Event> Send(const livekit::WorkerMessage& message) {
    return worker().OnFrame(time_.now(), true, message.SerializeAsString());
  }
  static livekit::WorkerMessage Registration(const AgentTopic& topic = {}) {
    livekit::WorkerMessage message;
    message.mutable_register_()->set_type(topic.type);
    message.mutable_register_()->set_agent_name(topic.agent_name);
    message.mutable_register_()->set_namespace_(topic.name_space);
    message.mutable_register_()->set_deployment(topic.deployment);
    return message;
  }
  void Register() {
    const auto event = Send(Registration());
    ASSERT_TRUE(event);
    ASSERT_TRUE(std::holds_alternative<AgentWorker::Registered>(*event));
  }
  // The frame ends the connection, and the error says why.
  void ExpectEnd(const base::Result<AgentWorker::Event>& event, ErrorCode code, std::string_view why) {
    ASSERT_FALSE(event);
    EXPECT_EQ(event.error().code, code);
    EXPECT_THAT(event.error().message, HasSubstr(why));
  }

  Time time_;
  AgentWorker::Config config_;
  const std::shared_ptr<Wire> wire_ = std::make_shared<Wire>();
  std::optional<AgentWorker> worker_;
};

TEST_F(AgentWorkerTest, RegistersAndLearnsItsIdAndTheServer) {
  const auto event = Send(Registration({livekit::JT_PUBLISHER, "name", "space", "blue"}));
  ASSERT_TRUE(event);
  EXPECT_TRUE(std::holds_alternative<AgentWorker::Registered>(*event));
  EXPECT_EQ(worker().topic(), (AgentTopic{livekit::JT_PUBLISHER, "name", "space", "blue"}));
  EXPECT_TRUE(worker().available());
  ASSERT_THAT(wire_->messages, SizeIs(1));
  EXPECT_EQ(wire_->messages[0].register_().worker_id(), "AW_1");
  EXPECT_EQ(wire_->messages[0].register_().server_info().version(), "1.2.3");
}

TEST_F(AgentWorkerTest, HasTenSecondsToRegister) {
  EXPECT_EQ(worker().register_before(), time_.now().mono + TimeDelta::Seconds(10));
  Register();
  EXPECT_TRUE(worker().register_before().infinite());
}

TEST_F(AgentWorkerTest, AnswersPingsEvenBeforeItIsRegistered) {
  livekit::WorkerMessage ping;
  ping.mutable_ping()->set_timestamp(42);
  EXPECT_TRUE(std::holds_alternative<AgentWorker::Nothing>(*Send(ping)));
  ASSERT_THAT(wire_->messages, SizeIs(1));
  EXPECT_EQ(wire_->messages[0].pong().last_timestamp(), 42);
  EXPECT_EQ(wire_->messages[0].pong().timestamp(), time_.now().wall.millis());
}

TEST_F(AgentWorkerTest, RefusesAnythingElseBeforeItIsRegistered) {
  livekit::WorkerMessage update;
  update.mutable_update_worker()->set_load(0.5);
  ExpectEnd(Send(update), ErrorCode::kFailedPrecondition, "first message has to be register");
}

TEST_F(AgentWorkerTest, RefusesASecondRegistration) {
  Register();
  ExpectEnd(Send(Registration()), ErrorCode::kFailedPrecondition, "registered already");
}

TEST_F(AgentWorkerTest, RefusesAJobTypeThatNobodyKnows) {
  AgentTopic topic;
  topic.type = static_cast<livekit::JobType>(9);
  ExpectEnd(Send(Registration(topic)), ErrorCode::kInvalidArgument, "type 9");
}

TEST_F(AgentWorkerTest, RefusesNamesThatAreTooLongOrAmbiguous) {
  AgentTopic topic;
  topic.deployment = "a_b";
  ExpectEnd(Send(Registration(topic)), ErrorCode::kInvalidArgument, "deployment");
  topic = test::Named(std::string(257, 'a'));
  ExpectEnd(Send(Registration(topic)), ErrorCode::kInvalidArgument, "agent_name");
  topic = test::Named("", std::string(257, 'a'));
  ExpectEnd(Send(Registration(topic)), ErrorCode::kInvalidArgument, "namespace");
  EXPECT_FALSE(worker().registered());
}

TEST(CheckDeployment, AllowsUpTo64BytesWithoutSeparators) {
  EXPECT_TRUE(CheckDeployment(""));
  EXPECT_TRUE(CheckDeployment("blue-2.1"));
  EXPECT_TRUE(CheckDeployment(std::string(64, 'a')));
  EXPECT_TRUE(CheckDeployment("grün"));
  for (const std::string& bad : {std::string(65, 'a'), std::string("a_b"), std::string("a b"),
                                 std::string("a\tb"), std::string("a\x7F"), std::string("a\0b", 3)}) {
    EXPECT_FALSE(CheckDeployment(bad)) << bad;
  }
}

TEST_F(AgentWorkerTest, EndsOnFramesThatAreNotTheProtocol) {
  Register();
  ExpectEnd(worker().OnFrame(time_.now(), true, ""), ErrorCode::kInvalidArgument, "empty or of an unknown");
  ExpectEnd(worker().OnFrame(time_.now(), true, "\xFF\xFF"), ErrorCode::kInvalidArgument, "");
  ExpectEnd(worker().OnFrame(time_.now(), false, "no json"), ErrorCode::kInvalidArgument, "");
  ExpectEnd(worker().OnFrame(time_.now(), false, R"({"newKind":{}})"), ErrorCode::kInvalidArgument,
            "empty or of an unknown");
}

TEST_F(AgentWorkerTest, EndsOnFramesThatAreTooLarge) {
  config_.max_message = 100;
  for (const bool binary : {true, false}) {
    ExpectEnd(worker().OnFrame(time_.now(), binary, std::string(101, ' ')), ErrorCode::kResourceExhausted,
              "100 bytes");
  }
}

TEST_F(AgentWorkerTest, SpeaksJsonToWhoeverSpokeItLast) {
  ASSERT_TRUE(worker().OnFrame(time_.now(), false, R"({"register":{"agentName":"text","type":"JT_ROOM"}})"));
  ASSERT_THAT(wire_->texts, SizeIs(1));
  EXPECT_THAT(wire_->texts[0], HasSubstr(R"("workerId":"AW_1")"));
  livekit::WorkerMessage ping;
  ping.mutable_ping()->set_timestamp(1);
  ASSERT_TRUE(Send(ping));
  EXPECT_THAT(wire_->texts, SizeIs(1)) << "binary again after a binary frame";
  EXPECT_THAT(wire_->messages, SizeIs(2));
}

TEST_F(AgentWorkerTest, AnUpdateWithoutAStatusKeepsItAndWithoutALoadSaysZero) {
  Register();
  livekit::WorkerMessage update;
  update.mutable_update_worker()->set_status(livekit::WS_FULL);
  update.mutable_update_worker()->set_load(0.75);
  ASSERT_TRUE(Send(update));
  EXPECT_FALSE(worker().available());
  EXPECT_EQ(worker().load(), 0.75F);
  livekit::WorkerMessage nothing;
  nothing.mutable_update_worker();
  ASSERT_TRUE(Send(nothing));
  EXPECT_FALSE(worker().available());
  EXPECT_EQ(worker().load(), 0);
}

TEST_F(AgentWorkerTest, ALoadThatIsNoneCountsAsIdleOrFull) {
  Register();
  livekit::WorkerMessage update;
  update.mutable_update_worker()->set_load(-3);
  ASSERT_TRUE(Send(update));
  EXPECT_EQ(worker().load(), 0);
  update.mutable_update_worker()->set_load(std::numeric_limits<float>::quiet_NaN());
  ASSERT_TRUE(Send(update));
  EXPECT_EQ(worker().load(), 1);
}

TEST_F(AgentWorkerTest, WithoutPermissionsItsAgentsMayDoWhatAParticipantMay) {
  Register();
  EXPECT_TRUE(worker().permissions().can_subscribe());
  EXPECT_TRUE(worker().permissions().can_publish());
  EXPECT_TRUE(worker().permissions().can_publish_data());
  EXPECT_TRUE(worker().permissions().can_update_metadata());
  EXPECT_FALSE(worker().permissions().hidden());
}

}  // namespace
}  // namespace weir::service
