// How participants come, stay through trouble, and go; and how rooms end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "rtc/test_room.h"

namespace weir::rtc::test {
namespace {

class Life : public BothModes {};
INSTANTIATE_TEST_SUITE_P(Modes, Life, testing::Bool(), ModeName);

const livekit::LeaveRequest& LeaveOf(const TestClient& client) {
  static const livekit::LeaveRequest kNone;
  const Response* message = client.LastOf(Response::kLeave);
  EXPECT_NE(message, nullptr);
  return message == nullptr ? kNone : message->leave();
}

TEST_P(Life, TheJoinIsTheFirstMessageAndTellsOfEverybody) {
  RoomSim sim;
  sim.Add("a", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  const livekit::JoinResponse& join = b.messages.front().join();
  ASSERT_TRUE(b.messages.front().has_join());
  EXPECT_EQ(join.room().name(), "room");
  EXPECT_EQ(join.participant().identity(), "b");
  EXPECT_EQ(join.participant().sid().substr(0, 3), "PA_");
  EXPECT_EQ(join.other_participants_size(), 1);
  EXPECT_EQ(join.other_participants(0).state(), livekit::ParticipantInfo::ACTIVE);
  EXPECT_EQ(join.subscriber_primary(), !single());
  EXPECT_EQ(join.ping_interval(), 5);
  EXPECT_EQ(join.ping_timeout(), 15);
  EXPECT_TRUE(join.fast_publish());
  sim.RunMillis(200);
  EXPECT_EQ(sim.Find("b")->state(), Participant::State::kActive);
  ASSERT_EQ(b.CountOf(Response::kRefreshToken), 1u);
  const auto claims = auth::VerifyToken(b.LastOf(Response::kRefreshToken)->refresh_token(), sim.world.keys,
                                        sim.world.now().wall);
  ASSERT_TRUE(claims.has_value());
  EXPECT_EQ(claims->identity, "b");
  EXPECT_TRUE(claims->video->room_join);
}

TEST_P(Life, WhoLeavesIsSeenLeavingAndFreesEverything) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  PublishBoth(a);
  PublishBoth(b);
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-cam"));
  ASSERT_TRUE(sim.RunUntilFlows(a, "b-cam"));
  a.Leave();
  sim.RunMillis(500);
  EXPECT_EQ(LeaveOf(a).action(), livekit::LeaveRequest::DISCONNECT);
  EXPECT_EQ(LeaveOf(a).reason(), livekit::CLIENT_INITIATED);
  EXPECT_EQ(a.closed, kCloseDone);
  EXPECT_EQ(b.Remote("a"), nullptr);
  const size_t before = b.PacketsOf("a-cam");
  sim.RunMillis(1000);
  EXPECT_EQ(b.PacketsOf("a-cam"), before);
  EXPECT_EQ(sim.room()->size(), 1u);
  b.Leave();
  sim.Run(TimeDelta::Seconds(19));
  EXPECT_NE(sim.room(), nullptr);
  sim.Run(TimeDelta::Seconds(3));
  EXPECT_EQ(sim.room(), nullptr);
  EXPECT_EQ(sim.world.router.paths(), 0u);
  EXPECT_EQ(sim.world.router.ufrags(), 0u);
  EXPECT_TRUE(sim.world.ufrags.empty());
  EXPECT_EQ(sim.world.timers.size(), 0u);
  EXPECT_EQ(sim.world.pool.in_use(), 0u);
}

TEST_P(Life, TheSameIdentityReplacesItsOlderSession) {
  RoomSim sim;
  TestClient& watcher = sim.Add("watcher", single());
  TestClient& old = sim.Add("a", single());
  PublishBoth(old);
  ASSERT_TRUE(sim.RunUntilFlows(watcher, "a-mic"));
  const std::string old_sid = old.self.sid();
  TestClient& fresh = sim.Add("a", single());
  fresh.PublishAudio({.cid = "a-mic-2"});
  ASSERT_TRUE(sim.RunUntilFlows(watcher, "a-mic-2"));
  EXPECT_EQ(LeaveOf(old).reason(), livekit::DUPLICATE_IDENTITY);
  EXPECT_EQ(LeaveOf(old).action(), livekit::LeaveRequest::DISCONNECT);
  EXPECT_EQ(old.closed, kCloseDone);
  EXPECT_NE(fresh.self.sid(), old_sid);
  EXPECT_EQ(watcher.Remote("a")->sid(), fresh.self.sid());
  for (const Response& message : watcher.messages) {
    for (const livekit::ParticipantInfo& info : message.update().participants()) {
      EXPECT_NE(info.state(), livekit::ParticipantInfo::DISCONNECTED) << info.identity();
    }
  }
  EXPECT_EQ(sim.room()->size(), 2u);
}

TEST_P(Life, AResumeKeepsTheSessionAndRestartsIce) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  PublishBoth(a);
  PublishBoth(b);
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-cam"));
  ASSERT_TRUE(sim.RunUntilFlows(a, "b-cam"));
  sim.RunMillis(1000);
  const std::string sid = a.self.sid();
  const auto server_ufrag = [&] {
    return sim.Find("a")->transports().downlink().connection().ice().local_credentials().ufrag;
  };
  const std::string ufrag = server_ufrag();
  a.DropSignal();
  sim.RunMillis(2000);
  EXPECT_TRUE(sim.RunUntilFlows(b, "a-cam", TimeDelta::Seconds(1)));  // Media needs no signalling.
  a.messages.clear();
  a.Resume();
  const Timestamp from = sim.world.network.now();
  sim.RunMillis(4000);
  ASSERT_FALSE(a.messages.empty());
  EXPECT_TRUE(a.messages.front().has_reconnect());
  EXPECT_TRUE(a.messages[1].has_update());
  EXPECT_EQ(a.messages[1].update().participants_size(), 2);  // Everybody, the client itself included.
  EXPECT_TRUE(a.messages[2].has_room_update());
  EXPECT_EQ(a.CountOf(Response::kLeave), 0u);
  EXPECT_EQ(a.self.sid(), sid);
  EXPECT_NE(server_ufrag(), ufrag);
  EXPECT_EQ(sim.Find("a")->transports().downlink().connection().ice().state(), ice::State::kConnected);
  const Timestamp to = sim.world.network.now() - TimeDelta::Millis(500);
  EXPECT_GT(a.CoverageOfCid("b-cam", from, to).ratio(), 0.95);
  EXPECT_GT(b.CoverageOfCid("a-mic", from, to).ratio(), 0.95);
  sim.ExpectOrder();
}

TEST_P(Life, ASignalThatBreaksAfterItsReplacementIsOfNoInterest) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  sim.RunMillis(200);
  a.Resume();
  sim.RunMillis(500);
  EXPECT_EQ(a.closed, std::nullopt);  // Only the old connection was closed.
  EXPECT_NE(sim.Find("a"), nullptr);
  EXPECT_EQ(a.CountOf(Response::kReconnect), 1u);
}

