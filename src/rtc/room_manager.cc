#include "rtc/room_manager.h"

#include <algorithm>
#include <utility>

#include "auth/permissions.h"
#include "proto/json.h"

namespace weir::rtc {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Now;
using base::Result;

int HttpStatus(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kResourceExhausted:
      return 503;
    case ErrorCode::kUnauthenticated:
      return 401;
    case ErrorCode::kInvalidArgument:
      return 400;
    default:
      return 500;
  }
}

// What a token or a preset may configure of a room that is created.
Result<void> ApplyConfiguration(const std::string& json, Room::Options& options) {
  livekit::RoomConfiguration configuration;
  if (const auto read = proto::JsonToMessage(json, configuration); !read) {
    return Fail(ErrorCode::kInvalidArgument, "room configuration: " + read.error().message);
  }
  if (configuration.empty_timeout() > 0) {
    options.empty_timeout_seconds = configuration.empty_timeout();
  }
  if (configuration.departure_timeout() > 0) {
    options.departure_timeout_seconds = configuration.departure_timeout();
  }
  if (configuration.max_participants() > 0) {
    options.max_participants = configuration.max_participants();
  }
  if (!configuration.metadata().empty()) {
    options.metadata = configuration.metadata();
  }
  if (configuration.agents_size() > 0) {
    options.agents.assign(configuration.agents().begin(), configuration.agents().end());
  }
  options.sync_streams = options.sync_streams || configuration.sync_streams();
  return {};
}

}  // namespace

RoomManager::~RoomManager() = default;

Room* RoomManager::Find(const RoomName& name) {
  const auto found = rooms_.find(name.value());
  return found == rooms_.end() ? nullptr : found->second.get();
}

Room::Options RoomManager::DefaultOptions() const {
  Room::Options options;
  options.empty_timeout_seconds = environment_.settings.empty_timeout_seconds;
  options.departure_timeout_seconds = environment_.settings.departure_timeout_seconds;
  options.max_participants = environment_.settings.max_participants;
  options.sync_streams = environment_.settings.sync_streams;
  return options;
}

Result<Room::Options> RoomManager::PresetOptions(const std::string& preset) const {
  Room::Options options = DefaultOptions();
  if (!preset.empty()) {
    const auto found = environment_.settings.room_presets.find(preset);
    if (found == environment_.settings.room_presets.end()) {
      return Fail(ErrorCode::kInvalidArgument, "no room preset is called '" + preset + "'");
    }
    TRY(ApplyConfiguration(found->second, options));
  }
  return options;
}

Room& RoomManager::Create(Now now, const RoomName& name, const Room::Options& options) {
  auto room = std::make_unique<Room>(environment_, name, options, now, *this);
  Room& created = *room;
  rooms_[name.value()] = std::move(room);
  return created;
}

Result<Room*> RoomManager::RoomForJoin(Now now, const RoomName& name, const auth::Claims& claims) {
  if (Room* room = Find(name)) {
    return room;
  }
  TRY(auth::CheckRoomExists(claims, /*exists=*/false, environment_.settings.auto_create));
  if (rooms_.size() >= environment_.settings.limits.max_rooms) {
    return Fail(ErrorCode::kUnavailable, "node has exceeded its configured limit");
  }
  Room::Options options = TRY(PresetOptions(claims.room_preset));
  if (!claims.room_config.empty()) {
    TRY(ApplyConfiguration(claims.room_config, options));
  }
  return &Create(now, name, options);
}

Participant* RoomManager::Join(Now now, const RoomName& name, JoinRequest request) {
  if (draining_) {
    request.sink->Reject(503, "server is shutting down");
    return nullptr;
  }
  if (request.parameters.reconnect && Find(name) == nullptr) {
    // There is nothing to resume, and a resume creates nothing.
    livekit::SignalResponse response;
    response.mutable_leave()->set_reason(livekit::STATE_MISMATCH);
    response.mutable_leave()->set_action(livekit::LeaveRequest::RECONNECT);
    response.mutable_leave()->set_can_reconnect(true);
    request.sink->Send(response);
    request.sink->Close(kCloseReconnect);
    return nullptr;
  }
  const auto room = RoomForJoin(now, name, request.claims);
  if (!room) {
    request.sink->Reject(HttpStatus(room.error().code), room.error().message);
    return nullptr;
  }
  return (*room)->Join(now, std::move(request));
}

void RoomManager::OnSignal(Now now, const RoomName& room, const Identity& identity, const SignalSink* sink,
                           const livekit::SignalRequest& request) {
  if (const auto participant = FindParticipant(room, identity)) {
    (*participant)->OnSignal(now, sink, request);
  }
}

void RoomManager::OnBadSignal(Now now, const RoomName& room, const Identity& identity, const SignalSink* sink,
                              const std::string& error) {
  if (const auto participant = FindParticipant(room, identity)) {
    (*participant)->OnBadSignal(now, sink, error);
  }
}

void RoomManager::OnSignalClosed(Now now, const RoomName& room, const Identity& identity,
                                 const SignalSink* sink) {
  if (const auto participant = FindParticipant(room, identity)) {
    (*participant)->OnSignalClosed(now, sink);
  }
}

// ---- The end of things.

void RoomManager::OnRoomClosed(Now, Room& room) {
  const auto found = rooms_.find(room.name().value());
  if (found != rooms_.end() && found->second.get() == &room) {
    closed_.push_back(std::move(found->second));
    rooms_.erase(found);
  }
}

void RoomManager::OnRoomTurnEnd(Room& room) { to_reap_.push_back(&room); }

void RoomManager::EndTurn(Now now) {
  environment_.flush.Run(now);
  for (Room* room : std::exchange(to_reap_, {})) {
    room->Reap();
  }
  closed_.clear();
}

void RoomManager::Shutdown(Now now) {
  draining_ = true;
  while (!rooms_.empty()) {
    rooms_.begin()->second->Close(now, livekit::SERVER_SHUTDOWN);
  }
}

RoomManager::Stats RoomManager::GetStats() const {
  Stats stats;
  stats.rooms = rooms_.size();
  for (const auto& [name, room] : rooms_) {
    for (Participant* participant : room->Participants()) {
      ++stats.participants;
      stats.tracks_published += participant->up_tracks().published().size();
      stats.tracks_subscribed += participant->subscriptions().Active().size();
    }
  }
  return stats;
}

}  // namespace weir::rtc
