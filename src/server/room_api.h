// The server API's rooms, wherever they live: each call goes to the worker of its room, lists go to all.
//
// Calls arrive on the front thread; answers leave from the workers' threads (service::Done allows that).
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "server/worker_pool.h"
#include "service/room_service.h"

namespace weir::server {

class RoomApi final : public service::RoomApi {
 public:
  explicit RoomApi(WorkerPool& workers) : workers_(workers) {}

  void CreateRoom(livekit::CreateRoomRequest request, service::Done<livekit::Room> done) override;
  void ListRooms(livekit::ListRoomsRequest request, service::Done<livekit::ListRoomsResponse> done) override;
  void DeleteRoom(livekit::DeleteRoomRequest request,
                  service::Done<livekit::DeleteRoomResponse> done) override;
  void UpdateRoomMetadata(livekit::UpdateRoomMetadataRequest request,
                          service::Done<livekit::Room> done) override;
  void ListParticipants(livekit::ListParticipantsRequest request,
                        service::Done<livekit::ListParticipantsResponse> done) override;
  void GetParticipant(livekit::RoomParticipantIdentity request,
                      service::Done<livekit::ParticipantInfo> done) override;
  void RemoveParticipant(livekit::RoomParticipantIdentity request,
                         service::Done<livekit::RemoveParticipantResponse> done) override;
  void MutePublishedTrack(livekit::MuteRoomTrackRequest request,
                          service::Done<livekit::MuteRoomTrackResponse> done) override;
  void UpdateParticipant(livekit::UpdateParticipantRequest request,
                         service::Done<livekit::ParticipantInfo> done) override;
  void UpdateSubscriptions(livekit::UpdateSubscriptionsRequest request,
                           service::Done<livekit::UpdateSubscriptionsResponse> done) override;
  void ForwardParticipant(livekit::ForwardParticipantRequest request,
                          service::Done<livekit::ForwardParticipantResponse> done) override;
  void MoveParticipant(livekit::MoveParticipantRequest request,
                       service::Done<livekit::MoveParticipantResponse> done) override;
  void SendData(livekit::SendDataRequest request, service::Done<livekit::SendDataResponse> done) override;
  void PerformRpc(livekit::PerformRpcRequest request,
                  service::Done<livekit::PerformRpcResponse> done) override;

 private:
  // Where a participant is moved to.
  struct Destination {
    livekit::Room room;
    std::vector<livekit::ParticipantInfo> others;
  };
  void PrepareMove(const livekit::MoveParticipantRequest& request,
                   const service::Done<livekit::MoveParticipantResponse>& done);
  void Move(const livekit::MoveParticipantRequest& request, const Destination& destination,
            const service::Done<livekit::MoveParticipantResponse>& done);
  // Runs `call` on the room's worker and hands what it returns to `done`.
  template <typename Response>
  void OnRoom(const std::string& room, service::Done<Response> done,
              std::function<base::Result<Response>(base::Now, rtc::RoomManager&)> call);

  WorkerPool& workers_;
};

}  // namespace weir::server
