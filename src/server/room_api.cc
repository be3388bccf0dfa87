#include "server/room_api.h"

#include <memory>
#include <mutex>

namespace weir::server {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Now;
using base::Result;
using rtc::Identity;
using rtc::RoomManager;
using rtc::RoomName;
using service::Done;

constexpr const char* kBusy = "server is busy, try again";

}  // namespace

template <typename Response>
void RoomApi::OnRoom(const std::string& room, Done<Response> done,
                     std::function<Result<Response>(Now, RoomManager&)> call) {
  // The callback outlives a task that a full mailbox drops, so the caller gets its answer either way.
  auto shared = std::make_shared<Done<Response>>(std::move(done));
  const bool posted = workers_.ForRoom(room).Post(
      [shared, call = std::move(call)](Now now, RoomManager& rooms) { (*shared)(call(now, rooms)); });
  if (!posted) {
    (*shared)(Fail(ErrorCode::kUnavailable, kBusy));
  }
}

void RoomApi::CreateRoom(livekit::CreateRoomRequest request, Done<livekit::Room> done) {
  OnRoom<livekit::Room>(request.name(), std::move(done),
                        [request](Now now, RoomManager& rooms) { return rooms.CreateRoom(now, request); });
}

void RoomApi::ListRooms(livekit::ListRoomsRequest request, Done<livekit::ListRoomsResponse> done) {
  struct Gathering {
    std::mutex mutex;
    size_t missing;
    livekit::ListRoomsResponse response;
    Done<livekit::ListRoomsResponse> done;
  };
  auto gathering = std::make_shared<Gathering>();
  gathering->missing = workers_.size();
  gathering->done = std::move(done);
  const std::vector<std::string> names(request.names().begin(), request.names().end());
  const auto add = [gathering](const std::vector<livekit::Room>& rooms) {
    const std::lock_guard lock(gathering->mutex);
    for (const livekit::Room& room : rooms) {
      *gathering->response.add_rooms() = room;
    }
    if (--gathering->missing == 0) {
      gathering->done(std::move(gathering->response));
    }
  };
  for (const auto& worker : workers_.all()) {
    if (!worker->Post([add, names](Now, RoomManager& rooms) { add(rooms.ListRooms(names)); })) {
      add({});
    }
  }
}

void RoomApi::DeleteRoom(livekit::DeleteRoomRequest request, Done<livekit::DeleteRoomResponse> done) {
  OnRoom<livekit::DeleteRoomResponse>(
      request.room(), std::move(done),
      [request](Now now, RoomManager& rooms) -> Result<livekit::DeleteRoomResponse> {
        TRY(rooms.DeleteRoom(now, RoomName(request.room())));
        return livekit::DeleteRoomResponse();
      });
}

void RoomApi::UpdateRoomMetadata(livekit::UpdateRoomMetadataRequest request, Done<livekit::Room> done) {
  OnRoom<livekit::Room>(request.room(), std::move(done), [request](Now now, RoomManager& rooms) {
    return rooms.UpdateRoomMetadata(now, RoomName(request.room()), request.metadata());
  });
}

void RoomApi::ListParticipants(livekit::ListParticipantsRequest request,
                               Done<livekit::ListParticipantsResponse> done) {
  OnRoom<livekit::ListParticipantsResponse>(
      request.room(), std::move(done),
      [request](Now, RoomManager& rooms) -> Result<livekit::ListParticipantsResponse> {
        livekit::ListParticipantsResponse response;
        for (const livekit::ParticipantInfo& info : rooms.ListParticipants(RoomName(request.room()))) {
          *response.add_participants() = info;
        }
        return response;
      });
}

void RoomApi::GetParticipant(livekit::RoomParticipantIdentity request, Done<livekit::ParticipantInfo> done) {
  OnRoom<livekit::ParticipantInfo>(request.room(), std::move(done), [request](Now, RoomManager& rooms) {
    return rooms.GetParticipant(RoomName(request.room()), Identity(request.identity()));
  });
}

void RoomApi::RemoveParticipant(livekit::RoomParticipantIdentity request,
                                Done<livekit::RemoveParticipantResponse> done) {
  OnRoom<livekit::RemoveParticipantResponse>(
      request.room(), std::move(done),
      [request, &worker = workers_.ForRoom(request.room())](
          Now now, RoomManager& rooms) -> Result<livekit::RemoveParticipantResponse> {
        rtc::Room* room = rooms.Find(RoomName(request.room()));
        if (const auto* removed = room ? room->FindByIdentity(Identity(request.identity())) : nullptr) {
          worker.revocations().Add(request.room(), request.identity(), removed->claims(), now.wall,
                                   request.revoke_token_ts());
        }
        TRY(rooms.RemoveParticipant(now, RoomName(request.room()), Identity(request.identity())));
        return livekit::RemoveParticipantResponse();
      });
}

