#include "service/limits.h"

#include <string>

namespace weir::service {
namespace {

using base::ErrorCode;

base::Result<void> CheckSize(size_t size, size_t limit, std::string_view what, std::string_view unit) {
  if (limit == 0 || size <= limit) {
    return {};
  }
  return base::Fail(ErrorCode::kInvalidArgument, std::string(what) + " exceeds limits: max " +
                                                     std::string(unit) + " " + std::to_string(limit));
}

}  // namespace

base::Result<void> CheckRoomName(std::string_view name, const ApiLimits& limits) {
  if (name.empty()) {
    return base::Fail(ErrorCode::kInvalidArgument, "no room name");
  }
  return CheckSize(name.size(), limits.max_room_name, "room name length", "length");
}

base::Result<void> CheckIdentity(std::string_view identity, const ApiLimits& limits) {
  if (identity.empty()) {
    return base::Fail(ErrorCode::kInvalidArgument, "identity cannot be empty");
  }
  return CheckSize(identity.size(), limits.max_identity, "participant identity length", "length");
}

base::Result<void> CheckParticipantName(std::string_view name, const ApiLimits& limits) {
  return CheckSize(name.size(), limits.max_participant_name, "participant name length", "length");
}

base::Result<void> CheckMetadata(std::string_view metadata, const ApiLimits& limits) {
  return CheckSize(metadata.size(), limits.max_metadata, "metadata size", "size");
}

base::Result<void> CheckAttributesSize(size_t size, const ApiLimits& limits) {
  return CheckSize(size, limits.max_attributes, "attributes size", "size");
}

}  // namespace weir::service
