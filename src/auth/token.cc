#include "auth/token.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "auth/encoding.h"

namespace weir::auth {
namespace {

using base::ConstBytes;
using base::Error;
using base::ErrorCode;
using base::Result;
using base::TimeDelta;
using base::WallTime;
using Json = nlohmann::json;
using Status = Result<void>;

constexpr int kMaxJsonDepth = 32;
constexpr int64_t kMaxSeconds = 253'402'300'799;  // 9999-12-31: what claims beyond it are cut to.

constexpr std::array<std::pair<TrackSource, std::string_view>, 5> kSources = {{
    {TrackSource::kUnknown, "unknown"},
    {TrackSource::kCamera, "camera"},
    {TrackSource::kMicrophone, "microphone"},
    {TrackSource::kScreenShare, "screen_share"},
    {TrackSource::kScreenShareAudio, "screen_share_audio"},
}};
constexpr std::array<std::string_view, 7> kKinds = {"standard", "ingress",   "egress", "sip",
                                                    "agent",    "connector", "bridge"};

// The JSON key of each field, once for reading and writing. `Grant` is const when writing.
template <typename Grant, typename Visitor>
void VisitVideo(Grant& grant, const Visitor& visit) {
  visit("roomCreate", grant.room_create);
  visit("roomList", grant.room_list);
  visit("roomRecord", grant.room_record);
  visit("roomAdmin", grant.room_admin);
  visit("roomJoin", grant.room_join);
  visit("room", grant.room);
  visit("destinationRoom", grant.destination_room);
  visit("canPublish", grant.can_publish);
  visit("canSubscribe", grant.can_subscribe);
  visit("canPublishData", grant.can_publish_data);
  visit("canPublishSources", grant.can_publish_sources);
  visit("canUpdateOwnMetadata", grant.can_update_own_metadata);
  visit("canSubscribeMetrics", grant.can_subscribe_metrics);
  visit("canManageAgentSession", grant.can_manage_agent_session);
  visit("ingressAdmin", grant.ingress_admin);
  visit("hidden", grant.hidden);
  visit("recorder", grant.recorder);
  visit("agent", grant.agent);
}

// Also what `visit` gets for a nested grant: how to walk it.
template <typename Grant, typename Visitor>
void VisitGrant(Grant& grant, const Visitor& visit) {
  using Plain = std::remove_const_t<Grant>;
  if constexpr (std::is_same_v<Plain, VideoGrant>) {
    VisitVideo(grant, visit);
  } else if constexpr (std::is_same_v<Plain, SipGrant>) {
    visit("admin", grant.admin);
    visit("call", grant.call);
  } else if constexpr (std::is_same_v<Plain, AgentGrant>) {
    visit("admin", grant.admin);
    visit("simulationAdmin", grant.simulation_admin);
    visit("databaseAdmin", grant.database_admin);
  } else if constexpr (std::is_same_v<Plain, InferenceGrant>) {
    visit("perform", grant.perform);
  } else {
    static_assert(std::is_same_v<Plain, ObservabilityGrant>);
    visit("write", grant.write);
  }
}

template <typename C, typename Visitor>
void VisitClaims(C& claims, const Visitor& visit) {
  visit("name", claims.name);
  visit("metadata", claims.metadata);
  visit("attributes", claims.attributes);
  visit("kind", claims.kind);
  visit("kindDetails", claims.kind_details);
  visit("video", claims.video);
  visit("sip", claims.sip);
  visit("agent", claims.agent);
  visit("inference", claims.inference);
  visit("observability", claims.observability);
  visit("roomPreset", claims.room_preset);
  visit("sha256", claims.sha256);
}

// ---- Reading. Every Read gets a value that is neither absent nor null, and returns false for a wrong type.

bool Read(const Json& value, bool& out) {
  out = value.is_boolean() && value.get<bool>();
  return value.is_boolean();
}
bool Read(const Json& value, std::optional<bool>& out) { return Read(value, out.emplace()); }
bool Read(const Json& value, std::string& out) {
  if (!value.is_string()) {
    return false;
  }
  out = value.get_ref<const std::string&>();
  return true;
}
bool Read(const Json& value, std::vector<std::string>& out) {
  return value.is_array() &&
         std::ranges::all_of(value, [&](const Json& item) { return Read(item, out.emplace_back()); });
}
bool Read(const Json& value, std::map<std::string, std::string>& out) {
  if (!value.is_object()) {
    return false;
  }
  for (const auto& [key, item] : value.items()) {
    if (!item.is_null() && !Read(item, out[key])) {
      return false;
    }
  }
  return true;
}

// Fills the fields of one object; remembers the first claim of a wrong type.
class Reader {
 public:
  Reader(const Json& object, std::string& wrong) : object_(object), wrong_(wrong) {}

  template <typename T>
  void operator()(const char* key, T& out) const {
    const auto it = object_.find(key);
    if (it == object_.end() || it->is_null()) {
      return;
    }
    if (!ReadField(*it, out) && wrong_.empty()) {
      wrong_ = key;
    }
  }

