// What happens to tracks in a simulated room: published, muted, unpublished, subscribed, at which quality.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "rtc/test_room.h"

namespace weir::rtc::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::UnorderedElementsAre;

class Tracks : public BothModes {};
INSTANTIATE_TEST_SUITE_P(Modes, Tracks, testing::Bool(), ModeName);

TEST_P(Tracks, AreAnnouncedWithTheirSidBeforeTheDescriptionThatCarriesThem) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  a.PublishAudio({.cid = "a-mic"});
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-mic"));
  size_t announced = 0;
  size_t described = 0;
  for (size_t i = 0; i < b.messages.size(); ++i) {
    const Response& message = b.messages[i];
    if (announced == 0 && message.has_update() && message.update().participants(0).identity() == "a" &&
        message.update().participants(0).tracks_size() > 0) {
      announced = i;
      EXPECT_EQ(message.update().participants(0).tracks(0).sid(), a.sids["a-mic"]);
    }
    const auto& map =
        message.has_offer() ? message.offer().mid_to_track_id() : message.answer().mid_to_track_id();
    if (described == 0 && !map.empty()) {
      described = i;
    }
  }
  EXPECT_GT(announced, 0u);
  EXPECT_GT(described, announced);
  EXPECT_EQ(a.CountOf(Response::kTrackSubscribed), 1u);
  EXPECT_TRUE(b.Remote("a")->is_publisher());
  EXPECT_EQ(b.Remote("a")->tracks(0).mime_type(), "audio/red");
}

TEST_P(Tracks, ALateJoinerSeesVideoFromAKeyFrameOn) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  PublishBoth(a);
  ASSERT_TRUE(sim.RunUntilConnected());
  sim.RunMillis(5000);
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-cam", TimeDelta::Seconds(3)));
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-mic", TimeDelta::Seconds(3)));
  sim.RunMillis(3000);
  const Timestamp now = sim.world.network.now();
  EXPECT_GT(b.CoverageOfCid("a-cam", now - TimeDelta::Seconds(2), now - TimeDelta::Millis(200)).ratio(),
            0.99);
  EXPECT_EQ(b.Incoming("a-cam")[0]->last_layer(), 2);
  sim.ExpectOrder();
}

TEST_P(Tracks, AMutedMicrophoneFallsSilentAndComesBack) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  PublishBoth(a);
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-mic"));
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-cam"));
  a.Mute("a-mic", true);
  a.Mute("a-cam", true);
  sim.RunMillis(2500);
  EXPECT_TRUE(b.Remote("a")->tracks(0).muted());
  const IncomingTrack& mic = *b.Incoming("a-mic")[0];
  EXPECT_GT(mic.counters().silence, 0u);
  const size_t audio_before = b.PacketsOf("a-mic");
  const size_t video_before = b.PacketsOf("a-cam");
  sim.RunMillis(1000);
  EXPECT_EQ(b.PacketsOf("a-mic"), audio_before);
  EXPECT_EQ(b.PacketsOf("a-cam"), video_before);

  a.Mute("a-mic", false);
  a.Mute("a-cam", false);
  EXPECT_TRUE(sim.RunUntilFlows(b, "a-mic", TimeDelta::Seconds(1)));
  EXPECT_TRUE(sim.RunUntilFlows(b, "a-cam", TimeDelta::Seconds(1)));
  sim.RunMillis(1000);
  EXPECT_FALSE(b.Remote("a")->tracks(0).muted());
  EXPECT_EQ(b.Incoming("a-mic").size(), 1u);  // The same section all along.
  sim.ExpectOrder();
}

TEST_P(Tracks, AMuteByTheServerIsFollowedByItsOwner) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  a.PublishAudio({.cid = "a-mic"});
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-mic"));
  livekit::MuteRoomTrackRequest request;
  request.set_room("room");
  request.set_identity("a");
  request.set_track_sid(a.sids["a-mic"]);
  request.set_muted(true);
  const auto info = sim.world.rooms.MuteTrack(sim.world.now(), request);
  ASSERT_TRUE(info.has_value());
  EXPECT_TRUE(info->muted());
  sim.RunMillis(500);
  EXPECT_EQ(a.CountOf(Response::kMute), 1u);
  EXPECT_TRUE(b.Remote("a")->tracks(0).muted());
  request.set_muted(false);
  const auto refused = sim.world.rooms.MuteTrack(sim.world.now(), request);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kFailedPrecondition);
}

