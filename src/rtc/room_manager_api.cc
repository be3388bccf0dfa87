// The server API's calls on the rooms of one worker (signal.md 11.2).

#include <algorithm>

#include "rtc/room_manager.h"

namespace weir::rtc {

using base::ErrorCode;
using base::Fail;
using base::Now;
using base::Result;

namespace {

std::unexpected<base::Error> NoRoom() { return Fail(ErrorCode::kNotFound, "requested room does not exist"); }

}  // namespace

Result<Participant*> RoomManager::FindParticipant(const RoomName& name, const Identity& identity) {
  Room* room = Find(name);
  Participant* participant = room == nullptr ? nullptr : room->FindByIdentity(identity);
  if (participant == nullptr) {
    return Fail(ErrorCode::kNotFound, "participant does not exist");
  }
  return participant;
}

Result<livekit::Room> RoomManager::CreateRoom(Now now, const livekit::CreateRoomRequest& request) {
  const RoomName name(request.name());
  if (const Room* room = Find(name)) {
    return room->Info();
  }
  if (draining_) {
    return Fail(ErrorCode::kUnavailable, "server is shutting down");
  }
  if (rooms_.size() >= environment_.settings.limits.max_rooms) {
    return Fail(ErrorCode::kResourceExhausted, "node has exceeded its configured limit");
  }
  Room::Options options = TRY(PresetOptions(request.room_preset()));
  if (!request.metadata().empty()) {
    options.metadata = request.metadata();
  }
  if (request.agents_size() > 0) {
    options.agents.assign(request.agents().begin(), request.agents().end());
  }
  options.sync_streams = options.sync_streams || request.sync_streams();
  if (request.empty_timeout() > 0) {
    options.empty_timeout_seconds = request.empty_timeout();
  }
  if (request.departure_timeout() > 0) {
    options.departure_timeout_seconds = request.departure_timeout();
  }
  if (request.max_participants() > 0) {
    options.max_participants = request.max_participants();
  }
  return Create(now, name, options).Info();
}

std::vector<livekit::Room> RoomManager::ListRooms(const std::vector<std::string>& names) const {
  std::vector<livekit::Room> rooms;
  for (const auto& [name, room] : rooms_) {
    if (names.empty() || std::find(names.begin(), names.end(), name) != names.end()) {
      rooms.push_back(room->Info());
    }
  }
  return rooms;
}

Result<void> RoomManager::DeleteRoom(Now now, const RoomName& name) {
  Room* room = Find(name);
  if (room == nullptr) {
    return NoRoom();
  }
  room->Close(now, livekit::ROOM_DELETED);
  return {};
}

Result<livekit::Room> RoomManager::UpdateRoomMetadata(Now now, const RoomName& name,
                                                      const std::string& metadata) {
  Room* room = Find(name);
  if (room == nullptr) {
    return NoRoom();
  }
  room->SetMetadata(now, metadata);
  return room->Info();
}

std::vector<livekit::ParticipantInfo> RoomManager::ListParticipants(const RoomName& name) {
  std::vector<livekit::ParticipantInfo> participants;
  if (Room* room = Find(name)) {
    for (const Participant* participant : room->Participants()) {
      participants.push_back(participant->Info());
    }
  }
  return participants;
}

Result<livekit::ParticipantInfo> RoomManager::GetParticipant(const RoomName& room, const Identity& identity) {
  return TRY(FindParticipant(room, identity))->Info();
}

Result<void> RoomManager::RemoveParticipant(Now now, const RoomName& room, const Identity& identity) {
  TRY(FindParticipant(room, identity))
      ->Close(now, livekit::PARTICIPANT_REMOVED, livekit::LeaveRequest::DISCONNECT);
  return {};
}

Result<livekit::TrackInfo> RoomManager::MuteTrack(Now now, const livekit::MuteRoomTrackRequest& request) {
  Participant* participant = TRY(FindParticipant(RoomName(request.room()), Identity(request.identity())));
  return participant->MuteTrack(now, TrackSid(request.track_sid()), request.muted());
}

Result<livekit::ParticipantInfo> RoomManager::UpdateParticipant(
    Now now, const livekit::UpdateParticipantRequest& request) {
  Participant* participant = TRY(FindParticipant(RoomName(request.room()), Identity(request.identity())));
  TRY(participant->UpdateMetadata(now, request.name(), request.metadata(),
                                  {request.attributes().begin(), request.attributes().end()}));
  if (request.has_permission()) {
    participant->SetPermission(now, request.permission());
  } else {
    participant->SendRefreshToken(now);
  }
  return participant->Info();
}

Result<void> RoomManager::MoveParticipant(Now now, const livekit::MoveParticipantRequest& request,
                                          const livekit::Room& destination,
                                          const std::vector<livekit::ParticipantInfo>& others) {
  TRY(FindParticipant(RoomName(request.room()), Identity(request.identity())))
      ->MoveTo(now, destination, others);
  return {};
}

Result<void> RoomManager::UpdateSubscriptions(Now now, const livekit::UpdateSubscriptionsRequest& request) {
  Participant* participant = TRY(FindParticipant(RoomName(request.room()), Identity(request.identity())));
  std::vector<std::string> sids(request.track_sids().begin(), request.track_sids().end());
  for (const livekit::ParticipantTracks& tracks : request.participant_tracks()) {
    sids.insert(sids.end(), tracks.track_sids().begin(), tracks.track_sids().end());
  }
  participant->SetSubscribed(now, sids, request.subscribe());
  return {};
}

void RoomManager::PerformRpc(Now now, const livekit::PerformRpcRequest& request, ServerRpc::Done done) {
  if (Room* room = Find(RoomName(request.room()))) {
    room->PerformRpc(now, request, std::move(done));
  } else {
    done(NoRoom());
  }
}

Result<void> RoomManager::SendData(Now now, const livekit::SendDataRequest& request) {
  Room* room = Find(RoomName(request.room()));
  if (room == nullptr) {
    // Not kNotFound: LiveKit's servers ask whoever serves the room, and nobody answers.
    return Fail(ErrorCode::kUnavailable, "requested room does not exist");
  }
  if (room->IsRepeated(request)) {
    return {};  // A retry of a call whose answer was lost.
  }
  livekit::DataPacket packet;
  packet.set_kind(request.kind());
  *packet.mutable_destination_identities() = request.destination_identities();
  livekit::UserPacket& user = *packet.mutable_user();
  user.set_payload(request.data());
  user.set_nonce(request.nonce());
  *user.mutable_destination_sids() = request.destination_sids();
  *user.mutable_destination_identities() = request.destination_identities();
  if (request.has_topic()) {
    user.set_topic(request.topic());
  }
  room->RouteData(now, nullptr,
                  request.kind() == livekit::DataPacket::LOSSY ? DataChannel::kLossy : DataChannel::kReliable,
                  packet);
  return {};
}

}  // namespace weir::rtc
