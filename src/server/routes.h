// What each HTTP path of the server means.
#pragma once

#include <memory>
#include <string>

#include "base/log.h"
#include "config/config.h"
#include "front/server.h"
#include "server/agents.h"
#include "server/failure_gate.h"
#include "server/join_handler.h"
#include "server/metrics.h"
#include "server/room_api.h"
#include "server/worker_pool.h"
#include "service/server_api.h"

namespace weir::server {

// Lives on the front thread.
class Routes {
 public:
  Routes(const config::Config& config, WorkerPool& workers, Metrics& metrics, const rtc::Settings& settings,
         base::Logger log);

  // Before the first request: the server that the handlers below are called by.
  void SetFront(front::Server& front) {
    front_ = &front;
    agents_.SetFront(front);
  }
  void OnRoomEvent(const rtc::RoomEvent& event) { agents_.OnRoomEvent(event); }
  void OnRequest(const front::HttpRequest& request, const front::Server::Respond& respond);
  void OnUpgrade(std::shared_ptr<front::Upgrade> upgrade);

 private:
  // The front thread's own part of the metrics.
  void WriteMetrics(telemetry::Exposition& out) const;

  front::HttpResponse Root(const front::HttpRequest& request) const;
  front::HttpResponse DevelopmentToken(const front::HttpRequest& request) const;
  void Whip(const front::HttpRequest& request, const front::Server::Respond& respond);
  void DebugRooms(const front::Server::Respond& respond);
  void Twirp(const front::HttpRequest& request, const front::Server::Respond& respond);

  const config::Config& config_;
  WorkerPool& workers_;
  Metrics& metrics_;
  base::Logger log_;
  front::Server* front_ = nullptr;
  FailureGate gate_;
  JoinHandler joins_;
  RoomApi rooms_;
  Agents agents_;
  service::ServerApi api_;
};

}  // namespace weir::server
