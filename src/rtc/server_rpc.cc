#include "rtc/server_rpc.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace weir::rtc {
namespace {

using base::ErrorCode;
using base::Fail;
using base::TimeDelta;
using base::Timestamp;

// The protocol's own error codes (signal.md 7.5); the rest are the application's.
constexpr uint32_t kUnsupportedMethod = 1400;
constexpr uint32_t kRequestTooLarge = 1402;
constexpr uint32_t kUnsupportedVersion = 1404;

base::Error ToError(const livekit::RpcError& error) {
  const std::string text = "RPC error " + std::to_string(error.code()) + ": " + error.message() +
                           (error.data().empty() ? "" : " (" + error.data() + ")");
  switch (error.code()) {
    case kUnsupportedMethod:
      return {ErrorCode::kUnimplemented, text};
    case kRequestTooLarge:
    case kUnsupportedVersion:
      return {ErrorCode::kInvalidArgument, text};
    default:
      return {ErrorCode::kAborted, text};
  }
}

const std::string* RequestIdOf(const livekit::DataPacket& packet) {
  if (packet.has_rpc_ack()) {
    return &packet.rpc_ack().request_id();
  }
  return packet.has_rpc_response() ? &packet.rpc_response().request_id() : nullptr;
}

}  // namespace

ServerRpc::~ServerRpc() {
  while (!calls_.empty()) {
    End(calls_.begin()->first, Fail(ErrorCode::kUnavailable, "the room ended"));
  }
}

std::optional<livekit::DataPacket> ServerRpc::Begin(Timestamp now, const livekit::PerformRpcRequest& request,
                                                    Done done) {
  if (calls_.size() >= kMaxPending) {
    done(Fail(ErrorCode::kResourceExhausted, "too many remote procedure calls are pending in this room"));
    return std::nullopt;
  }
  const std::string id = MakeSid("RPC_", random_);
  const TimeDelta timeout = TimeDelta::Millis(request.response_timeout_ms());
  calls_[id] = {Identity(request.destination_identity()), std::move(done),
                now + std::min(timeout, kAckTimeout), now + timeout};
  livekit::DataPacket packet;
  packet.set_kind(livekit::DataPacket::RELIABLE);
  packet.set_participant_identity(id);
  packet.add_destination_identities(request.destination_identity());
  livekit::RpcRequest& rpc = *packet.mutable_rpc_request();
  rpc.set_id(id);
  rpc.set_method(request.method());
  rpc.set_payload(request.payload());
  rpc.set_response_timeout_ms(request.response_timeout_ms());
  rpc.set_version(1);
  Reschedule();
  return packet;
}

bool ServerRpc::OnPacket(const Identity& sender, const livekit::DataPacket& packet) {
  const std::string* id = RequestIdOf(packet);
  const auto found = id == nullptr ? calls_.end() : calls_.find(*id);
  if (found == calls_.end() || found->second.destination != sender) {
    return false;
  }
  if (packet.has_rpc_ack()) {
    found->second.ack_by = Timestamp::Infinity();
    Reschedule();
  } else if (packet.rpc_response().has_error()) {
    End(*id, std::unexpected(ToError(packet.rpc_response().error())));
  } else {
    End(*id, packet.rpc_response().payload());
  }
  return true;
}

void ServerRpc::OnLeft(const Identity& identity) {
  std::vector<std::string> ids;
  for (const auto& [id, call] : calls_) {
    if (call.destination == identity) {
      ids.push_back(id);
    }
  }
  for (const std::string& id : ids) {
    End(id, Fail(ErrorCode::kUnavailable, "the participant left before it answered"));
  }
}

void ServerRpc::End(const std::string& id, base::Result<std::string> result) {
  const auto node = calls_.extract(id);
  Reschedule();
  node.mapped().done(std::move(result));
}

void ServerRpc::Reschedule() {
  Timestamp next = Timestamp::Infinity();
  for (const auto& [id, call] : calls_) {
    next = std::min({next, call.ack_by, call.answer_by});
  }
  timers_.Schedule(*this, next);
}

void ServerRpc::OnTimer(base::Now now) {
  std::vector<std::pair<std::string, bool>> late;
  for (const auto& [id, call] : calls_) {
    if (std::min(call.ack_by, call.answer_by) <= now.mono) {
      late.emplace_back(id, call.ack_by <= now.mono);
    }
  }
  for (const auto& [id, unacknowledged] : late) {
    End(id, Fail(ErrorCode::kDeadlineExceeded, unacknowledged ? "the participant did not acknowledge the call"
                                                              : "the participant did not answer in time"));
  }
  Reschedule();
}

}  // namespace weir::rtc
