#include "server/webhook_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace weir::server {
namespace {

using Kind = rtc::RoomEvent::Kind;

rtc::RoomEvent Event(Kind kind) {
  rtc::RoomEvent event;
  event.kind = kind;
  event.at = base::WallTime{1'800'000'000'123'456};
  event.room.set_sid("RM_1");
  event.room.set_name("lobby");
  event.room.set_metadata("of the room");
  event.participant.set_sid("PA_1");
  event.participant.set_identity("ann");
  event.participant.set_metadata("of ann");
  event.track.set_sid("TR_1");
  return event;
}

std::string NameOf(const rtc::RoomEvent& event) {
  const auto webhook = ToWebhook(event, "EV_1", false);
  return webhook ? webhook->event() : "none";
}

TEST(ToWebhook, NamesEveryEvent) {
  EXPECT_EQ(NameOf(Event(Kind::kRoomStarted)), "room_started");
  EXPECT_EQ(NameOf(Event(Kind::kRoomFinished)), "room_finished");
  EXPECT_EQ(NameOf(Event(Kind::kTrackPublished)), "track_published");
  EXPECT_EQ(NameOf(Event(Kind::kTrackUnpublished)), "track_unpublished");
}

TEST(ToWebhook, AParticipantHasJoinedWhenItsMediaIsUp) {
  EXPECT_EQ(NameOf(Event(Kind::kParticipantJoined)), "none");
  EXPECT_EQ(NameOf(Event(Kind::kParticipantActive)), "participant_joined");
  rtc::RoomEvent left = Event(Kind::kParticipantLeft);
  left.was_active = true;
  EXPECT_EQ(NameOf(left), "participant_left");
  left.was_active = false;
  EXPECT_EQ(NameOf(left), "participant_connection_aborted");
}

TEST(ToWebhook, CarriesWhatTheEventIsAbout) {
  const auto room = ToWebhook(Event(Kind::kRoomStarted), "EV_1", false);
  EXPECT_EQ(room->id(), "EV_1");
  EXPECT_EQ(room->created_at(), 1'800'000'000);
  EXPECT_EQ(room->room().metadata(), "of the room");
  EXPECT_FALSE(room->has_participant());

  const auto participant = ToWebhook(Event(Kind::kParticipantActive), "EV_1", false);
  EXPECT_EQ(participant->room().metadata(), "of the room");
  EXPECT_EQ(participant->participant().metadata(), "of ann");
  EXPECT_FALSE(participant->has_track());

  const auto track = ToWebhook(Event(Kind::kTrackPublished), "EV_1", false);
  EXPECT_EQ(track->room().name(), "lobby");
  EXPECT_EQ(track->room().metadata(), "");
  EXPECT_EQ(track->participant().identity(), "ann");
  EXPECT_EQ(track->participant().metadata(), "");
  EXPECT_EQ(track->track().sid(), "TR_1");
  EXPECT_EQ(ToWebhook(Event(Kind::kTrackPublished), "EV_1", true)->room().metadata(), "of the room");
}

TEST(WebhookSender, RefusesAUrlThatIsNone) {
  config::Config config;
  config.keys.keys["key"] = "secret";
  config.webhook.api_key = "key";
  config.webhook.urls = {"http://a.example/", "http://b.example:99999/"};
  auto front = front::Server::Listen(
      {.listen = {{net::IpAddress::V4(127, 0, 0, 1), 0}}},
      [](front::HttpRequest, const front::Server::Respond&) {}, [](std::shared_ptr<front::Upgrade>) {});
  ASSERT_TRUE(front);
  const auto sender = WebhookSender::Create(config, **front, {});
  ASSERT_FALSE(sender);
  EXPECT_EQ(sender.error().message, "webhook.urls: 'http://b.example:99999/' has the port '99999'");
}

}  // namespace
}  // namespace weir::server
