// What happens in rooms, for those outside of them: webhooks, agents, metrics.
//
// Events of one room come in order. They are values: a snapshot of room, participant and track at that
// moment.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "proto/livekit_agent_dispatch.pb.h"
#include "proto/livekit_models.pb.h"

namespace weir::rtc {

struct RoomEvent {
  enum class Kind : uint8_t {
    kRoomStarted,
    kRoomFinished,
    kParticipantJoined,  // Signalling is up; its media is not yet.
    kParticipantActive,  // The primary connection is up for the first time: what webhooks call joined.
    kParticipantLeft,
    kTrackPublished,  // Media tracks; with the first packet's section, not with the request.
    kTrackUnpublished,
  };
  Kind kind = Kind::kRoomStarted;
  base::WallTime at;
  livekit::Room room;
  livekit::ParticipantInfo participant;  // Not of room events.
  livekit::TrackInfo track;              // Of track events.
  // Agents, egress and recorders: they start no jobs.
  bool dependent = false;
  bool was_active = false;  // kParticipantLeft: it had been active.
  std::vector<livekit::RoomAgentDispatch>
      agents;  // kRoomStarted: asked for by the request or token that created it.
};

}  // namespace weir::rtc
