// One worker on /agent: the protocol of its WebSocket, from the first frame to the last (protocol version 1).
//
// A worker is a program of LiveKit's agent framework. It registers what kind of jobs it takes, says now and
// then how loaded it is, and is asked, job by job, whether it wants one. Choosing workers is AgentPool's.
//
// Sans-IO: frames in, an event each; messages leave through the sink. Frames are protobuf in binary or the
// same as JSON in text; the answer has the form of the last frame that came. Not thread-safe.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "base/strong_id.h"
#include "base/time.h"
#include "proto/livekit_agent.pb.h"

namespace weir::service {

// A connection of this process; never used twice. The id that the worker knows is "AW_...".
using AgentConnection = base::StrongInt<struct AgentConnectionTag, uint64_t>;

// Where a worker's frames go. The owner drops a sink after Close.
class AgentSink {
 public:
  virtual ~AgentSink() = default;
  virtual void Send(std::string frame, bool binary) = 0;
  virtual void Close(uint16_t code, const std::string& reason) = 0;
};

// What a worker registers for, and what a job is addressed to. All four have to match.
struct AgentTopic {
  livekit::JobType type = livekit::JT_ROOM;
  std::string agent_name;  // Empty: gets jobs of every room; otherwise only those that ask for the name.
  std::string name_space;
  std::string deployment;
  auto operator<=>(const AgentTopic&) const = default;
};

// At most 64 bytes, without '_', white space and control characters; may be empty.
base::Result<void> CheckDeployment(std::string_view deployment);

class AgentWorker {
 public:
  struct Config {
    base::TimeDelta register_timeout = base::TimeDelta::Seconds(10);
    size_t max_message = 2 << 20;  // Bytes of a frame; 0 is no limit.
    size_t max_name = 256;         // Bytes of an agent name or a namespace.
    livekit::ServerInfo server_info;
  };
  // What a frame amounts to for the owner. A ping or a load has been dealt with: nothing.
  struct Nothing {};
  struct Registered {};
  using Event = std::variant<Nothing, Registered, livekit::AvailabilityResponse, livekit::UpdateJobStatus,
                             livekit::SimulateJobRequest, livekit::MigrateJobRequest>;

  // `id` is the worker id that it is told; `api_key` signed its token. `config` outlives the worker.
  AgentWorker(const Config& config, AgentConnection connection, std::string id, std::string api_key,
              std::unique_ptr<AgentSink> sink, base::Timestamp now)
      : config_(config),
        connection_(connection),
        id_(std::move(id)),
        api_key_(std::move(api_key)),
        sink_(std::move(sink)),
        register_before_(now + config.register_timeout) {}

  // kResourceExhausted: over max_message. kInvalidArgument, kFailedPrecondition: not the protocol. After any
  // error the connection is over.
  base::Result<Event> OnFrame(base::Now now, bool binary, std::string_view frame);
  void Send(const livekit::ServerMessage& message);
  void Close(uint16_t code, const std::string& reason) { sink_->Close(code, reason); }

  // Infinity once it has registered.
  base::Timestamp register_before() const {
    return registered_ ? base::Timestamp::Infinity() : register_before_;
  }
  bool registered() const { return registered_; }
  bool available() const { return registered_ && status_ == livekit::WS_AVAILABLE; }
  float load() const { return load_; }  // 0: idle. 1 and above: full.
  const AgentTopic& topic() const { return topic_; }
  const livekit::ParticipantPermission& permissions() const { return permissions_; }
  AgentConnection connection() const { return connection_; }
  const std::string& id() const { return id_; }
  const std::string& api_key() const { return api_key_; }

 private:
  base::Result<livekit::WorkerMessage> Decode(bool binary, std::string_view frame) const;
  base::Result<void> Register(const livekit::RegisterWorkerRequest& request);
  void Update(const livekit::UpdateWorkerStatus& update);
  void Pong(base::Now now, const livekit::WorkerPing& ping);

  const Config& config_;
  const AgentConnection connection_;
  const std::string id_;
  const std::string api_key_;
  const std::unique_ptr<AgentSink> sink_;
  const base::Timestamp register_before_;
  bool registered_ = false;
  bool binary_ = true;  // The form of the frame that came last.
  AgentTopic topic_;
  livekit::ParticipantPermission permissions_;
  livekit::WorkerStatus status_ = livekit::WS_AVAILABLE;
  float load_ = 0;
};

}  // namespace weir::service
