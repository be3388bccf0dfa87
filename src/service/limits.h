// What the server API accepts, and the texts of what it refuses. Joining applies the same limits to tokens
// (auth/permissions.h).
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace weir::service {

// 0 is no limit. Lengths in bytes.
struct ApiLimits {
  size_t max_room_name = 256;
  size_t max_identity = 256;
  size_t max_participant_name = 256;
  size_t max_metadata = 512 << 10;    // Of a room, a participant or a dispatch.
  size_t max_attributes = 64 << 10;   // Sum of keys and values.
  size_t max_rpc_payload = 15 << 10;  // The protocol's, for an RPC in one packet.
};

base::Result<void> CheckRoomName(std::string_view name, const ApiLimits& limits);
base::Result<void> CheckIdentity(std::string_view identity, const ApiLimits& limits);
base::Result<void> CheckParticipantName(std::string_view name, const ApiLimits& limits);
base::Result<void> CheckMetadata(std::string_view metadata, const ApiLimits& limits);

// Any map of strings.
template <typename Map>
base::Result<void> CheckAttributes(const Map& attributes, const ApiLimits& limits);
base::Result<void> CheckAttributesSize(size_t size, const ApiLimits& limits);

template <typename Map>
base::Result<void> CheckAttributes(const Map& attributes, const ApiLimits& limits) {
  size_t size = 0;
  for (const auto& [key, value] : attributes) {
    size += key.size() + value.size();
  }
  return CheckAttributesSize(size, limits);
}

}  // namespace weir::service
