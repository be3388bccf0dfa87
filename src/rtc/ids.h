// The identifiers of rooms, participants and tracks: what clients see, with LiveKit's prefixes (signal.md 3.7
// in LiveKit's words: prefix + 12 characters of an alphabet without look-alikes).
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/strong_id.h"

namespace weir::rtc {

using RoomName = base::StrongString<struct RoomNameTag>;
using RoomSid = base::StrongString<struct RoomSidTag>;
using Identity = base::StrongString<struct IdentityTag>;
using ParticipantSid = base::StrongString<struct ParticipantSidTag>;
using TrackSid = base::StrongString<struct TrackSidTag>;

// "PA_" -> "PA_x4Jk...": the prefix and 12 characters, about 70 random bits.
std::string MakeSid(std::string_view prefix, base::Random& random);

}  // namespace weir::rtc
