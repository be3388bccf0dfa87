#include "server/server.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "io/clock.h"
#include "io/interfaces.h"
#include "io/system_random.h"
#include "rtc/ids.h"
#include "server/host_candidates.h"
#include "server/metric_series.h"
#include "stun/message.h"

namespace weir::server {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

const net::IpAddress kAnyV4 = net::IpAddress::V4(0, 0, 0, 0);

// One port a worker. Development mode takes as many as it needs from the configured port on; elsewhere the
// operator says which ports a firewall has open.
config::PortRange UdpPorts(const config::Config& config) {
  constexpr uint16_t kDevelopmentPorts = 16;
  config::PortRange ports = config.rtc.UdpPorts();
  if (config.development && ports.count() == 1) {
    ports.last = static_cast<uint16_t>(ports.first + kDevelopmentPorts - 1);
  }
  return ports;
}

size_t WorkerCount(const config::Config& config) {
  const size_t cores = std::max(1U, std::thread::hardware_concurrency());
  size_t count = config.weir.workers > 0 ? static_cast<size_t>(config.weir.workers) : cores;
  if (!config.rtc.force_tcp) {
    count = std::min(count, UdpPorts(config).count());
  }
  return std::max<size_t>(count, 1);
}

// The any addresses of the families that this machine has.
std::vector<net::IpAddress> AnyAddresses(const std::vector<io::InterfaceAddress>& interfaces) {
  std::vector<net::IpAddress> any = {kAnyV4};
  const bool has_v6 =
      std::any_of(interfaces.begin(), interfaces.end(), [](const auto& entry) { return entry.ip.is_v6(); });
  if (has_v6) {
    any.push_back(*net::IpAddress::Parse("::"));
  }
  return any;
}

}  // namespace

Server::Server(config::Config config, base::Logger log) : config_(std::move(config)), log_(std::move(log)) {}

Result<std::unique_ptr<Server>> Server::Start(config::Config config, base::Logger log) {
  std::unique_ptr<Server> server(new Server(std::move(config), std::move(log)));
  TRY(server->Bind());
  return server;
}

Server::~Server() = default;

Result<void> Server::Bind() {
  io::SystemRandom random;
  settings_ = MakeSettings(config_, rtc::MakeSid("ND_", random));
  certificate_ = TRY(dtls::Certificate::Generate(io::ReadClock().wall));
  const std::vector<net::IpAddress> families = AnyAddresses(io::Interfaces());
  TRY(CreateWorkers(families));
  TRY(ListenForIceTcp(families));
  TRY(ListenForHttp(families));
  TRY(ListenForMetrics(families));
  TRY(StartWebhooks());
  for (const auto& worker : workers_->all()) {
    worker->Start();
  }
  return {};
}

Result<void> Server::CreateWorkers(const std::vector<net::IpAddress>& families) {
  const std::vector<io::InterfaceAddress> interfaces = io::Interfaces();
  const config::PortRange udp = UdpPorts(config_);
  io::SystemRandom random;
  std::vector<std::unique_ptr<Worker>> workers;
  for (size_t i = 0; i < WorkerCount(config_); ++i) {
    Worker::Config worker;
    worker.index = static_cast<int>(i);
    worker.socket_buffer = static_cast<size_t>(config_.weir.udp_socket_buffer);
    worker.max_tcp_connections = static_cast<size_t>(config_.weir.max_connections);
    LocalPorts ports{.udp = 0, .tcp = config_.rtc.tcp_port};
    if (!config_.rtc.force_tcp) {
      ports.udp = static_cast<uint16_t>(udp.first + i);
      for (const net::IpAddress& any : families) {
        worker.udp.push_back({any, ports.udp});
      }
    }
    worker.router.forged.per_second = static_cast<double>(config_.weir.forged_checks_per_second);
    worker.router.forged.burst = static_cast<double>(config_.weir.forged_checks_burst);
    worker.router.seed = random.Next64();
    worker.revocations.enabled = config_.weir.revoke_removed_tokens;
    worker.candidates = MakeHostCandidates(config_, interfaces, ports);
    workers.push_back(
        TRY(Worker::Create(worker, settings_, config_.keys, *certificate_, directory_, events_, log_)));
  }
  workers_ = std::make_unique<WorkerPool>(std::move(workers));
  return {};
}

