#include "service/room_service.h"

#include <string>

#include "auth/permissions.h"

namespace weir::service {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr uint32_t kDefaultRpcTimeoutMs = 10'000;
constexpr size_t kNonceSize = 16;

// A method of RoomApi as what TwirpService runs.
template <typename Request, typename Response>
std::function<void(Request, Done<Response>)> Bind(RoomApi& api,
                                                  void (RoomApi::*method)(Request, Done<Response>)) {
  return [&api, method](Request request, Done<Response> done) {
    (api.*method)(std::move(request), std::move(done));
  };
}

// The grant is all there is to check.
template <typename Request>
std::function<Result<void>(const auth::Claims*, const Request&)> Admin() {
  return [](const auth::Claims* claims, const Request& request) {
    return auth::CheckRoomAdmin(claims, request.room());
  };
}

// A participant of a room that the caller administers.
template <typename Request>
Result<void> CheckParticipantCall(const auth::Claims* claims, const Request& request,
                                  const ApiLimits& limits) {
  TRY(auth::CheckRoomAdmin(claims, request.room()));
  return CheckIdentity(request.identity(), limits);
}

Result<void> CheckCreateRoom(const auth::Claims* claims, const livekit::CreateRoomRequest& request,
                             const ApiLimits& limits) {
  TRY(auth::CheckRoomCreate(claims));
  TRY(CheckRoomName(request.name(), limits));
  TRY(CheckMetadata(request.metadata(), limits));
  for (const livekit::RoomAgentDispatch& agent : request.agents()) {
    TRY(CheckMetadata(agent.metadata(), limits));
    TRY(CheckAttributes(agent.attributes(), limits));
  }
  if (request.has_egress()) {
    return Fail(ErrorCode::kInternal, "egress not connected (redis required)");
  }
  return {};
}

Result<void> CheckUpdateParticipant(const auth::Claims* claims,
                                    const livekit::UpdateParticipantRequest& request,
                                    const ApiLimits& limits) {
  TRY(CheckParticipantCall(claims, request, limits));
  TRY(CheckParticipantName(request.name(), limits));
  TRY(CheckMetadata(request.metadata(), limits));
  return CheckAttributes(request.attributes(), limits);
}

template <typename Request>
Result<void> CheckTransfer(const auth::Claims* claims, const Request& request, const ApiLimits& limits) {
  TRY(auth::CheckDestinationRoom(claims, request.room(), request.destination_room()));
  TRY(CheckIdentity(request.identity(), limits));
  TRY(CheckRoomName(request.destination_room(), limits));
  if (request.room() == request.destination_room()) {
    return Fail(ErrorCode::kInvalidArgument, "destination room is the participant's own room");
  }
  return {};
}

Result<void> CheckSendData(const auth::Claims* claims, const livekit::SendDataRequest& request) {
  TRY(auth::CheckRoomAdmin(claims, request.room()));
  if (!request.nonce().empty() && request.nonce().size() != kNonceSize) {
    return Fail(ErrorCode::kInvalidArgument,
                "nonce must be 16 bytes or absent, got " + std::to_string(request.nonce().size()));
  }
  return {};
}

Result<void> CheckPerformRpc(const auth::Claims* claims, const livekit::PerformRpcRequest& request,
                             const ApiLimits& limits) {
  TRY(auth::CheckRoomAdmin(claims, request.room()));
  if (request.destination_identity().empty()) {
    return Fail(ErrorCode::kInvalidArgument, "destination_identity is required");
  }
  if (limits.max_rpc_payload != 0 && request.payload().size() > limits.max_rpc_payload) {
    return Fail(ErrorCode::kInvalidArgument,
                "RPC payload exceeds limits: max size " + std::to_string(limits.max_rpc_payload));
  }
  return {};
}

}  // namespace

RoomService::RoomService(RoomApi& api, const RoomServiceConfig& config)
    : api_(api), config_(config), twirp_("livekit.RoomService") {
  AddRoomMethods();
  AddParticipantMethods();
  AddTransferMethods();
  AddDataMethods();
}

