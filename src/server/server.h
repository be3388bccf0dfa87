// The server: front thread, workers, and their start and stop.
//
// Start binds everything or explains what it could not; Run serves until RequestStop. Stopping: no new joins,
// every participant is told (leave, SERVER_SHUTDOWN), workers end, then the front closes what is left within
// the drain time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "dtls/certificate.h"
#include "front/server.h"
#include "io/tcp_connections.h"
#include "rtc/environment.h"
#include "server/event_hub.h"
#include "server/metrics.h"
#include "server/metrics_listener.h"
#include "server/routes.h"
#include "server/ufrag_directory.h"
#include "server/webhook_sender.h"
#include "server/worker_pool.h"

namespace weir::server {

class Server {
 public:
  static base::Result<std::unique_ptr<Server>> Start(config::Config config, base::Logger log);
  ~Server();

  // The front thread; returns after a stop.
  void Run();
  // Any thread, also a signal-handling one; not from a signal handler itself.
  void RequestStop();

  const std::vector<net::SocketAddress>& http_addresses() const { return front_->bound(); }
  const config::Config& config() const { return config_; }

 private:
  Server(config::Config config, base::Logger log);
  base::Result<void> Bind();
  base::Result<void> CreateWorkers(const std::vector<net::IpAddress>& families);
  base::Result<void> ListenForIceTcp(const std::vector<net::IpAddress>& families);
  base::Result<void> StartWebhooks();
  base::Result<void> ListenForHttp(const std::vector<net::IpAddress>& families);
  base::Result<void> ListenForMetrics(const std::vector<net::IpAddress>& families);
  bool OnTcpFirstFrame(io::AcceptedConnection connection, base::ConstBytes frame);

  const config::Config config_;
  base::Logger log_;
  rtc::Settings settings_;
  std::optional<dtls::Certificate> certificate_;
  UfragDirectory directory_;
  EventHub events_;
  std::unique_ptr<WorkerPool> workers_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<Routes> routes_;
  std::unique_ptr<WebhookSender> webhooks_;  // Without webhook.urls there is none.
  std::unique_ptr<front::Server> front_;
  std::unique_ptr<MetricsListener> metrics_listener_;
};

// What the rooms take of the configuration.
rtc::Settings MakeSettings(const config::Config& config, const std::string& node_id);

}  // namespace weir::server
