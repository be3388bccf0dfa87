// The tokens that the server makes for a participant: fresh ones for later reconnects, and one for another
// room.

#include <algorithm>

#include "auth/participant_permission.h"
#include "rtc/participant.h"
#include "rtc/room.h"

namespace weir::rtc {

using base::Now;
using base::TimeDelta;

auth::Claims Participant::CurrentClaims() const {
  auth::Claims claims = claims_;
  claims.name = name_;
  claims.metadata = metadata_;
  claims.attributes = attributes_;
  if (claims.video) {
    auth::ApplyPermission(permission_, *claims.video);
  }
  return claims;
}

std::string Participant::Sign(Now now, const auth::Claims& claims) const {
  const std::string& key = environment_.settings.signing_key;
  const std::string* secret = environment_.keys.Secret(key);
  if (secret == nullptr) {
    return {};
  }
  // Its own time left, but at least ten minutes: enough to come back after any outage that the session
  // survives.
  const base::WallTime soon{now.wall.micros + TimeDelta::Seconds(600).micros()};
  return auth::SignToken(claims, key, *secret, now.wall, std::max(soon, claims_.expires));
}

void Participant::SendRefreshToken(Now now) {
  const std::string token = Sign(now, CurrentClaims());
  if (!token.empty()) {
    livekit::SignalResponse message;
    message.set_refresh_token(token);
    Send(message);
  }
}

// The client gets a token for the other room and is sent there by a full reconnect, which every client knows
// (docs/decisions/0013).
void Participant::MoveTo(Now now, const livekit::Room& destination,
                         const std::vector<livekit::ParticipantInfo>& others) {
  constexpr int kKnowsRoomMoved = 16;
  auth::Claims claims = CurrentClaims();
  if (claims.video) {
    claims.video->room = destination.name();
  }
  claims.room_config.clear();  // Of the room that it came from.
  claims.room_preset.clear();
  livekit::SignalResponse message;
  if (protocol() >= kKnowsRoomMoved) {
    livekit::RoomMovedResponse& moved = *message.mutable_room_moved();
    *moved.mutable_room() = destination;
    moved.set_token(Sign(now, claims));
    *moved.mutable_participant() = Info();
    for (const livekit::ParticipantInfo& other : others) {
      *moved.add_other_participants() = other;
    }
  } else {
    message.set_refresh_token(Sign(now, claims));
  }
  Send(message);
  log_.Info("participant moved", {{"to", destination.name()}});
  Close(now, livekit::MIGRATION, livekit::LeaveRequest::RECONNECT);
}

}  // namespace weir::rtc
