// What a client asks for when it opens signalling: read from the query of /rtc and /rtc/v1, checked before
// the upgrade.
//
// Two generations are in use. The older puts every wish into its own query parameter; the newer puts one
// protobuf JoinRequest, wrapped, perhaps compressed, and base64url-coded into `join_request`. Its presence,
// not the path, decides that the client uses a single peer connection (the Go SDK sends it to /rtc).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proto/livekit_models.pb.h"
#include "proto/livekit_rtc.pb.h"

namespace weir::signal {

// The query of a request: the percent-decoded value of a parameter, or nothing.
using Query = std::function<std::optional<std::string>(std::string_view)>;

// How a request that cannot become a session is answered: an HTTP status and its text.
struct HttpError {
  int status = 400;
  std::string body;
};

struct ConnectParameters {
  livekit::ClientInfo client;
  bool single_connection = false;
  bool auto_subscribe = true;
  bool auto_subscribe_data_track = false;
  bool adaptive_stream = false;
  bool subscriber_allow_pause = false;
  bool reconnect = false;
  std::string participant_sid;  // Of the session to resume.
  livekit::ReconnectReason reconnect_reason = livekit::RR_UNKNOWN;
  std::string publish;  // Side session that only publishes: identity becomes "<identity>#<publish>".
  std::string metadata;
  std::map<std::string, std::string> attributes;
  bool bad_attributes = false;  // The v0 parameter did not decode: ignored by a join, an error for validate.
  std::vector<livekit::AddTrackRequest> add_tracks;
  std::optional<livekit::SessionDescription> publisher_offer;
};

inline constexpr size_t kMaxJoinRequestSize = 1 << 20;  // Raw and inflated.

// `require_join_request` is set for /rtc/v1. `user_agent` fills in what the client did not say about its
// browser.
base::Result<ConnectParameters, HttpError> ParseConnectParameters(const Query& query,
                                                                  bool require_join_request);

}  // namespace weir::signal
