// livekit.RoomService: the server API of rooms and participants.
//
// RoomService checks grants and values and leaves the work to a RoomApi, which whoever owns the rooms
// implements.
#pragma once

#include "proto/livekit_room.pb.h"
#include "service/limits.h"
#include "service/twirp.h"

namespace weir::service {

// Every call is asynchronous: `done` is called once, from any thread, now or later. Requests have passed the
// checks of RoomService. Errors go to the caller as they are: kNotFound "requested room does not exist" and
// "participant does not exist", kUnavailable for what a node does not serve, kUnimplemented for what is not
// built.
class RoomApi {
 public:
  virtual ~RoomApi() = default;

  // A live room is returned unchanged.
  virtual void CreateRoom(livekit::CreateRoomRequest request, Done<livekit::Room> done) = 0;
  virtual void ListRooms(livekit::ListRoomsRequest request, Done<livekit::ListRoomsResponse> done) = 0;
  virtual void DeleteRoom(livekit::DeleteRoomRequest request, Done<livekit::DeleteRoomResponse> done) = 0;
  virtual void UpdateRoomMetadata(livekit::UpdateRoomMetadataRequest request, Done<livekit::Room> done) = 0;

  // An unknown room is an empty list.
  virtual void ListParticipants(livekit::ListParticipantsRequest request,
                                Done<livekit::ListParticipantsResponse> done) = 0;
  virtual void GetParticipant(livekit::RoomParticipantIdentity request,
                              Done<livekit::ParticipantInfo> done) = 0;
  virtual void RemoveParticipant(livekit::RoomParticipantIdentity request,
                                 Done<livekit::RemoveParticipantResponse> done) = 0;
  virtual void MutePublishedTrack(livekit::MuteRoomTrackRequest request,
                                  Done<livekit::MuteRoomTrackResponse> done) = 0;
  virtual void UpdateParticipant(livekit::UpdateParticipantRequest request,
                                 Done<livekit::ParticipantInfo> done) = 0;
  virtual void UpdateSubscriptions(livekit::UpdateSubscriptionsRequest request,
                                   Done<livekit::UpdateSubscriptionsResponse> done) = 0;
  virtual void ForwardParticipant(livekit::ForwardParticipantRequest request,
                                  Done<livekit::ForwardParticipantResponse> done) = 0;
  virtual void MoveParticipant(livekit::MoveParticipantRequest request,
                               Done<livekit::MoveParticipantResponse> done) = 0;

  virtual void SendData(livekit::SendDataRequest request, Done<livekit::SendDataResponse> done) = 0;
  // `response_timeout_ms` is filled in (10 s) when the caller left it out.
  virtual void PerformRpc(livekit::PerformRpcRequest request, Done<livekit::PerformRpcResponse> done) = 0;
};

struct RoomServiceConfig {
  ApiLimits limits;
  bool enable_remote_unmute = false;
};

class RoomService {
 public:
  // `api` outlives the service.
  RoomService(RoomApi& api, const RoomServiceConfig& config);
  RoomService(const RoomService&) = delete;  // The table refers to `this`.
  RoomService& operator=(const RoomService&) = delete;

  // As TwirpService::Handle.
  bool Handle(const front::HttpRequest& request, const auth::Claims* claims, const Respond& respond) const {
    return twirp_.Handle(request, claims, respond);
  }

 private:
  void AddRoomMethods();
  void AddParticipantMethods();
  void AddTransferMethods();
  void AddDataMethods();

  RoomApi& api_;
  const RoomServiceConfig config_;
  TwirpService twirp_;
};

}  // namespace weir::service
