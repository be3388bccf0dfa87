#include "service/agent_dispatcher.h"

#include "service/test_agents.h"

namespace weir::service {
namespace {

using base::ErrorCode;
using base::TimeDelta;
using RoomEvent = AgentRoomEvent;
using test::Named;
using test::TestWorker;
using test::Time;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::StartsWith;

livekit::RoomAgentDispatch Wish(const std::string& agent_name, const std::string& metadata = "") {
  livekit::RoomAgentDispatch wish;
  wish.set_agent_name(agent_name);
  wish.set_metadata(metadata);
  return wish;
}

class AgentDispatcherTest : public testing::Test, public AgentDispatcher::Actions {
 protected:
  AgentDispatcher& dispatcher() {
    if (!dispatcher_) {
      dispatcher_.emplace(config_, pool(), *this, test::CountedIds(), base::Logger());
    }
    return *dispatcher_;
  }
  AgentPool& pool() {
    if (!pool_) {
      pool_.emplace(pool_config_, test::kKeys, random_, test::CountedIds(), base::Logger());
    }
    return *pool_;
  }
  TestWorker Registered(const AgentTopic& topic = {}) {
    dispatcher();
    TestWorker worker(pool(), time_);
    worker.Register(topic);
    return worker;
  }
  TestWorker Registered(livekit::JobType type) {
    AgentTopic topic;
    topic.type = type;
    return Registered(topic);
  }

  static livekit::Room RoomInfo(const std::string& name) {
    livekit::Room room;
    room.set_name(name);
    room.set_sid("RM_" + name);
    return room;
  }
  void Tell(RoomEvent event, const std::string& room = "lobby") {
    event.room = RoomInfo(room);
    dispatcher().OnRoomEvent(time_.now(), event);
  }
  void Start(const std::vector<livekit::RoomAgentDispatch>& agents = {}, const std::string& room = "lobby") {
    RoomEvent event;
    event.kind = RoomEvent::Kind::kRoomStarted;
    event.agents = agents;
    Tell(event, room);
  }
  void Finish(const std::string& room = "lobby") {
    RoomEvent event;
    event.kind = RoomEvent::Kind::kRoomFinished;
    Tell(event, room);
  }
  static RoomEvent Of(RoomEvent::Kind kind, const std::string& identity, bool agent = false) {
    RoomEvent event;
    event.kind = kind;
    event.participant.set_identity(identity);
    event.participant.set_sid("PA_" + identity);
    event.dependent = agent;
    if (agent) {
      event.participant.set_kind(livekit::ParticipantInfo::AGENT);
    }
    return event;
  }
  void Join(const std::string& identity, bool agent = false) {
    Tell(Of(RoomEvent::Kind::kParticipantJoined, identity, agent));
  }
  void Publish(const std::string& identity, bool agent = false) {
    Tell(Of(RoomEvent::Kind::kTrackPublished, identity, agent));
  }
  void Leave(const std::string& identity, bool agent = false,
             livekit::DisconnectReason reason = livekit::CLIENT_INITIATED) {
    RoomEvent event = Of(RoomEvent::Kind::kParticipantLeft, identity, agent);
    event.participant.set_disconnect_reason(reason);
    Tell(event);
  }
  void Advance(TimeDelta delta) {
    time_.Advance(delta);
    pool().OnTimeout(time_.now());
    dispatcher().OnTimeout(time_.now());
  }

  base::Result<livekit::AgentDispatch> Create(const std::string& agent_name,
                                              const std::string& room = "lobby") {
    livekit::CreateAgentDispatchRequest request;
    request.set_room(room);
    request.set_agent_name(agent_name);
    request.set_metadata("m");
    (*request.mutable_attributes())["k"] = "v";
    return dispatcher().Create(time_.now(), request);
  }
  base::Result<livekit::AgentDispatch> Delete(const std::string& id, const std::string& room = "lobby") {
    livekit::DeleteAgentDispatchRequest request;
    request.set_room(room);
    request.set_dispatch_id(id);
    return dispatcher().Delete(time_.now(), request);
  }
  std::vector<livekit::AgentDispatch> List(const std::string& id = "") {
    livekit::ListAgentDispatchRequest request;
    request.set_room("lobby");
    request.set_dispatch_id(id);
    const auto response = dispatcher().List(request);
    EXPECT_TRUE(response) << response.error().message;
    return {response->agent_dispatches().begin(), response->agent_dispatches().end()};
  }
  // The jobs of the first dispatch.
  std::vector<livekit::Job> Jobs() {
    const std::vector<livekit::AgentDispatch> all = List();
    return {all.at(0).state().jobs().begin(), all.at(0).state().jobs().end()};
  }

