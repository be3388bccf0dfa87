// modules: service
// Workers that say anything, in rooms where anything happens, at any pace: whole messages and garbled frames,
// joins, departures, API calls, time. Whatever they did, closed connections and finished rooms leave nothing
// behind, nobody is offered the same job twice, and no deadline lies in the past.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "service/agent_dispatcher.h"

namespace {

using namespace weir;
using namespace weir::service;
using RoomEvent = AgentRoomEvent;

void Require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

// Remembers the last job that it heard of, so that answers can mean something.
struct Ear {
  std::string job;
  std::set<std::string> offers;
  bool closed = false;
};

class EarSink final : public AgentSink {
 public:
  explicit EarSink(std::shared_ptr<Ear> ear) : ear_(std::move(ear)) {}
  void Send(std::string frame, bool binary) override {
    Require(!ear_->closed);
    livekit::ServerMessage message;
    if (binary) {
      Require(message.ParseFromString(frame));
    }
    if (message.has_availability()) {
      ear_->job = message.availability().job().id();
      Require(ear_->offers.insert(ear_->job).second);
    }
  }
  void Close(uint16_t, const std::string&) override { Require(!std::exchange(ear_->closed, true)); }

 private:
  const std::shared_ptr<Ear> ear_;
};

class World final : private AgentDispatcher::Actions {
 public:
  explicit World(base::ConstBytes input) : input_(input) { keys_.keys["key"] = "secret"; }

  void Run() {
    for (int steps = 0; input_.remaining() > 0 && steps < 300; ++steps) {
      Step(input_.ReadU8());
      Require(pool_.launches() <= pool_config_.max_launches && pool_.workers() <= pool_config_.max_workers);
    }
    for (Worker& worker : workers_) {
      pool_.OnClosed(now_, worker.connection);
    }
    for (const char* room : {"a", "b"}) {
      RoomEvent event;
      event.kind = RoomEvent::Kind::kRoomFinished;
      event.room.set_name(room);
      dispatcher_.OnRoomEvent(now_, event);
    }
    Require(pool_.workers() == 0 && pool_.launches() == 0 && pool_.running_jobs() == 0);
    Require(dispatcher_.rooms() == 0 && dispatcher_.jobs() == 0);
    Require(pool_.NextTimeout().infinite() && dispatcher_.NextTimeout().infinite());
  }

 private:
  struct Worker {
    AgentConnection connection;
    std::shared_ptr<Ear> ear = std::make_shared<Ear>();
  };

  void RemoveParticipant(const std::string&, const std::string&) override {}

  std::string Text(size_t limit) {
    const size_t size = std::min<size_t>(input_.ReadU8() % limit, input_.remaining());
    return std::string(base::AsText(input_.ReadBytes(size)));
  }
  std::string Name(uint8_t choice) const { return (choice & 1) != 0 ? "x" : ""; }

  livekit::WorkerMessage Message(const Worker& worker) {
    livekit::WorkerMessage message;
    const uint8_t kind = input_.ReadU8();
    const uint8_t value = input_.ReadU8();
    switch (kind % 8) {
      case 0:
        message.mutable_register_()->set_type(static_cast<livekit::JobType>(value % 4));
        message.mutable_register_()->set_agent_name(Name(value >> 2));
        message.mutable_register_()->set_namespace_(Name(value >> 3));
        break;
      case 1:
      case 2:
        message.mutable_availability()->set_job_id(worker.ear->job);
        message.mutable_availability()->set_available((value & 1) != 0);
        message.mutable_availability()->set_terminate((value & 14) == 0);
        message.mutable_availability()->set_participant_identity(std::string(1, 'a' + (value >> 4) % 4));
        break;
      case 3:
        message.mutable_update_worker()->set_load(static_cast<float>(value) / 200);
        message.mutable_update_worker()->set_status((value & 7) == 7 ? livekit::WS_FULL
                                                                     : livekit::WS_AVAILABLE);
        break;
      case 4:
        message.mutable_update_job()->set_job_id(worker.ear->job);
        message.mutable_update_job()->set_status(static_cast<livekit::JobStatus>(value % 5));
        break;
      case 5:
        message.mutable_simulate_job()->set_type(static_cast<livekit::JobType>(value % 3));
        message.mutable_simulate_job()->mutable_room()->set_name(Name(value >> 2));
        break;
      case 6:
        message.mutable_migrate_job()->add_job_ids(workers_[value % kWorkers].ear->job);
        break;
      default:
        message.mutable_ping()->set_timestamp(value);
        break;
    }
    return message;
  }

