// What is known of particular clients, read from what they say of themselves (signal.md 3.5 in LiveKit's
// words).
#pragma once

#include "proto/livekit_models.pb.h"

namespace weir::rtc {

bool IsFirefox(const livekit::ClientInfo& client);
bool IsSafari(const livekit::ClientInfo& client);
// Its H264 encoder is not to be used, and it sends its own favourite codec whatever an answer prefers.
bool IsFirefoxOnLinuxOrAndroid(const livekit::ClientInfo& client);

}  // namespace weir::rtc
