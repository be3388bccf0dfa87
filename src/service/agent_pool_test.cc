#include "service/agent_pool.h"

#include <map>

#include "front/web_socket.h"
#include "service/test_agents.h"

namespace weir::service {
namespace {

using base::ErrorCode;
using base::TimeDelta;
using test::Named;
using test::TestWorker;
using test::Time;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class Watch final : public AgentPool::Observer {
 public:
  void OnLaunched(base::Now, const std::string& job_id,
                  const base::Result<livekit::JobState>& state) override {
    EXPECT_FALSE(launched.contains(job_id)) << "two ends of one launch";
    launched.insert_or_assign(job_id, state);
  }
  void OnJobUpdate(base::Now, const livekit::UpdateJobStatus& update) override { updates.push_back(update); }

  std::map<std::string, base::Result<livekit::JobState>> launched;
  std::vector<livekit::UpdateJobStatus> updates;
};

class AgentPoolTest : public testing::Test {
 protected:
  AgentPool& pool() {
    if (!pool_) {
      pool_.emplace(config_, test::kKeys, random_, test::CountedIds(), base::Logger());
      pool_->SetObserver(&watch_);
    }
    return *pool_;
  }
  TestWorker Registered(const AgentTopic& topic = {}) {
    TestWorker worker(pool(), time_);
    worker.Register(topic);
    return worker;
  }
  static livekit::Job Job(std::string id, const AgentTopic& topic = {}) {
    livekit::Job job;
    job.set_id(std::move(id));
    job.set_type(topic.type);
    job.set_agent_name(topic.agent_name);
    job.set_namespace_(topic.name_space);
    job.set_deployment(topic.deployment);
    job.mutable_room()->set_name("lobby");
    return job;
  }
  base::Result<void> Launch(std::string id, const AgentTopic& topic = {}) {
    return pool().Launch(time_.now(), Job(std::move(id), topic));
  }
  void Advance(TimeDelta delta) {
    time_.Advance(delta);
    pool().OnTimeout(time_.now());
  }
  void ExpectFailed(const std::string& job, ErrorCode code) {
    ASSERT_TRUE(watch_.launched.contains(job));
    const auto& state = watch_.launched.at(job);
    ASSERT_FALSE(state) << "launched";
    EXPECT_EQ(state.error().code, code) << state.error().message;
  }

