// What of subscriptions the simulated rooms do not show: limits, and wishes that cannot be met.

#include "rtc/subscriptions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "rtc/test_room.h"

namespace weir::rtc::test {
namespace {

class SubscriptionsInARoom : public BothModes {};
INSTANTIATE_TEST_SUITE_P(Modes, SubscriptionsInARoom, testing::Bool(), ModeName);

TEST_P(SubscriptionsInARoom, AreBoundedPerParticipant) {
  Settings settings = TestSettings();
  settings.limits.max_subscriptions = 1;
  RoomSim sim(1, GoodLink(), settings);
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  PublishBoth(a);
  ASSERT_TRUE(sim.RunUntil([&] { return b.Remote("a") != nullptr && b.Remote("a")->tracks_size() == 2; }));
  sim.RunMillis(2000);
  EXPECT_EQ(b.downlink().incoming.size(), 1u);
  EXPECT_EQ(sim.Find("b")->subscriptions().Active().size(), 1u);
}

TEST_P(SubscriptionsInARoom, NobodySubscribesWithoutThePermission) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient::Options options;
  options.identity = "b";
  options.single = single();
  options.grant.can_subscribe = false;
  TestClient& b = sim.Add(options);
  PublishBoth(a);
  ASSERT_TRUE(sim.RunUntil([&] { return b.Remote("a") != nullptr && b.Remote("a")->tracks_size() == 2; }));
  b.Subscribe(a.sids["a-mic"], true);
  sim.RunMillis(1000);
  EXPECT_TRUE(b.downlink().incoming.empty());
  livekit::UpdateParticipantRequest request;
  request.set_room("room");
  request.set_identity("b");
  request.mutable_permission()->set_can_subscribe(true);
  ASSERT_TRUE(sim.world.rooms.UpdateParticipant(sim.world.now(), request).has_value());
  EXPECT_TRUE(sim.RunUntilFlows(b, "a-mic", TimeDelta::Seconds(3)));
}

TEST(SubscriptionsToOneConnection, ACodecThatTheSubscriberDoesNotTakeIsReported) {
  RoomSim sim;
  TestClient& a = sim.Add("a", true);
  TestClient& b = *sim.clients.emplace_back(
      std::make_unique<TestClient>(sim.world, TestClient::Options{.identity = "b"}));
  b.receives_codecs = {"VP9"};
  b.Join();
  ASSERT_TRUE(sim.RunUntilConnected());
  sim.RunMillis(500);
  PublishBoth(a);
  ASSERT_TRUE(sim.RunUntil([&] { return b.CountOf(Response::kSubscriptionResponse) > 0; }));
  const livekit::SubscriptionResponse& response =
      b.LastOf(Response::kSubscriptionResponse)->subscription_response();
  EXPECT_EQ(response.err(), livekit::SE_CODEC_UNSUPPORTED);
  EXPECT_EQ(response.track_sid(), a.sids["a-cam"]);
  EXPECT_TRUE(sim.RunUntilFlows(b, "a-mic"));
  sim.RunMillis(3000);
  EXPECT_EQ(b.CountOf(Response::kSubscriptionResponse), 1u);
  EXPECT_EQ(b.PacketsOf("a-cam"), 0u);
}

TEST(SubscriptionsToOneConnection, WhoCannotTakeThePrimaryCodecGetsTheBackup) {
  RoomSim sim;
  TestClient& a = sim.Add("a", true);
  TestClient& b = *sim.clients.emplace_back(
      std::make_unique<TestClient>(sim.world, TestClient::Options{.identity = "b"}));
  b.receives_codecs = {"VP9"};
  b.Join();
  ASSERT_TRUE(sim.RunUntilConnected());
  livekit::SignalRequest request;
  livekit::AddTrackRequest& add = *request.mutable_add_track();
  add.set_cid("a-cam");
  add.set_type(livekit::VIDEO);
  add.set_source(livekit::CAMERA);
  add.add_simulcast_codecs()->set_codec("vp8");
  add.mutable_simulcast_codecs(0)->set_cid("a-cam");
  add.add_simulcast_codecs()->set_codec("vp9");
  a.Send(request);
  a.PublishVideo({.cid = "a-cam", .add_track = false}).sending = false;
  const auto subscription = [&]() -> Subscription* {
    Participant* participant = sim.Find("b");
    return participant == nullptr || a.sids["a-cam"].empty()
               ? nullptr
               : participant->subscriptions().Find(TrackSid(a.sids["a-cam"]));
  };
  ASSERT_TRUE(sim.RunUntil([&] { return subscription() != nullptr && subscription()->bound(); }));
  EXPECT_EQ(b.CountOf(Response::kSubscriptionResponse), 0u);
  EXPECT_EQ(subscription()->down_track()->receiver(), nullptr) << "it waits";
  ASSERT_TRUE(sim.RunUntil([&] { return a.CountOf(Response::kSubscribedQualityUpdate) > 0; }));
  const auto& update = a.LastOf(Response::kSubscribedQualityUpdate)->subscribed_quality_update();
  ASSERT_EQ(update.subscribed_codecs_size(), 2);
  EXPECT_EQ(update.subscribed_codecs(1).codec(), "vp9");
  EXPECT_TRUE(update.subscribed_codecs(1).qualities(0).enabled());

  livekit::SignalRequest more;
  livekit::AddTrackRequest& backup = *more.mutable_add_track();
  backup = add;
  backup.set_cid("a-cam-vp9");
  backup.set_sid(a.sids["a-cam"]);
  backup.mutable_simulcast_codecs(1)->set_cid("a-cam-vp9");
  a.Send(more);
  a.PublishVideo({.cid = "a-cam-vp9", .add_track = false}).sending = false;
  ASSERT_TRUE(sim.RunUntil([&] { return subscription()->down_track()->receiver() != nullptr; }));
  PublishedTrack* track = sim.Find("a")->Published(TrackSid(a.sids["a-cam"]));
  ASSERT_NE(track->backup(), nullptr);
  EXPECT_EQ(subscription()->down_track()->receiver(), &track->backup()->receiver());
  EXPECT_EQ(sim.Find("a")->up_tracks().published().size(), 1u);
}

TEST(SubscriptionsToOneConnection, ATrackThatFindsNoSectionIsReportedAfterAWhile) {
  RoomSim sim;
  TestClient& a = sim.Add("a", true);
  TestClient& b = *sim.clients.emplace_back(std::make_unique<TestClient>(
      sim.world, TestClient::Options{.identity = "b", .receive_audios = 0, .receive_videos = 0}));
  b.heeds_requirements = false;
  b.Join();
  a.PublishAudio({.cid = "a-mic"});
  ASSERT_TRUE(sim.RunUntil([&] { return b.CountOf(Response::kMediaSectionsRequirement) > 0; }));
  sim.Run(TimeDelta::Seconds(14));
  EXPECT_EQ(b.CountOf(Response::kSubscriptionResponse), 0u);
  sim.Run(TimeDelta::Seconds(3));
  ASSERT_EQ(b.CountOf(Response::kSubscriptionResponse), 1u);
  EXPECT_EQ(b.LastOf(Response::kSubscriptionResponse)->subscription_response().err(), livekit::SE_UNKNOWN);
}

}  // namespace
}  // namespace weir::rtc::test
