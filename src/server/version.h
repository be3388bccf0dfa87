// Who this server says it is.
#pragma once

namespace weir::server {

inline constexpr const char* kVersion = "0.1.0";

// The LiveKit server whose protocol this is. Clients and server SDKs switch features on by comparing it
// (livekit-client refuses an empty version, and sends RPC only to a server that is new enough), so it is this
// one that join responses carry.
inline constexpr const char* kLiveKitVersion = "1.13.5";

}  // namespace weir::server
