#include "service/twirp.h"

#include <google/protobuf/message.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/json.h"

namespace weir::service {
namespace {

using base::ErrorCode;

constexpr std::string_view kPrefix = "/twirp/";
constexpr size_t kMaxBody = 10 << 20;  // The front server's default; it has refused larger ones already.

enum class Encoding { kJson, kProtobuf };

std::optional<Encoding> EncodingOf(const front::HttpRequest& request) {
  const std::string type = request.MediaType();
  if (type == "application/json") {
    return Encoding::kJson;
  }
  if (type == "application/protobuf") {
    return Encoding::kProtobuf;
  }
  return std::nullopt;
}

// Parts of the request stand in some messages, so they are cut and may hold any bytes.
std::string Cut(std::string_view text) {
  constexpr size_t kMaxShown = 512;
  return std::string(text.substr(0, kMaxShown));
}

front::HttpResponse ErrorBody(int status, std::string_view code, std::string_view message,
                              std::string_view invalid_route = {}) {
  nlohmann::ordered_json body = {{"code", code}, {"msg", Cut(message)}};
  if (!invalid_route.empty()) {
    body["meta"] = {{"twirp_invalid_route", Cut(invalid_route)}};
  }
  // Replaces bytes that are not UTF-8 rather than throwing.
  return {.status = status,
          .content_type = "application/json",
          .body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

front::HttpResponse Encode(const google::protobuf::Message& message, Encoding encoding) {
  front::HttpResponse response;
  if (encoding == Encoding::kProtobuf) {
    response.content_type = "application/protobuf";
    response.body = message.SerializeAsString();
    return response;
  }
  auto json = proto::MessageToJson(message, proto::JsonStyle::kTwirp);
  if (!json) {
    return TwirpError(json.error());
  }
  response.content_type = "application/json";
  response.body = *std::move(json);
  return response;
}

}  // namespace

std::string_view TwirpCode(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kUnauthenticated:
      return "unauthenticated";
    case ErrorCode::kPermissionDenied:
      return "permission_denied";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kAlreadyExists:
      return "already_exists";
    case ErrorCode::kFailedPrecondition:
      return "failed_precondition";
    case ErrorCode::kResourceExhausted:
      return "resource_exhausted";
    case ErrorCode::kUnimplemented:
      return "unimplemented";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kDeadlineExceeded:
      return "deadline_exceeded";
    case ErrorCode::kAborted:
      return "aborted";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

int TwirpStatus(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kUnauthenticated:
      return 401;
    case ErrorCode::kPermissionDenied:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kAlreadyExists:
      return 409;
    case ErrorCode::kFailedPrecondition:
      return 412;
    case ErrorCode::kResourceExhausted:
      return 429;
    case ErrorCode::kUnimplemented:
      return 501;
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kDeadlineExceeded:
      return 408;
    case ErrorCode::kAborted:
      return 409;
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

front::HttpResponse TwirpError(const base::Error& error) {
  return ErrorBody(TwirpStatus(error.code), TwirpCode(error.code), error.message);
}

front::HttpResponse BadRoute(const front::HttpRequest& request, std::string_view reason) {
  return ErrorBody(404, "bad_route", reason, request.method + " " + request.path);
}

front::HttpResponse Malformed(std::string_view reason) { return ErrorBody(400, "malformed", reason); }

bool IsTwirpPath(std::string_view path) { return path.starts_with(kPrefix); }

std::optional<TwirpRoute> ParseTwirpRoute(std::string_view path) {
  if (!IsTwirpPath(path)) {
    return std::nullopt;
  }
  path.remove_prefix(kPrefix.size());
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos || slash == 0) {
    return std::nullopt;
  }
  const TwirpRoute route{.service = path.substr(0, slash), .method = path.substr(slash + 1)};
  if (route.method.empty() || route.method.contains('/')) {
    return std::nullopt;
  }
  return route;
}

bool TwirpService::Handle(const front::HttpRequest& request, const auth::Claims* claims,
                          const Respond& respond) const {
  const auto route = ParseTwirpRoute(request.path);
  if (!route || route->service != name_) {
    return false;
  }
  const auto method = methods_.find(route->method);
  if (method == methods_.end()) {
    respond(BadRoute(request, "no handler for path " + request.path));
  } else if (request.method != "POST") {
    respond(BadRoute(request, "unsupported method " + request.method + " (only POST is allowed)"));
  } else {
    Dispatch(method->second, request, claims, respond);
  }
  return true;
}

void TwirpService::Dispatch(const Method& method, const front::HttpRequest& request,
                            const auth::Claims* claims, const Respond& respond) const {
  const auto encoding = EncodingOf(request);
  if (!encoding) {
    const std::string type(request.Find("content-type").value_or(""));
    return respond(BadRoute(request, "unexpected Content-Type: " + type));
  }
  const std::unique_ptr<Message> message = method.make_request();
  const auto decoded = *encoding == Encoding::kJson
                           ? proto::JsonToMessage(request.body, *message, {.max_size = kMaxBody})
                           : proto::BytesToMessage(request.body, *message, kMaxBody);
  if (!decoded) {
    const char* what = *encoding == Encoding::kJson ? "the json request could not be decoded: "
                                                    : "the protobuf request could not be decoded: ";
    return respond(Malformed(what + decoded.error().message));
  }
  if (const auto checked = method.check(claims, *message); !checked) {
    return respond(TwirpError(checked.error()));
  }
  method.run(*message, [encoding = *encoding, respond](MessageResult response) {
    respond(response ? Encode(**response, encoding) : TwirpError(response.error()));
  });
}

}  // namespace weir::service
