#include "server/front_stats.h"

#include <algorithm>

#include "service/twirp.h"

namespace weir::server {
namespace {

constexpr double kApiBounds[] = {5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10'000, 30'000, 60'000};
constexpr double kStartBounds[] = {100,  139,  193,  268,  373,  518,  720,   1000,
                                   1389, 1931, 2683, 3728, 5179, 7197, 10'000};
constexpr double kDurationBounds[] = {100,     1000,    5000,      10'000,    30'000,    60'000,
                                      300'000, 600'000, 1'800'000, 3'600'000, 7'200'000, 14'400'000};
constexpr double kRoomBounds[] = {5, 10, 60, 300, 600, 1800, 3600, 7200, 18'000, 36'000};

// The families of LiveKit's label.
std::string StatusFamily(int status) {
  return status >= 500 ? "5xx" : status >= 400 ? "4xx" : std::to_string(status);
}

// Of a Twirp error, whose code comes first.
std::string ErrorCodeOf(std::string_view body) {
  constexpr std::string_view kBegin = "{\"code\":\"";
  if (!body.starts_with(kBegin)) {
    return "";
  }
  body.remove_prefix(kBegin.size());
  const size_t end = body.find('"');
  const std::string_view code = body.substr(0, end);
  const bool plain = std::ranges::all_of(code, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  return end == body.npos || end > 32 || !plain ? "" : std::string(code);
}

}  // namespace

void ApiStats::OnAnswer(std::string_view path, int status, std::string_view body, base::TimeDelta took) {
  const std::string code = status < 400 ? "" : ErrorCodeOf(body);
  Call call{"", "", StatusFamily(status)};
  const auto route = service::ParseTwirpRoute(path);
  // Whoever got past routing named a method that exists; a token that is no good was refused before it.
  if (route && code != "bad_route" && (status < 400 || !code.empty())) {
    std::get<0>(call) = route->service.substr(route->service.rfind('.') + 1);
    std::get<1>(call) = route->method;
  }
  if (answers_.size() >= kMaxCalls && !answers_.contains({call, code})) {
    call = {"", "", StatusFamily(status)};
  }
  latency_.try_emplace(call, kApiBounds).first->second.Observe(static_cast<double>(took.micros()) / 1000);
  ++answers_[{call, code}];
}

void ApiStats::Write(telemetry::Exposition& out) const {
  for (const auto& [key, count] : answers_) {
    const auto& [call, code] = key;
    const auto& [service, method, status] = call;
    out.Counter("livekit_node_twirp_request_status", "Calls of the server API, by their answer.",
                static_cast<double>(count),
                {{"service", service}, {"method", method}, {"status", status}, {"code", code}});
  }
  for (const auto& [call, latency] : latency_) {
    const auto& [service, method, status] = call;
    out.Add("livekit_node_twirp_request_latency_ms", "Time from a call of the server API to its answer.",
            latency, {{"service", service}, {"method", method}, {"status", status}});
  }
}

SessionStats::SessionStats()
    : start_time_ms_(kStartBounds), duration_ms_(kDurationBounds), room_seconds_(kRoomBounds) {}

void SessionStats::OnRoomEvent(const rtc::RoomEvent& event) {
  using Kind = rtc::RoomEvent::Kind;
  const auto since_join = [&] {
    return static_cast<double>(std::max<int64_t>(0, event.at.millis() - event.participant.joined_at_ms()));
  };
  switch (event.kind) {
    case Kind::kParticipantJoined:
      ++joined_;
      break;
    case Kind::kParticipantActive:
      ++active_;
      start_time_ms_.Observe(since_join());
      break;
    case Kind::kParticipantLeft:
      if (event.was_active) {
        duration_ms_.Observe(since_join());
      } else {
        ++canceled_;
      }
      break;
    case Kind::kRoomFinished:
      room_seconds_.Observe(
          static_cast<double>(std::max<int64_t>(0, event.at.millis() - event.room.creation_time_ms())) /
          1000);
      break;
    case Kind::kTrackPublished:
      ++published_[{event.track.type(), event.track.source()}];
      break;
    case Kind::kRoomStarted:
    case Kind::kTrackUnpublished:
      break;
  }
}

void SessionStats::Write(telemetry::Exposition& out) const {
  for (const auto& [key, count] : published_) {
    out.Counter("livekit_track_publish_counter", "Tracks published so far.", static_cast<double>(count),
                {{"kind", livekit::TrackType_Name(static_cast<livekit::TrackType>(key.first))},
                 {"source", livekit::TrackSource_Name(static_cast<livekit::TrackSource>(key.second))},
                 {"state", "success"}});
  }
  out.Add("livekit_session_start_time_ms", "Time from a join to its first connection.", start_time_ms_);
  out.Add("livekit_session_duration_ms", "Length of the sessions that have ended.", duration_ms_);
  out.Add("livekit_room_duration_seconds", "Length of the rooms that have ended.", room_seconds_);
}

}  // namespace weir::server
