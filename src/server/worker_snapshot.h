// What one worker has counted, as plain values: filled on its thread, read on the front thread.
#pragma once

#include <cstdint>

#include "auth/revocations.h"
#include "base/counters.h"
#include "io/tcp_connections.h"
#include "io/tcp_listener.h"
#include "io/udp_socket.h"
#include "net/rate_limiter.h"
#include "rtc/census.h"
#include "rtc/packet_router.h"
#include "rtc/totals.h"
#include "telemetry/histogram.h"

namespace weir::server {

// Seconds by which the timers of a loop ran late.
inline constexpr double kLatenessBounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                             0.01,   0.025,   0.05,   0.1,   0.5};

struct WorkerCounters {
  uint64_t packets_unplaced = 0;  // For a family or path that nothing here serves.
  uint64_t pool_exhausted = 0;
  uint64_t tasks_dropped = 0;

  static constexpr auto Fields() {  // base/counters.h
    return std::to_array<base::CounterField<WorkerCounters>>({
        {"packets_unplaced", &WorkerCounters::packets_unplaced},
        {"pool_exhausted", &WorkerCounters::pool_exhausted},
        {"tasks_dropped", &WorkerCounters::tasks_dropped},
    });
  }
};

struct WorkerSnapshot {
  int index = 0;
  rtc::Totals totals;
  rtc::Population population;
  io::UdpSocket::Counters udp;  // Of both families.
  io::TcpConnections::Counters ice_tcp;
  io::TcpListener::Counters ice_tcp_listener;
  rtc::PacketRouter::Counters router;
  net::RateLimiter::Counters forged_checks;
  auth::Revocations::Counters revocations;
  WorkerCounters worker;
  size_t packets_in_use = 0;  // Of the pool.
  size_t packets_total = 0;
  size_t paths = 0;
  size_t ice_tcp_connections = 0;
  size_t removals = 0;  // Remembered.
  double cpu_seconds = 0;
  telemetry::Histogram timer_lateness{kLatenessBounds};
};

}  // namespace weir::server