TEST_P(Life, AResumeOfNothingBecomesAFullReconnect) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  ASSERT_TRUE(
      sim.world.rooms.RemoveParticipant(sim.world.now(), RoomName("room"), Identity("a")).has_value());
  sim.RunMillis(200);
  EXPECT_EQ(LeaveOf(a).reason(), livekit::PARTICIPANT_REMOVED);
  a.Resume();
  sim.RunMillis(200);
  EXPECT_EQ(LeaveOf(a).action(), livekit::LeaveRequest::RECONNECT);
  EXPECT_EQ(LeaveOf(a).reason(), livekit::STATE_MISMATCH);
  EXPECT_EQ(a.closed, kCloseReconnect);
}

TEST_P(Life, ASyncStateThatKnowsOtherTracksEndsInAFullReconnect) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  sim.RunMillis(200);
  livekit::SignalRequest request;
  request.mutable_sync_state()->add_publish_tracks()->mutable_track()->set_sid("TR_AMunknown");
  a.Send(request);
  sim.RunMillis(200);
  EXPECT_EQ(LeaveOf(a).action(), livekit::LeaveRequest::RECONNECT);
  EXPECT_EQ(sim.Find("a"), nullptr);
}

TEST_P(Life, AClientWhoseNatRebindsIsFollowed) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  PublishBoth(a);
  PublishBoth(b);
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-cam"));
  ASSERT_TRUE(sim.RunUntilFlows(a, "b-cam"));
  a.Rebind(a.downlink());
  if (!single()) {
    a.Rebind(*a.publisher);
  }
  // The next check of either side shows the new address, within a consent interval.
  EXPECT_TRUE(sim.RunUntilFlows(a, "b-cam", TimeDelta::Seconds(4)));
  EXPECT_TRUE(sim.RunUntilFlows(b, "a-cam", TimeDelta::Seconds(4)));
  EXPECT_EQ(a.CountOf(Response::kLeave), 0u);
}