TEST_P(Tracks, UnpublishedAndPublishedAgainUnderNewSids) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  PublishBoth(a);
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-mic"));
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-cam"));
  const std::string old_sid = a.sids["a-mic"];
  a.Unpublish("a-mic");
  a.Unpublish("a-cam");
  sim.RunMillis(1000);
  EXPECT_EQ(b.Remote("a")->tracks_size(), 0);
  EXPECT_FALSE(b.Remote("a")->is_publisher());
  EXPECT_TRUE(b.downlink().incoming.empty());

  a.PublishAudio({.cid = "a-mic-2"});
  a.PublishVideo({.cid = "a-cam-2"});
  EXPECT_TRUE(sim.RunUntilFlows(b, "a-mic-2", TimeDelta::Seconds(2)));
  EXPECT_TRUE(sim.RunUntilFlows(b, "a-cam-2", TimeDelta::Seconds(2)));
  EXPECT_NE(a.sids["a-mic-2"], old_sid);
  EXPECT_EQ(b.CountOf(Response::kSubscriptionResponse), 0u);
  sim.ExpectOrder();
}

// What is published while the offer that takes an old track away is unanswered takes over that track's
// section.
TEST_P(Tracks, ReplacedAtOnceStillReachTheirSubscribers) {
  RoomSim sim;
  sim.world.signal_delay = TimeDelta::Millis(100);
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  for (int round = 0; round < 8; ++round) {
    const std::string cid = "a-mic-" + std::to_string(round);
    a.PublishAudio({.cid = cid});
    ASSERT_TRUE(sim.RunUntilFlows(b, cid, TimeDelta::Seconds(4))) << cid;
    a.Unpublish(cid);
    sim.RunMillis(30 + 40 * round);
  }
  EXPECT_EQ(b.CountOf(Response::kSubscriptionResponse), 0u);
}

TEST_P(Tracks, UnsubscribedMediaStopsAndComesBackWhenWished) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  PublishBoth(a);
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-mic"));
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-cam"));
  b.Subscribe(a.sids["a-cam"], false);
  sim.RunMillis(500);
  const size_t before = b.PacketsOf("a-cam");
  sim.RunMillis(1500);
  EXPECT_EQ(b.PacketsOf("a-cam"), before);
  EXPECT_TRUE(sim.RunUntilFlows(b, "a-mic", TimeDelta::Seconds(1)));
  b.Subscribe(a.sids["a-cam"], true);
  EXPECT_TRUE(sim.RunUntilFlows(b, "a-cam", TimeDelta::Seconds(2)));
  sim.ExpectOrder();
}

TEST_P(Tracks, NothingIsSubscribedForAClientThatChoosesItself) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient::Options options;
  options.identity = "b";
  options.single = single();
  options.auto_subscribe = false;
  TestClient& b = sim.Add(options);
  PublishBoth(a);
  ASSERT_TRUE(sim.RunUntil([&] { return b.Remote("a") != nullptr && b.Remote("a")->tracks_size() == 2; }));
  sim.RunMillis(1500);
  EXPECT_TRUE(b.downlink().incoming.empty());
  b.Subscribe(a.sids["a-cam"], true);
  EXPECT_TRUE(sim.RunUntilFlows(b, "a-cam", TimeDelta::Seconds(2)));
  EXPECT_EQ(b.PacketsOf("a-mic"), 0u);
}

TEST_P(Tracks, AWishThatComesBeforeItsTrackIsMetOrRefusedAfterAMinute) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  b.Subscribe("TR_AMnever", true);
  sim.Run(TimeDelta::Seconds(59));
  EXPECT_EQ(b.CountOf(Response::kSubscriptionResponse), 0u);
  sim.Run(TimeDelta::Seconds(2));
  const Response* refusal = b.LastOf(Response::kSubscriptionResponse);
  ASSERT_NE(refusal, nullptr);
  EXPECT_EQ(refusal->subscription_response().err(), livekit::SE_TRACK_NOTFOUND);
  EXPECT_EQ(refusal->subscription_response().track_sid(), "TR_AMnever");
  a.PublishAudio({.cid = "a-mic"});
  EXPECT_TRUE(sim.RunUntilFlows(b, "a-mic"));
}

