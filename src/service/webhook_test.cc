#include "service/webhook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/encoding.h"
#include "auth/token.h"

namespace weir::service {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr base::WallTime kNow{1'800'000'000'500'000};
constexpr char kSecret[] = "a secret that is long enough for HMAC";

livekit::Room Lobby() {
  livekit::Room room;
  room.set_sid("RM_1");
  room.set_name("lobby");
  room.set_metadata("m");
  return room;
}
livekit::ParticipantInfo Alice() {
  livekit::ParticipantInfo info;
  info.set_sid("PA_1");
  info.set_identity("alice");
  info.set_name("Alice");
  return info;
}

TEST(Webhook, WritesARoomInFullInCamelCase) {
  const auto post =
      MakeWebhookPost(RoomEvent(webhook_event::kRoomStarted, "EV_1", Lobby(), kNow), "key", kSecret, kNow);
  ASSERT_TRUE(post);
  EXPECT_EQ(
      post->body,
      R"({"event":"room_started","room":{"sid":"RM_1","name":"lobby","metadata":"m"},"id":"EV_1","createdAt":"1800000000"})");
}

TEST(Webhook, WritesAParticipantInFull) {
  const auto event = ParticipantEvent(webhook_event::kParticipantJoined, "EV_1", Lobby(), Alice(), kNow);
  EXPECT_EQ(event.participant().name(), "Alice");
  EXPECT_EQ(event.room().metadata(), "m");
}

TEST(Webhook, ReducesRoomAndParticipantOfATrackEvent) {
  livekit::TrackInfo track;
  track.set_sid("TR_1");
  const auto event = TrackEvent(webhook_event::kTrackPublished, "EV_1", Lobby(), Alice(), track, kNow);
  const auto post = MakeWebhookPost(event, "key", kSecret, kNow);
  ASSERT_TRUE(post);
  EXPECT_THAT(post->body, HasSubstr(R"("room":{"sid":"RM_1","name":"lobby"})"));
  EXPECT_THAT(post->body, HasSubstr(R"("participant":{"sid":"PA_1","identity":"alice"})"));
  EXPECT_EQ(TrackEvent(webhook_event::kTrackPublished, "EV_1", Lobby(), Alice(), track, kNow, true)
                .room()
                .metadata(),
            "m");
}

TEST(Webhook, CarriesTheJobOfAnAgent) {
  livekit::Job job;
  job.set_id("AJ_1");
  EXPECT_EQ(JobEvent(webhook_event::kAgentJobStarted, "EV_1", Lobby(), job, kNow).job().id(), "AJ_1");
}

TEST(Webhook, IsVouchedForByABareTokenOverTheBody) {
  const auto post =
      MakeWebhookPost(RoomEvent(webhook_event::kRoomFinished, "EV_1", Lobby(), kNow), "key", kSecret, kNow);
  ASSERT_TRUE(post);
  EXPECT_EQ(front::FindHeader(post->headers, "content-type"), "application/webhook+json");
  EXPECT_EQ(front::FindHeader(post->headers, "user-agent"), "LiveKit");
  const auto token = front::FindHeader(post->headers, "authorization");
  ASSERT_TRUE(token);
  EXPECT_THAT(std::string(*token), Not(StartsWith("Bearer")));
  const auth::KeyProvider keys{.keys = {{"key", kSecret}}};
  const auto claims = auth::VerifyToken(*token, keys, kNow);
  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_EQ(claims->issuer, "key");
  EXPECT_EQ(claims->sha256, auth::Sha256Base64(post->body));
  EXPECT_EQ(claims->expires.seconds(), kNow.seconds() + 300);
}

TEST(Webhook, OrdersByEgressThenIngressThenRoom) {
  livekit::WebhookEvent event;
  event.mutable_track()->set_sid("TR_1");
  EXPECT_EQ(WebhookOrderingKey(event), "TR_1");
  event.mutable_participant()->set_identity("alice");
  EXPECT_EQ(WebhookOrderingKey(event), "alice");
  event.mutable_room()->set_name("lobby");
  EXPECT_EQ(WebhookOrderingKey(event), "lobby");
  event.mutable_ingress_info()->set_ingress_id("IN_1");
  EXPECT_EQ(WebhookOrderingKey(event), "IN_1");
  event.mutable_egress_info()->set_egress_id("EG_1");
  EXPECT_EQ(WebhookOrderingKey(event), "EG_1");
}

}  // namespace
}  // namespace weir::service
