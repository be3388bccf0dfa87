// Joins: the checks of a request to /rtc or /rtc/v1, in the protocol's order, and the start of a session on
// its room's worker.
#pragma once

#include <memory>

#include "base/log.h"
#include "config/config.h"
#include "front/server.h"
#include "server/failure_gate.h"
#include "server/front_stats.h"
#include "server/worker_pool.h"
#include "signal/connect_parameters.h"

namespace weir::server {

class JoinHandler {
 public:
  JoinHandler(const config::Config& config, WorkerPool& workers, FailureGate& gate, SignalStats& stats,
              base::Logger log)
      : config_(config), workers_(workers), gate_(gate), stats_(stats), log_(std::move(log)) {}

  // Only /rtc and /rtc/v1, in any spelling with a trailing slash.
  static bool IsSignalPath(std::string_view path);
  static bool IsValidatePath(std::string_view path);

  void OnUpgrade(front::Server& front, std::shared_ptr<front::Upgrade> upgrade, base::Now now);
  // The same checks without a session: 200 "success" or the error.
  void OnValidate(const front::HttpRequest& request, const front::Server::Respond& respond, base::Now now);

 private:
  struct Checked {
    auth::Claims claims;
    signal::ConnectParameters parameters;
    std::string identity;
    std::string room;
  };
  base::Result<Checked, front::HttpResponse> Check(const front::HttpRequest& request,
                                                   base::WallTime now) const;

  const config::Config& config_;
  WorkerPool& workers_;
  FailureGate& gate_;
  SignalStats& stats_;
  base::Logger log_;
};

}  // namespace weir::server