TEST_P(Life, AVanishedClientIsGivenUpAfterTwentySeconds) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  PublishBoth(a);
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-cam"));
  a.Vanish();
  sim.Run(TimeDelta::Seconds(14));
  EXPECT_NE(b.Remote("a"), nullptr);
  sim.Run(TimeDelta::Seconds(3));
  EXPECT_EQ(LeaveOf(a).action(), livekit::LeaveRequest::RESUME);
  EXPECT_EQ(LeaveOf(a).reason(), livekit::CONNECTION_TIMEOUT);
  EXPECT_EQ(a.closed, kCloseReconnect);
  EXPECT_NE(b.Remote("a"), nullptr);
  sim.Run(TimeDelta::Seconds(6));
  EXPECT_EQ(b.Remote("a"), nullptr);
}

TEST_P(Life, SignallingLostBeforeTheFirstConnectionEndsTheSession) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  ASSERT_TRUE(sim.RunUntil([&] { return a.joined; }));
  a.Vanish();
  a.DropSignal();
  sim.RunMillis(200);
  EXPECT_EQ(sim.Find("a"), nullptr);
}

TEST_P(Life, WhoNeverConnectsIsRemovedAfterAMinute) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  ASSERT_TRUE(sim.RunUntil([&] { return a.joined; }));
  a.Vanish();
  sim.Run(TimeDelta::Seconds(59));
  EXPECT_NE(sim.Find("a"), nullptr);
  sim.Run(TimeDelta::Seconds(2));
  EXPECT_EQ(sim.Find("a"), nullptr);
  EXPECT_EQ(LeaveOf(a).reason(), livekit::JOIN_FAILURE);
}

TEST_P(Life, ADeletedRoomTellsItsMembersAndIsGone) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  ASSERT_TRUE(sim.world.rooms.DeleteRoom(sim.world.now(), RoomName("room")).has_value());
  EXPECT_EQ(sim.room(), nullptr);
  sim.RunMillis(200);
  EXPECT_EQ(LeaveOf(a).reason(), livekit::ROOM_DELETED);
  EXPECT_EQ(sim.world.rooms.DeleteRoom(sim.world.now(), RoomName("room")).error().code,
            base::ErrorCode::kNotFound);
}

TEST_P(Life, AShutdownTellsEverybodyAndTakesNobodyIn) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  sim.world.rooms.Shutdown(sim.world.now());
  sim.RunMillis(200);
  EXPECT_EQ(LeaveOf(a).reason(), livekit::SERVER_SHUTDOWN);
  TestClient& late = sim.Add("late", single());
  sim.RunMillis(200);
  EXPECT_EQ(late.rejected, 503);
}

TEST(RoomLimits, AFullRoomRefusesButDependentsDoNotCount) {
  Settings settings = TestSettings();
  settings.max_participants = 2;
  RoomSim sim(1, GoodLink(), settings);
  sim.Add("a", true);
  TestClient::Options agent;
  agent.identity = "agent";
  agent.kind = "agent";
  sim.Add(agent);
  sim.Add("b", true);
  ASSERT_TRUE(sim.RunUntilConnected());
  TestClient& c = sim.Add("c", true);
  sim.RunMillis(200);
  EXPECT_EQ(c.rejected, 500);
  EXPECT_EQ(sim.room()->Info().num_participants(), 2u);
}

TEST(RoomLimits, TooManyRoomsAreRefused) {
  Settings settings = TestSettings();
  settings.limits.max_rooms = 1;
  RoomSim sim(1, GoodLink(), settings);
  sim.Add("a", true);
  ASSERT_TRUE(sim.RunUntilConnected());
  TestClient::Options options;
  options.identity = "b";
  options.room = "another";
  TestClient& b = sim.Add(options);
  sim.RunMillis(200);
  EXPECT_EQ(b.rejected, 503);
  livekit::CreateRoomRequest request;
  request.set_name("third");
  EXPECT_EQ(sim.world.rooms.CreateRoom(sim.world.now(), request).error().code,
            base::ErrorCode::kResourceExhausted);
}

