// Access tokens: what they grant, how they are verified, how the server signs its own.
//
// A token is a JWT (RFC 7519) signed with HMAC-SHA256 by one of the configured API keys, in the form that
// LiveKit's server SDKs make. The algorithm is fixed: whatever else a header asks for is refused before a key
// is looked up. Every error is kUnauthenticated with a message that is sent to the client as it is.
//
// Pure functions of their arguments; any thread. The JSON library stays inside token.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace weir::auth {

constexpr size_t kMaxTokenSize =
    1 << 20;  // Bytes of the encoded token: a refreshed one carries up to 512 KiB of metadata.
constexpr base::TimeDelta kLeeway = base::TimeDelta::Seconds(60);  // Clock skew allowed on nbf and exp.
constexpr base::TimeDelta kDefaultLifetime = base::TimeDelta::Seconds(6 * 3600);  // As the SDKs.

// What a participant may publish; the names of the token ("screen_share").
enum class TrackSource : uint8_t { kUnknown, kCamera, kMicrophone, kScreenShare, kScreenShareAudio };
std::string_view ToString(TrackSource source);
std::optional<TrackSource> TrackSourceFromString(std::string_view name);

// The claim `video`. Optionals hold what the token said; the getters, what follows from it.
struct VideoGrant {
  bool CanPublish() const { return can_publish.value_or(true); }
  bool CanSubscribe() const { return can_subscribe.value_or(true); }
  bool CanPublishData() const { return can_publish_data.value_or(CanPublish()); }
  // An empty list allows every source. Also false without CanPublish.
  bool CanPublishSource(TrackSource source) const;
  bool CanUpdateOwnMetadata() const { return can_update_own_metadata.value_or(false); }
  bool CanSubscribeMetrics() const { return can_subscribe_metrics.value_or(false); }
  bool CanManageAgentSession() const { return can_manage_agent_session.value_or(false); }

  bool room_create = false;
  bool room_list = false;
  bool room_record = false;
  bool room_admin = false;
  bool room_join = false;
  std::string room;
  std::string destination_room;

  std::optional<bool> can_publish;
  std::optional<bool> can_subscribe;
  std::optional<bool> can_publish_data;
  std::vector<std::string> can_publish_sources;  // As written; a name nobody knows allows nothing.
  std::optional<bool> can_update_own_metadata;
  std::optional<bool> can_subscribe_metrics;
  std::optional<bool> can_manage_agent_session;

  bool ingress_admin = false;
  bool hidden = false;
  bool recorder = false;  // Legacy, as `agent`: the kind supersedes them.
  bool agent = false;

  bool operator==(const VideoGrant&) const = default;
};

struct SipGrant {
  bool admin = false;
  bool call = false;
  bool operator==(const SipGrant&) const = default;
};

struct AgentGrant {
  bool admin = false;
  bool simulation_admin = false;
  bool database_admin = false;
  bool operator==(const AgentGrant&) const = default;
};

struct InferenceGrant {
  bool perform = false;
  bool operator==(const InferenceGrant&) const = default;
};

struct ObservabilityGrant {
  bool write = false;
  bool operator==(const ObservabilityGrant&) const = default;
};

// The token that a session began with. A refresh token carries the origin of the one it replaces, so that all
// tokens of a session are known by the first.
struct TokenOrigin {
  std::string digest;      // SHA-256 of the encoded token, base64url.
  base::WallTime expires;  // Its exp.
  bool operator==(const TokenOrigin&) const = default;
};

struct Claims {
  // Registered claims. VerifyToken fills them in; SignToken takes its own arguments and writes `identity` as
  // sub.
  std::string issuer;    // The API key.
  std::string identity;  // sub, or jti where sub is empty.
  std::optional<base::WallTime> not_before;
  std::optional<base::WallTime> issued_at;
  base::WallTime expires;

  // Always there after VerifyToken: this very token, or the one it was refreshed from. SignToken writes it.
  std::optional<TokenOrigin> origin;

  std::string name;
  std::string metadata;
  std::map<std::string, std::string> attributes;
  std::string kind = "standard";  // standard ingress egress sip agent connector bridge; others: standard.
  std::vector<std::string> kind_details;  // As written.
  std::optional<VideoGrant> video;
  std::optional<SipGrant> sip;
  std::optional<AgentGrant> agent;
  std::optional<InferenceGrant> inference;
  std::optional<ObservabilityGrant> observability;
  std::string room_config;  // The JSON text of a RoomConfiguration; empty without one.
  std::string room_preset;
  std::string sha256;  // Base64 SHA-256 of a body (webhooks).

  bool operator==(const Claims&) const = default;
};

// The configured API keys: key to secret.
struct KeyProvider {
  const std::string* Secret(std::string_view key) const;  // nullptr for an unknown key.
  std::map<std::string, std::string, std::less<>> keys;
};

// The token of an Authorization header's value, which has to start with "Bearer ".
base::Result<std::string_view> BearerToken(std::string_view authorization);

// Signature in constant time, then exp (mandatory) and nbf with kLeeway. Claims of the wrong JSON type are
// refused rather than ignored: "canPublish": "false" must not grant anything.
base::Result<Claims> VerifyToken(std::string_view jwt, const KeyProvider& keys, base::WallTime now);

// Writes every claim that VerifyToken reads, so that a refresh token says what the first one said. `key`
// becomes iss; times are cut to seconds.
std::string SignToken(const Claims& claims, std::string_view key, std::string_view secret,
                      base::WallTime not_before, base::WallTime expires);

}  // namespace weir::auth
