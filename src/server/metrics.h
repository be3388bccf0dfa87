// One reading of everything this server counts, for Prometheus.
//
// Read asks every worker for a snapshot, adds what the front thread knows, and calls back with the text. The
// workers' rooms are counted in steps, so media does not wait; a worker that does not answer in time stands
// in the text as it was last seen, so that no series falls. Readings that are asked for while one is under
// way share it. Front thread only, but for what the workers call back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "front/server.h"
#include "server/failure_gate.h"
#include "server/front_stats.h"
#include "server/worker_pool.h"
#include "server/worker_snapshot.h"

namespace weir::server {

class Metrics {
 public:
  using Done = std::function<void(const std::string& text)>;
  // Adds series of its own; runs on the front thread.
  using Source = std::function<void(telemetry::Exposition& out)>;

  // All outlive it.
  Metrics(std::string node_id, WorkerPool& workers, base::WallTime started)
      : node_id_(std::move(node_id)), workers_(workers), started_(started), last_(workers.size()) {}

  // Before the first reading.
  void SetFront(front::Server& front) { front_ = &front; }
  void AddSource(Source source) { sources_.push_back(std::move(source)); }

  void Read(Done done);
  // As the answer of an HTTP request.
  void Respond(const front::Server::Respond& respond);

  SignalStats& signal() { return signal_; }
  ApiStats& api() { return api_; }
  SessionStats& sessions() { return sessions_; }

 private:
  void OnSnapshot(uint64_t reading, WorkerSnapshot snapshot);
  void Finish();
  std::string Text() const;

  const std::string node_id_;
  WorkerPool& workers_;
  const base::WallTime started_;
  front::Server* front_ = nullptr;
  std::vector<Source> sources_;
  SignalStats signal_;
  ApiStats api_;
  SessionStats sessions_;

  std::vector<std::optional<WorkerSnapshot>> last_;  // By index.
  std::vector<Done> waiting_;                        // Not empty: a reading is under way.
  uint64_t reading_ = 0;
  size_t missing_ = 0;
};

}  // namespace weir::server
