// Data between the members of a simulated room (signal.md 7.2, 7.3 in LiveKit's words): who gets it, in which
// order, and what is taken out on the way.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "rtc/test_room.h"

namespace weir::rtc::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSubsetOf;

class Data : public BothModes {
 protected:
  bool RunUntilOpen(RoomSim& sim) {
    return sim.RunUntil([&] {
      return std::all_of(sim.clients.begin(), sim.clients.end(), [&](const auto& client) {
        const bool sends = client->publisher->channels.size() == 3;
        return sends && client->downlink().channels.contains(std::string(kReliableLabel));
      });
    });
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, Data, testing::Bool(), ModeName);

TEST_P(Data, ReliableMessagesArriveInOrderThroughLoss) {
  RoomSim sim(5, BadLink());
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  TestClient& c = sim.Add("c", !single());
  ASSERT_TRUE(RunUntilOpen(sim));
  std::vector<std::string> sent;
  for (int i = 0; i < 200; ++i) {
    sent.push_back("message " + std::to_string(i) + std::string(static_cast<size_t>(i * 17 % 3000), '.'));
    ASSERT_TRUE(a.SendData(sent.back()));
    EXPECT_TRUE(b.SendData("from b"));
    sim.RunMillis(10);
  }
  EXPECT_TRUE(sim.RunUntil([&] { return b.TextsFrom("a").size() == 200 && c.TextsFrom("a").size() == 200; },
                           TimeDelta::Seconds(30)));
  EXPECT_EQ(b.TextsFrom("a"), sent);
  EXPECT_EQ(c.TextsFrom("a"), sent);
  EXPECT_TRUE(sim.RunUntil([&] { return a.TextsFrom("b").size() == 200; }, TimeDelta::Seconds(30)));
}

TEST_P(Data, LossyMessagesArriveOnTheLossyChannelOrNotAtAll) {
  RoomSim sim(5, BadLink());
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(RunUntilOpen(sim));
  ASSERT_TRUE(sim.RunUntil([&] { return b.downlink().channels.contains(std::string(kLossyLabel)); }));
  std::vector<std::string> sent;
  for (int i = 0; i < 200; ++i) {
    sent.push_back(std::to_string(i));
    a.SendData(sent.back(), /*reliable=*/false);
    sim.RunMillis(10);
  }
  sim.RunMillis(1000);
  EXPECT_THAT(b.TextsFrom("a", false), IsSubsetOf(sent));
  EXPECT_GT(b.TextsFrom("a", false).size(), 100u);
  EXPECT_LT(b.TextsFrom("a", false).size(), 200u);  // Two lossy hops, no repairs.
  EXPECT_THAT(b.TextsFrom("a", true), IsEmpty());
}

TEST_P(Data, DestinationsAreMetAndNothingComesBack) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  TestClient& c = sim.Add("c", single());
  ASSERT_TRUE(RunUntilOpen(sim));
  a.SendData("to all");
  a.SendData("to c and me", true, {"c", "a"});
  a.SendData("to nobody here", true, {"z"});
  livekit::DataPacket by_sid;
  by_sid.mutable_user()->set_payload("to b by sid");
  by_sid.mutable_user()->add_destination_sids(b.self.sid());
  a.SendPacket(by_sid);
  sim.RunMillis(500);
  EXPECT_THAT(b.TextsFrom("a"), ElementsAre("to all", "to b by sid"));
  EXPECT_THAT(c.TextsFrom("a"), ElementsAre("to all", "to c and me"));
  EXPECT_THAT(a.data, IsEmpty());
}

TEST_P(Data, TheSenderIsWhoItIsNotWhoItSays) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(RunUntilOpen(sim));
  livekit::DataPacket packet;
  packet.set_participant_identity("b");
  packet.set_participant_sid("PA_someone");
  packet.mutable_user()->set_participant_identity("b");
  packet.mutable_user()->set_payload("lie");
  a.SendPacket(packet);
  ASSERT_TRUE(sim.RunUntil([&] { return !b.data.empty(); }));
  const livekit::DataPacket& received = b.data[0].packet;
  EXPECT_EQ(received.participant_identity(), "a");
  EXPECT_EQ(received.participant_sid(), a.self.sid());
  EXPECT_EQ(received.user().participant_identity(), "a");
  EXPECT_EQ(received.user().participant_sid(), a.self.sid());
  EXPECT_EQ(received.sequence(), 1u);  // Kept: receivers drop by it.
}