Result<void> Server::ListenForIceTcp(const std::vector<net::IpAddress>& families) {
  if (config_.rtc.tcp_port == 0) {
    return {};
  }
  for (const net::IpAddress& any : families) {
    auto listening = workers_->all().front()->ListenTcp(
        {any, config_.rtc.tcp_port}, [this](io::AcceptedConnection connection, base::ConstBytes frame) {
          return OnTcpFirstFrame(std::move(connection), frame);
        });
    if (!listening) {
      return Fail(ErrorCode::kUnavailable, "ICE/TCP (rtc.tcp_port): " + listening.error().message);
    }
  }
  return {};
}

// The first frame of an ICE/TCP connection is a binding request, and its user name says which worker has the
// peer.
bool Server::OnTcpFirstFrame(io::AcceptedConnection connection, base::ConstBytes frame) {
  const auto username = stun::UsernameOf(frame);
  if (!username) {
    return false;
  }
  const auto worker = directory_.Find(std::string(username->substr(0, username->find(':'))));
  return worker && workers_->all()[static_cast<size_t>(*worker)]->Post(std::move(connection));
}

Result<void> Server::ListenForHttp(const std::vector<net::IpAddress>& families) {
  front::Server::Config front;
  const std::vector<net::IpAddress>& addresses =
      config_.bind_addresses.empty() ? families : config_.bind_addresses;
  for (const net::IpAddress& address : addresses) {
    front.listen.push_back({address, config_.port});
  }
  front.max_body = static_cast<size_t>(config_.limit.max_api_request_body_size);
  if (config_.limit.signal_message_size_limit > 0) {
    front.web_socket.max_message = static_cast<size_t>(config_.limit.signal_message_size_limit);
  }
  metrics_ = std::make_unique<Metrics>(settings_.node_id, *workers_, io::ReadClock().wall);
  routes_ = std::make_unique<Routes>(config_, *workers_, *metrics_, settings_, log_);
  events_.Add([this](const rtc::RoomEvent& event) { routes_->OnRoomEvent(event); });
  front_ = TRY(front::Server::Listen(
      front,
      [this](front::HttpRequest request, front::Server::Respond respond) {
        routes_->OnRequest(request, respond);
      },
      [this](std::shared_ptr<front::Upgrade> upgrade) { routes_->OnUpgrade(std::move(upgrade)); }, log_));
  routes_->SetFront(*front_);
  metrics_->SetFront(*front_);
  events_.SetFront(*front_);
  events_.Add([this](const rtc::RoomEvent& event) { metrics_->sessions().OnRoomEvent(event); });
  return {};
}

Result<void> Server::ListenForMetrics(const std::vector<net::IpAddress>& families) {
  if (config_.prometheus.port == 0) {
    return {};
  }
  const bool everywhere = config_.bind_addresses.empty();
  auto listening = MetricsListener::Listen(config_.prometheus, everywhere ? families : config_.bind_addresses,
                                           *metrics_, *front_, log_);
  if (!listening) {
    return Fail(ErrorCode::kUnavailable, "metrics (prometheus.port): " + listening.error().message);
  }
  metrics_listener_ = std::move(*listening);
  metrics_listener_->Start();
  return {};
}

Result<void> Server::StartWebhooks() {
  if (!config_.webhook.urls.empty()) {
    webhooks_ = TRY(WebhookSender::Create(config_, *front_, log_));
    events_.Add([this](const rtc::RoomEvent& event) { webhooks_->OnRoomEvent(event); });
    metrics_->AddSource([this](telemetry::Exposition& out) { WriteWebhooks(webhooks_->queue(), out); });
  }
  return {};
}

void Server::Run() { front_->Run(); }

void Server::RequestStop() {
  // Workers first: their farewells go through the front, which then closes what is left.
  for (const auto& worker : workers_->all()) {
    worker->Shutdown();
  }
  front_->Stop(config_.weir.drain_timeout);
}

}  // namespace weir::server
