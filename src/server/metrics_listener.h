// The port that Prometheus reads from (prometheus.port): any path answers with the metrics, behind basic
// authentication when the configuration has a user.
//
// It has a thread of its own, so a scraper never waits behind signalling and cannot slow it down with its
// connections; the reading itself is asked of the front thread.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "front/server.h"
#include "server/metrics.h"

namespace weir::server {

class MetricsListener {
 public:
  // `metrics` and `front` outlive it.
  static base::Result<std::unique_ptr<MetricsListener>> Listen(const config::Prometheus& config,
                                                               const std::vector<net::IpAddress>& addresses,
                                                               Metrics& metrics, front::Server& front,
                                                               base::Logger log);
  ~MetricsListener();  // Ends the thread.
  void Start();

 private:
  MetricsListener() = default;

  std::unique_ptr<front::Server> server_;
  std::thread thread_;
};

// Whether a request carries this user and password (RFC 7617); without a user everybody may read.
bool MayReadMetrics(const front::HttpRequest& request, const config::Prometheus& config);

}  // namespace weir::server
