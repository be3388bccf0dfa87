// Which requests a token's claims allow: joining a room, and the calls of the server API.
//
// The texts are those that clients look for, so they are part of the protocol. Codes map to HTTP as Twirp's
// do: kUnauthenticated 401, kInvalidArgument 400, kNotFound 404. A missing grant is kUnauthenticated, not
// kPermissionDenied: SDKs expect 401. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "auth/token.h"
#include "base/result.h"

namespace weir::auth {

// ---- Joining. The steps in the order in which a join is checked; the caller does what lies between them
// (reading join_request, looking for the room) and picks `claims` (nullptr: no token at all).

// A token with a video grant is present.
base::Result<void> CheckVideoGrant(const Claims* claims);

struct JoinLimits {
  size_t max_identity_length = 256;  // Bytes; 0 is no limit.
  size_t max_room_name_length = 256;
};
struct JoinTarget {
  std::string identity;
  std::string room;
  bool publish_only = false;  // A side session that only publishes: it may not subscribe.
};
// `publish` is the query parameter of that name; non-empty, it is appended to the identity as "#value".
base::Result<JoinTarget> CheckJoin(const Claims& claims, std::string_view publish, const JoinLimits& limits);

// The room is there, or this join may create it.
base::Result<void> CheckRoomExists(const Claims& claims, bool exists, bool auto_create);

// Metadata or attributes came with the request rather than in the token.
base::Result<void> CheckOwnMetadata(const Claims& claims);

// ---- The server API.
base::Result<void> CheckRoomCreate(const Claims* claims);
base::Result<void> CheckRoomList(const Claims* claims);
base::Result<void> CheckRoomRecord(const Claims* claims);
base::Result<void> CheckRoomAdmin(const Claims* claims, std::string_view room);
base::Result<void> CheckDestinationRoom(const Claims* claims, std::string_view room,
                                        std::string_view destination);
base::Result<void> CheckIngressAdmin(const Claims* claims);
base::Result<void> CheckSipAdmin(const Claims* claims);
base::Result<void> CheckSipCall(const Claims* claims);
base::Result<void> CheckAgentWorker(const Claims* claims);  // The /agent socket.

}  // namespace weir::auth
