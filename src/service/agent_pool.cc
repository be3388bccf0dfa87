#include "service/agent_pool.h"

#include <algorithm>
#include <utility>

#include "base/overloaded.h"
#include "front/web_socket.h"
#include "service/agent_token.h"

namespace weir::service {
namespace {

using base::Error;
using base::ErrorCode;
using base::Fail;
using base::Now;
using base::Result;
using base::Timestamp;

AgentTopic TopicOf(const livekit::Job& job) {
  return {job.type(), job.agent_name(), job.namespace_(), job.deployment()};
}

int64_t Nanoseconds(Now now) { return now.wall.micros * 1000; }

uint16_t CloseCodeOf(const Error& error) {
  return error.code == ErrorCode::kResourceExhausted ? front::kMessageTooBig : front::kProtocolError;
}

}  // namespace

// ---- Connections.

Result<AgentConnection> AgentPool::Connect(Now now, std::string api_key, std::unique_ptr<AgentSink> sink) {
  if (workers_.size() >= config_.max_workers) {
    ++counters_.workers_refused;
    return Fail(ErrorCode::kResourceExhausted, "too many agent workers");
  }
  const AgentConnection connection(++last_connection_);
  workers_[connection].worker = std::make_unique<AgentWorker>(config_.worker, connection, make_id_("AW_"),
                                                              std::move(api_key), std::move(sink), now.mono);
  return connection;
}

void AgentPool::OnFrame(Now now, AgentConnection connection, bool binary, std::string_view frame) {
  const auto found = workers_.find(connection);
  if (found == workers_.end()) {
    return;
  }
  AgentWorker& worker = *found->second.worker;
  const auto event = worker.OnFrame(now, binary, frame);
  if (!event) {
    Expel(now, connection, event.error());
    return;
  }
  On(now, worker, *event);
}

void AgentPool::On(Now now, AgentWorker& worker, const AgentWorker::Event& event) {
  std::visit(base::Overloaded{
                 [](const AgentWorker::Nothing&) {},
                 [&](const AgentWorker::Registered&) {
                   log_.Info("agent worker registered",
                             {{"workerId", worker.id()},
                              {"agentName", worker.topic().agent_name},
                              {"jobType", livekit::JobType_Name(worker.topic().type)}});
                 },
                 [&](const livekit::AvailabilityResponse& answer) { OnAvailability(now, worker, answer); },
                 [&](const livekit::UpdateJobStatus& update) { OnUpdateJob(now, worker, update); },
                 [&](const livekit::SimulateJobRequest& request) { OnSimulate(now, worker, request); },
                 [&](const livekit::MigrateJobRequest& request) { OnMigrate(worker, request); },
             },
             event);
}

void AgentPool::OnClosed(Now now, AgentConnection connection) {
  const auto found = workers_.find(connection);
  if (found == workers_.end()) {
    return;
  }
  log_.Info("agent worker gone", {{"workerId", found->second.worker->id()}});
  for (auto it = running_.begin(); it != running_.end();) {
    const auto job = it++;
    if (job->second.worker != connection) {
      continue;
    }
    if (job->second.simulated) {
      Forget(job);
    } else {
      SetWorker(job->second, std::nullopt);
    }
  }
  workers_.erase(found);
  std::vector<std::string> asked;
  for (const auto& [id, launch] : launches_) {
    if (launch.asked == connection) {
      asked.push_back(id);
    }
  }
  for (const std::string& id : asked) {
    if (const auto launch = launches_.find(id); launch != launches_.end()) {
      AskNext(now, launch);
    }
  }
}

void AgentPool::Expel(Now now, AgentConnection connection, const Error& error) {
  ++counters_.workers_expelled;
  AgentWorker& worker = *workers_.at(connection).worker;
  log_.Warn("agent worker expelled", {{"workerId", worker.id()}, {"reason", error.message}});
  worker.Close(CloseCodeOf(error), error.message);
  OnClosed(now, connection);
}

// ---- What workers say of jobs.

void AgentPool::OnAvailability(Now now, AgentWorker& worker, const livekit::AvailabilityResponse& answer) {
  const auto launch = launches_.find(answer.job_id());
  if (launch == launches_.end() || launch->second.asked != worker.connection()) {
    ++counters_.messages_ignored;
    return;
  }
  if (answer.terminate()) {
    livekit::JobState state = launch->second.job.state();
    state.set_status(livekit::JS_SUCCESS);
    state.set_updated_at(Nanoseconds(now));
    state.set_ended_at(Nanoseconds(now));
    End(now, launch, state);
  } else if (answer.available()) {
    Assign(now, launch, worker, answer);
  } else {
    ++counters_.jobs_declined;
    AskNext(now, launch);
  }
}

void AgentPool::OnUpdateJob(Now now, const AgentWorker& worker, const livekit::UpdateJobStatus& update) {
  const auto job = running_.find(update.job_id());
  if (job == running_.end() || job->second.worker != worker.connection() ||
      !livekit::JobStatus_IsValid(update.status())) {
    ++counters_.messages_ignored;
    return;
  }
  if (update.status() == livekit::JS_SUCCESS || update.status() == livekit::JS_FAILED) {
    Forget(job);
  }
  if (observer_ != nullptr) {
    observer_->OnJobUpdate(now, update);
  }
}

// For trying an agent out: a job for this worker alone, which no dispatch knows of.
void AgentPool::OnSimulate(Now now, AgentWorker& worker, const livekit::SimulateJobRequest& request) {
  const bool known = request.type() == livekit::JT_ROOM || request.type() == livekit::JT_PUBLISHER;
  if (!known || request.room().name().empty() || launches_.size() >= config_.max_launches) {
    ++counters_.messages_ignored;
    return;
  }
  const AgentTopic& topic = worker.topic();
  Waiting launch;
  launch.simulated = true;
  launch.launch_before = now.mono + config_.launch_timeout;
  launch.job.set_id(make_id_("AJ_"));
  launch.job.set_type(request.type());
  launch.job.set_agent_name(topic.agent_name);
  launch.job.set_namespace_(topic.name_space);
  launch.job.set_deployment(topic.deployment);
  *launch.job.mutable_room() = request.room();
  if (request.has_participant()) {
    *launch.job.mutable_participant() = request.participant();
  }
  Ask(now, launch, worker);
  launches_[launch.job.id()] = std::move(launch);
}

// A worker came back on a new connection and says which jobs it still runs: those that a lost connection of
// its own kind had are its again, so that they can be ended.
void AgentPool::OnMigrate(const AgentWorker& worker, const livekit::MigrateJobRequest& request) {
  for (const std::string& id : request.job_ids()) {
    const auto job = running_.find(id);
    if (job == running_.end() || job->second.worker || job->second.topic != worker.topic() ||
        job->second.api_key != worker.api_key()) {
      ++counters_.messages_ignored;
      continue;
    }
    SetWorker(job->second, worker.connection());
  }
}

// ---- Launching.

std::vector<std::string> AgentPool::Namespaces(livekit::JobType type, std::string_view agent_name,
                                               std::string_view deployment) const {
  std::set<std::string> found;
  for (const auto& [connection, member] : workers_) {
    const AgentTopic& topic = member.worker->topic();
    if (member.worker->registered() && topic.type == type && topic.agent_name == agent_name &&
        topic.deployment == deployment) {
      found.insert(topic.name_space);
    }
  }
  return {found.begin(), found.end()};
}

Result<void> AgentPool::Launch(Now now, livekit::Job job) {
  if (launches_.size() >= config_.max_launches) {
    ++counters_.launches_refused;
    return Fail(ErrorCode::kResourceExhausted, "too many jobs wait for a worker");
  }
  Waiting launch;
  launch.launch_before = now.mono + config_.launch_timeout;
  launch.job = std::move(job);
  AgentWorker* worker = HasCapacity(TopicOf(launch.job)) ? Choose(launch) : nullptr;
  if (worker == nullptr) {
    ++counters_.launches_failed;
    return Fail(ErrorCode::kResourceExhausted, "no worker is available");
  }
  Ask(now, launch, *worker);
  launches_[launch.job.id()] = std::move(launch);
  return {};
}

bool AgentPool::Takes(const Member& member, const AgentTopic& topic) const {
  return member.worker->available() && member.worker->topic() == topic &&
         member.jobs < config_.max_jobs_per_worker;
}

bool AgentPool::HasCapacity(const AgentTopic& topic) const {
  return std::any_of(workers_.begin(), workers_.end(), [&](const auto& entry) {
    return Takes(entry.second, topic) && entry.second.worker->load() < config_.target_load;
  });
}

AgentWorker* AgentPool::Choose(const Waiting& launch) {
  const AgentTopic topic = TopicOf(launch.job);
  std::vector<AgentWorker*> candidates;
  double total = 0;
  for (const auto& [connection, member] : workers_) {
    if (Takes(member, topic) && member.worker->load() < 1 && !launch.tried.contains(connection)) {
      candidates.push_back(member.worker.get());
      total += 1 - member.worker->load();
    }
  }
  double drawn = random_.NextDouble() * total;
  for (AgentWorker* worker : candidates) {
    drawn -= 1 - worker->load();
    if (drawn < 0) {
      return worker;
    }
  }
  return candidates.empty() ? nullptr : candidates.back();
}

void AgentPool::Ask(Now now, Waiting& launch, AgentWorker& worker) {
  launch.asked = worker.connection();
  launch.tried.insert(worker.connection());
  launch.answer_before = std::min(launch.launch_before, now.mono + config_.answer_timeout);
  livekit::JobState& state = *launch.job.mutable_state();
  state.set_status(livekit::JS_RUNNING);
  state.set_worker_id(worker.id());
  state.set_started_at(Nanoseconds(now));
  state.set_updated_at(Nanoseconds(now));
  livekit::ServerMessage message;
  *message.mutable_availability()->mutable_job() = launch.job;
  worker.Send(message);
}

void AgentPool::AskNext(Now now, Launches::iterator launch) {
  AgentWorker* worker = launch->second.simulated ? nullptr : Choose(launch->second);
  if (worker != nullptr) {
    Ask(now, launch->second, *worker);
  } else {
    End(now, launch, Fail(ErrorCode::kResourceExhausted, "no worker took the job"));
  }
}

void AgentPool::Assign(Now now, Launches::iterator launch, AgentWorker& worker,
                       livekit::AvailabilityResponse answer) {
  const std::string* secret = keys_.Secret(worker.api_key());
  if (secret == nullptr) {
    End(now, launch, Fail(ErrorCode::kUnauthenticated, "the worker's API key is not configured any more"));
    return;
  }
  livekit::Job& job = launch->second.job;
  if (answer.participant_identity().empty()) {
    answer.set_participant_identity("agent-" + job.id());
  }
  job.mutable_state()->set_participant_identity(answer.participant_identity());
  job.mutable_state()->set_updated_at(Nanoseconds(now));
  livekit::ServerMessage message;
  *message.mutable_assignment()->mutable_job() = job;
  message.mutable_assignment()->set_token(
      MakeAgentToken({job.room().name(), worker.topic().agent_name, answer, worker.permissions()},
                     worker.api_key(), *secret, now.wall));
  worker.Send(message);
  ++counters_.jobs_assigned;
  log_.Info("agent job assigned",
            {{"jobId", job.id()}, {"workerId", worker.id()}, {"room", job.room().name()}});
  Running& running = running_[job.id()];
  running = {std::nullopt, worker.topic(), worker.api_key(), launch->second.simulated};
  SetWorker(running, worker.connection());
  End(now, launch, job.state());
}

void AgentPool::End(Now now, Launches::iterator launch, const Result<livekit::JobState>& state) {
  const std::string id = launch->first;
  const Result<livekit::JobState> last = state;  // It may be part of the launch.
  if (!last) {
    ++counters_.launches_failed;
    log_.Warn("agent job not launched", {{"jobId", id}, {"reason", last.error().message}});
  }
  const bool simulated = launch->second.simulated;
  launches_.erase(launch);
  if (observer_ != nullptr && !simulated) {
    observer_->OnLaunched(now, id, last);
  }
}

void AgentPool::Terminate(const std::string& job_id) {
  launches_.erase(job_id);
  const auto job = running_.find(job_id);
  if (job == running_.end()) {
    return;
  }
  if (job->second.worker) {
    livekit::ServerMessage message;
    message.mutable_termination()->set_job_id(job_id);
    workers_.at(*job->second.worker).worker->Send(message);
  }
  Forget(job);
}

void AgentPool::SetWorker(Running& job, std::optional<AgentConnection> worker) {
  if (job.worker) {
    --workers_.at(*job.worker).jobs;
  }
  job.worker = worker;
  if (job.worker) {
    ++workers_.at(*job.worker).jobs;
  }
}

void AgentPool::Forget(std::map<std::string, Running>::iterator job) {
  SetWorker(job->second, std::nullopt);
  running_.erase(job);
}

// ---- Time.

Timestamp AgentPool::NextTimeout() const {
  Timestamp next = Timestamp::Infinity();
  for (const auto& [connection, member] : workers_) {
    next = std::min(next, member.worker->register_before());
  }
  for (const auto& [id, launch] : launches_) {
    next = std::min(next, launch.answer_before);
  }
  return next;
}

void AgentPool::OnTimeout(Now now) {
  std::vector<AgentConnection> silent;
  for (const auto& [connection, member] : workers_) {
    if (member.worker->register_before() <= now.mono) {
      silent.push_back(connection);
    }
  }
  for (const AgentConnection connection : silent) {
    Expel(now, connection, {ErrorCode::kFailedPrecondition, "the worker did not register in time"});
  }
  std::vector<std::string> late;
  for (const auto& [id, launch] : launches_) {
    if (launch.answer_before <= now.mono) {
      late.push_back(id);
    }
  }
  for (const std::string& id : late) {
    if (const auto launch = launches_.find(id); launch != launches_.end()) {
      End(now, launch, Fail(ErrorCode::kUnavailable, "the worker did not answer in time"));
    }
  }
}

}  // namespace weir::service
