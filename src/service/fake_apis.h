// Backends for tests: they record what reached them and answer with what a test puts in.
#pragma once

#include <string>
#include <vector>

#include "service/server_api.h"

namespace weir::service {

// Every method answers `error` when it is set; otherwise a value that shows the request.
class FakeRoomApi final : public RoomApi {
 public:
  void CreateRoom(livekit::CreateRoomRequest request, Done<livekit::Room> done) override {
    livekit::Room room;
    room.set_sid("RM_1");
    room.set_name(request.name());
    room.set_creation_time(1'795'000'000);
    Answer("CreateRoom", std::move(room), done);
  }
  void ListRooms(livekit::ListRoomsRequest, Done<livekit::ListRoomsResponse> done) override {
    Answer("ListRooms", livekit::ListRoomsResponse(), done);
  }
  void DeleteRoom(livekit::DeleteRoomRequest, Done<livekit::DeleteRoomResponse> done) override {
    Answer("DeleteRoom", livekit::DeleteRoomResponse(), done);
  }
  void UpdateRoomMetadata(livekit::UpdateRoomMetadataRequest, Done<livekit::Room> done) override {
    Answer("UpdateRoomMetadata", livekit::Room(), done);
  }
  void ListParticipants(livekit::ListParticipantsRequest,
                        Done<livekit::ListParticipantsResponse> done) override {
    Answer("ListParticipants", livekit::ListParticipantsResponse(), done);
  }
  void GetParticipant(livekit::RoomParticipantIdentity request,
                      Done<livekit::ParticipantInfo> done) override {
    livekit::ParticipantInfo info;
    info.set_identity(request.identity());
    Answer("GetParticipant", std::move(info), done);
  }
  void RemoveParticipant(livekit::RoomParticipantIdentity,
                         Done<livekit::RemoveParticipantResponse> done) override {
    Answer("RemoveParticipant", livekit::RemoveParticipantResponse(), done);
  }
  void MutePublishedTrack(livekit::MuteRoomTrackRequest, Done<livekit::MuteRoomTrackResponse> done) override {
    Answer("MutePublishedTrack", livekit::MuteRoomTrackResponse(), done);
  }
  void UpdateParticipant(livekit::UpdateParticipantRequest, Done<livekit::ParticipantInfo> done) override {
    Answer("UpdateParticipant", livekit::ParticipantInfo(), done);
  }
  void UpdateSubscriptions(livekit::UpdateSubscriptionsRequest,
                           Done<livekit::UpdateSubscriptionsResponse> done) override {
    Answer("UpdateSubscriptions", livekit::UpdateSubscriptionsResponse(), done);
  }
  void ForwardParticipant(livekit::ForwardParticipantRequest,
                          Done<livekit::ForwardParticipantResponse> done) override {
    Answer("ForwardParticipant", livekit::ForwardParticipantResponse(), done);
  }
  void MoveParticipant(livekit::MoveParticipantRequest,
                       Done<livekit::MoveParticipantResponse> done) override {
    Answer("MoveParticipant", livekit::MoveParticipantResponse(), done);
  }
  void SendData(livekit::SendDataRequest request, Done<livekit::SendDataResponse> done) override {
    data = request.data();
    Answer("SendData", livekit::SendDataResponse(), done);
  }
  void PerformRpc(livekit::PerformRpcRequest request, Done<livekit::PerformRpcResponse> done) override {
    livekit::PerformRpcResponse response;
    response.set_payload(request.method() + " " + std::to_string(request.response_timeout_ms()));
    Answer("PerformRpc", std::move(response), done);
  }

  std::vector<std::string> calls;
  base::Result<void> error;
  std::string data;

 private:
  template <typename T>
  void Answer(std::string call, T value, const Done<T>& done) {
    calls.push_back(std::move(call));
    if (!error) {
      return done(std::unexpected(error.error()));
    }
    done(std::move(value));
  }
};

class FakeAgentDispatchApi final : public AgentDispatchApi {
 public:
  void CreateDispatch(livekit::CreateAgentDispatchRequest request,
                      Done<livekit::AgentDispatch> done) override {
    livekit::AgentDispatch dispatch;
    dispatch.set_id("AD_1");
    dispatch.set_room(request.room());
    dispatch.set_agent_name(request.agent_name());
    dispatch.mutable_state()->set_created_at(5);
    done(std::move(dispatch));
  }
  void DeleteDispatch(livekit::DeleteAgentDispatchRequest, Done<livekit::AgentDispatch> done) override {
    done(base::Fail(base::ErrorCode::kNotFound, "dispatch ID not found"));
  }
  void ListDispatch(livekit::ListAgentDispatchRequest,
                    Done<livekit::ListAgentDispatchResponse> done) override {
    done(livekit::ListAgentDispatchResponse());
  }
};

}  // namespace weir::service