TEST_P(Tracks, QualityChoosesTheLayer) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  a.PublishVideo({.cid = "a-cam"});
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-cam"));
  sim.RunMillis(1500);
  const auto layer = [&] { return b.Incoming("a-cam")[0]->last_layer(); };
  EXPECT_EQ(layer(), 2);
  b.SetTrack(a.sids["a-cam"], livekit::LOW);
  sim.RunMillis(2500);
  EXPECT_EQ(layer(), 0);
  b.SetTrack(a.sids["a-cam"], livekit::MEDIUM);
  sim.RunMillis(1500);
  EXPECT_EQ(layer(), 1);
  b.SetTrack(a.sids["a-cam"], livekit::HIGH, /*disabled=*/true);
  sim.RunMillis(500);
  const size_t before = b.PacketsOf("a-cam");
  sim.RunMillis(1000);
  EXPECT_EQ(b.PacketsOf("a-cam"), before);
  b.SetTrack(a.sids["a-cam"], livekit::HIGH);
  EXPECT_TRUE(sim.RunUntilFlows(b, "a-cam", TimeDelta::Seconds(1)));
  sim.RunMillis(1500);
  EXPECT_EQ(layer(), 2);
  sim.ExpectOrder();
}

TEST_P(Tracks, AnAdaptiveClientBeginsWithTheLowestLayer) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient::Options options;
  options.identity = "b";
  options.single = single();
  options.adaptive_stream = true;
  TestClient& b = sim.Add(options);
  a.PublishVideo({.cid = "a-cam"});
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-cam"));
  sim.RunMillis(1500);
  EXPECT_THAT(b.Incoming("a-cam")[0]->layers(), ElementsAre(0));
}

TEST_P(Tracks, ALayerThatItsPublisherStopsGivesWayToTheNextBelow) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  VideoSource& camera = a.PublishVideo({.cid = "a-cam"});
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-cam"));
  sim.RunMillis(1500);
  ASSERT_EQ(b.Incoming("a-cam")[0]->last_layer(), 2);
  camera.active_layers = 1;
  sim.RunMillis(2500);
  EXPECT_EQ(b.Incoming("a-cam")[0]->last_layer(), 0);
  const Timestamp now = sim.world.network.now();
  EXPECT_GT(b.CoverageOfCid("a-cam", now - TimeDelta::Seconds(1), now - TimeDelta::Millis(200)).ratio(),
            0.99);
  camera.active_layers = 3;
  sim.RunMillis(2500);
  EXPECT_EQ(b.Incoming("a-cam")[0]->last_layer(), 2);
  sim.ExpectOrder();
}

TEST(SingleConnection, ASubscriberWithoutRedGetsPlainOpus) {
  RoomSim sim(1, BadLink());
  TestClient& a = sim.Add("a", true);
  TestClient::Options options;
  options.identity = "b";
  TestClient& b = *sim.clients.emplace_back(std::make_unique<TestClient>(sim.world, options));
  b.receives_red = false;
  b.Join();
  a.PublishAudio({.cid = "a-mic"});
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-mic"));
  const Timestamp from = sim.world.network.now();
  sim.RunMillis(6000);
  EXPECT_THAT(b.Incoming("a-mic")[0]->codecs_seen(), ElementsAre(codec::Codec::kOpus));
  const Coverage audio = b.CoverageOfCid("a-mic", from, sim.world.network.now() - TimeDelta::Seconds(1));
  EXPECT_GE(audio.ratio(), 0.97);
}

TEST(SingleConnection, MoreTracksThanSectionsAreAskedFor) {
  RoomSim sim;
  TestClient::Options options;
  options.identity = "viewer";
  options.receive_audios = 2;
  options.receive_videos = 1;
  TestClient& viewer = sim.Add(options);
  for (const char* identity : {"a", "b", "c", "d"}) {
    PublishBoth(sim.Add(identity, true));
  }
  for (const char* identity : {"a", "b", "c", "d"}) {
    EXPECT_TRUE(sim.RunUntil([&] { return viewer.PacketsOf(MicOf(identity)) > 0; })) << identity;
    EXPECT_TRUE(sim.RunUntil([&] { return viewer.PacketsOf(CamOf(identity)) > 0; })) << identity;
  }
  uint32_t audios = 0;
  uint32_t videos = 0;
  for (const Response& message : viewer.messages) {
    audios += message.media_sections_requirement().num_audios();
    videos += message.media_sections_requirement().num_videos();
  }
  EXPECT_EQ(audios, 2u);
  EXPECT_EQ(videos, 3u);
}

