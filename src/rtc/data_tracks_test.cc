// Data tracks and data blobs: what publishers and subscribers are told.

#include "rtc/data_tracks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "codec/data_track.h"
#include "rtc/data_blobs.h"
#include "rtc/test_room.h"

namespace weir::rtc::test {
namespace {

using testing::IsEmpty;
using Refusal = livekit::RequestResponse;

// ---- In a room.

class DataTracks : public BothModes {
 protected:
  static livekit::SignalRequest PublishRequest(uint32_t handle, const std::string& name) {
    livekit::SignalRequest request;
    request.mutable_publish_data_track_request()->set_pub_handle(handle);
    request.mutable_publish_data_track_request()->set_name(name);
    return request;
  }
  static livekit::SignalRequest SubscribeRequest(const std::string& sid, bool subscribe = true) {
    livekit::SignalRequest request;
    auto& update = *request.mutable_update_data_subscription()->add_updates();
    update.set_track_sid(sid);
    update.set_subscribe(subscribe);
    return request;
  }
  std::string Publish(RoomSim& sim, TestClient& client, uint32_t handle, const std::string& name) {
    const size_t before = client.CountOf(Response::kPublishDataTrackResponse);
    client.Send(PublishRequest(handle, name));
    EXPECT_TRUE(sim.RunUntil([&] { return client.CountOf(Response::kPublishDataTrackResponse) > before; }));
    return client.LastOf(Response::kPublishDataTrackResponse)->publish_data_track_response().info().sid();
  }
  static Refusal::Reason RefusalOf(const TestClient& client) {
    const Response* response = client.LastOf(Response::kRequestResponse);
    return response == nullptr ? Refusal::OK : response->request_response().reason();
  }
  static std::map<uint32_t, std::string> HandlesOf(const TestClient& client) {
    std::map<uint32_t, std::string> handles;
    if (const Response* message = client.LastOf(Response::kDataTrackSubscriberHandles)) {
      for (const auto& [handle, track] : message->data_track_subscriber_handles().sub_handles()) {
        handles[handle] = track.track_sid();
      }
    }
    return handles;
  }
  static bool ChannelsOpen(RoomSim& sim) {
    return sim.RunUntil([&] {
      return std::all_of(sim.clients.begin(), sim.clients.end(), [](const auto& client) {
        const std::string label(kDataTrackLabel);
        return client->publisher->channels.contains(label) && client->downlink().channels.contains(label);
      });
    });
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, DataTracks, testing::Bool(), ModeName);

TEST_P(DataTracks, PacketsReachWhoSubscribedUnderTheirOwnHandle) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  TestClient& c = sim.Add("c", !single());
  ASSERT_TRUE(ChannelsOpen(sim));
  const std::string sid = Publish(sim, a, 7, "poses");
  EXPECT_EQ(sid.substr(0, 4), "DTR_");
  ASSERT_TRUE(
      sim.RunUntil([&] { return b.Remote("a") != nullptr && b.Remote("a")->data_tracks_size() == 1; }));
  EXPECT_EQ(b.Remote("a")->data_tracks(0).name(), "poses");
  EXPECT_TRUE(b.Remote("a")->is_publisher());
  b.Send(SubscribeRequest(sid));
  ASSERT_TRUE(sim.RunUntil([&] { return HandlesOf(b).size() == 1; }));
  const uint32_t handle = HandlesOf(b).begin()->first;
  EXPECT_NE(handle, 0u);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(a.SendDataTrackPacket(7, "frame " + std::to_string(i)));
    sim.RunMillis(20);
  }
  a.SendDataTrackPacket(8, "of no track");
  sim.RunMillis(200);
  ASSERT_EQ(b.data_track_packets.size(), 10u);
  EXPECT_EQ(b.data_track_packets[3].substr(12), "frame 3");
  const std::string& last = b.data_track_packets.back();
  EXPECT_EQ(codec::ReadDataTrackHandle(base::AsBytes(last)), handle);
  EXPECT_THAT(c.data_track_packets, IsEmpty());
  EXPECT_THAT(a.data_track_packets, IsEmpty());
  EXPECT_EQ(sim.Find("a")->data_tracks().counters().unknown_handle, 1u);
}

TEST_P(DataTracks, SubscribingBeforeItIsThereAndUnpublishing) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient::Options eager{.identity = "b", .single = single(), .auto_subscribe_data_track = true};
  TestClient& b = sim.Add(eager);
  ASSERT_TRUE(ChannelsOpen(sim));
  const std::string first = Publish(sim, a, 1, "one");
  const std::string second = Publish(sim, a, 2, "two");
  ASSERT_TRUE(sim.RunUntil([&] { return HandlesOf(b).size() == 2; }));
  b.Send(SubscribeRequest(first, false));
  ASSERT_TRUE(sim.RunUntil([&] { return HandlesOf(b).size() == 1; }));
  EXPECT_EQ(HandlesOf(b).begin()->second, second);
  livekit::SignalRequest unpublish;
  unpublish.mutable_unpublish_data_track_request()->set_pub_handle(2);
  a.Send(unpublish);
  ASSERT_TRUE(sim.RunUntil([&] { return HandlesOf(b).empty(); }));
  EXPECT_EQ(a.LastOf(Response::kUnpublishDataTrackResponse)->unpublish_data_track_response().info().sid(),
            second);
  ASSERT_TRUE(sim.RunUntil([&] { return b.Remote("a")->data_tracks_size() == 1; }));
  a.Send(unpublish);
  sim.RunMillis(200);
  EXPECT_EQ(RefusalOf(a), Refusal::NOT_FOUND);
  a.Leave();
  sim.RunMillis(500);
  EXPECT_EQ(sim.Find("b")->data_subscriptions().active(), 0u);
}