TEST(RoomApi, ARoomMadeByTheApiKeepsItsSettingsAndEndsWhenNobodyComes) {
  RoomSim sim;
  livekit::CreateRoomRequest request;
  request.set_name("room");
  request.set_empty_timeout(30);
  request.set_metadata("about");
  const auto created = sim.world.rooms.CreateRoom(sim.world.now(), request);
  ASSERT_TRUE(created.has_value());
  EXPECT_EQ(created->metadata(), "about");
  EXPECT_EQ(sim.world.rooms.CreateRoom(sim.world.now(), request)->sid(), created->sid());
  sim.Run(TimeDelta::Seconds(29));
  EXPECT_EQ(sim.world.rooms.ListRooms({}).size(), 1u);
  sim.Run(TimeDelta::Seconds(2));
  EXPECT_TRUE(sim.world.rooms.ListRooms({}).empty());
}

TEST_P(Life, AHiddenParticipantSeesAndIsNotSeen) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient::Options options;
  options.identity = "ghost";
  options.single = single();
  options.grant.hidden = true;
  TestClient& ghost = sim.Add(options);
  a.PublishAudio({.cid = "a-mic"});
  ASSERT_TRUE(sim.RunUntilFlows(ghost, "a-mic"));
  EXPECT_EQ(a.Remote("ghost"), nullptr);
  EXPECT_EQ(a.CountOf(Response::kTrackSubscribed), 0u);
  ASSERT_TRUE(sim.RunUntil([&] { return ghost.SendData("boo"); }));
  ASSERT_TRUE(sim.RunUntil([&] { return !a.data.empty(); }));
  EXPECT_EQ(a.data[0].packet.participant_identity(), "");
}

TEST_P(Life, ChangesOfMetadataAreAnsweredAndSeenByAll) {
  RoomSim sim;
  TestClient::Options options;
  options.identity = "a";
  options.single = single();
  options.grant.can_update_own_metadata = true;
  TestClient& a = sim.Add(options);
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  livekit::SignalRequest request;
  livekit::UpdateParticipantMetadata& update = *request.mutable_update_metadata();
  update.set_request_id(7);
  update.set_metadata("new");
  (*update.mutable_attributes())["key"] = "value";
  a.Send(request);
  b.Send(request);
  sim.RunMillis(300);
  EXPECT_EQ(a.self.metadata(), "new");
  EXPECT_EQ(b.Remote("a")->metadata(), "new");
  EXPECT_EQ(b.Remote("a")->attributes().at("key"), "value");
  EXPECT_EQ(a.LastOf(Response::kRequestResponse)->request_response().request_id(), 7u);
  EXPECT_EQ(a.LastOf(Response::kRequestResponse)->request_response().reason(), livekit::RequestResponse::OK);
  EXPECT_EQ(b.LastOf(Response::kRequestResponse)->request_response().reason(),
            livekit::RequestResponse::NOT_ALLOWED);
  update.set_metadata(std::string(600'000, 'x'));
  a.Send(request);
  sim.RunMillis(300);
  EXPECT_EQ(a.LastOf(Response::kRequestResponse)->request_response().reason(),
            livekit::RequestResponse::LIMIT_EXCEEDED);
  EXPECT_EQ(b.Remote("a")->metadata(), "new");
}

TEST_P(Life, PingsAreAnsweredInMilliseconds) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  livekit::SignalRequest ping;
  ping.set_ping(5);
  a.Send(ping);
  livekit::SignalRequest newer;
  newer.mutable_ping_req()->set_timestamp(77);
  a.Send(newer);
  sim.RunMillis(300);
  const int64_t now = sim.world.now().wall.millis();
  EXPECT_NEAR(static_cast<double>(a.LastOf(Response::kPong)->pong()), static_cast<double>(now), 400);
  EXPECT_EQ(a.LastOf(Response::kPongResp)->pong_resp().last_ping_timestamp(), 77);
}

TEST_P(Life, WhoIsMovedGetsATokenForTheOtherRoomAndIsToldToReconnect) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  livekit::CreateRoomRequest create;
  create.set_name("elsewhere");
  const auto room = sim.world.rooms.CreateRoom(sim.world.now(), create);
  livekit::MoveParticipantRequest move;
  move.set_room("room");
  move.set_identity("a");
  move.set_destination_room("elsewhere");
  ASSERT_TRUE(sim.world.rooms.MoveParticipant(sim.world.now(), move, *room, {}));
  sim.RunMillis(500);
  ASSERT_EQ(a.CountOf(Response::kRoomMoved), 1u);
  const livekit::RoomMovedResponse& moved = a.LastOf(Response::kRoomMoved)->room_moved();
  EXPECT_EQ(moved.room().name(), "elsewhere");
  const auto claims = auth::VerifyToken(moved.token(), sim.world.keys, sim.world.now().wall);
  ASSERT_TRUE(claims.has_value());
  EXPECT_EQ(claims->video->room, "elsewhere");
  EXPECT_EQ(claims->identity, "a");
  EXPECT_EQ(LeaveOf(a).action(), livekit::LeaveRequest::RECONNECT);
  EXPECT_NE(a.closed, kCloseDone);
  EXPECT_EQ(b.Remote("a"), nullptr);
  move.set_identity("z");
  EXPECT_EQ(sim.world.rooms.MoveParticipant(sim.world.now(), move, *room, {}).error().code,
            base::ErrorCode::kNotFound);
}