TEST_P(Tracks, APublisherDecidesWhoMaySubscribe) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  TestClient& c = sim.Add("c", single());
  PublishBoth(a);
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-cam"));
  ASSERT_TRUE(sim.RunUntilFlows(c, "a-cam"));
  livekit::SignalRequest request;
  livekit::TrackPermission& permission = *request.mutable_subscription_permission()->add_track_permissions();
  permission.set_participant_identity("b");
  permission.add_track_sids(a.sids["a-mic"]);
  a.Send(request);
  sim.RunMillis(500);
  const size_t cam_of_b = b.PacketsOf("a-cam");
  const size_t mic_of_c = c.PacketsOf("a-mic");
  sim.RunMillis(1000);
  EXPECT_EQ(b.PacketsOf("a-cam"), cam_of_b);
  EXPECT_EQ(c.PacketsOf("a-mic"), mic_of_c);
  EXPECT_TRUE(sim.RunUntilFlows(b, "a-mic", TimeDelta::Seconds(1)));
  EXPECT_FALSE(b.LastOf(Response::kSubscriptionPermissionUpdate)->subscription_permission_update().allowed());

  request.mutable_subscription_permission()->set_all_participants(true);
  a.Send(request);
  EXPECT_TRUE(sim.RunUntilFlows(b, "a-cam", TimeDelta::Seconds(3)));
  EXPECT_TRUE(sim.RunUntilFlows(c, "a-mic", TimeDelta::Seconds(3)));
  EXPECT_TRUE(b.LastOf(Response::kSubscriptionPermissionUpdate)->subscription_permission_update().allowed());
}

TEST_P(Tracks, ARevokedPermissionEndsWhatItForbids) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  PublishBoth(a);
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-cam"));
  livekit::UpdateParticipantRequest request;
  request.set_room("room");
  request.set_identity("a");
  request.mutable_permission()->set_can_subscribe(true);
  request.mutable_permission()->set_can_publish(true);
  request.mutable_permission()->add_can_publish_sources(livekit::MICROPHONE);
  ASSERT_TRUE(sim.world.rooms.UpdateParticipant(sim.world.now(), request).has_value());
  sim.RunMillis(700);
  ASSERT_EQ(a.CountOf(Response::kTrackUnpublished), 1u);
  EXPECT_EQ(a.LastOf(Response::kTrackUnpublished)->track_unpublished().track_sid(), a.sids["a-cam"]);
  ASSERT_EQ(b.Remote("a")->tracks_size(), 1);
  EXPECT_EQ(b.Remote("a")->tracks(0).sid(), a.sids["a-mic"]);
  const size_t before = b.PacketsOf("a-cam");
  sim.RunMillis(1000);
  EXPECT_EQ(b.PacketsOf("a-cam"), before);
  EXPECT_TRUE(sim.RunUntilFlows(b, "a-mic", TimeDelta::Seconds(1)));
}

TEST_P(Tracks, WhoSpeaksIsTold) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  AudioSource& microphone = a.PublishAudio({.cid = "a-mic"});
  microphone.level = 127;
  ASSERT_TRUE(sim.RunUntilFlows(b, "a-mic"));
  sim.RunMillis(1500);
  EXPECT_EQ(b.CountOf(Response::kSpeakersChanged), 0u);
  microphone.level = 15;
  sim.RunMillis(1500);
  EXPECT_TRUE(b.speaking[a.self.sid()]);
  EXPECT_TRUE(a.speaking[a.self.sid()]);
  microphone.level = 127;
  sim.RunMillis(3000);
  EXPECT_FALSE(b.speaking[a.self.sid()]);
}

// A connection knows a thousand streams at a time, and a client that publishes anew for hours uses up many
// more.
TEST(TracksOfALongCall, PublishingAgainAndAgainNeverRunsOutOfStreams) {
  RoomSim sim;
  TestClient& a = sim.Add("a", true);
  TestClient& b = sim.Add("b", true);
  ASSERT_TRUE(sim.RunUntilConnected());
  for (int i = 0; i < 220; ++i) {
    const std::string cid = "cam " + std::to_string(i);
    a.PublishVideo({.cid = cid});
    ASSERT_TRUE(sim.RunUntilFlows(b, cid)) << i;
    a.Unpublish(cid);
    sim.RunMillis(50);
  }
  EXPECT_EQ(sim.Find("a")->transports().publisher().connection().counters().srtp_malformed, 0u);
  EXPECT_LE(sim.Find("a")->transports().publisher().connection().received_streams(), 600u);
}

}  // namespace
}  // namespace weir::rtc::test
