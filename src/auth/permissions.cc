#include "auth/permissions.h"

namespace weir::auth {
namespace {

using base::ErrorCode;
using Status = base::Result<void>;

Status NoAccess() { return base::Fail(ErrorCode::kUnauthenticated, "no permissions to access the room"); }
Status Allow(bool allowed) {
  return allowed ? Status() : Status(base::Fail(ErrorCode::kUnauthenticated, "permissions denied"));
}

// The video grant of a request that may have no token; without one, a grant of nothing.
const VideoGrant& Video(const Claims* claims) {
  static const VideoGrant kNothing;
  return claims != nullptr && claims->video ? *claims->video : kNothing;
}

Status CheckLength(std::string_view what, std::string_view value, size_t limit) {
  if (limit == 0 || value.size() <= limit) {
    return {};
  }
  return base::Fail(ErrorCode::kInvalidArgument,
                    std::string(what) + " length exceeds limits: max length " + std::to_string(limit));
}

}  // namespace

Status CheckVideoGrant(const Claims* claims) {
  return claims != nullptr && claims->video ? Status() : NoAccess();
}

base::Result<JoinTarget> CheckJoin(const Claims& claims, std::string_view publish, const JoinLimits& limits) {
  const VideoGrant& video = Video(&claims);
  TRY(Allow(video.room_join));
  if (claims.identity.empty()) {
    return base::Fail(ErrorCode::kInvalidArgument, "identity cannot be empty");
  }
  TRY(CheckLength("participant identity", claims.identity, limits.max_identity_length));
  if (video.room.empty()) {
    return base::Fail(ErrorCode::kInvalidArgument, "no room name");
  }
  TRY(CheckLength("room name", video.room, limits.max_room_name_length));
  JoinTarget target{.identity = claims.identity, .room = video.room, .publish_only = !publish.empty()};
  if (target.publish_only) {
    if (!video.CanPublish()) {
      return base::Fail(ErrorCode::kUnauthenticated, "no permissions to access the room");
    }
    target.identity += "#" + std::string(publish);
    TRY(CheckLength("participant identity", target.identity, limits.max_identity_length));
  }
  return target;
}

Status CheckRoomExists(const Claims& claims, bool exists, bool auto_create) {
  if (exists || auto_create || Video(&claims).room_create) {
    return {};
  }
  return base::Fail(ErrorCode::kNotFound, "requested room does not exist");
}

Status CheckOwnMetadata(const Claims& claims) {
  return Video(&claims).CanUpdateOwnMetadata() ? Status() : NoAccess();
}

Status CheckRoomCreate(const Claims* claims) { return Allow(Video(claims).room_create); }
Status CheckRoomList(const Claims* claims) { return Allow(Video(claims).room_list); }
Status CheckRoomRecord(const Claims* claims) { return Allow(Video(claims).room_record); }
Status CheckRoomAdmin(const Claims* claims, std::string_view room) {
  return Allow(Video(claims).room_admin && Video(claims).room == room);
}
Status CheckDestinationRoom(const Claims* claims, std::string_view room, std::string_view destination) {
  TRY(CheckRoomAdmin(claims, room));
  return Allow(Video(claims).destination_room == destination);
}
Status CheckIngressAdmin(const Claims* claims) { return Allow(Video(claims).ingress_admin); }
Status CheckSipAdmin(const Claims* claims) {
  return Allow(claims != nullptr && claims->sip && claims->sip->admin);
}
Status CheckSipCall(const Claims* claims) {
  return Allow(claims != nullptr && claims->sip && claims->sip->call);
}
Status CheckAgentWorker(const Claims* claims) { return Allow(Video(claims).agent); }

}  // namespace weir::auth
