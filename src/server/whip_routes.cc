#include "server/whip_routes.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "dtls/fingerprint.h"
#include "sdp/session_description.h"
#include "server/access.h"

namespace weir::server {
namespace {

using front::HttpRequest;
using front::HttpResponse;

constexpr std::string_view kEndpoint = "/whip/v1";
constexpr std::string_view kSdp = "application/sdp";
constexpr std::string_view kFragment = "application/trickle-ice-sdpfrag";
constexpr size_t kMaxBody = 1 << 20;  // Bytes, of an offer or a fragment.

HttpResponse Error(int status, const std::string& what) {
  // Text of the request may be in it, and need not be UTF-8.
  const nlohmann::json body = {{"error", what}};
  return {.status = status,
          .content_type = "application/json",
          .body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

// The session of "/whip/v1/{session}", empty for the endpoint itself; nothing for other paths.
std::optional<std::string_view> SessionOf(std::string_view path) {
  if (!path.starts_with(kEndpoint)) {
    return std::nullopt;
  }
  path.remove_prefix(kEndpoint.size());
  if (!path.empty() && path.front() != '/') {
    return std::nullopt;
  }
  path.remove_prefix(path.empty() ? 0 : 1);
  if (path.contains('/')) {
    return std::nullopt;
  }
  return path;
}

std::optional<HttpResponse> CheckBody(const HttpRequest& request, std::string_view type) {
  if (const std::string actual = request.MediaType(); actual != type) {
    return Error(400, "Content-Type is '" + actual + "', expected " + std::string(type));
  }
  if (request.body.size() > kMaxBody) {
    return Error(413, "the body is larger than " + std::to_string(kMaxBody) + " bytes");
  }
  return std::nullopt;
}

// A bundled section uses the transport of the first one of its group (RFC 9143).
bool HasOwnTransport(const sdp::SessionDescription& offer, const sdp::MediaSection& section) {
  return offer.bundle.empty() || offer.bundle.front() == section.mid ||
         std::ranges::find(offer.bundle, section.mid) == offer.bundle.end();
}

// What is wrong with the transport of a section; empty: nothing.
std::string TransportProblem(const sdp::MediaSection& section) {
  if (section.ice_ufrag.empty() || section.ice_pwd.empty()) {
    return "has no ice-ufrag or no ice-pwd";
  }
  const bool known = std::ranges::any_of(section.fingerprints, [](const sdp::Fingerprint& fingerprint) {
    return dtls::ParseFingerprint(fingerprint.algorithm, fingerprint.value).has_value();
  });
  if (!known) {
    return "has no fingerprint of SHA-256, SHA-384 or SHA-512";
  }
  if (section.setup == sdp::Setup::kPassive || section.setup == sdp::Setup::kHoldconn) {
    return "has setup:" + std::string(sdp::ToString(*section.setup)) + ", expected actpass or active";
  }
  return "";
}

bool IsMedia(const sdp::MediaSection& section) {
  return section.kind == sdp::MediaSection::Kind::kAudio || section.kind == sdp::MediaSection::Kind::kVideo;
}

std::string ProblemOf(const sdp::SessionDescription& offer, const sdp::MediaSection& section) {
  std::string problem = HasOwnTransport(offer, section) ? TransportProblem(section) : "";
  if (problem.empty() && IsMedia(section) && section.codecs.empty()) {
    problem = "names no codec";
  }
  return problem.empty() ? "" : "section '" + section.mid + "' " + problem;
}

// What is wrong with an offer of media; empty: nothing.
std::string ProblemOf(std::string_view text) {
  if (text.empty()) {
    return "the offer is empty";
  }
  const auto offer = sdp::Parse(text);
  if (!offer) {
    return "the offer cannot be read: " + offer.error().message;
  }
  bool sends = false;
  for (const sdp::MediaSection& section : offer->media) {
    if (section.rejected()) {
      continue;
    }
    if (std::string problem = ProblemOf(*offer, section); !problem.empty()) {
      return "the offer is incomplete: " + problem;
    }
    sends = sends || (IsMedia(section) && sdp::Sends(section.direction));
  }
  return sends ? "" : "the offer sends neither audio nor video";
}

HttpResponse Create(const HttpRequest& request) {
  if (auto refusal = CheckBody(request, kSdp)) {
    return *std::move(refusal);
  }
  if (const std::string problem = ProblemOf(request.body); !problem.empty()) {
    return Error(400, problem);
  }
  return Error(501, "WHIP ingest is not available on this server");
}

HttpResponse NoSession(std::string_view session) {
  return Error(404, "no WHIP session is called '" + std::string(session) + "'");
}

HttpResponse Patch(const HttpRequest& request, std::string_view session) {
  if (auto refusal = CheckBody(request, kFragment)) {
    return *std::move(refusal);
  }
  // RFC 9725 section 4.3.1.
  if (request.Find("If-Match").value_or("").empty()) {
    return Error(428, "If-Match is missing");
  }
  return NoSession(session);
}

HttpResponse Options(bool endpoint) {
  HttpResponse response{.content_type = ""};
  response.headers = {{"Access-Control-Allow-Methods", "OPTIONS, GET, POST, PATCH, DELETE"},
                      {"Access-Control-Allow-Headers", "*, Authorization"}};
  // RFC 9725 sections 4.2 and 4.3.1.
  response.headers.emplace_back(endpoint ? "Accept-Post" : "Accept-Patch", endpoint ? kSdp : kFragment);
  return response;
}

HttpResponse WrongMethod(bool endpoint, const std::string& method) {
  HttpResponse response = Error(405, "method " + method + " is not for this path");
  response.headers.emplace_back("Allow", endpoint ? "OPTIONS, GET, POST" : "OPTIONS, GET, PATCH, DELETE");
  return response;
}

std::optional<HttpResponse> CheckToken(const HttpRequest& request, const auth::KeyProvider& keys,
                                       base::WallTime now) {
  const Access access = CheckAccess(request, keys, now);
  if (access.refusal) {
    return Error(access.refusal->status, access.refusal->body);
  }
  if (!access.claims || !access.claims->video || !access.claims->video->room_join) {
    return Error(401, "permissions denied");
  }
  return std::nullopt;
}

}  // namespace

bool IsWhipPath(std::string_view path) { return SessionOf(path).has_value(); }

HttpResponse AnswerWhip(const HttpRequest& request, const auth::KeyProvider& keys, base::WallTime now) {
  const std::string_view session = SessionOf(request.path).value_or("");
  const bool endpoint = session.empty();
  if (request.method == "OPTIONS") {
    return Options(endpoint);
  }
  if (request.method == "GET" || request.method == "HEAD") {
    return {.status = 204, .content_type = ""};
  }
  const bool known =
      endpoint ? request.method == "POST" : request.method == "PATCH" || request.method == "DELETE";
  if (!known) {
    return WrongMethod(endpoint, request.method);
  }
  if (auto refusal = CheckToken(request, keys, now)) {
    return *std::move(refusal);
  }
  if (endpoint) {
    return Create(request);
  }
  return request.method == "PATCH" ? Patch(request, session) : NoSession(session);
}

}  // namespace weir::server