void RoomService::AddRoomMethods() {
  twirp_.Add<livekit::CreateRoomRequest, livekit::Room>(
      "CreateRoom",
      [this](const auth::Claims* claims, const livekit::CreateRoomRequest& request) {
        return CheckCreateRoom(claims, request, config_.limits);
      },
      Bind(api_, &RoomApi::CreateRoom));
  twirp_.Add<livekit::ListRoomsRequest, livekit::ListRoomsResponse>(
      "ListRooms",
      [](const auth::Claims* claims, const livekit::ListRoomsRequest&) {
        return auth::CheckRoomList(claims);
      },
      Bind(api_, &RoomApi::ListRooms));
  twirp_.Add<livekit::DeleteRoomRequest, livekit::DeleteRoomResponse>(
      "DeleteRoom",
      [](const auth::Claims* claims, const livekit::DeleteRoomRequest&) {
        return auth::CheckRoomCreate(claims);
      },
      Bind(api_, &RoomApi::DeleteRoom));
  twirp_.Add<livekit::UpdateRoomMetadataRequest, livekit::Room>(
      "UpdateRoomMetadata",
      [this](const auth::Claims* claims, const livekit::UpdateRoomMetadataRequest& request) -> Result<void> {
        TRY(auth::CheckRoomAdmin(claims, request.room()));
        return CheckMetadata(request.metadata(), config_.limits);
      },
      Bind(api_, &RoomApi::UpdateRoomMetadata));
}

void RoomService::AddParticipantMethods() {
  twirp_.Add<livekit::ListParticipantsRequest, livekit::ListParticipantsResponse>(
      "ListParticipants", Admin<livekit::ListParticipantsRequest>(), Bind(api_, &RoomApi::ListParticipants));
  twirp_.Add<livekit::RoomParticipantIdentity, livekit::ParticipantInfo>(
      "GetParticipant", Admin<livekit::RoomParticipantIdentity>(), Bind(api_, &RoomApi::GetParticipant));
  twirp_.Add<livekit::RoomParticipantIdentity, livekit::RemoveParticipantResponse>(
      "RemoveParticipant", Admin<livekit::RoomParticipantIdentity>(),
      Bind(api_, &RoomApi::RemoveParticipant));
  twirp_.Add<livekit::MuteRoomTrackRequest, livekit::MuteRoomTrackResponse>(
      "MutePublishedTrack",
      [this](const auth::Claims* claims, const livekit::MuteRoomTrackRequest& request) -> Result<void> {
        TRY(auth::CheckRoomAdmin(claims, request.room()));
        if (!request.muted() && !config_.enable_remote_unmute) {
          return Fail(ErrorCode::kFailedPrecondition, "remote unmute not enabled");
        }
        return {};
      },
      Bind(api_, &RoomApi::MutePublishedTrack));
  twirp_.Add<livekit::UpdateParticipantRequest, livekit::ParticipantInfo>(
      "UpdateParticipant",
      [this](const auth::Claims* claims, const livekit::UpdateParticipantRequest& request) {
        return CheckUpdateParticipant(claims, request, config_.limits);
      },
      Bind(api_, &RoomApi::UpdateParticipant));
  twirp_.Add<livekit::UpdateSubscriptionsRequest, livekit::UpdateSubscriptionsResponse>(
      "UpdateSubscriptions", Admin<livekit::UpdateSubscriptionsRequest>(),
      Bind(api_, &RoomApi::UpdateSubscriptions));
}

void RoomService::AddTransferMethods() {
  twirp_.Add<livekit::ForwardParticipantRequest, livekit::ForwardParticipantResponse>(
      "ForwardParticipant",
      [this](const auth::Claims* claims, const livekit::ForwardParticipantRequest& request) {
        return CheckTransfer(claims, request, config_.limits);
      },
      Bind(api_, &RoomApi::ForwardParticipant));
  twirp_.Add<livekit::MoveParticipantRequest, livekit::MoveParticipantResponse>(
      "MoveParticipant",
      [this](const auth::Claims* claims, const livekit::MoveParticipantRequest& request) {
        return CheckTransfer(claims, request, config_.limits);
      },
      Bind(api_, &RoomApi::MoveParticipant));
}

void RoomService::AddDataMethods() {
  twirp_.Add<livekit::SendDataRequest, livekit::SendDataResponse>("SendData", CheckSendData,
                                                                  Bind(api_, &RoomApi::SendData));
  twirp_.Add<livekit::PerformRpcRequest, livekit::PerformRpcResponse>(
      "PerformRpc",
      [this](const auth::Claims* claims, const livekit::PerformRpcRequest& request) {
        return CheckPerformRpc(claims, request, config_.limits);
      },
      [this](livekit::PerformRpcRequest request, Done<livekit::PerformRpcResponse> done) {
        if (request.response_timeout_ms() == 0) {
          request.set_response_timeout_ms(kDefaultRpcTimeoutMs);
        }
        api_.PerformRpc(std::move(request), std::move(done));
      });
}

}  // namespace weir::service