  Time time_;
  AgentPool::Config config_;
  base::SeededRandom random_{1};
  Watch watch_;
  std::optional<AgentPool> pool_;
};

// ---- Connections.

TEST_F(AgentPoolTest, AWorkerThatDoesNotRegisterIsExpelled) {
  TestWorker silent(pool(), time_);
  TestWorker prompt = Registered();
  EXPECT_EQ(pool().NextTimeout(), time_.now().mono + TimeDelta::Seconds(10));
  Advance(TimeDelta::Seconds(10));
  EXPECT_EQ(silent.wire().close_code, front::kProtocolError);
  EXPECT_FALSE(prompt.wire().close_code);
  EXPECT_EQ(pool().workers(), 1U);
  EXPECT_TRUE(pool().NextTimeout().infinite());
}

TEST_F(AgentPoolTest, AWorkerThatSpeaksNonsenseIsExpelledAndNobodyElse) {
  TestWorker bad = Registered();
  TestWorker good = Registered();
  bad.Frame("\xFF\xFF");
  EXPECT_EQ(bad.wire().close_code, front::kProtocolError);
  bad.Register();  // What still arrives of it.
  bad.Disconnect();
  EXPECT_EQ(pool().workers(), 1U);
  EXPECT_EQ(pool().counters().workers_expelled, 1U);
  EXPECT_TRUE(Launch("AJ_1"));
  EXPECT_THAT(good.Offers(), SizeIs(1));
}

TEST_F(AgentPoolTest, AnOversizedFrameClosesWithTheCodeForIt) {
  config_.worker.max_message = 10;
  TestWorker worker(pool(), time_);
  worker.Frame(std::string(11, 'a'));
  EXPECT_EQ(worker.wire().close_code, front::kMessageTooBig);
}

TEST_F(AgentPoolTest, RefusesWorkersOverItsLimit) {
  config_.max_workers = 2;
  TestWorker first = Registered();
  TestWorker second = Registered();
  const auto third = pool().Connect(time_.now(), "key", nullptr);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(pool().counters().workers_refused, 1U);
  first.Disconnect();
  EXPECT_TRUE(
      pool().Connect(time_.now(), "key", std::make_unique<test::WireSink>(std::make_shared<test::Wire>())));
}

// ---- Choosing.

TEST_F(AgentPoolTest, OnlyWorkersOfTheSameTopicAreAsked) {
  const AgentTopic topic{livekit::JT_PARTICIPANT, "name", "space", "blue"};
  TestWorker right = Registered(topic);
  AgentTopic type = topic, name = topic, space = topic, deployment = topic;
  type.type = livekit::JT_ROOM;
  name.agent_name = "";
  space.name_space = "";
  deployment.deployment = "";
  std::vector<TestWorker> others;
  for (const AgentTopic& other : {type, name, space, deployment}) {
    others.push_back(Registered(other));
  }
  TestWorker unregistered(pool(), time_);
  ASSERT_TRUE(Launch("AJ_1", topic));
  EXPECT_THAT(right.Offers(), SizeIs(1));
  right.Answer("AJ_1", false);
  ExpectFailed("AJ_1", ErrorCode::kResourceExhausted);
  for (const TestWorker& other : others) {
    EXPECT_THAT(other.Offers(), IsEmpty());
  }
}

TEST_F(AgentPoolTest, NamesTheNamespacesOfItsWorkers) {
  const TestWorker a = Registered(Named("x", "a"));
  const TestWorker again = Registered(Named("x", "a"));
  const TestWorker b = Registered(Named("x", "b"));
  const TestWorker other = Registered(Named("y", "c"));
  EXPECT_THAT(pool().Namespaces(livekit::JT_ROOM, "x", ""), ElementsAre("a", "b"));
  EXPECT_THAT(pool().Namespaces(livekit::JT_PUBLISHER, "x", ""), IsEmpty());
}

TEST_F(AgentPoolTest, AWorkerThatSaysItIsFullIsNotAsked) {
  TestWorker full = Registered();
  full.Report(0, livekit::WS_FULL);
  const auto launched = Launch("AJ_1");
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(full.Offers(), IsEmpty());
}

TEST_F(AgentPoolTest, NobodyIsAskedWhileAllCarryTheTargetLoad) {
  TestWorker worker = Registered();
  worker.Report(0.7F);
  EXPECT_FALSE(Launch("AJ_1"));
  worker.Report(0.69F);
  EXPECT_TRUE(Launch("AJ_2"));
  EXPECT_EQ(pool().counters().launches_failed, 1U);
}

TEST_F(AgentPoolTest, TheLessLoadedWorkerIsAskedMoreOften) {
  TestWorker idle = Registered();
  TestWorker busy = Registered();
  TestWorker worn_out = Registered();
  idle.Report(0.2F);
  busy.Report(0.8F);
  worn_out.Report(1.5F);
  for (int i = 0; i < 1000; ++i) {
    const std::string id = "AJ_" + std::to_string(i);
    ASSERT_TRUE(Launch(id));
    pool().Terminate(id);
  }
  // 0.8 to 0.2; five standard deviations are 63.
  EXPECT_NEAR(static_cast<double>(idle.Offers().size()), 800, 63);
  EXPECT_NEAR(static_cast<double>(busy.Offers().size()), 200, 63);
  EXPECT_THAT(worn_out.Offers(), IsEmpty());
}

TEST_F(AgentPoolTest, AWorkerWithTooManyJobsIsNotAsked) {
  config_.max_jobs_per_worker = 2;
  TestWorker worker = Registered();
  for (const char* id : {"AJ_1", "AJ_2"}) {
    ASSERT_TRUE(Launch(id));
    worker.Accept();
  }
  EXPECT_FALSE(Launch("AJ_3"));
  worker.UpdateJob("AJ_1", livekit::JS_SUCCESS);
  EXPECT_TRUE(Launch("AJ_4"));
}

// ---- Launching.

TEST_F(AgentPoolTest, AsksAndAssignsWithATokenOfTheWorkersKey) {
  TestWorker worker(pool(), time_, "other");
  livekit::WorkerMessage message;
  message.mutable_register_()->set_agent_name("helper");
  livekit::ParticipantPermission& allowed = *message.mutable_register_()->mutable_allowed_permissions();
  allowed.set_can_publish(true);
  allowed.set_hidden(true);
  allowed.add_can_publish_sources(livekit::MICROPHONE);
  worker.Send(message);
  ASSERT_TRUE(Launch("AJ_1", Named("helper")));

  ASSERT_THAT(worker.Offers(), SizeIs(1));
  const livekit::JobState offered = worker.Offers()[0].state();
  EXPECT_EQ(offered.status(), livekit::JS_RUNNING);
  EXPECT_THAT(offered.worker_id(), StartsWith("AW_"));
  EXPECT_EQ(offered.started_at(), time_.now().wall.micros * 1000);

  livekit::WorkerMessage answer;
  answer.mutable_availability()->set_job_id("AJ_1");
  answer.mutable_availability()->set_available(true);
  answer.mutable_availability()->set_participant_identity("agent");
  answer.mutable_availability()->set_participant_name("Agent");
  answer.mutable_availability()->set_participant_metadata("m");
  (*answer.mutable_availability()->mutable_participant_attributes())["a"] = "b";
  worker.Send(answer);

  ASSERT_THAT(worker.Assignments(), SizeIs(1));
  const livekit::JobAssignment assignment = worker.Assignments()[0];
  EXPECT_EQ(assignment.job().id(), "AJ_1");
  EXPECT_FALSE(assignment.has_url());
  const auto claims = auth::VerifyToken(assignment.token(), test::kKeys, time_.now().wall);
  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_EQ(claims->issuer, "other");
  EXPECT_EQ(claims->identity, "agent");
  EXPECT_EQ(claims->name, "Agent");
  EXPECT_EQ(claims->metadata, "m");
  EXPECT_EQ(claims->kind, "agent");
  EXPECT_EQ(claims->attributes,
            (std::map<std::string, std::string>{{"a", "b"}, {"lk.agent_name", "helper"}}));
  EXPECT_EQ(claims->expires.seconds(), time_.now().wall.seconds() + 3600);
  ASSERT_TRUE(claims->video);
  EXPECT_TRUE(claims->video->room_join);
  EXPECT_TRUE(claims->video->agent);
  EXPECT_EQ(claims->video->room, "lobby");
  EXPECT_TRUE(claims->video->CanPublish());
  EXPECT_TRUE(claims->video->hidden);
  EXPECT_FALSE(claims->video->CanSubscribe());
  EXPECT_FALSE(claims->video->CanPublishData());
  EXPECT_FALSE(claims->video->CanUpdateOwnMetadata());
  EXPECT_THAT(claims->video->can_publish_sources, ElementsAre("microphone"));

  ASSERT_TRUE(watch_.launched.at("AJ_1"));
  EXPECT_EQ(watch_.launched.at("AJ_1")->participant_identity(), "agent");
  EXPECT_EQ(watch_.launched.at("AJ_1")->status(), livekit::JS_RUNNING);
  EXPECT_EQ(pool().running_jobs(), 1U);
  EXPECT_EQ(pool().launches(), 0U);
}

TEST_F(AgentPoolTest, AnAgentWithoutAnIdentityIsCalledByItsJob) {
  TestWorker worker = Registered();
  ASSERT_TRUE(Launch("AJ_1"));
  worker.Accept("");
  EXPECT_EQ(watch_.launched.at("AJ_1")->participant_identity(), "agent-AJ_1");
}

TEST_F(AgentPoolTest, WhoDeclinesIsNotAskedAgainTheNextOneIs) {
  std::vector<TestWorker> workers;
  for (int i = 0; i < 3; ++i) {
    workers.push_back(Registered());
  }
  ASSERT_TRUE(Launch("AJ_1"));
  for (int round = 0; round < 3; ++round) {
    for (TestWorker& worker : workers) {
      if (worker.Offers().size() == 1 && pool().launches() == 1) {
        worker.Answer("AJ_1", false);
      }
    }
  }
  for (const TestWorker& worker : workers) {
    EXPECT_THAT(worker.Offers(), SizeIs(1));
  }
  ExpectFailed("AJ_1", ErrorCode::kResourceExhausted);
  EXPECT_EQ(pool().counters().jobs_declined, 3U);
}

TEST_F(AgentPoolTest, AWorkerThatFindsTheJobSuperfluousEndsIt) {
  TestWorker worker = Registered();
  ASSERT_TRUE(Launch("AJ_1"));
  livekit::WorkerMessage answer;
  answer.mutable_availability()->set_job_id("AJ_1");
  answer.mutable_availability()->set_terminate(true);
  worker.Send(answer);
  EXPECT_EQ(watch_.launched.at("AJ_1")->status(), livekit::JS_SUCCESS);
  EXPECT_GT(watch_.launched.at("AJ_1")->ended_at(), 0);
  EXPECT_THAT(worker.Assignments(), IsEmpty());
  EXPECT_EQ(pool().running_jobs(), 0U);
}

TEST_F(AgentPoolTest, ALaunchWithoutAnAnswerFailsAfterThreeSeconds) {
  TestWorker worker = Registered();
  ASSERT_TRUE(Launch("AJ_1"));
  EXPECT_EQ(pool().NextTimeout(), time_.now().mono + TimeDelta::Seconds(3));
  Advance(TimeDelta::Millis(2999));
  EXPECT_EQ(pool().launches(), 1U);
  Advance(TimeDelta::Millis(1));
  ExpectFailed("AJ_1", ErrorCode::kUnavailable);
  worker.Answer("AJ_1", true);  // Too late.
  EXPECT_THAT(worker.Assignments(), IsEmpty());
  EXPECT_EQ(pool().counters().messages_ignored, 1U);
}

TEST_F(AgentPoolTest, AskingTheNextWorkerGivesTheLaunchNoMoreTime) {
  TestWorker first = Registered();
  TestWorker second = Registered();
  ASSERT_TRUE(Launch("AJ_1"));
  Advance(TimeDelta::Seconds(2));
  (first.Offers().empty() ? second : first).Answer("AJ_1", false);
  EXPECT_EQ(pool().NextTimeout(), time_.now().mono + TimeDelta::Seconds(1));
}

TEST_F(AgentPoolTest, OneWorkerGetsNoMoreThanItsOwnTime) {
  config_.answer_timeout = TimeDelta::Seconds(1);
  TestWorker worker = Registered();
  ASSERT_TRUE(Launch("AJ_1"));
  Advance(TimeDelta::Seconds(1));
  ExpectFailed("AJ_1", ErrorCode::kUnavailable);
}

TEST_F(AgentPoolTest, WhenTheAskedWorkerGoesTheNextOneIsAsked) {
  TestWorker first = Registered();
  TestWorker second = Registered();
  ASSERT_TRUE(Launch("AJ_1"));
  TestWorker& asked = first.Offers().empty() ? second : first;
  TestWorker& other = first.Offers().empty() ? first : second;
  asked.Disconnect();
  ASSERT_THAT(other.Offers(), SizeIs(1));
  other.Disconnect();
  ExpectFailed("AJ_1", ErrorCode::kResourceExhausted);
}

TEST_F(AgentPoolTest, OnlyTheAskedWorkerMayAnswer) {
  TestWorker first = Registered();
  TestWorker second = Registered();
  ASSERT_TRUE(Launch("AJ_1"));
  (first.Offers().empty() ? first : second).Answer("AJ_1", true);
  EXPECT_EQ(pool().launches(), 1U);
  EXPECT_EQ(pool().counters().messages_ignored, 1U);
}

TEST_F(AgentPoolTest, RefusesLaunchesOverItsLimit) {
  config_.max_launches = 2;
  TestWorker worker = Registered();
  ASSERT_TRUE(Launch("AJ_1"));
  ASSERT_TRUE(Launch("AJ_2"));
  const auto third = Launch("AJ_3");
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(pool().counters().launches_refused, 1U);
  worker.Answer("AJ_1", true);
  EXPECT_TRUE(Launch("AJ_4"));
}

TEST_F(AgentPoolTest, AKeyThatIsGoneSignsNothing) {
  TestWorker worker(pool(), time_, "unknown");
  worker.Register();
  ASSERT_TRUE(Launch("AJ_1"));
  worker.Accept();
  ExpectFailed("AJ_1", ErrorCode::kUnauthenticated);
  EXPECT_THAT(worker.Assignments(), IsEmpty());
}

// ---- Running jobs.

TEST_F(AgentPoolTest, PassesOnWhatAWorkerSaysOfItsJobsUntilTheyEnd) {
  TestWorker worker = Registered();
  TestWorker other = Registered(Named("other"));
  ASSERT_TRUE(Launch("AJ_1"));
  worker.Accept();
  other.UpdateJob("AJ_1", livekit::JS_FAILED);
  EXPECT_THAT(watch_.updates, IsEmpty()) << "somebody else's job";
  worker.UpdateJob("AJ_1", livekit::JS_RUNNING);
  worker.UpdateJob("AJ_1", livekit::JS_FAILED, "it broke");
  worker.UpdateJob("AJ_1", livekit::JS_SUCCESS);
  ASSERT_THAT(watch_.updates, SizeIs(2));
  EXPECT_EQ(watch_.updates[1].error(), "it broke");
  EXPECT_EQ(pool().running_jobs(), 0U);
  EXPECT_EQ(pool().counters().messages_ignored, 2U);
  EXPECT_FALSE(worker.wire().close_code) << "a late update is no fault";
}

TEST_F(AgentPoolTest, TerminatingTellsTheWorkerOnce) {
  TestWorker worker = Registered();
  ASSERT_TRUE(Launch("AJ_1"));
  worker.Accept();
  pool().Terminate("AJ_1");
  pool().Terminate("AJ_1");
  pool().Terminate("AJ_unknown");
  EXPECT_THAT(worker.Terminations(), ElementsAre("AJ_1"));
  EXPECT_EQ(pool().running_jobs(), 0U);
}

TEST_F(AgentPoolTest, TerminatingALaunchGivesItUp) {
  TestWorker worker = Registered();
  ASSERT_TRUE(Launch("AJ_1"));
  pool().Terminate("AJ_1");
  worker.Answer("AJ_1", true);
  EXPECT_THAT(worker.Assignments(), IsEmpty());
  EXPECT_TRUE(watch_.launched.empty());
}

TEST_F(AgentPoolTest, AWorkerThatComesBackTakesItsJobsOver) {
  TestWorker lost = Registered();
  ASSERT_TRUE(Launch("AJ_1"));
  lost.Accept();
  lost.Disconnect();
  EXPECT_EQ(pool().running_jobs(), 1U) << "its agent may well live";
  livekit::WorkerMessage migrate;
  migrate.mutable_migrate_job()->add_job_ids("AJ_1");
  migrate.mutable_migrate_job()->add_job_ids("AJ_unknown");
  TestWorker stranger = Registered(Named("other"));
  stranger.Send(migrate);
  TestWorker foreign(pool(), time_, "other");
  foreign.Register();
  foreign.Send(migrate);
  TestWorker back = Registered();
  back.Send(migrate);
  EXPECT_EQ(pool().counters().messages_ignored, 5U);
  pool().Terminate("AJ_1");
  EXPECT_THAT(back.Terminations(), ElementsAre("AJ_1"));
  EXPECT_THAT(stranger.Terminations(), IsEmpty());
  EXPECT_THAT(foreign.Terminations(), IsEmpty());
}

TEST_F(AgentPoolTest, AWorkerCanTryItselfOut) {
  TestWorker worker = Registered(Named("me"));
  livekit::WorkerMessage message;
  message.mutable_simulate_job()->set_type(livekit::JT_PUBLISHER);
  message.mutable_simulate_job()->mutable_room()->set_name("try");
  message.mutable_simulate_job()->mutable_participant()->set_identity("ann");
  worker.Send(message);
  ASSERT_THAT(worker.Offers(), SizeIs(1));
  EXPECT_EQ(worker.Offers()[0].participant().identity(), "ann");
  EXPECT_EQ(worker.Offers()[0].agent_name(), "me");
  worker.Accept();
  EXPECT_THAT(worker.Assignments(), SizeIs(1));
  EXPECT_TRUE(watch_.launched.empty()) << "nobody's dispatch";
  worker.Disconnect();
  EXPECT_EQ(pool().running_jobs(), 0U) << "nobody else would ever end it";
}

TEST_F(AgentPoolTest, AnImpossibleSimulationIsIgnored) {
  config_.max_launches = 1;
  TestWorker worker = Registered();
  livekit::WorkerMessage message;
  message.mutable_simulate_job()->set_type(livekit::JT_ROOM);
  worker.Send(message);  // No room.
  message.mutable_simulate_job()->mutable_room()->set_name("try");
  message.mutable_simulate_job()->set_type(livekit::JT_PARTICIPANT);
  worker.Send(message);
  message.mutable_simulate_job()->set_type(livekit::JT_ROOM);
  worker.Send(message);
  worker.Send(message);  // Over max_launches.
  EXPECT_THAT(worker.Offers(), SizeIs(1));
  EXPECT_EQ(pool().counters().messages_ignored, 3U);
}

}  // namespace
}  // namespace weir::service