 private:
  template <typename T>
  bool ReadField(const Json& value, T& out) const {
    return Read(value, out);
  }
  template <typename Grant>
    requires std::is_class_v<Grant>
  bool ReadField(const Json& value, std::optional<Grant>& out) const {
    if (!value.is_object()) {
      return false;
    }
    VisitGrant(out.emplace(), Reader(value, wrong_));
    return true;
  }

  const Json& object_;
  std::string& wrong_;
};

// ---- Writing. What equals its default is left out, as the SDKs do.

class Writer {
 public:
  explicit Writer(Json& object) : object_(object) {}

  void operator()(const char* key, bool value) const {
    if (value) {
      object_[key] = true;
    }
  }
  void operator()(const char* key, const std::optional<bool>& value) const {
    if (value) {
      object_[key] = *value;
    }
  }
  template <typename T>
    requires requires(const T& value) { value.empty(); }
  void operator()(const char* key, const T& value) const {
    if (!value.empty()) {
      object_[key] = value;
    }
  }
  template <typename Grant>
    requires std::is_class_v<Grant>
  void operator()(const char* key, const std::optional<Grant>& grant) const {
    if (grant) {
      VisitGrant(*grant, Writer(object_[key] = Json::object()));
    }
  }

 private:
  Json& object_;
};

std::unexpected<Error> Refuse(std::string_view reason = {}) {
  std::string message = "invalid authorization token";
  if (!reason.empty()) {
    message += ": " + std::string(reason);
  }
  return base::Fail(ErrorCode::kUnauthenticated, std::move(message));
}

// An object of bounded depth; the library's own functions recurse.
std::optional<Json> ParseObject(std::string_view text) {
  bool too_deep = false;
  const auto watch = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxJsonDepth;
    return !too_deep;
  };
  Json parsed = Json::parse(text, watch, /*allow_exceptions=*/false);
  return too_deep || !parsed.is_object() ? std::nullopt : std::optional(std::move(parsed));
}

// One part of a JWT. RFC 7515 section 2: base64url without padding.
std::optional<base::Buffer> DecodePart(std::string_view part) {
  return part.contains('=') ? std::nullopt : DecodeBase64Url(part);
}
std::optional<Json> DecodeObject(std::string_view part) {
  const auto bytes = DecodePart(part);
  return bytes ? ParseObject(base::AsText(*bytes)) : std::nullopt;
}

// A NumericDate (RFC 7519 section 2), which may have a fraction. nullopt: no number.
constexpr const char* kOriginClaim = "weirOrigin";

std::optional<WallTime> ReadTime(const Json& value) {
  if (!value.is_number()) {
    return std::nullopt;
  }
  const double seconds = value.get<double>();
  if (std::isnan(seconds)) {
    return std::nullopt;
  }
  const double bounded = std::clamp(seconds, 0.0, static_cast<double>(kMaxSeconds));
  return WallTime{static_cast<int64_t>(bounded) * 1'000'000};
}

struct Parts {
  Json payload;
  std::string_view signed_text;
  base::Buffer signature;
};

Result<Parts> Split(std::string_view jwt) {
  const size_t first = jwt.find('.');
  const size_t last = jwt.rfind('.');
  if (jwt.size() > kMaxTokenSize || first == jwt.npos || jwt.find('.', first + 1) != last || first == last) {
    return Refuse();
  }
  const auto header = DecodeObject(jwt.substr(0, first));
  // "crit" names extensions that must be understood (RFC 7515 section 4.1.11), and there are none here.
  if (!header || header->value("alg", Json()) != "HS256" || header->contains("crit")) {
    return Refuse();
  }
  auto payload = DecodeObject(jwt.substr(first + 1, last - first - 1));
  auto signature = DecodePart(jwt.substr(last + 1));
  if (!payload || !signature) {
    return Refuse();
  }
  return Parts{*std::move(payload), jwt.substr(0, last), *std::move(signature)};
}

Status ReadTimes(const Json& payload, WallTime now, Claims& claims) {
  const auto exp = payload.find("exp");
  if (exp == payload.end() || exp->is_null()) {
    return Refuse("exp is missing");
  }
  const auto expires = ReadTime(*exp);
  if (!expires) {
    return Refuse("exp is not a number");
  }
  claims.expires = *expires;
  if (const auto nbf = payload.find("nbf"); nbf != payload.end() && !nbf->is_null()) {
    claims.not_before = ReadTime(*nbf);
    if (!claims.not_before) {
      return Refuse("nbf is not a number");
    }
  }
  // Says when a token was made, and is not checked otherwise: one that is no number says nothing.
  if (const auto iat = payload.find("iat"); iat != payload.end()) {
    claims.issued_at = ReadTime(*iat);
  }
  if (now.micros - kLeeway.micros() > claims.expires.micros) {
    return Refuse("token is expired");
  }
  if (claims.not_before && now.micros + kLeeway.micros() < claims.not_before->micros) {
    return Refuse("token is not valid yet");
  }
  return {};
}

// Our own claim, in the tokens that we sign.
TokenOrigin ReadOrigin(const Json& payload, std::string_view jwt, WallTime expires) {
  if (const auto origin = payload.find(kOriginClaim); origin != payload.end() && origin->is_object()) {
    const auto digest = origin->find("digest");
    const auto exp = origin->find("exp");
    const auto time = exp == origin->end() ? std::nullopt : ReadTime(*exp);
    if (digest != origin->end() && digest->is_string() && time) {
      return {digest->get<std::string>(), *time};
    }
  }
  return {EncodeBase64Url(Sha256(base::AsBytes(jwt))), expires};
}

Status ReadClaims(const Json& payload, Claims& claims) {
  std::string wrong;
  const Reader read(payload, wrong);
  std::string id;
  read("sub", claims.identity);
  read("jti", id);
  if (claims.identity.empty()) {
    claims.identity = id;
  }
  VisitClaims(claims, read);
  if (const auto it = payload.find("roomConfig"); it != payload.end() && !it->is_null()) {
    if (it->is_object()) {
      claims.room_config = it->dump();
    } else if (wrong.empty()) {
      wrong = "roomConfig";
    }
  }
  if (!wrong.empty()) {
    return Refuse(wrong + " has a wrong type");
  }
  if (std::ranges::find(kKinds, claims.kind) == kKinds.end()) {
    claims.kind = kKinds[0];
  }
  return {};
}

}  // namespace

