#include "server/join_handler.h"

#include <utility>

#include "auth/permissions.h"
#include "server/access.h"
#include "server/signal_connection.h"

namespace weir::server {
namespace {

using base::Error;
using base::ErrorCode;
using base::Now;
using base::Result;
using front::HttpRequest;
using front::HttpResponse;

HttpResponse ToHttp(const Error& error) {
  switch (error.code) {
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kPermissionDenied:
      return {.status = 401, .body = error.message};
    case ErrorCode::kInvalidArgument:
      return {.status = 400, .body = error.message};
    case ErrorCode::kNotFound:
      return {.status = 404, .body = error.message};
    case ErrorCode::kUnavailable:
      return {.status = 503, .body = error.message};
    default:
      return {.status = 500, .body = error.message};
  }
}

// On the worker, where the room's removals are known in order with its joins. `claims` has the identity of
// the session, to which a session that only publishes has added "#" and its name: whoever removed the person
// has removed it as well.
Result<void> CheckNotRemoved(Worker& worker, Now now, const std::string& room, const auth::Claims& claims,
                             const std::string& publish) {
  TRY(worker.revocations().Check(room, claims.identity, claims, now.wall));
  if (!publish.empty()) {
    const std::string_view identity = claims.identity;
    const std::string_view person = identity.substr(0, identity.size() - publish.size() - 1);
    TRY(worker.revocations().Check(room, person, claims, now.wall));
  }
  return {};
}

std::string_view WithoutTrailingSlash(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') {
    path.remove_suffix(1);
  }
  return path;
}

// What a client leaves out is read from its User-Agent, roughly: it only serves logs and per-browser
// switches.
void FillFromUserAgent(std::string_view agent, livekit::ClientInfo& client) {
  if (!client.browser().empty() || agent.empty()) {
    return;
  }
  for (const std::string_view browser : {"Firefox", "Edg", "Chrome", "Safari"}) {
    if (agent.find(browser) != std::string_view::npos) {
      client.set_browser(browser == "Edg" ? "Edge" : std::string(browser));
      break;
    }
  }
  for (const std::string_view os : {"Android", "iPhone", "Windows", "Mac OS X", "Linux"}) {
    if (client.os().empty() && agent.find(os) != std::string_view::npos) {
      client.set_os(std::string(os));
    }
  }
}

}  // namespace

bool JoinHandler::IsSignalPath(std::string_view path) {
  path = WithoutTrailingSlash(path);
  return path == "/rtc" || path == "/rtc/v1";
}

bool JoinHandler::IsValidatePath(std::string_view path) {
  path = WithoutTrailingSlash(path);
  return path == "/rtc/validate" || path == "/rtc/v1/validate";
}

Result<JoinHandler::Checked, HttpResponse> JoinHandler::Check(const HttpRequest& request,
                                                              base::WallTime now) const {
  Access access = CheckAccess(request, config_.keys, now);
  if (access.refusal) {
    return std::unexpected(std::move(*access.refusal));
  }
  const auth::Claims* token = access.claims ? &*access.claims : nullptr;
  if (const auto video = auth::CheckVideoGrant(token); !video) {
    return std::unexpected(ToHttp(video.error()));
  }
  const bool v1 = request.path.starts_with("/rtc/v1");
  auto parameters =
      signal::ParseConnectParameters([&](std::string_view name) { return request.QueryParameter(name); }, v1);
  if (!parameters) {
    return std::unexpected(
        HttpResponse{.status = parameters.error().status, .body = parameters.error().body});
  }
  const auth::JoinLimits limits{static_cast<size_t>(config_.limit.max_participant_identity_length),
                                static_cast<size_t>(config_.limit.max_room_name_length)};
  const auto target = auth::CheckJoin(*token, parameters->publish, limits);
  if (!target) {
    return std::unexpected(ToHttp(target.error()));
  }
  if (!parameters->metadata.empty() || !parameters->attributes.empty()) {
    if (const auto own = auth::CheckOwnMetadata(*token); !own) {
      return std::unexpected(ToHttp(own.error()));
    }
  }
  FillFromUserAgent(request.Find("User-Agent").value_or(""), parameters->client);
  Checked checked{std::move(*access.claims), std::move(*parameters), target->identity, target->room};
  checked.claims.identity = target->identity;
  return checked;
}

void JoinHandler::OnUpgrade(front::Server& front, std::shared_ptr<front::Upgrade> upgrade, Now now) {
  auto checked = Check(upgrade->request(), now.wall);
  const net::IpAddress ip = upgrade->request().remote.ip;
  if (!checked) {
    ++stats_.refused;
    gate_.OnFailure(now.mono, ip);
    log_.Info("join refused", {{"status", checked.error().status}, {"reason", checked.error().body}});
    upgrade->Reject(std::move(checked.error()));
    return;
  }
  Worker& worker = workers_.ForRoom(checked->room);
  const auto connection = std::make_shared<SignalConnection>(
      front, worker, upgrade, rtc::RoomName(checked->room), rtc::Identity(checked->identity), stats_, log_);
  rtc::JoinRequest request{std::move(checked->claims), std::move(checked->parameters), connection};
  const bool posted = worker.Post([this, &front, &worker, ip, request = std::move(request),
                                   room = checked->room](Now at, rtc::RoomManager& rooms) mutable {
    if (const auto allowed = CheckNotRemoved(worker, at, room, request.claims, request.parameters.publish);
        !allowed) {
      front.Post([this, ip, at] { gate_.OnFailure(at.mono, ip); });
      request.sink->Reject(ToHttp(allowed.error()).status, allowed.error().message);
      return;
    }
    rooms.Join(at, rtc::RoomName(room), std::move(request));
  });
  if (!posted) {
    connection->Reject(503, "server is busy, try again");
  }
}

void JoinHandler::OnValidate(const HttpRequest& request, const front::Server::Respond& respond, Now now) {
  auto checked = Check(request, now.wall);
  if (!checked) {
    gate_.OnFailure(now.mono, request.remote.ip);
    respond(std::move(checked.error()));
    return;
  }
  if (checked->parameters.bad_attributes) {
    respond({.status = 400, .body = "cannot decode attributes"});
    return;
  }
  Worker& worker = workers_.ForRoom(checked->room);
  const bool posted = worker.Post([&worker, respond, checked = *checked, create = config_.room.auto_create](
                                      Now at, rtc::RoomManager& rooms) {
    const bool exists = rooms.Find(rtc::RoomName(checked.room)) != nullptr;
    auto allowed = auth::CheckRoomExists(checked.claims, exists, create);
    if (allowed) {
      allowed = CheckNotRemoved(worker, at, checked.room, checked.claims, checked.parameters.publish);
    }
    respond(allowed ? HttpResponse{.body = "success"} : ToHttp(allowed.error()));
  });
  if (!posted) {
    respond({.status = 503, .body = "server is busy, try again"});
  }
}

}  // namespace weir::server
