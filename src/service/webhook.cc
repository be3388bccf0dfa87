#include "service/webhook.h"

#include "auth/encoding.h"
#include "auth/token.h"
#include "proto/json.h"

namespace weir::service {
namespace {

constexpr base::TimeDelta kTokenLifetime = base::TimeDelta::Seconds(300);

livekit::WebhookEvent MakeEvent(std::string_view event, std::string id, base::WallTime now) {
  livekit::WebhookEvent message;
  message.set_event(std::string(event));
  message.set_id(std::move(id));
  message.set_created_at(now.seconds());
  return message;
}

}  // namespace

livekit::WebhookEvent RoomEvent(std::string_view event, std::string id, const livekit::Room& room,
                                base::WallTime now) {
  livekit::WebhookEvent message = MakeEvent(event, std::move(id), now);
  *message.mutable_room() = room;
  return message;
}

livekit::WebhookEvent ParticipantEvent(std::string_view event, std::string id, const livekit::Room& room,
                                       const livekit::ParticipantInfo& participant, base::WallTime now) {
  livekit::WebhookEvent message = RoomEvent(event, std::move(id), room, now);
  *message.mutable_participant() = participant;
  return message;
}

livekit::WebhookEvent TrackEvent(std::string_view event, std::string id, const livekit::Room& room,
                                 const livekit::ParticipantInfo& participant, const livekit::TrackInfo& track,
                                 base::WallTime now, bool full_room) {
  livekit::WebhookEvent message = MakeEvent(event, std::move(id), now);
  if (full_room) {
    *message.mutable_room() = room;
  } else {
    message.mutable_room()->set_sid(room.sid());
    message.mutable_room()->set_name(room.name());
  }
  message.mutable_participant()->set_sid(participant.sid());
  message.mutable_participant()->set_identity(participant.identity());
  *message.mutable_track() = track;
  return message;
}

livekit::WebhookEvent JobEvent(std::string_view event, std::string id, const livekit::Room& room,
                               const livekit::Job& job, base::WallTime now) {
  livekit::WebhookEvent message = RoomEvent(event, std::move(id), room, now);
  *message.mutable_job() = job;
  return message;
}

base::Result<WebhookPost> MakeWebhookPost(const livekit::WebhookEvent& event, std::string_view api_key,
                                          std::string_view secret, base::WallTime now) {
  WebhookPost post;
  post.body = TRY(proto::MessageToJson(event, proto::JsonStyle::kSignal));
  auth::Claims claims;
  claims.sha256 = auth::Sha256Base64(post.body);
  const base::WallTime expires{now.micros + kTokenLifetime.micros()};
  post.headers = {{"Authorization", auth::SignToken(claims, api_key, secret, now, expires)},
                  {"Content-Type", "application/webhook+json"},
                  {"User-Agent", "LiveKit"}};
  return post;
}

std::string WebhookOrderingKey(const livekit::WebhookEvent& event) {
  if (event.has_egress_info()) {
    return event.egress_info().egress_id();
  }
  if (event.has_ingress_info()) {
    return event.ingress_info().ingress_id();
  }
  if (event.has_room()) {
    return event.room().name();
  }
  if (event.has_participant()) {
    return event.participant().identity();
  }
  return event.track().sid();
}

}  // namespace weir::service