  void RemoveParticipant(const std::string& room, const std::string& identity) override {
    removed_.emplace_back(room, identity);
  }

  Time time_;
  AgentPool::Config pool_config_;
  AgentDispatcher::Config config_;
  base::SeededRandom random_{1};
  std::optional<AgentPool> pool_;
  std::optional<AgentDispatcher> dispatcher_;
  std::vector<std::pair<std::string, std::string>> removed_;
};

// ---- Which dispatches a room has.

TEST_F(AgentDispatcherTest, ARoomThatAsksForNobodyHasADispatchWithoutAName) {
  Start();
  ASSERT_THAT(List(), SizeIs(1));
  const livekit::AgentDispatch dispatch = List()[0];
  EXPECT_THAT(dispatch.id(), StartsWith("AD_"));
  EXPECT_EQ(dispatch.agent_name(), "");
  EXPECT_EQ(dispatch.room(), "lobby");
  EXPECT_EQ(dispatch.state().created_at(), time_.now().wall.micros * 1000);
  EXPECT_THAT(dispatch.state().jobs(), IsEmpty());
}

TEST_F(AgentDispatcherTest, ARoomThatAsksForAgentsHasThoseOnly) {
  livekit::RoomAgentDispatch wish = Wish("a", "meta");
  wish.set_deployment("blue");
  wish.set_restart_policy(livekit::JRP_NEVER);
  (*wish.mutable_attributes())["k"] = "v";
  Start({wish, Wish("b")});
  ASSERT_THAT(List(), SizeIs(2));
  const livekit::AgentDispatch first = List()[0];
  EXPECT_EQ(first.agent_name(), "a");
  EXPECT_EQ(first.metadata(), "meta");
  EXPECT_EQ(first.deployment(), "blue");
  EXPECT_EQ(first.restart_policy(), livekit::JRP_NEVER);
  EXPECT_EQ(first.attributes().at("k"), "v");
  EXPECT_EQ(List()[1].agent_name(), "b");
}

TEST_F(AgentDispatcherTest, ListsOneByItsId) {
  Start({Wish("a"), Wish("b")});
  const std::string id = List()[1].id();
  ASSERT_THAT(List(id), SizeIs(1));
  EXPECT_EQ(List(id)[0].agent_name(), "b");
  EXPECT_THAT(List("AD_unknown"), IsEmpty());
}

TEST_F(AgentDispatcherTest, RefusesDispatchesOverItsLimit) {
  config_.max_dispatches_per_room = 2;
  Start({Wish("a"), Wish("b"), Wish("c")});
  EXPECT_THAT(List(), SizeIs(2));
  const auto created = Create("d");
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(dispatcher().counters().dispatches_refused, 2U);
  ASSERT_TRUE(Delete(List()[0].id()));
  EXPECT_TRUE(Create("d"));
}

TEST_F(AgentDispatcherTest, SaysWhichRoomOrDispatchIsMissing) {
  EXPECT_EQ(Create("a").error().message, "requested room does not exist");
  EXPECT_EQ(Create("a").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Delete("AD_unknown").error().message, "dispatch ID not found");
  EXPECT_EQ(dispatcher().List({}).error().code, ErrorCode::kUnavailable);
  Start();
  EXPECT_EQ(Delete("AD_unknown").error().code, ErrorCode::kNotFound);
  const std::string id = List()[0].id();
  EXPECT_TRUE(Delete(id));
  EXPECT_FALSE(Delete(id)) << "deleted already";
}

// ---- What launches a job.

TEST_F(AgentDispatcherTest, ANewRoomIsAJobForItsWorkers) {
  config_.enable_recording = true;
  TestWorker worker = Registered(Named("a"));
  TestWorker nameless = Registered();
  Start({Wish("a", "meta")});
  ASSERT_THAT(worker.Offers(), SizeIs(1));
  const livekit::Job job = worker.Offers()[0];
  EXPECT_THAT(job.id(), StartsWith("AJ_"));
  EXPECT_EQ(job.type(), livekit::JT_ROOM);
  EXPECT_EQ(job.room().sid(), "RM_lobby");
  EXPECT_EQ(job.metadata(), "meta");
  EXPECT_EQ(job.agent_name(), "a");
  EXPECT_EQ(job.dispatch_id(), List()[0].id());
  EXPECT_TRUE(job.enable_recording());
  EXPECT_FALSE(job.enable_redaction());
  EXPECT_FALSE(job.has_participant());
  EXPECT_THAT(nameless.Offers(), IsEmpty());
}

TEST_F(AgentDispatcherTest, WorkersOfEachNamespaceGetAJob) {
  TestWorker a = Registered(Named("", "a"));
  TestWorker b = Registered(Named("", "b"));
  Start();
  ASSERT_THAT(a.Offers(), SizeIs(1));
  ASSERT_THAT(b.Offers(), SizeIs(1));
  EXPECT_EQ(a.Offers()[0].namespace_(), "a");
  EXPECT_NE(a.LastOffer(), b.LastOffer());
}

TEST_F(AgentDispatcherTest, ADeploymentIsForItsOwnDispatchesOnly) {
  AgentTopic blue = Named("a");
  blue.deployment = "blue";
  TestWorker worker = Registered(blue);
  Start({Wish("a")});
  EXPECT_THAT(worker.Offers(), IsEmpty());
  livekit::RoomAgentDispatch wish = Wish("a");
  wish.set_deployment("blue");
  Start({wish}, "other");
  ASSERT_THAT(worker.Offers(), SizeIs(1));
  EXPECT_EQ(worker.Offers()[0].deployment(), "blue");
}

TEST_F(AgentDispatcherTest, EveryParticipantThatJoinsIsAJob) {
  TestWorker worker = Registered(livekit::JT_PARTICIPANT);
  Start();
  EXPECT_THAT(worker.Offers(), IsEmpty());
  Join("ann");
  Join("agent", true);
  Publish("ann");
  ASSERT_THAT(worker.Offers(), SizeIs(1));
  EXPECT_EQ(worker.Offers()[0].type(), livekit::JT_PARTICIPANT);
  EXPECT_EQ(worker.Offers()[0].participant().identity(), "ann");
}

TEST_F(AgentDispatcherTest, EveryParticipantThatBeginsToPublishIsAJob) {
  TestWorker worker = Registered(livekit::JT_PUBLISHER);
  Start();
  Join("ann");
  Join("agent", true);
  EXPECT_THAT(worker.Offers(), IsEmpty());
  Publish("ann");
  Publish("ann");
  Publish("agent", true);
  Publish("nobody");
  ASSERT_THAT(worker.Offers(), SizeIs(1));
  EXPECT_EQ(worker.Offers()[0].type(), livekit::JT_PUBLISHER);
  EXPECT_EQ(worker.Offers()[0].participant().identity(), "ann");
}

TEST_F(AgentDispatcherTest, ADispatchOfTheApiLaunchesForAllWhoAreThere) {
  AgentTopic room = Named("a"), participant = Named("a"), publisher = Named("a");
  participant.type = livekit::JT_PARTICIPANT;
  publisher.type = livekit::JT_PUBLISHER;
  TestWorker of_room = Registered(room), of_participants = Registered(participant),
             of_publishers = Registered(publisher);
  Start();
  Join("ann");
  Join("ben");
  Join("cyd");
  Join("agent", true);
  Publish("ben");
  Publish("agent", true);
  Leave("cyd");
  const auto dispatch = Create("a");
  ASSERT_TRUE(dispatch);
  EXPECT_THAT(dispatch->id(), StartsWith("AD_"));
  EXPECT_EQ(dispatch->metadata(), "m");
  ASSERT_THAT(of_room.Offers(), SizeIs(1));
  EXPECT_EQ(of_room.Offers()[0].attributes().at("k"), "v");
  EXPECT_THAT(of_participants.Offers(), SizeIs(2));
  ASSERT_THAT(of_publishers.Offers(), SizeIs(1));
  EXPECT_EQ(of_publishers.Offers()[0].participant().identity(), "ben");
}

TEST_F(AgentDispatcherTest, NothingIsLaunchedForWorkersThatComeLate) {
  Start();
  TestWorker worker = Registered();
  Join("ann");
  EXPECT_THAT(worker.Offers(), IsEmpty());
}

// ---- How jobs go on.

TEST_F(AgentDispatcherTest, AJobIsListedOnceItRuns) {
  TestWorker worker = Registered();
  Start();
  EXPECT_THAT(Jobs(), IsEmpty());
  const std::string id = worker.Accept("agent-1");
  ASSERT_THAT(Jobs(), SizeIs(1));
  EXPECT_EQ(Jobs()[0].id(), id);
  EXPECT_EQ(Jobs()[0].state().status(), livekit::JS_RUNNING);
  EXPECT_EQ(Jobs()[0].state().participant_identity(), "agent-1");
  EXPECT_EQ(dispatcher().jobs(), 1U);
}

TEST_F(AgentDispatcherTest, AJobThatNobodyTakesLeavesNothing) {
  TestWorker worker = Registered();
  Start();
  worker.Answer(worker.LastOffer(), false);
  EXPECT_THAT(Jobs(), IsEmpty());
  EXPECT_EQ(dispatcher().jobs(), 0U);
}

TEST_F(AgentDispatcherTest, AJobThatIsSuperfluousIsListedAsDone) {
  TestWorker worker = Registered();
  Start();
  livekit::WorkerMessage answer;
  answer.mutable_availability()->set_job_id(worker.LastOffer());
  answer.mutable_availability()->set_terminate(true);
  worker.Send(answer);
  EXPECT_EQ(Jobs().at(0).state().status(), livekit::JS_SUCCESS);
  EXPECT_EQ(dispatcher().jobs(), 0U);
}

TEST_F(AgentDispatcherTest, ShowsWhatTheWorkerSaysOfAJob) {
  TestWorker worker = Registered();
  Start();
  const std::string id = worker.Accept();
  worker.UpdateJob(id, livekit::JS_RUNNING);
  EXPECT_EQ(Jobs()[0].state().ended_at(), 0);
  Advance(TimeDelta::Seconds(5));
  worker.UpdateJob(id, livekit::JS_FAILED, "it broke");
  EXPECT_EQ(Jobs()[0].state().status(), livekit::JS_FAILED);
  EXPECT_EQ(Jobs()[0].state().error(), "it broke");
  EXPECT_EQ(Jobs()[0].state().ended_at(), time_.now().wall.micros * 1000);
  EXPECT_EQ(dispatcher().jobs(), 0U);
}

TEST_F(AgentDispatcherTest, WhenItsAgentLeavesAJobIsOver) {
  TestWorker worker = Registered();
  Start();
  const std::string id = worker.Accept("agent-1");
  Join("agent-1", true);
  Leave("agent-1");  // Somebody of that name who is no agent.
  Leave("agent-2", true);
  EXPECT_THAT(worker.Terminations(), IsEmpty());
  Leave("agent-1", true);
  EXPECT_THAT(worker.Terminations(), ElementsAre(id));
  EXPECT_EQ(Jobs()[0].state().status(), livekit::JS_FAILED);
}

TEST_F(AgentDispatcherTest, AnAgentThatReconnectsAnewKeepsItsJob) {
  TestWorker worker = Registered();
  Start();
  worker.Accept("agent-1");
  Join("agent-1", true);
  Leave("agent-1", true, livekit::DUPLICATE_IDENTITY);
  Join("agent-1", true);
  EXPECT_THAT(worker.Terminations(), IsEmpty());
  EXPECT_EQ(Jobs()[0].state().status(), livekit::JS_RUNNING);
}

TEST_F(AgentDispatcherTest, WhenItsRoomEndsEverythingEnds) {
  TestWorker worker = Registered();
  Start();
  const std::string running = worker.Accept();
  ASSERT_TRUE(Create(""));
  const std::string launching = worker.LastOffer();
  Finish();
  EXPECT_THAT(worker.Terminations(), ElementsAre(running));
  worker.Answer(launching, true);
  EXPECT_THAT(worker.Assignments(), SizeIs(1));
  EXPECT_EQ(dispatcher().rooms(), 0U);
  EXPECT_EQ(dispatcher().jobs(), 0U);
  EXPECT_EQ(pool().running_jobs(), 0U);
  EXPECT_EQ(pool().launches(), 0U);
}

TEST_F(AgentDispatcherTest, JobsThatEndedMakeRoomForNewOnes) {
  config_.max_jobs_per_dispatch = 2;
  TestWorker worker = Registered(livekit::JT_PARTICIPANT);
  Start();
  Join("a");
  const std::string first = worker.Accept("1");
  Join("b");
  const std::string second = worker.Accept("2");
  Join("c");
  EXPECT_THAT(worker.Offers(), SizeIs(2));
  EXPECT_EQ(dispatcher().counters().jobs_refused, 1U);
  worker.UpdateJob(first, livekit::JS_SUCCESS);
  Join("d");
  const std::string third = worker.Accept("3");
  ASSERT_THAT(Jobs(), SizeIs(2));
  EXPECT_EQ(Jobs()[0].id(), second);
  EXPECT_EQ(Jobs()[1].id(), third);
}

// ---- Deleting.

TEST_F(AgentDispatcherTest, DeletingEndsTheJobAndRemovesAnAgentThatStays) {
  TestWorker worker = Registered();
  Start();
  const std::string id = worker.Accept("agent-1");
  Join("agent-1", true);
  const auto deleted = Delete(List()[0].id());
  ASSERT_TRUE(deleted);
  EXPECT_EQ(deleted->state().deleted_at(), time_.now().wall.micros * 1000);
  EXPECT_THAT(List(), IsEmpty());
  EXPECT_THAT(worker.Terminations(), ElementsAre(id));
  EXPECT_EQ(dispatcher().NextTimeout(), time_.now().mono + TimeDelta::Seconds(3));
  Advance(TimeDelta::Millis(2999));
  EXPECT_THAT(removed_, IsEmpty());
  Advance(TimeDelta::Millis(1));
  EXPECT_THAT(removed_, ElementsAre(Pair("lobby", "agent-1")));
  EXPECT_TRUE(dispatcher().NextTimeout().infinite());
}

TEST_F(AgentDispatcherTest, AnAgentThatLeavesInTimeIsNotRemoved) {
  TestWorker worker = Registered();
  Start();
  worker.Accept("agent-1");
  Join("agent-1", true);
  ASSERT_TRUE(Delete(List()[0].id()));
  Advance(TimeDelta::Seconds(1));
  Leave("agent-1", true);
  EXPECT_TRUE(dispatcher().NextTimeout().infinite());
  Advance(TimeDelta::Seconds(10));
  EXPECT_THAT(removed_, IsEmpty());
}

TEST_F(AgentDispatcherTest, DeletingWaitsForALaunchAndThenEndsIt) {
  TestWorker worker = Registered();
  Start();
  ASSERT_TRUE(Delete(List()[0].id()));
  EXPECT_THAT(List(), IsEmpty());
  EXPECT_THAT(worker.Terminations(), IsEmpty());
  const std::string id = worker.Accept("agent-1");
  EXPECT_THAT(worker.Terminations(), ElementsAre(id));
  EXPECT_EQ(dispatcher().jobs(), 0U);
  Join("agent-1", true);
  Advance(TimeDelta::Seconds(3));
  EXPECT_THAT(removed_, ElementsAre(Pair("lobby", "agent-1")));
}

TEST_F(AgentDispatcherTest, ADeletedDispatchLaunchesNothing) {
  TestWorker of_rooms = Registered();
  TestWorker worker = Registered(livekit::JT_PARTICIPANT);
  Start();
  ASSERT_TRUE(Delete(List()[0].id()));
  Join("ann");
  EXPECT_THAT(worker.Offers(), IsEmpty());
  of_rooms.Answer(of_rooms.LastOffer(), false);
  EXPECT_EQ(dispatcher().jobs(), 0U);
}

TEST_F(AgentDispatcherTest, TheEndOfItsRoomForgetsWhoHadToGo) {
  TestWorker worker = Registered();
  Start();
  worker.Accept("agent-1");
  Join("agent-1", true);
  ASSERT_TRUE(Delete(List()[0].id()));
  Finish();
  Start();
  Join("agent-1", true);
  Advance(TimeDelta::Seconds(3));
  EXPECT_THAT(removed_, IsEmpty());
}

}  // namespace
}  // namespace weir::service
