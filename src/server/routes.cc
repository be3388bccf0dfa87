#include "server/routes.h"

#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "io/clock.h"
#include "io/system_random.h"
#include "server/access.h"
#include "server/metric_series.h"
#include "server/whip_routes.h"
#include "web/assets.h"

namespace weir::server {
namespace {

using front::HttpRequest;
using front::HttpResponse;

constexpr base::TimeDelta kDevelopmentTokenLifetime = base::TimeDelta::Seconds(6 * 3600);

bool Accepts(const HttpRequest& request, std::string_view header, std::string_view value) {
  const auto field = request.Find(header);
  return field && field->find(value) != std::string_view::npos;
}

service::RoomServiceConfig ServiceConfig(const config::Config& config) {
  service::RoomServiceConfig service;
  service.limits.max_room_name = static_cast<size_t>(config.limit.max_room_name_length);
  service.limits.max_identity = static_cast<size_t>(config.limit.max_participant_identity_length);
  service.limits.max_participant_name = static_cast<size_t>(config.limit.max_participant_name_length);
  service.limits.max_metadata = static_cast<size_t>(config.limit.max_metadata_size);
  service.limits.max_attributes = static_cast<size_t>(config.limit.max_attributes_size);
  service.enable_remote_unmute = config.room.enable_remote_unmute;
  return service;
}

net::RateLimiter::Config GateConfig(const config::Config& config) {
  return {.per_second = static_cast<double>(config.weir.failed_requests_per_second),
          .burst = static_cast<double>(config.weir.failed_requests_burst)};
}

}  // namespace

Routes::Routes(const config::Config& config, WorkerPool& workers, Metrics& metrics,
               const rtc::Settings& settings, base::Logger log)
    : config_(config),
      workers_(workers),
      metrics_(metrics),
      log_(log),
      gate_(GateConfig(config), io::SystemRandom().Next64()),
      joins_(config, workers, gate_, metrics.signal(), log),
      rooms_(workers),
      agents_(config, rooms_, gate_, settings, log),
      api_(rooms_, agents_, ServiceConfig(config)) {
  metrics_.AddSource([this](telemetry::Exposition& out) { WriteMetrics(out); });
}

void Routes::WriteMetrics(telemetry::Exposition& out) const {
  WriteHttp(front_->counters(), gate_.counters(), out);
  WriteAgents(agents_.pool(), agents_.dispatcher(), out);
}

void Routes::OnUpgrade(std::shared_ptr<front::Upgrade> upgrade) {
  const base::Now now = io::ReadClock();
  if (auto refusal = gate_.Refuse(now.mono, upgrade->request())) {
    upgrade->Reject(std::move(*refusal));
  } else if (JoinHandler::IsSignalPath(upgrade->request().path)) {
    joins_.OnUpgrade(*front_, std::move(upgrade), now);
  } else if (Agents::IsWorkerPath(upgrade->request().path)) {
    agents_.OnUpgrade(upgrade);
  } else {
    upgrade->Reject({.status = 404});
  }
}

void Routes::OnRequest(const HttpRequest& request, const front::Server::Respond& respond) {
  const base::Now now = io::ReadClock();
  const bool takes_token = JoinHandler::IsValidatePath(request.path) || request.path.starts_with("/twirp/") ||
                           request.path.starts_with("/whip/v1");
  if (auto refusal = takes_token ? gate_.Refuse(now.mono, request) : std::nullopt) {
    respond(std::move(*refusal));
  } else if (request.path == "/" || request.path == "/index.html") {
    respond(Root(request));
  } else if (JoinHandler::IsValidatePath(request.path)) {
    joins_.OnValidate(request, respond, now);
  } else if (request.path.starts_with("/twirp/")) {
    Twirp(request, respond);
  } else if (config_.development && request.path == "/dev/token") {
    respond(DevelopmentToken(request));
  } else if (config_.development && request.path == "/debug/rooms") {
    DebugRooms(respond);
  } else if (config_.development && request.path == "/metrics") {
    metrics_.Respond(respond);
  } else if (IsWhipPath(request.path)) {
    Whip(request, respond);
  } else {
    respond({.status = 404, .body = "not found"});
  }
}

// A browser that opens the server's address gets the call page; everybody else asks whether the server is
// well.
HttpResponse Routes::Root(const HttpRequest& request) const {
  const web::Asset* page = web::Find("/index.html");
  const bool browser = request.method == "GET" && Accepts(request, "Accept", "text/html");
  if (!browser || page == nullptr || !config_.development) {
    return {.body = "OK"};
  }
  HttpResponse response{.content_type = std::string(page->content_type)};
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.headers.emplace_back("ETag", std::string(page->etag));
  response.headers.emplace_back("Vary", "Accept, Accept-Encoding");
  if (Accepts(request, "Accept-Encoding", "gzip")) {
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.body = std::string(page->body_gzip);
  } else {
    response.body = std::string(page->body);
  }
  return response;
}

// The call page's tokens: whoever can open the page may join any room. Development mode only.
HttpResponse Routes::DevelopmentToken(const HttpRequest& request) const {
  auth::Claims claims;
  claims.identity = request.QueryParameter("identity").value_or("");
  claims.name = request.QueryParameter("name").value_or(claims.identity);
  claims.video.emplace();
  claims.video->room_join = true;
  claims.video->room = request.QueryParameter("room").value_or("");
  claims.video->can_update_own_metadata = true;
  if (claims.identity.empty() || claims.video->room.empty()) {
    return {.status = 400, .body = "room and identity are needed: /dev/token?room=R&identity=I"};
  }
  const std::string* secret = config_.keys.Secret(config_.signing_key);
  if (secret == nullptr) {
    return {.status = 500, .body = "no API key"};
  }
  const base::WallTime now = io::ReadClock().wall;
  const base::WallTime expires{now.micros + kDevelopmentTokenLifetime.micros()};
  const std::string token = auth::SignToken(claims, config_.signing_key, *secret, now, expires);
  HttpResponse response{.content_type = "application/json", .body = nlohmann::json{{"token", token}}.dump()};
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

// One array of rooms for each worker.
void Routes::DebugRooms(const front::Server::Respond& respond) {
  struct Gathering {
    std::mutex mutex;
    size_t missing = 0;
    std::string text;
  };
  auto gathering = std::make_shared<Gathering>();
  gathering->missing = workers_.size();
  const auto add = [gathering, respond](const std::string& rooms) {
    const std::lock_guard lock(gathering->mutex);
    gathering->text += (gathering->text.empty() ? "[" : ",\n") + rooms;
    if (--gathering->missing == 0) {
      respond({.content_type = "application/json", .body = gathering->text + "]\n"});
    }
  };
  for (const auto& worker : workers_.all()) {
    if (!worker->Post([add](base::Now now, rtc::RoomManager& rooms) { add(rooms.Dump(now)); })) {
      add("null");
    }
  }
}

void Routes::Whip(const HttpRequest& request, const front::Server::Respond& respond) {
  constexpr int kUnauthorized = 401;
  const base::Now now = io::ReadClock();
  HttpResponse answer = AnswerWhip(request, config_.keys, now.wall);
  if (answer.status == kUnauthorized) {
    gate_.OnFailure(now.mono, request.remote.ip);
  }
  respond(std::move(answer));
}

void Routes::Twirp(const HttpRequest& request, const front::Server::Respond& respond) {
  const base::Now now = io::ReadClock();
  const Access access = CheckAccess(request, config_.keys, now.wall);
  const auto counted = [this, respond, path = request.path, begun = now.mono](HttpResponse response) {
    front_->Post([this, path, begun, status = response.status,
                  body = response.status < 400 ? std::string() : response.body] {
      metrics_.api().OnAnswer(path, status, body, io::ReadClock().mono - begun);
    });
    respond(std::move(response));
  };
  if (access.refusal) {
    gate_.OnFailure(now.mono, request.remote.ip);
    counted(*access.refusal);
    return;
  }
  api_.Handle(request, access.claims ? &*access.claims : nullptr, counted);
}

}  // namespace weir::server