TEST_P(DataTracks, BadRequestsAreNamed) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  const auto refused = [&](const livekit::SignalRequest& request) {
    const size_t before = a.CountOf(Response::kRequestResponse);
    a.Send(request);
    EXPECT_TRUE(sim.RunUntil([&] { return a.CountOf(Response::kRequestResponse) > before; }));
    EXPECT_TRUE(a.LastOf(Response::kRequestResponse)->request_response().has_publish_data_track());
    return RefusalOf(a);
  };
  Publish(sim, a, 1, "one");
  EXPECT_EQ(refused(PublishRequest(0, "x")), Refusal::INVALID_HANDLE);
  EXPECT_EQ(refused(PublishRequest(65536, "x")), Refusal::INVALID_HANDLE);
  EXPECT_EQ(refused(PublishRequest(2, "")), Refusal::INVALID_NAME);
  EXPECT_EQ(refused(PublishRequest(2, std::string(257, 'n'))), Refusal::INVALID_NAME);
  EXPECT_EQ(refused(PublishRequest(1, "two")), Refusal::DUPLICATE_HANDLE);
  EXPECT_EQ(refused(PublishRequest(2, "one")), Refusal::DUPLICATE_NAME);
  livekit::SignalRequest encoding = PublishRequest(3, "three");
  encoding.mutable_publish_data_track_request()->mutable_frame_encoding()->set_custom(std::string(33, 'e'));
  EXPECT_EQ(refused(encoding), Refusal::INVALID_REQUEST);
  for (uint32_t i = 2; i <= 256; ++i) {
    a.Send(PublishRequest(i, "track " + std::to_string(i)));
  }
  EXPECT_EQ(refused(PublishRequest(300, "one too many")), Refusal::LIMIT_EXCEEDED);
}

TEST_P(DataTracks, TheRightToPublishDataEndsThem) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(ChannelsOpen(sim));
  const std::string sid = Publish(sim, a, 1, "one");
  b.Send(SubscribeRequest(sid));
  ASSERT_TRUE(sim.RunUntil([&] { return HandlesOf(b).size() == 1; }));
  livekit::ParticipantPermission permission = sim.Find("a")->permission();
  permission.set_can_publish_data(false);
  sim.Find("a")->SetPermission(sim.world.now(), permission);
  ASSERT_TRUE(sim.RunUntil([&] { return HandlesOf(b).empty(); }));
  EXPECT_EQ(a.CountOf(Response::kUnpublishDataTrackResponse), 1u);
  a.Send(PublishRequest(2, "two"));
  ASSERT_TRUE(sim.RunUntil([&] { return a.CountOf(Response::kRequestResponse) == 1; }));
  EXPECT_EQ(RefusalOf(a), Refusal::NOT_ALLOWED);
}

TEST_P(DataTracks, ThePublisherSaysWhoMaySubscribe) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(ChannelsOpen(sim));
  const std::string sid = Publish(sim, a, 1, "one");
  b.Send(SubscribeRequest(sid));
  ASSERT_TRUE(sim.RunUntil([&] { return HandlesOf(b).size() == 1; }));
  livekit::SignalRequest nobody;
  nobody.mutable_subscription_permission()->set_all_participants(false);
  a.Send(nobody);
  ASSERT_TRUE(sim.RunUntil([&] { return HandlesOf(b).empty(); }));
  nobody.mutable_subscription_permission()->set_all_participants(true);
  a.Send(nobody);
  ASSERT_TRUE(sim.RunUntil([&] { return HandlesOf(b).size() == 1; }));
}