std::string_view ToString(TrackSource source) {
  const auto it = std::ranges::find(kSources, source, [](const auto& entry) { return entry.first; });
  return it == kSources.end() ? "unknown" : it->second;
}

std::optional<TrackSource> TrackSourceFromString(std::string_view name) {
  const auto it = std::ranges::find(kSources, name, [](const auto& entry) { return entry.second; });
  return it == kSources.end() ? std::nullopt : std::optional(it->first);
}

bool VideoGrant::CanPublishSource(TrackSource source) const {
  return CanPublish() &&
         (can_publish_sources.empty() ||
          std::ranges::find(can_publish_sources, ToString(source)) != can_publish_sources.end());
}

const std::string* KeyProvider::Secret(std::string_view key) const {
  const auto it = keys.find(key);
  return it == keys.end() ? nullptr : &it->second;
}

Result<std::string_view> BearerToken(std::string_view authorization) {
  constexpr std::string_view kPrefix = "Bearer ";
  if (!authorization.starts_with(kPrefix)) {
    return base::Fail(ErrorCode::kUnauthenticated, "invalid authorization header. Must start with Bearer ");
  }
  return authorization.substr(kPrefix.size());
}

Result<Claims> VerifyToken(std::string_view jwt, const KeyProvider& keys, WallTime now) {
  const Parts parts = TRY(Split(jwt));
  Claims claims;
  if (const auto iss = parts.payload.find("iss"); iss != parts.payload.end() && iss->is_string()) {
    claims.issuer = iss->get_ref<const std::string&>();
  }
  const std::string* const secret = keys.Secret(claims.issuer);
  if (secret == nullptr || secret->empty()) {
    return base::Fail(ErrorCode::kUnauthenticated, "invalid API key");
  }
  if (!EqualInConstantTime(HmacSha256(*secret, parts.signed_text), parts.signature)) {
    return Refuse("signature is wrong");
  }
  TRY(ReadTimes(parts.payload, now, claims));
  TRY(ReadClaims(parts.payload, claims));
  claims.origin = ReadOrigin(parts.payload, jwt, claims.expires);
  return claims;
}

std::string SignToken(const Claims& claims, std::string_view key, std::string_view secret,
                      WallTime not_before, WallTime expires) {
  Json payload = Json::object();
  payload["iss"] = key;
  if (!claims.identity.empty()) {
    payload["sub"] = claims.identity;
    payload["identity"] = claims.identity;
  }
  payload["nbf"] = not_before.seconds();
  payload["iat"] = not_before.seconds();
  payload["exp"] = expires.seconds();
  if (claims.origin) {
    payload[kOriginClaim] = {{"digest", claims.origin->digest}, {"exp", claims.origin->expires.seconds()}};
  }
  VisitClaims(claims, Writer(payload));
  if (auto room_config = ParseObject(claims.room_config)) {
    payload["roomConfig"] = *std::move(room_config);
  }
  // Names and metadata come from clients: a byte that is not UTF-8 must not throw.
  const std::string text = payload.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string token = EncodeBase64Url(base::AsBytes(R"({"alg":"HS256","typ":"JWT"})")) + "." +
                      EncodeBase64Url(base::AsBytes(text));
  token += "." + EncodeBase64Url(HmacSha256(secret, token));
  return token;
}

}  // namespace weir::auth