  void Connect(Worker& worker) {
    pool_.OnClosed(now_, worker.connection);
    worker.ear->closed = true;
    worker.ear = std::make_shared<Ear>();
    const auto connection = pool_.Connect(now_, "key", std::make_unique<EarSink>(worker.ear));
    worker.connection = connection.value_or(AgentConnection());
  }

  void Happen() {
    const uint8_t kind = input_.ReadU8();
    const uint8_t who = input_.ReadU8();
    RoomEvent event;
    event.kind = static_cast<RoomEvent::Kind>(kind % 6);
    event.room.set_name((kind & 128) != 0 ? "b" : "a");
    event.participant.set_identity(std::string(1, 'a' + who % 4));
    event.participant.set_sid(std::string(1, 'a' + who % 8));
    event.dependent = (who & 16) != 0;
    if (event.dependent) {
      event.participant.set_kind(livekit::ParticipantInfo::AGENT);
    }
    if ((who & 32) != 0) {
      event.participant.set_disconnect_reason(livekit::DUPLICATE_IDENTITY);
    }
    for (int i = 0; i < (who >> 6); ++i) {
      event.agents.emplace_back().set_agent_name(Name(static_cast<uint8_t>(i)));
    }
    dispatcher_.OnRoomEvent(now_, event);
  }

  void Call() {
    const uint8_t kind = input_.ReadU8();
    const std::string room = (kind & 128) != 0 ? "b" : "a";
    livekit::ListAgentDispatchRequest list;
    list.set_room(room);
    const auto listed = dispatcher_.List(list);
    if ((kind & 1) != 0) {
      livekit::CreateAgentDispatchRequest create;
      create.set_room(room);
      create.set_agent_name(Name(kind >> 1));
      static_cast<void>(dispatcher_.Create(now_, create));
    } else if (listed && listed->agent_dispatches_size() > 0) {
      livekit::DeleteAgentDispatchRequest remove;
      remove.set_room(room);
      remove.set_dispatch_id(listed->agent_dispatches((kind >> 1) % listed->agent_dispatches_size()).id());
      Require(dispatcher_.Delete(now_, remove).has_value());
    }
  }

  void Advance(base::TimeDelta delta) {
    now_.mono += delta;
    now_.wall.micros += delta.micros();
    pool_.OnTimeout(now_);
    dispatcher_.OnTimeout(now_);
    Require(pool_.NextTimeout() > now_.mono && dispatcher_.NextTimeout() > now_.mono);
  }

  void Step(uint8_t choice) {
    Worker& worker = workers_[choice % kWorkers];
    switch (choice / kWorkers % 10) {
      case 0:
        Connect(worker);
        break;
      case 1:
      case 2:
      case 3:
      case 4:
        pool_.OnFrame(now_, worker.connection, true, Message(worker).SerializeAsString());
        break;
      case 5:
        pool_.OnFrame(now_, worker.connection, (choice & 128) != 0, Text(200));
        break;
      case 6:
      case 7:
        Happen();
        break;
      case 8:
        Call();
        break;
      default:
        Advance(base::TimeDelta::Millis(input_.ReadU8() * 50));
        break;
    }
  }

  static constexpr size_t kWorkers = 4;

  static AgentPool::Config PoolConfig() {
    AgentPool::Config config;
    config.max_workers = 3;
    config.max_launches = 4;
    config.max_jobs_per_worker = 3;
    config.worker.max_message = 150;
    return config;
  }
  static AgentDispatcher::Config DispatcherConfig() {
    AgentDispatcher::Config config;
    config.max_dispatches_per_room = 3;
    config.max_jobs_per_dispatch = 3;
    return config;
  }

  base::ByteReader input_;
  base::Now now_{base::Timestamp::Seconds(1000), base::WallTime{1'700'000'000'000'000}};
  auth::KeyProvider keys_;
  base::SeededRandom random_{1};
  const MakeId ids_ = [this](std::string_view prefix) {
    return std::string(prefix) + std::to_string(++last_id_);
  };
  const AgentPool::Config pool_config_ = PoolConfig();
  AgentPool pool_{pool_config_, keys_, random_, ids_, base::Logger()};
  AgentDispatcher dispatcher_{DispatcherConfig(), pool_, *this, ids_, base::Logger()};
  std::array<Worker, kWorkers> workers_;
  uint64_t last_id_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  World(base::ConstBytes(data, size)).Run();
  return 0;
}