void RoomApi::MutePublishedTrack(livekit::MuteRoomTrackRequest request,
                                 Done<livekit::MuteRoomTrackResponse> done) {
  OnRoom<livekit::MuteRoomTrackResponse>(
      request.room(), std::move(done),
      [request](Now now, RoomManager& rooms) -> Result<livekit::MuteRoomTrackResponse> {
        livekit::MuteRoomTrackResponse response;
        *response.mutable_track() = TRY(rooms.MuteTrack(now, request));
        return response;
      });
}

void RoomApi::UpdateParticipant(livekit::UpdateParticipantRequest request,
                                Done<livekit::ParticipantInfo> done) {
  OnRoom<livekit::ParticipantInfo>(request.room(), std::move(done), [request](Now now, RoomManager& rooms) {
    return rooms.UpdateParticipant(now, request);
  });
}

void RoomApi::UpdateSubscriptions(livekit::UpdateSubscriptionsRequest request,
                                  Done<livekit::UpdateSubscriptionsResponse> done) {
  OnRoom<livekit::UpdateSubscriptionsResponse>(
      request.room(), std::move(done),
      [request](Now now, RoomManager& rooms) -> Result<livekit::UpdateSubscriptionsResponse> {
        TRY(rooms.UpdateSubscriptions(now, request));
        return livekit::UpdateSubscriptionsResponse();
      });
}

void RoomApi::ForwardParticipant(livekit::ForwardParticipantRequest,
                                 Done<livekit::ForwardParticipantResponse> done) {
  done(Fail(ErrorCode::kUnavailable, "forwarding a participant is not available on this server"));
}

// First the participant, so that a wrong identity creates no room; then the room it goes to, on that room's
// worker; then the move, on the worker that it leaves.
void RoomApi::MoveParticipant(livekit::MoveParticipantRequest request,
                              Done<livekit::MoveParticipantResponse> done) {
  livekit::RoomParticipantIdentity identity;
  identity.set_room(request.room());
  identity.set_identity(request.identity());
  GetParticipant(std::move(identity), [this, request, done](const Result<livekit::ParticipantInfo>& found) {
    if (found) {
      PrepareMove(request, done);
    } else {
      done(std::unexpected(found.error()));
    }
  });
}

void RoomApi::PrepareMove(const livekit::MoveParticipantRequest& request,
                          const Done<livekit::MoveParticipantResponse>& done) {
  OnRoom<Destination>(
      request.destination_room(),
      [this, request, done](const Result<Destination>& destination) {
        if (destination) {
          Move(request, *destination, done);
        } else {
          done(std::unexpected(destination.error()));
        }
      },
      [request](Now now, RoomManager& rooms) -> Result<Destination> {
        livekit::CreateRoomRequest create;
        create.set_name(request.destination_room());
        return Destination{TRY(rooms.CreateRoom(now, create)),
                           rooms.ListParticipants(RoomName(request.destination_room()))};
      });
}

void RoomApi::Move(const livekit::MoveParticipantRequest& request, const Destination& destination,
                   const Done<livekit::MoveParticipantResponse>& done) {
  OnRoom<livekit::MoveParticipantResponse>(
      request.room(), done,
      [request, destination](Now now, RoomManager& rooms) -> Result<livekit::MoveParticipantResponse> {
        TRY(rooms.MoveParticipant(now, request, destination.room, destination.others));
        return livekit::MoveParticipantResponse();
      });
}

void RoomApi::SendData(livekit::SendDataRequest request, Done<livekit::SendDataResponse> done) {
  OnRoom<livekit::SendDataResponse>(
      request.room(), std::move(done),
      [request](Now now, RoomManager& rooms) -> Result<livekit::SendDataResponse> {
        TRY(rooms.SendData(now, request));
        return livekit::SendDataResponse();
      });
}

void RoomApi::PerformRpc(livekit::PerformRpcRequest request, Done<livekit::PerformRpcResponse> done) {
  auto shared = std::make_shared<Done<livekit::PerformRpcResponse>>(std::move(done));
  const bool posted = workers_.ForRoom(request.room()).Post([shared, request](Now now, RoomManager& rooms) {
    rooms.PerformRpc(now, request, [shared](Result<std::string> payload) {
      if (!payload) {
        (*shared)(std::unexpected(std::move(payload.error())));
        return;
      }
      livekit::PerformRpcResponse response;
      response.set_payload(std::move(*payload));
      (*shared)(std::move(response));
    });
  });
  if (!posted) {
    (*shared)(Fail(ErrorCode::kUnavailable, kBusy));
  }
}

}  // namespace weir::server
