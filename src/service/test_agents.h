// Workers, rooms and time for tests of agents: what a worker would send, and what came to it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/json.h"
#include "service/agent_dispatcher.h"

namespace weir::service::test {

using base::TimeDelta;

inline const auth::KeyProvider kKeys = [] {
  auth::KeyProvider provider;
  provider.keys["key"] = "secret of key";
  provider.keys["other"] = "secret of other";
  return provider;
}();

inline AgentTopic Named(std::string name, std::string name_space = "") {
  AgentTopic topic;
  topic.agent_name = std::move(name);
  topic.name_space = std::move(name_space);
  return topic;
}

inline MakeId CountedIds() {
  return
      [count = 0](std::string_view prefix) mutable { return std::string(prefix) + std::to_string(++count); };
}

// What reached a worker.
struct Wire {
  std::vector<livekit::ServerMessage> messages;
  std::vector<std::string> texts;  // JSON frames, as they came.
  std::optional<uint16_t> close_code;
  std::string close_reason;
};

class WireSink final : public AgentSink {
 public:
  explicit WireSink(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}
  void Send(std::string frame, bool binary) override {
    livekit::ServerMessage message;
    if (binary) {
      EXPECT_TRUE(message.ParseFromString(frame));
    } else {
      EXPECT_TRUE(proto::JsonToMessage(frame, message));
      wire_->texts.push_back(frame);
    }
    wire_->messages.push_back(message);
  }
  void Close(uint16_t code, const std::string& reason) override {
    EXPECT_FALSE(wire_->close_code) << "closed twice";
    wire_->close_code = code;
    wire_->close_reason = reason;
  }

 private:
  const std::shared_ptr<Wire> wire_;
};

// Virtual time; both clocks move together.
class Time {
 public:
  base::Now now() const { return now_; }
  void Advance(TimeDelta delta) {
    now_.mono += delta;
    now_.wall.micros += delta.micros();
  }

 private:
  base::Now now_{base::Timestamp::Seconds(1000), base::WallTime{1'700'000'000'000'000}};
};

// A worker as its program would behave, message by message.
class TestWorker {
 public:
  TestWorker(AgentPool& pool, const Time& time, std::string api_key = "key") : pool_(pool), time_(time) {
    auto connected = pool_.Connect(time_.now(), std::move(api_key), std::make_unique<WireSink>(wire_));
    EXPECT_TRUE(connected);
    connection_ = connected.value_or(AgentConnection());
  }

  void Frame(const std::string& bytes, bool binary = true) {
    pool_.OnFrame(time_.now(), connection_, binary, bytes);
  }
  void Send(const livekit::WorkerMessage& message) { Frame(message.SerializeAsString()); }
  void Register(const AgentTopic& topic = {}) {
    livekit::WorkerMessage message;
    livekit::RegisterWorkerRequest& request = *message.mutable_register_();
    request.set_type(topic.type);
    request.set_agent_name(topic.agent_name);
    request.set_namespace_(topic.name_space);
    request.set_deployment(topic.deployment);
    Send(message);
  }
  void Report(float load, livekit::WorkerStatus status = livekit::WS_AVAILABLE) {
    livekit::WorkerMessage message;
    message.mutable_update_worker()->set_load(load);
    message.mutable_update_worker()->set_status(status);
    Send(message);
  }
  void Answer(const std::string& job_id, bool available, const std::string& identity = "agent") {
    livekit::WorkerMessage message;
    message.mutable_availability()->set_job_id(job_id);
    message.mutable_availability()->set_available(available);
    message.mutable_availability()->set_participant_identity(identity);
    Send(message);
  }
  // Takes the job that it was asked for last.
  std::string Accept(const std::string& identity = "agent") {
    const std::string id = LastOffer();
    Answer(id, true, identity);
    return id;
  }
  void UpdateJob(const std::string& job_id, livekit::JobStatus status, const std::string& error = "") {
    livekit::WorkerMessage message;
    message.mutable_update_job()->set_job_id(job_id);
    message.mutable_update_job()->set_status(status);
    message.mutable_update_job()->set_error(error);
    Send(message);
  }
  void Disconnect() { pool_.OnClosed(time_.now(), connection_); }

  const Wire& wire() const { return *wire_; }
  AgentConnection connection() const { return connection_; }
  std::vector<livekit::Job> Offers() const {
    std::vector<livekit::Job> jobs;
    for (const livekit::ServerMessage& message : wire_->messages) {
      if (message.has_availability()) {
        jobs.push_back(message.availability().job());
      }
    }
    return jobs;
  }
  std::string LastOffer() const {
    const std::vector<livekit::Job> offers = Offers();
    EXPECT_FALSE(offers.empty());
    return offers.empty() ? "" : offers.back().id();
  }
  std::vector<livekit::JobAssignment> Assignments() const {
    std::vector<livekit::JobAssignment> found;
    for (const livekit::ServerMessage& message : wire_->messages) {
      if (message.has_assignment()) {
        found.push_back(message.assignment());
      }
    }
    return found;
  }
  std::vector<std::string> Terminations() const {
    std::vector<std::string> found;
    for (const livekit::ServerMessage& message : wire_->messages) {
      if (message.has_termination()) {
        found.push_back(message.termination().job_id());
      }
    }
    return found;
  }

 private:
  AgentPool& pool_;
  const Time& time_;
  const std::shared_ptr<Wire> wire_ = std::make_shared<Wire>();
  AgentConnection connection_;
};

}  // namespace weir::service::test
