#include "service/agent_worker.h"

#include <algorithm>
#include <utility>

#include "proto/json.h"

namespace weir::service {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Now;
using base::Result;
using livekit::WorkerMessage;

constexpr size_t kMaxDeployment = 64;

livekit::ParticipantPermission DefaultPermissions() {
  livekit::ParticipantPermission permissions;
  permissions.set_can_subscribe(true);
  permissions.set_can_publish(true);
  permissions.set_can_publish_data(true);
  permissions.set_can_update_metadata(true);
  return permissions;
}

Result<void> CheckName(std::string_view name, std::string_view what, size_t limit) {
  if (name.size() > limit) {
    return Fail(ErrorCode::kInvalidArgument,
                std::string(what) + " is longer than " + std::to_string(limit) + " bytes");
  }
  return {};
}

}  // namespace

Result<void> CheckDeployment(std::string_view deployment) {
  if (deployment.size() > kMaxDeployment) {
    return Fail(ErrorCode::kInvalidArgument,
                "deployment is longer than " + std::to_string(kMaxDeployment) + " bytes");
  }
  const bool bad = std::any_of(deployment.begin(), deployment.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= ' ' || byte == 0x7F || byte == '_';
  });
  if (bad) {
    return Fail(ErrorCode::kInvalidArgument,
                "deployment may not hold '_', white space or control characters");
  }
  return {};
}

Result<WorkerMessage> AgentWorker::Decode(bool binary, std::string_view frame) const {
  WorkerMessage message;
  const size_t limit = config_.max_message > 0 ? config_.max_message : frame.size();
  if (frame.size() > limit) {
    return Fail(ErrorCode::kResourceExhausted, "message is larger than " + std::to_string(limit) + " bytes");
  }
  if (binary) {
    TRY(proto::BytesToMessage(frame, message, limit));
  } else {
    TRY(proto::JsonToMessage(frame, message, {.max_size = limit}));
  }
  return message;
}

Result<AgentWorker::Event> AgentWorker::OnFrame(Now now, bool binary, std::string_view frame) {
  WorkerMessage message = TRY(Decode(binary, frame));
  binary_ = binary;
  if (message.message_case() == WorkerMessage::kPing) {
    Pong(now, message.ping());
    return Nothing{};
  }
  if (!registered_ && message.message_case() != WorkerMessage::kRegister) {
    return Fail(ErrorCode::kFailedPrecondition, "the first message has to be register");
  }
  switch (message.message_case()) {
    case WorkerMessage::kRegister:
      TRY(Register(message.register_()));
      return Registered{};
    case WorkerMessage::kUpdateWorker:
      Update(message.update_worker());
      return Nothing{};
    case WorkerMessage::kAvailability:
      return std::move(*message.mutable_availability());
    case WorkerMessage::kUpdateJob:
      return std::move(*message.mutable_update_job());
    case WorkerMessage::kSimulateJob:
      return std::move(*message.mutable_simulate_job());
    case WorkerMessage::kMigrateJob:
      return std::move(*message.mutable_migrate_job());
    case WorkerMessage::kPing:
    case WorkerMessage::MESSAGE_NOT_SET:
      break;
  }
  return Fail(ErrorCode::kInvalidArgument, "worker message is empty or of an unknown kind");
}

Result<void> AgentWorker::Register(const livekit::RegisterWorkerRequest& request) {
  if (registered_) {
    return Fail(ErrorCode::kFailedPrecondition, "worker is registered already");
  }
  if (!livekit::JobType_IsValid(request.type())) {
    return Fail(ErrorCode::kInvalidArgument, "no job type " + std::to_string(request.type()));
  }
  TRY(CheckDeployment(request.deployment()));
  TRY(CheckName(request.agent_name(), "agent_name", config_.max_name));
  TRY(CheckName(request.namespace_(), "namespace", config_.max_name));
  topic_ = {request.type(), request.agent_name(), request.namespace_(), request.deployment()};
  permissions_ = request.has_allowed_permissions() ? request.allowed_permissions() : DefaultPermissions();
  registered_ = true;
  livekit::ServerMessage answer;
  answer.mutable_register_()->set_worker_id(id_);
  *answer.mutable_register_()->mutable_server_info() = config_.server_info;
  Send(answer);
  return {};
}

// An update without a load says that the load is 0; one without a status leaves the status alone.
void AgentWorker::Update(const livekit::UpdateWorkerStatus& update) {
  const float load = update.load();
  load_ = load >= 0 ? load : load < 0 ? 0.0F : 1.0F;  // Not a number: whoever divides by zero is not asked.
  if (update.has_status()) {
    status_ = update.status();
  }
}

void AgentWorker::Pong(Now now, const livekit::WorkerPing& ping) {
  livekit::ServerMessage answer;
  answer.mutable_pong()->set_last_timestamp(ping.timestamp());
  answer.mutable_pong()->set_timestamp(now.wall.millis());
  Send(answer);
}

void AgentWorker::Send(const livekit::ServerMessage& message) {
  if (!binary_) {
    if (auto json = proto::MessageToJson(message, proto::JsonStyle::kSignal)) {
      sink_->Send(std::move(*json), false);
      return;
    }
  }
  sink_->Send(message.SerializeAsString(), true);
}

}  // namespace weir::service
