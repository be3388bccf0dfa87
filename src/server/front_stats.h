// What the front thread counts of signalling, of the server API and of what rooms report.
//
// Plain integers: touched on the front thread only.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "base/counters.h"
#include "base/time.h"
#include "rtc/room_event.h"
#include "telemetry/exposition.h"
#include "telemetry/histogram.h"

namespace weir::server {

struct SignalStats {
  uint64_t connected = 0;  // WebSockets that were opened.
  uint64_t refused = 0;    // Before a room was asked: token, parameters, limits.
  uint64_t rejected = 0;   // By the room or its worker.
  uint64_t lost = 0;       // The client was gone before its upgrade was answered.
  uint64_t requests = 0;
  uint64_t requests_malformed = 0;
  uint64_t requests_dropped = 0;  // The worker's mailbox was full; ends the connection.
  uint64_t responses = 0;

  static constexpr auto Fields() {  // base/counters.h
    return std::to_array<base::CounterField<SignalStats>>({
        {"connected", &SignalStats::connected},
        {"refused", &SignalStats::refused},
        {"rejected", &SignalStats::rejected},
        {"lost", &SignalStats::lost},
        {"requests", &SignalStats::requests},
        {"requests_malformed", &SignalStats::requests_malformed},
        {"requests_dropped", &SignalStats::requests_dropped},
        {"responses", &SignalStats::responses},
    });
  }
};

// Calls of the server API, by service and method.
class ApiStats {
 public:
  static constexpr size_t kMaxCalls = 1000;  // Kinds of answers; more count as one.

  // `path` is the request's, `body` the answer's. Paths that are no route count as one, so that nobody can
  // make up series.
  void OnAnswer(std::string_view path, int status, std::string_view body, base::TimeDelta took);
  void Write(telemetry::Exposition& out) const;

 private:
  using Call = std::tuple<std::string, std::string, std::string>;  // Service, method, status.
  std::map<Call, telemetry::Histogram> latency_;
  std::map<std::pair<Call, std::string>, uint64_t> answers_;  // With the error's code.
};

// Rooms and sessions over time.
class SessionStats {
 public:
  SessionStats();
  void OnRoomEvent(const rtc::RoomEvent& event);
  void Write(telemetry::Exposition& out) const;
  uint64_t joined() const { return joined_; }
  uint64_t active() const { return active_; }
  uint64_t canceled() const { return canceled_; }

 private:
  uint64_t joined_ = 0;
  uint64_t active_ = 0;
  uint64_t canceled_ = 0;                              // Left before they were active.
  std::map<std::pair<int, int>, uint64_t> published_;  // By type and source.
  telemetry::Histogram start_time_ms_;
  telemetry::Histogram duration_ms_;
  telemetry::Histogram room_seconds_;
};

}  // namespace weir::server
