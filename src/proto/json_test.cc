#include "proto/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/livekit_room.pb.h"
#include "proto/livekit_rtc.pb.h"
#include "proto/livekit_webhook.pb.h"

namespace weir::proto {
namespace {

using base::ErrorCode;
using testing::HasSubstr;
using testing::Not;

TEST(ProtoJson, TwirpWritesSnakeCaseDefaultsAndBigNumbersAsStrings) {
  livekit::Room room;
  room.set_name("lobby");
  room.set_creation_time(1'795'000'000);
  const auto json = MessageToJson(room, JsonStyle::kTwirp);
  ASSERT_TRUE(json);
  EXPECT_THAT(*json, HasSubstr(R"("creation_time":"1795000000")"));
  EXPECT_THAT(*json, HasSubstr(R"("num_participants":0)"));
  EXPECT_THAT(*json, HasSubstr(R"("enabled_codecs":[])"));
  EXPECT_THAT(*json, HasSubstr(R"("metadata":"")"));
}

TEST(ProtoJson, SignalWritesCamelCaseAndLeavesDefaultsOut) {
  livekit::WebhookEvent event;
  event.set_event("room_started");
  event.set_created_at(7);
  event.mutable_room()->set_sid("RM_1");
  event.mutable_room()->set_num_publishers(2);
  const auto json = MessageToJson(event, JsonStyle::kSignal);
  ASSERT_TRUE(json);
  EXPECT_EQ(*json, R"({"event":"room_started","room":{"sid":"RM_1","numPublishers":2},"createdAt":"7"})");
}

TEST(ProtoJson, WritesEnumsAsNames) {
  livekit::TrackInfo track;
  track.set_type(livekit::VIDEO);
  track.set_source(livekit::SCREEN_SHARE);
  const auto json = MessageToJson(track, JsonStyle::kSignal);
  ASSERT_TRUE(json);
  EXPECT_EQ(*json, R"({"type":"VIDEO","source":"SCREEN_SHARE"})");
}

TEST(ProtoJson, ReadsBothSpellingsAndIgnoresUnknownFields) {
  for (const char* json : {R"({"name":"a","empty_timeout":9,"future":{"x":[1]}})",
                           R"({"name":"a","emptyTimeout":9,"future":null})"}) {
    livekit::CreateRoomRequest request;
    ASSERT_TRUE(JsonToMessage(json, request)) << json;
    EXPECT_EQ(request.name(), "a");
    EXPECT_EQ(request.empty_timeout(), 9u);
  }
}

TEST(ProtoJson, ReadsASignalRequestWithAOneofCase) {
  livekit::SignalRequest request;
  ASSERT_TRUE(JsonToMessage(R"({"mute":{"sid":"TR_x","muted":true}})", request));
  EXPECT_EQ(request.message_case(), livekit::SignalRequest::kMute);
  EXPECT_TRUE(request.mute().muted());
}

TEST(ProtoJson, ReplacesWhatTheMessageHeld) {
  livekit::Room room;
  room.set_metadata("old");
  ASSERT_TRUE(JsonToMessage(R"({"name":"new"})", room));
  EXPECT_EQ(room.metadata(), "");
}

TEST(ProtoJson, RefusesGarbageWithAShortMessage) {
  livekit::Room room;
  for (const char* json : {"", " ", "[]", "null", "{", "{\"name\":}", "{\"name\":\"a\" x", "hello",
                           "{\"name\":{}}", "{\"empty_timeout\":\"soon\"}"}) {
    const auto result = JsonToMessage(json, room);
    ASSERT_FALSE(result) << json;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument) << json;
    EXPECT_LE(result.error().message.size(), 200u);
    EXPECT_THAT(result.error().message, Not(HasSubstr("\n")));
  }
}

TEST(ProtoJson, BoundsTheSize) {
  livekit::Room room;
  const auto result = JsonToMessage(R"({"name":"0123456789"})", room, {.max_size = 10});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kResourceExhausted);
}

TEST(ProtoJson, BoundsTheDepthEvenInUnknownFields) {
  livekit::Room room;
  const std::string deep = "{\"future\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  const auto result = JsonToMessage(deep, room);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("nested"));
}

TEST(ProtoJson, DoesNotCountBracketsInStrings) {
  livekit::Room room;
  const std::string text(1000, '[');
  ASSERT_TRUE(JsonToMessage("{\"name\":\"\\\"" + text + "\"}", room));
  EXPECT_EQ(room.name(), "\"" + text);
}

TEST(ProtoBytes, RefusesBrokenInputAndTooMuchOfIt) {
  livekit::SignalRequest request;
  request.mutable_mute()->set_sid("TR_x");
  const std::string bytes = request.SerializeAsString();
  livekit::SignalRequest read;
  ASSERT_TRUE(BytesToMessage(bytes, read, 100));
  EXPECT_EQ(read.mute().sid(), "TR_x");
  EXPECT_FALSE(BytesToMessage(bytes.substr(0, bytes.size() - 1), read, 100));
  const auto result = BytesToMessage(bytes, read, 3);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kResourceExhausted);
}

TEST(ProtoBytes, RefusesAStringThatIsNotUtf8) {
  livekit::SignalRequest read;
  // Case 5 (mute), whose field 1 (sid) is the byte 0xff.
  EXPECT_FALSE(BytesToMessage("\x2a\x03\x0a\x01\xff", read, 100));
}

}  // namespace
}  // namespace weir::proto