TEST_P(Data, RepeatsAreDroppedBySequenceAndByNonce) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(RunUntilOpen(sim));
  a.SendData("one");
  a.SendData("two");
  livekit::DataPacket old;
  old.set_kind(livekit::DataPacket::RELIABLE);
  old.set_sequence(1);
  old.mutable_user()->set_payload("one again");
  a.SendPacket(old);
  livekit::DataPacket marked;
  marked.mutable_user()->set_nonce("0123456789abcdef");
  marked.mutable_user()->set_payload("nonce");
  a.SendPacket(marked, /*reliable=*/false);
  sim.RunMillis(100);
  a.SendPacket(marked, /*reliable=*/false);
  sim.RunMillis(500);
  EXPECT_THAT(b.TextsFrom("a"), ElementsAre("one", "two"));
  EXPECT_THAT(b.TextsFrom("a", false), ElementsAre("nonce"));
  EXPECT_EQ(sim.Find("a")->counters().data_duplicates, 2u);
}

TEST_P(Data, WithoutThePermissionNothingIsTaken) {
  RoomSim sim;
  TestClient::Options options;
  options.identity = "a";
  options.single = single();
  options.grant.can_publish_data = false;
  TestClient& a = sim.Add(options);
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(RunUntilOpen(sim));
  EXPECT_TRUE(a.SendData("no"));
  sim.RunMillis(500);
  EXPECT_THAT(b.data, IsEmpty());
  EXPECT_EQ(sim.Find("a")->counters().data_refused, 1u);
}

TEST_P(Data, WhatIsNoDataPacketIsCountedAndDropped) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(RunUntilOpen(sim));
  const auto garbage = std::make_shared<const Buffer>(Buffer{0xff, 0xff, 0xff, 0x01});
  const uint16_t channel = a.publisher->channels.at(std::string(kReliableLabel));
  EXPECT_TRUE(a.publisher->connection.SendData(sim.world.now(), channel, garbage));
  sim.RunMillis(300);
  EXPECT_EQ(sim.Find("a")->counters().data_malformed, 1u);
  EXPECT_THAT(b.data, IsEmpty());
}

TEST_P(Data, TranscriptionsAreForAgentsAndMetricsForNobody) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient::Options options;
  options.identity = "agent";
  options.single = single();
  options.kind = "agent";
  TestClient& agent = sim.Add(options);
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(RunUntilOpen(sim));
  livekit::DataPacket transcription;
  transcription.mutable_transcription()->set_track_id("TR_x");
  livekit::DataPacket metrics;
  metrics.mutable_metrics();
  livekit::DataPacket chat;
  chat.set_participant_identity("a");
  chat.mutable_chat_message()->set_message("for a");
  a.SendPacket(transcription);
  a.SendPacket(metrics);
  agent.SendPacket(metrics);
  agent.SendPacket(transcription);
  agent.SendPacket(chat);
  sim.RunMillis(500);
  ASSERT_EQ(b.data.size(), 2u);
  EXPECT_TRUE(b.data[0].packet.has_transcription());
  EXPECT_EQ(b.data[0].packet.participant_identity(), "agent");
  EXPECT_TRUE(b.data[1].packet.chat_message().generated());
  EXPECT_EQ(b.data[1].packet.participant_identity(), "a");
}

TEST_P(Data, ReliableDataWaitsForAJoinerWhoseChannelIsNotOpenYet) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  ASSERT_TRUE(RunUntilOpen(sim));
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(sim.RunUntil([&] { return sim.Find("b") != nullptr; }));
  ASSERT_FALSE(sim.Find("b")->transports().data_open());
  livekit::SendDataRequest request;
  request.set_room("room");
  request.set_kind(livekit::DataPacket::RELIABLE);
  request.set_data("early 1");
  ASSERT_TRUE(sim.world.rooms.SendData(sim.world.now(), request).has_value());
  request.set_data("early 2");
  ASSERT_TRUE(sim.world.rooms.SendData(sim.world.now(), request).has_value());
  request.set_kind(livekit::DataPacket::LOSSY);
  request.set_data("lossy");
  ASSERT_TRUE(sim.world.rooms.SendData(sim.world.now(), request).has_value());
  ASSERT_TRUE(RunUntilOpen(sim));
  sim.RunMillis(500);
  EXPECT_THAT(b.TextsFrom(""), ElementsAre("early 1", "early 2"));
  EXPECT_THAT(b.TextsFrom("", false), IsEmpty());
  EXPECT_THAT(a.TextsFrom(""), ElementsAre("early 1", "early 2"));
}

TEST_P(Data, TooMuchForAJoinerIsDroppedAndCounted) {
  RoomSim sim;
  sim.Add("a", single());
  ASSERT_TRUE(RunUntilOpen(sim));
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(sim.RunUntil([&] { return sim.Find("b") != nullptr; }));
  livekit::SendDataRequest request;
  request.set_room("room");
  request.set_data(std::string(40'000, 'x'));
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(sim.world.rooms.SendData(sim.world.now(), request).has_value());
  }
  EXPECT_EQ(sim.Find("b")->counters().data_dropped, 2u);
  ASSERT_TRUE(RunUntilOpen(sim));
  sim.RunMillis(1000);
  EXPECT_EQ(b.TextsFrom("").size(), 2u);
}

}  // namespace
}  // namespace weir::rtc::test