TEST_P(DataTracks, ASlowSubscriberLosesPacketsAndNobodyElseDoes) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  TestClient& c = sim.Add("c", single());
  ASSERT_TRUE(ChannelsOpen(sim));
  const std::string sid = Publish(sim, a, 1, "bulk");
  b.Send(SubscribeRequest(sid));
  c.Send(SubscribeRequest(sid));
  ASSERT_TRUE(sim.RunUntil([&] { return HandlesOf(b).size() == 1 && HandlesOf(c).size() == 1; }));
  b.Vanish();
  for (int i = 0; i < 400; ++i) {
    a.SendDataTrackPacket(1, std::string(1100, 'x'));
    sim.RunMillis(5);
  }
  sim.RunMillis(500);
  EXPECT_GT(sim.Find("b")->data_subscriptions().counters().dropped, 0u);
  EXPECT_EQ(sim.Find("c")->data_subscriptions().counters().dropped, 0u);
  EXPECT_EQ(c.data_track_packets.size(), 400u);
}

// ---- Blobs.

livekit::DataBlob Blob(const std::string& key, const std::string& contents) {
  livekit::DataBlob blob;
  blob.mutable_key()->set_generic(key);
  blob.set_contents(contents);
  return blob;
}

TEST(DataBlobsTest, StoresOverwritesAndKeepsItsLimit) {
  DataBlobs blobs({.max_key = 8, .max_total = 100});
  ASSERT_TRUE(blobs.Store(Blob("k", std::string(60, 'a'))));
  EXPECT_EQ(blobs.Get(Blob("k", "").key())->contents(), std::string(60, 'a'));
  EXPECT_EQ(blobs.Store(Blob("l", std::string(60, 'b'))).error().code, base::ErrorCode::kResourceExhausted);
  ASSERT_TRUE(blobs.Store(Blob("k", "short")));
  ASSERT_TRUE(blobs.Store(Blob("l", std::string(60, 'b'))));
  EXPECT_EQ(blobs.Get(Blob("k", "").key())->contents(), "short");
  EXPECT_EQ(blobs.Get(Blob("m", "").key()).error().code, base::ErrorCode::kNotFound);
  EXPECT_EQ(blobs.Store(Blob("", "x")).error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(blobs.Store(Blob("ninechars", "x")).error().code, base::ErrorCode::kInvalidArgument);
}

TEST(DataBlobsTest, ASchemaIsAKeyOfItsOwn) {
  DataBlobs blobs({});
  livekit::DataBlob schema;
  schema.mutable_key()->mutable_schema_id()->set_name("k");
  schema.set_contents("message K {}");
  ASSERT_TRUE(blobs.Store(schema));
  EXPECT_FALSE(blobs.Get(Blob("k", "").key()));
  EXPECT_EQ(blobs.Get(schema.key())->contents(), "message K {}");
}

TEST_P(DataTracks, BlobsAreForTheOthersOfTheRoom) {
  Settings settings = TestSettings();
  settings.enable_data_blobs = true;
  RoomSim sim(1, GoodLink(), settings);
  TestClient& a = sim.Add("a", single());
  TestClient& b = sim.Add("b", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  livekit::SignalRequest store;
  store.mutable_store_data_blob_request()->set_request_id(4);
  *store.mutable_store_data_blob_request()->mutable_blob() = Blob("k", "v");
  a.Send(store);
  ASSERT_TRUE(sim.RunUntil([&] { return a.CountOf(Response::kStoreDataBlobResponse) == 1; }));
  livekit::SignalRequest get;
  get.mutable_get_data_blob_request()->set_request_id(5);
  get.mutable_get_data_blob_request()->set_participant_identity("a");
  *get.mutable_get_data_blob_request()->mutable_key() = Blob("k", "").key();
  b.Send(get);
  ASSERT_TRUE(sim.RunUntil([&] { return b.CountOf(Response::kGetDataBlobResponse) == 1; }));
  EXPECT_EQ(b.LastOf(Response::kGetDataBlobResponse)->get_data_blob_response().blob().contents(), "v");
  EXPECT_EQ(b.LastOf(Response::kGetDataBlobResponse)->get_data_blob_response().request_id(), 5u);
  get.mutable_get_data_blob_request()->set_participant_identity("z");
  b.Send(get);
  ASSERT_TRUE(sim.RunUntil([&] { return b.CountOf(Response::kRequestResponse) == 1; }));
  EXPECT_EQ(RefusalOf(b), Refusal::NOT_FOUND);
}

TEST_P(DataTracks, BlobsAreOffUnlessConfigured) {
  RoomSim sim;
  TestClient& a = sim.Add("a", single());
  ASSERT_TRUE(sim.RunUntilConnected());
  livekit::SignalRequest store;
  *store.mutable_store_data_blob_request()->mutable_blob() = Blob("k", "v");
  a.Send(store);
  ASSERT_TRUE(sim.RunUntil([&] { return a.CountOf(Response::kRequestResponse) == 1; }));
  EXPECT_EQ(RefusalOf(a), Refusal::NOT_ALLOWED);
  EXPECT_EQ(a.LastOf(Response::kRequestResponse)->request_response().message(), "data blob not enabled");
}

}  // namespace
}  // namespace weir::rtc::test
