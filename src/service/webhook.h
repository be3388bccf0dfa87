// Webhooks as values: the events, the exact bytes of a POST, and the token that vouches for them. Delivery
// (queues, retries) is somebody else's.
//
// The body is camelCase JSON with defaults left out. The token goes into Authorization bare, without "Bearer
// ": the protocol's receivers expect that. It is signed with an API key and holds the SHA-256 of the body.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "front/http.h"
#include "proto/livekit_webhook.pb.h"

namespace weir::service {

namespace webhook_event {
inline constexpr std::string_view kRoomStarted = "room_started";
inline constexpr std::string_view kRoomFinished = "room_finished";
inline constexpr std::string_view kParticipantJoined = "participant_joined";
inline constexpr std::string_view kParticipantLeft = "participant_left";
inline constexpr std::string_view kParticipantConnectionAborted = "participant_connection_aborted";
inline constexpr std::string_view kTrackPublished = "track_published";
inline constexpr std::string_view kTrackUnpublished = "track_unpublished";
inline constexpr std::string_view kAgentJobStarted = "agent_job_started";
inline constexpr std::string_view kAgentJobEnded = "agent_job_ended";
}  // namespace webhook_event

// `id` starts with EV_. Rooms and participants are carried in full.
livekit::WebhookEvent RoomEvent(std::string_view event, std::string id, const livekit::Room& room,
                                base::WallTime now);
livekit::WebhookEvent ParticipantEvent(std::string_view event, std::string id, const livekit::Room& room,
                                       const livekit::ParticipantInfo& participant, base::WallTime now);
// Room and participant are reduced to sid and name or identity; `full_room` keeps the room whole.
livekit::WebhookEvent TrackEvent(std::string_view event, std::string id, const livekit::Room& room,
                                 const livekit::ParticipantInfo& participant, const livekit::TrackInfo& track,
                                 base::WallTime now, bool full_room = false);
livekit::WebhookEvent JobEvent(std::string_view event, std::string id, const livekit::Room& room,
                               const livekit::Job& job, base::WallTime now);

struct WebhookPost {
  std::string body;
  front::HttpHeaders headers;  // Authorization, Content-Type, User-Agent.
};
// The token is valid for five minutes from `now`, so a retry signs anew. Fails when the event holds text that
// is not UTF-8.
base::Result<WebhookPost> MakeWebhookPost(const livekit::WebhookEvent& event, std::string_view api_key,
                                          std::string_view secret, base::WallTime now);

// Events of one ordering key are delivered in order: the egress, else the ingress, else the room, else the
// participant, else the track.
std::string WebhookOrderingKey(const livekit::WebhookEvent& event);

}  // namespace weir::service
