// What each HTTP path of the server means.
#pragma once

#include <memory>

#include "base/log.h"
#include "config/config.h"
#include "front/server.h"
#include "server/join_handler.h"
#include "server/room_api.h"
#include "server/worker_pool.h"
#include "service/server_api.h"

namespace weir::server {

// Lives on the front thread.
class Routes {
 public:
  Routes(const config::Config& config, WorkerPool& workers, base::Logger log);

  // Before the first request: the server that the handlers below are called by.
  void SetFront(front::Server& front) { front_ = &front; }
  void OnRequest(const front::HttpRequest& request, const front::Server::Respond& respond);
  void OnUpgrade(std::shared_ptr<front::Upgrade> upgrade);

 private:
  front::HttpResponse Root(const front::HttpRequest& request) const;
  front::HttpResponse DevelopmentToken(const front::HttpRequest& request) const;
  void DebugRooms(const front::Server::Respond& respond);
  void Twirp(const front::HttpRequest& request, const front::Server::Respond& respond);

  const config::Config& config_;
  WorkerPool& workers_;
  base::Logger log_;
  front::Server* front_ = nullptr;
  JoinHandler joins_;
  RoomApi rooms_;
  NoAgentDispatch dispatches_;
  service::ServerApi api_;
};

}  // namespace weir::server
