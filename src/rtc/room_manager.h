// The rooms of one worker: by name, created by joins and by the server API, destroyed when they end.
//
// Every API call is answered at once (the rooms are here); whoever spreads a call over workers does so above.
// After each turn of the loop the owner calls EndTurn, which flushes what is to be sent and destroys what has
// left. room_manager.cc: life and joins; room_manager_api.cc: the calls of the server API.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "proto/livekit_room.pb.h"
#include "rtc/environment.h"
#include "rtc/room.h"

namespace weir::rtc {

class RoomManager final : public Room::Owner {
 public:
  struct Stats {
    size_t rooms = 0;
    size_t participants = 0;
    size_t tracks_published = 0;
    size_t tracks_subscribed = 0;
  };

  explicit RoomManager(Environment& environment) : environment_(environment) {}
  ~RoomManager() override;

  Room* Find(const RoomName& name);
  // Joins (creating the room where that is allowed) or resumes; refusals go to the request's sink. `room` of
  // the returned participant's session is `name`.
  Participant* Join(base::Now now, const RoomName& name, JoinRequest request);
  bool accepts_joins() const { return !draining_; }

  // ---- Signalling of one session: who it is for is looked up each time, since either side may be gone.
  void OnSignal(base::Now now, const RoomName& room, const Identity& identity, const SignalSink* sink,
                const livekit::SignalRequest& request);
  void OnBadSignal(base::Now now, const RoomName& room, const Identity& identity, const SignalSink* sink,
                   const std::string& error);
  void OnSignalClosed(base::Now now, const RoomName& room, const Identity& identity, const SignalSink* sink);

  // ---- The server API. Errors as the API answers them.
  base::Result<livekit::Room> CreateRoom(base::Now now, const livekit::CreateRoomRequest& request);
  std::vector<livekit::Room> ListRooms(const std::vector<std::string>& names) const;
  base::Result<void> DeleteRoom(base::Now now, const RoomName& name);
  base::Result<livekit::Room> UpdateRoomMetadata(base::Now now, const RoomName& name,
                                                 const std::string& metadata);
  std::vector<livekit::ParticipantInfo> ListParticipants(const RoomName& name);
  base::Result<livekit::ParticipantInfo> GetParticipant(const RoomName& room, const Identity& identity);
  base::Result<void> RemoveParticipant(base::Now now, const RoomName& room, const Identity& identity);
  base::Result<livekit::TrackInfo> MuteTrack(base::Now now, const livekit::MuteRoomTrackRequest& request);
  base::Result<livekit::ParticipantInfo> UpdateParticipant(base::Now now,
                                                           const livekit::UpdateParticipantRequest& request);
  // `others`: the members of `destination`, which another worker may have.
  base::Result<void> MoveParticipant(base::Now now, const livekit::MoveParticipantRequest& request,
                                     const livekit::Room& destination,
                                     const std::vector<livekit::ParticipantInfo>& others);
  base::Result<void> UpdateSubscriptions(base::Now now, const livekit::UpdateSubscriptionsRequest& request);
  // `done`: see ServerRpc; also kNotFound.
  void PerformRpc(base::Now now, const livekit::PerformRpcRequest& request, ServerRpc::Done done);
  base::Result<void> SendData(base::Now now, const livekit::SendDataRequest& request);

  // No new joins; everybody is told, then gone.
  void Shutdown(base::Now now);
  void EndTurn(base::Now now);
  Stats GetStats() const;
  // Everything about every room as JSON, for people (development mode's /debug/rooms).
  std::string Dump(base::Now now);

  // Room::Owner
  void OnRoomClosed(base::Now now, Room& room) override;
  void OnRoomTurnEnd(Room& room) override;
  uint64_t NextParticipantKey() override { return ++last_key_; }

 private:
  Room& Create(base::Now now, const RoomName& name, const Room::Options& options);
  Room::Options DefaultOptions() const;
  // The defaults, and over them a named preset. kInvalidArgument: there is none of that name.
  base::Result<Room::Options> PresetOptions(const std::string& preset) const;
  base::Result<Room*> RoomForJoin(base::Now now, const RoomName& name, const auth::Claims& claims);
  base::Result<Participant*> FindParticipant(const RoomName& room, const Identity& identity);

  Environment& environment_;
  std::map<std::string, std::unique_ptr<Room>> rooms_;
  std::vector<std::unique_ptr<Room>> closed_;
  std::vector<Room*> to_reap_;
  uint64_t last_key_ = 0;
  bool draining_ = false;
};

}  // namespace weir::rtc