TEST_P(Life, TheWorldOutsideHearsOfEverythingInOrder) {
  using Kind = RoomEvent::Kind;
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  a.PublishAudio({.cid = "a-mic"});
  a.PublishVideo({.cid = "a-cam"});
  ASSERT_TRUE(sim.RunUntil([&] {
    Participant* participant = sim.Find("a");
    return participant != nullptr && participant->was_active() &&
           participant->up_tracks().published().size() == 2;
  }));
  a.Leave();
  sim.Run(TimeDelta::Seconds(25));
  std::vector<Kind> kinds;
  for (const RoomEvent& event : sim.world.events) {
    kinds.push_back(event.kind);
    EXPECT_EQ(event.room.name(), "room");
    if (event.kind == Kind::kParticipantLeft) {
      EXPECT_TRUE(event.was_active);
      EXPECT_EQ(event.participant.disconnect_reason(), livekit::CLIENT_INITIATED);
    }
  }
  EXPECT_EQ(kinds.front(), Kind::kRoomStarted);
  EXPECT_EQ(kinds.back(), Kind::kRoomFinished);
  EXPECT_THAT(kinds, testing::IsSupersetOf({Kind::kParticipantJoined, Kind::kParticipantActive,
                                            Kind::kTrackPublished, Kind::kTrackUnpublished}));
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), Kind::kTrackPublished), 2);
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), Kind::kTrackUnpublished), 2);
}

TEST_P(Life, PresetsConfigureRooms) {
  Settings settings = TestSettings();
  settings.room_presets["small"] = R"({"maxParticipants": 2, "departureTimeout": 5, "metadata": "preset"})";
  RoomSim sim(1, GoodLink(), settings);
  livekit::CreateRoomRequest create;
  create.set_name("room");
  create.set_room_preset("small");
  create.set_departure_timeout(7);
  const auto room = sim.world.rooms.CreateRoom(sim.world.now(), create);
  ASSERT_TRUE(room.has_value());
  EXPECT_EQ(room->max_participants(), 2u);
  EXPECT_EQ(room->departure_timeout(), 7u);
  EXPECT_EQ(room->metadata(), "preset");
  create.set_name("other");
  create.set_room_preset("large");
  EXPECT_EQ(sim.world.rooms.CreateRoom(sim.world.now(), create).error().code,
            base::ErrorCode::kInvalidArgument);
}

TEST_P(Life, WhoLeftWhileSignallingWasDownIsToldAfterTheResume) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  sim.Add("c", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  ASSERT_TRUE(sim.RunUntil([&] { return a.Remote("b") != nullptr && a.Remote("c") != nullptr; }));
  a.DropSignal();
  b.Leave();
  sim.Run(TimeDelta::Seconds(40));
  EXPECT_NE(a.Remote("b"), nullptr) << "nobody could tell it";
  a.Resume();
  ASSERT_TRUE(sim.RunUntil([&] { return a.Remote("b") == nullptr; }));
  EXPECT_NE(a.Remote("c"), nullptr);
}

TEST_P(Life, AChangeByTheServerApiBringsAFreshToken) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  sim.RunMillis(200);
  const size_t before = a.CountOf(Response::kRefreshToken);
  livekit::UpdateParticipantRequest request;
  request.set_room("room");
  request.set_identity("a");
  request.set_name("Renamed");
  ASSERT_TRUE(sim.world.rooms.UpdateParticipant(sim.world.now(), request).has_value());
  ASSERT_TRUE(sim.RunUntil([&] { return a.CountOf(Response::kRefreshToken) == before + 1; }));
  const auto claims = auth::VerifyToken(a.LastOf(Response::kRefreshToken)->refresh_token(), sim.world.keys,
                                        sim.world.now().wall);
  ASSERT_TRUE(claims.has_value());
  EXPECT_EQ(claims->name, "Renamed");
}

}  // namespace
}  // namespace weir::rtc::test
