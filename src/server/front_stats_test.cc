#include "server/front_stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::server {
namespace {

using base::TimeDelta;
using testing::HasSubstr;
using testing::Not;

std::string TextOf(const auto& stats) {
  telemetry::Exposition out;
  stats.Write(out);
  return out.Text();
}

TEST(ApiStats, CountsAnswersByMethodAndCode) {
  ApiStats stats;
  stats.OnAnswer("/twirp/livekit.RoomService/ListRooms", 200, "", TimeDelta::Millis(3));
  stats.OnAnswer("/twirp/livekit.RoomService/ListRooms", 200, "", TimeDelta::Millis(20));
  stats.OnAnswer("/twirp/livekit.RoomService/DeleteRoom", 404, R"({"code":"not_found","msg":"no"})",
                 TimeDelta::Millis(1));
  stats.OnAnswer("/twirp/livekit.RoomService/DeleteRoom", 503, R"({"code":"unavailable","msg":"no"})",
                 TimeDelta::Millis(1));
  const std::string text = TextOf(stats);
  for (const char* line :
       {R"(request_status{service="RoomService",method="ListRooms",status="200",code=""} 2)",
        R"(request_status{service="RoomService",method="DeleteRoom",status="4xx",code="not_found"} 1)",
        R"(request_status{service="RoomService",method="DeleteRoom",status="5xx",code="unavailable"} 1)",
        R"(latency_ms_bucket{service="RoomService",method="ListRooms",status="200",le="5"} 1)",
        R"(latency_ms_sum{service="RoomService",method="ListRooms",status="200"} 23)"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(ApiStats, MakesNoSeriesOfWhatACallerMadeUp) {
  ApiStats stats;
  stats.OnAnswer("/twirp/made.Up/Method", 404, R"({"code":"bad_route","msg":"no"})", TimeDelta::Millis(1));
  stats.OnAnswer("/twirp/made.Up/Other", 401, "invalid token", TimeDelta::Millis(1));
  stats.OnAnswer("/twirp/x", 404, R"({"code":"Bad \"code\"","msg":"no"})", TimeDelta::Millis(1));
  const std::string text = TextOf(stats);
  EXPECT_THAT(text, Not(HasSubstr("Up")));
  EXPECT_THAT(text, HasSubstr(R"({service="",method="",status="4xx",code="bad_route"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"({service="",method="",status="4xx",code=""} 2)"));
}

TEST(ApiStats, IsBoundedWhateverTheMethodsAreCalled) {
  ApiStats stats;
  for (int i = 0; i < 5000; ++i) {
    stats.OnAnswer("/twirp/livekit.S/M" + std::to_string(i), 200, "", TimeDelta::Millis(1));
  }
  const std::string text = TextOf(stats);
  EXPECT_THAT(text, HasSubstr("M999\""));
  EXPECT_THAT(text, Not(HasSubstr("M1000\"")));
  EXPECT_THAT(text, HasSubstr(R"(request_status{service="",method="",status="200",code=""} 4000)"));
}

TEST(SessionStats, FollowsSessionsAndRooms) {
  using Kind = rtc::RoomEvent::Kind;
  SessionStats stats;
  rtc::RoomEvent event;
  event.participant.set_joined_at_ms(1'000'000);
  event.room.set_creation_time_ms(990'000);
  event.at = base::WallTime{1'000'250'000};
  event.kind = Kind::kParticipantJoined;
  stats.OnRoomEvent(event);
  stats.OnRoomEvent(event);
  event.kind = Kind::kParticipantActive;
  stats.OnRoomEvent(event);
  event.kind = Kind::kTrackPublished;
  event.track.set_type(livekit::VIDEO);
  event.track.set_source(livekit::CAMERA);
  stats.OnRoomEvent(event);
  event.kind = Kind::kParticipantLeft;
  stats.OnRoomEvent(event);  // Never active.
  event.was_active = true;
  stats.OnRoomEvent(event);
  event.kind = Kind::kRoomFinished;
  stats.OnRoomEvent(event);
  EXPECT_EQ(stats.joined(), 2U);
  EXPECT_EQ(stats.active(), 1U);
  EXPECT_EQ(stats.canceled(), 1U);
  const std::string text = TextOf(stats);
  for (const char* line :
       {R"(publish_counter{kind="VIDEO",source="CAMERA",state="success"} 1)",
        "livekit_session_start_time_ms_sum 250", "livekit_session_duration_ms_sum 250",
        "livekit_session_duration_ms_count 1", "livekit_room_duration_seconds_sum 10.25"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace weir::server
