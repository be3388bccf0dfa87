// The agent workers of this server, and the offering of jobs to them.
//
// A launch asks one worker after the other whether it wants a job, until one takes it, none is left or time
// is up. A worker is drawn at random, the less loaded the likelier; nobody is asked while all that are
// available carry `target_load` and more. The worker that takes a job gets a token for its agent.
//
// Sans-IO: frames, closed connections and time in; frames leave through each worker's sink, results through
// the observer. Call OnTimeout at NextTimeout. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/token.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "service/agent_worker.h"

namespace weir::service {

// "AJ_" -> "AJ_x4Jk...": a new id with that prefix, which nobody can guess.
using MakeId = std::function<std::string(std::string_view prefix)>;

class AgentPool {
 public:
  struct Config {
    AgentWorker::Config worker;
    size_t max_workers = 2000;
    size_t max_jobs_per_worker = 1000;
    size_t max_launches = 1000;                                     // That wait for a worker's answer.
    base::TimeDelta answer_timeout = base::TimeDelta::Seconds(10);  // For one worker.
    base::TimeDelta launch_timeout = base::TimeDelta::Seconds(3);   // For all of them together.
    float target_load = 0.7F;
  };
  struct Counters {
    uint64_t workers_refused = 0;   // Over max_workers.
    uint64_t workers_expelled = 0;  // Spoke something else than the protocol, or did not register in time.
    uint64_t launches_refused = 0;  // Over max_launches.
    uint64_t launches_failed = 0;   // Nobody was there, wanted it, or answered in time.
    uint64_t jobs_assigned = 0;
    uint64_t jobs_declined = 0;     // One for each worker that said no.
    uint64_t messages_ignored = 0;  // About jobs that are unknown, over, or somebody else's.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"workers_refused", &Counters::workers_refused},
          {"workers_expelled", &Counters::workers_expelled},
          {"launches_refused", &Counters::launches_refused},
          {"launches_failed", &Counters::launches_failed},
          {"jobs_assigned", &Counters::jobs_assigned},
          {"jobs_declined", &Counters::jobs_declined},
          {"messages_ignored", &Counters::messages_ignored},
      });
    }
  };
  // How jobs go on. Called from OnFrame, OnClosed and OnTimeout, never from Launch.
  class Observer {
   public:
    virtual ~Observer() = default;
    // RUNNING with the agent's identity, SUCCESS when the worker declared the job superfluous, or an error.
    virtual void OnLaunched(base::Now now, const std::string& job_id,
                            const base::Result<livekit::JobState>& state) = 0;
    virtual void OnJobUpdate(base::Now now, const livekit::UpdateJobStatus& update) = 0;
  };

  // `keys` and `random` outlive the pool.
  AgentPool(const Config& config, const auth::KeyProvider& keys, base::Random& random, MakeId make_id,
            base::Logger log)
      : config_(config), keys_(keys), random_(random), make_id_(std::move(make_id)), log_(std::move(log)) {}
  // Outlives the pool, too.
  void SetObserver(Observer* observer) { observer_ = observer; }

  // ---- Connections. kResourceExhausted over max_workers; then `sink` has not been touched.
  base::Result<AgentConnection> Connect(base::Now now, std::string api_key, std::unique_ptr<AgentSink> sink);
  // Also of connections that are gone already.
  void OnFrame(base::Now now, AgentConnection connection, bool binary, std::string_view frame);
  void OnClosed(base::Now now, AgentConnection connection);

  // ---- Jobs. The namespaces in which workers are registered for this: a job goes to each.
  std::vector<std::string> Namespaces(livekit::JobType type, std::string_view agent_name,
                                      std::string_view deployment) const;
  // `job` has an id of its own, its room, and the topic that it is for. An error is the end of it; otherwise
  // OnLaunched follows.
  base::Result<void> Launch(base::Now now, livekit::Job job);
  // The worker is told to end it, and what it says of the job afterwards is not heard. A launch that waits is
  // given up. Unknown jobs are nothing.
  void Terminate(const std::string& job_id);

  base::Timestamp NextTimeout() const;
  void OnTimeout(base::Now now);

  size_t workers() const { return workers_.size(); }
  size_t launches() const { return launches_.size(); }
  size_t running_jobs() const { return running_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  struct Waiting {  // A launch.
    livekit::Job job;
    AgentConnection asked;
    std::set<AgentConnection> tried;
    base::Timestamp answer_before;
    base::Timestamp launch_before;
    bool simulated = false;  // A worker asked for this job for itself.
  };
  struct Running {
    std::optional<AgentConnection> worker;  // Absent: its connection broke, but its agent may well live.
    AgentTopic topic;
    std::string api_key;
    bool simulated = false;
  };
  struct Member {
    std::unique_ptr<AgentWorker> worker;
    size_t jobs = 0;  // Of running_.
  };
  using Launches = std::map<std::string, Waiting>;

  void On(base::Now now, AgentWorker& worker, const AgentWorker::Event& event);
  void OnAvailability(base::Now now, AgentWorker& worker, const livekit::AvailabilityResponse& answer);
  void OnUpdateJob(base::Now now, const AgentWorker& worker, const livekit::UpdateJobStatus& update);
  void OnSimulate(base::Now now, AgentWorker& worker, const livekit::SimulateJobRequest& request);
  void OnMigrate(const AgentWorker& worker, const livekit::MigrateJobRequest& request);

  bool Takes(const Member& member, const AgentTopic& topic) const;
  // Whether the workers of a topic together have load to spare.
  bool HasCapacity(const AgentTopic& topic) const;
  AgentWorker* Choose(const Waiting& launch);
  void Ask(base::Now now, Waiting& launch, AgentWorker& worker);
  // Asks another worker, or ends the launch.
  void AskNext(base::Now now, Launches::iterator launch);
  void Assign(base::Now now, Launches::iterator launch, AgentWorker& worker,
              livekit::AvailabilityResponse answer);
  void End(base::Now now, Launches::iterator launch, const base::Result<livekit::JobState>& state);
  void Expel(base::Now now, AgentConnection connection, const base::Error& error);
  void SetWorker(Running& job, std::optional<AgentConnection> worker);
  void Forget(std::map<std::string, Running>::iterator job);

  const Config config_;
  const auth::KeyProvider& keys_;
  base::Random& random_;
  const MakeId make_id_;
  base::Logger log_;
  Observer* observer_ = nullptr;
  std::map<AgentConnection, Member> workers_;
  Launches launches_;
  std::map<std::string, Running> running_;
  uint64_t last_connection_ = 0;
  Counters counters_;
};

}  // namespace weir::service
