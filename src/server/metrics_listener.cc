#include "server/metrics_listener.h"

#include <pthread.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

#include "auth/encoding.h"

namespace weir::server {
namespace {

constexpr size_t kMaxConnections = 64;

front::HttpResponse Unauthorized() {
  front::HttpResponse response{.status = 401, .body = "Unauthorized"};
  response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"Protected Area\"");
  return response;
}

}  // namespace

bool MayReadMetrics(const front::HttpRequest& request, const config::Prometheus& config) {
  if (config.username.empty() && config.password.empty()) {
    return true;
  }
  constexpr std::string_view kScheme = "basic ";
  std::string_view header = request.Find("Authorization").value_or("");
  const bool basic = header.size() > kScheme.size() &&
                     std::equal(kScheme.begin(), kScheme.end(), header.begin(), [](char a, char b) {
                       return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
                     });
  if (!basic) {
    return false;
  }
  const auto given = auth::DecodeBase64(header.substr(kScheme.size()));
  const std::string wanted = config.username + ":" + config.password;
  // Digests are of one length, so the comparison tells nothing of where the difference is.
  return given && auth::EqualInConstantTime(auth::Sha256(*given), auth::Sha256(base::AsBytes(wanted)));
}

base::Result<std::unique_ptr<MetricsListener>> MetricsListener::Listen(
    const config::Prometheus& config, const std::vector<net::IpAddress>& addresses, Metrics& metrics,
    front::Server& front, base::Logger log) {
  front::Server::Config server;
  for (const net::IpAddress& address : addresses) {
    server.listen.push_back({address, config.port});
  }
  server.max_connections = server.max_connections_per_address = kMaxConnections;
  server.max_body = 4096;
  server.max_header = 16 << 10;
  std::unique_ptr<MetricsListener> listener(new MetricsListener());
  listener->server_ = TRY(front::Server::Listen(
      server,
      [&metrics, &front, config](const front::HttpRequest& request, const front::Server::Respond& respond) {
        if (!MayReadMetrics(request, config)) {
          respond(Unauthorized());
          return;
        }
        front.Post([&metrics, respond] { metrics.Respond(respond); });
      },
      [](const std::shared_ptr<front::Upgrade>& upgrade) { upgrade->Reject({.status = 404}); },
      std::move(log)));
  return listener;
}

void MetricsListener::Start() {
  thread_ = std::thread([this] { server_->Run(); });
  pthread_setname_np(thread_.native_handle(), "metrics");
}

MetricsListener::~MetricsListener() {
  if (server_ != nullptr) {
    server_->Stop(base::TimeDelta::Millis(200));
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

}  // namespace weir::server
