#include "service/agent_dispatcher.h"

#include <algorithm>
#include <utility>

namespace weir::service {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Now;
using base::Result;
using base::Timestamp;

int64_t Nanoseconds(Now now) { return now.wall.micros * 1000; }

// Of a room's configuration or of a call of the API: two messages with these fields.
template <typename Wish>
livekit::AgentDispatch ToDispatch(const Wish& wish) {
  livekit::AgentDispatch dispatch;
  dispatch.set_agent_name(wish.agent_name());
  dispatch.set_metadata(wish.metadata());
  dispatch.set_restart_policy(wish.restart_policy());
  dispatch.set_deployment(wish.deployment());
  *dispatch.mutable_attributes() = wish.attributes();
  return dispatch;
}

}  // namespace

AgentDispatcher::AgentDispatcher(const Config& config, AgentPool& pool, Actions& actions, MakeId make_id,
                                 base::Logger log)
    : config_(config), pool_(pool), actions_(actions), make_id_(std::move(make_id)), log_(std::move(log)) {
  pool_.SetObserver(this);
}

// ---- What happens in rooms.

void AgentDispatcher::OnRoomEvent(Now now, const AgentRoomEvent& event) {
  if (event.kind == AgentRoomEvent::Kind::kRoomStarted) {
    return OnRoomStarted(now, event);
  }
  const auto found = rooms_.find(event.room.name());
  if (found == rooms_.end()) {
    return;
  }
  Room& room = found->second;
  room.info = event.room;
  switch (event.kind) {
    case AgentRoomEvent::Kind::kRoomFinished:
      return OnRoomFinished(event);
    case AgentRoomEvent::Kind::kParticipantJoined:
      return OnJoined(now, room, event);
    case AgentRoomEvent::Kind::kParticipantActive:
      if (const auto member = room.members.find(event.participant.identity()); member != room.members.end()) {
        member->second.info = event.participant;
      }
      return;
    case AgentRoomEvent::Kind::kParticipantLeft:
      return OnLeft(now, room, event);
    case AgentRoomEvent::Kind::kTrackPublished:
      return OnPublished(now, room, event);
    case AgentRoomEvent::Kind::kRoomStarted:
      return;
  }
}

void AgentDispatcher::OnRoomStarted(Now now, const AgentRoomEvent& event) {
  OnRoomFinished(event);  // Should its predecessor's end have been missed.
  Room& room = rooms_[event.room.name()];
  room.info = event.room;
  for (const livekit::RoomAgentDispatch& wish : event.agents) {
    Add(now, room, ToDispatch(wish));
  }
  if (event.agents.empty()) {
    Add(now, room, {});  // Workers without a name come to every room that asks for nobody else.
  }
  for (const std::string& id : room.order) {
    Launch(now, room, room.dispatches.at(id), livekit::JT_ROOM, nullptr);
  }
}

void AgentDispatcher::OnRoomFinished(const AgentRoomEvent& event) {
  const auto found = rooms_.find(event.room.name());
  if (found == rooms_.end()) {
    return;
  }
  for (const auto& [id, dispatch] : found->second.dispatches) {
    for (const Job& job : dispatch.jobs) {
      if (!job.ended) {
        pool_.Terminate(job.job.id());
        homes_.erase(job.job.id());
      }
    }
  }
  std::erase_if(removals_, [&](const auto& removal) { return removal.first.first == found->first; });
  rooms_.erase(found);
}

void AgentDispatcher::OnJoined(Now now, Room& room, const AgentRoomEvent& event) {
  room.members[event.participant.identity()] = {event.participant, event.dependent, false};
  if (!event.dependent) {
    LaunchForAll(now, room, livekit::JT_PARTICIPANT, event.participant);
  }
}

void AgentDispatcher::OnPublished(Now now, Room& room, const AgentRoomEvent& event) {
  const auto member = room.members.find(event.participant.identity());
  if (member == room.members.end()) {
    return;
  }
  member->second.info = event.participant;
  const bool first = !std::exchange(member->second.published, true);
  if (first && !event.dependent) {
    LaunchForAll(now, room, livekit::JT_PUBLISHER, event.participant);
  }
}

void AgentDispatcher::OnLeft(Now now, Room& room, const AgentRoomEvent& event) {
  const std::string& identity = event.participant.identity();
  if (const auto member = room.members.find(identity);
      member != room.members.end() && member->second.info.sid() == event.participant.sid()) {
    room.members.erase(member);
  }
  const bool replaced = event.participant.disconnect_reason() == livekit::DUPLICATE_IDENTITY;
  if (event.participant.kind() != livekit::ParticipantInfo::AGENT || replaced) {
    return;  // An agent that reconnects anew takes its own place.
  }
  removals_.erase({room.info.name(), identity});
  for (auto& [id, dispatch] : room.dispatches) {
    for (Job& job : dispatch.jobs) {
      if (!job.launching && !job.ended && job.job.state().participant_identity() == identity) {
        pool_.Terminate(job.job.id());
        EndJob(now, job, livekit::JS_FAILED);  // What the worker says of it, if anything, came before.
      }
    }
  }
}

// ---- Dispatches.

AgentDispatcher::Dispatch* AgentDispatcher::Add(Now now, Room& room, livekit::AgentDispatch info) {
  if (room.dispatches.size() >= config_.max_dispatches_per_room) {
    ++counters_.dispatches_refused;
    log_.Warn("agent dispatch refused: the room has too many", {{"room", room.info.name()}});
    return nullptr;
  }
  info.set_id(make_id_("AD_"));
  info.set_room(room.info.name());
  info.mutable_state()->set_created_at(Nanoseconds(now));
  room.order.push_back(info.id());
  Dispatch& dispatch = room.dispatches[info.id()];
  dispatch.info = std::move(info);
  return &dispatch;
}

Result<livekit::AgentDispatch> AgentDispatcher::Create(Now now,
                                                       const livekit::CreateAgentDispatchRequest& request) {
  const auto found = rooms_.find(request.room());
  if (found == rooms_.end()) {
    return Fail(ErrorCode::kNotFound, "requested room does not exist");
  }
  Room& room = found->second;
  Dispatch* dispatch = Add(now, room, ToDispatch(request));
  if (dispatch == nullptr) {
    return Fail(
        ErrorCode::kResourceExhausted,
        "a room has at most " + std::to_string(config_.max_dispatches_per_room) + " agent dispatches");
  }
  Launch(now, room, *dispatch, livekit::JT_ROOM, nullptr);
  for (const auto& [identity, member] : room.members) {
    if (!member.dependent) {
      Launch(now, room, *dispatch, livekit::JT_PARTICIPANT, &member.info);
    }
    if (!member.dependent && member.published) {
      Launch(now, room, *dispatch, livekit::JT_PUBLISHER, &member.info);
    }
  }
  return dispatch->info;
}

Result<livekit::AgentDispatch> AgentDispatcher::Delete(Now now,
                                                       const livekit::DeleteAgentDispatchRequest& request) {
  Dispatch* dispatch = FindDispatch(request.room(), request.dispatch_id());
  if (dispatch == nullptr || dispatch->deleted) {
    return Fail(ErrorCode::kNotFound, "dispatch ID not found");
  }
  dispatch->deleted = true;
  dispatch->info.mutable_state()->set_deleted_at(Nanoseconds(now));
  livekit::AgentDispatch answer = dispatch->info;
  EndOfDispatch(now, rooms_.at(request.room()), *dispatch);
  return answer;
}

Result<livekit::ListAgentDispatchResponse> AgentDispatcher::List(
    const livekit::ListAgentDispatchRequest& request) const {
  const auto found = rooms_.find(request.room());
  if (found == rooms_.end()) {
    return Fail(ErrorCode::kUnavailable, "requested room does not exist");
  }
  livekit::ListAgentDispatchResponse response;
  for (const std::string& id : found->second.order) {
    const Dispatch& dispatch = found->second.dispatches.at(id);
    if (!dispatch.deleted && (request.dispatch_id().empty() || request.dispatch_id() == id)) {
      *response.add_agent_dispatches() = View(dispatch);
    }
  }
  return response;
}

livekit::AgentDispatch AgentDispatcher::View(const Dispatch& dispatch) const {
  livekit::AgentDispatch view = dispatch.info;
  for (const Job& job : dispatch.jobs) {
    if (!job.launching) {
      *view.mutable_state()->add_jobs() = job.job;
    }
  }
  return view;
}

// A deleted dispatch stays until its last launch has come to something, so that its agent can be stopped.
void AgentDispatcher::EndOfDispatch(Now now, Room& room, Dispatch& dispatch) {
  bool launching = false;
  for (Job& job : dispatch.jobs) {
    launching = launching || job.launching;
    if (!job.launching && !job.ended) {
      pool_.Terminate(job.job.id());
      EndJob(now, job, livekit::JS_SUCCESS);
      removals_[{room.info.name(), job.job.state().participant_identity()}] =
          now.mono + config_.leave_timeout;
    }
  }
  if (!launching) {
    const std::string id = dispatch.info.id();
    std::erase(room.order, id);
    room.dispatches.erase(id);
  }
}

AgentDispatcher::Dispatch* AgentDispatcher::FindDispatch(const std::string& room,
                                                         const std::string& dispatch_id) {
  const auto home = rooms_.find(room);
  if (home == rooms_.end()) {
    return nullptr;
  }
  const auto found = home->second.dispatches.find(dispatch_id);
  return found == home->second.dispatches.end() ? nullptr : &found->second;
}

// ---- Jobs.

void AgentDispatcher::LaunchForAll(Now now, Room& room, livekit::JobType type,
                                   const livekit::ParticipantInfo& info) {
  for (const std::string& id : room.order) {
    if (Dispatch& dispatch = room.dispatches.at(id); !dispatch.deleted) {
      Launch(now, room, dispatch, type, &info);
    }
  }
}

void AgentDispatcher::Launch(Now now, const Room& room, Dispatch& dispatch, livekit::JobType type,
                             const livekit::ParticipantInfo* participant) {
  const livekit::AgentDispatch& wish = dispatch.info;
  for (const std::string& name_space : pool_.Namespaces(type, wish.agent_name(), wish.deployment())) {
    if (!MakeRoomForJob(dispatch)) {
      ++counters_.jobs_refused;
      log_.Warn("agent job refused: its dispatch has too many", {{"room", room.info.name()}});
      return;
    }
    livekit::Job job;
    job.set_id(make_id_("AJ_"));
    job.set_type(type);
    job.set_dispatch_id(wish.id());
    job.set_agent_name(wish.agent_name());
    job.set_namespace_(name_space);
    job.set_deployment(wish.deployment());
    job.set_metadata(wish.metadata());
    *job.mutable_attributes() = wish.attributes();
    *job.mutable_room() = room.info;
    if (participant != nullptr) {
      *job.mutable_participant() = *participant;
    }
    job.set_enable_recording(config_.enable_recording);
    job.set_enable_redaction(config_.enable_redaction);
    if (const auto launched = pool_.Launch(now, job); launched) {
      homes_[job.id()] = {room.info.name(), wish.id()};
      dispatch.jobs.push_back({std::move(job)});
    } else {
      log_.Warn("agent job not launched", {{"room", room.info.name()}, {"reason", launched.error().message}});
    }
  }
}

bool AgentDispatcher::MakeRoomForJob(Dispatch& dispatch) {
  if (dispatch.jobs.size() < config_.max_jobs_per_dispatch) {
    return true;
  }
  const auto oldest =
      std::find_if(dispatch.jobs.begin(), dispatch.jobs.end(), [](const Job& job) { return job.ended; });
  if (oldest == dispatch.jobs.end()) {
    return false;
  }
  dispatch.jobs.erase(oldest);
  return true;
}

AgentDispatcher::Found AgentDispatcher::Find(const std::string& job_id) {
  const auto home = homes_.find(job_id);
  if (home == homes_.end()) {
    return {};
  }
  Room& room = rooms_.at(home->second.room);
  Dispatch& dispatch = room.dispatches.at(home->second.dispatch);
  const auto job = std::find_if(dispatch.jobs.begin(), dispatch.jobs.end(),
                                [&](const Job& candidate) { return candidate.job.id() == job_id; });
  return {&room, &dispatch, &*job};
}

void AgentDispatcher::OnLaunched(Now now, const std::string& job_id, const Result<livekit::JobState>& state) {
  const Found found = Find(job_id);
  if (found.job == nullptr) {
    return;
  }
  if (!state) {
    homes_.erase(job_id);
    std::erase_if(found.dispatch->jobs, [&](const Job& job) { return job.job.id() == job_id; });
  } else {
    found.job->launching = false;
    *found.job->job.mutable_state() = *state;
    if (state->status() != livekit::JS_RUNNING) {
      EndJob(now, *found.job, state->status());
    }
  }
  if (found.dispatch->deleted) {
    EndOfDispatch(now, *found.room, *found.dispatch);
  }
}

void AgentDispatcher::OnJobUpdate(Now now, const livekit::UpdateJobStatus& update) {
  const Found found = Find(update.job_id());
  if (found.job == nullptr) {
    return;
  }
  livekit::JobState& state = *found.job->job.mutable_state();
  state.set_error(update.error());
  if (update.status() == livekit::JS_SUCCESS || update.status() == livekit::JS_FAILED) {
    EndJob(now, *found.job, update.status());
  } else {
    state.set_status(update.status());
    state.set_updated_at(Nanoseconds(now));
  }
}

void AgentDispatcher::EndJob(Now now, Job& job, livekit::JobStatus status) {
  job.ended = true;
  livekit::JobState& state = *job.job.mutable_state();
  state.set_status(status);
  state.set_updated_at(Nanoseconds(now));
  state.set_ended_at(Nanoseconds(now));
  homes_.erase(job.job.id());
}

// ---- Time.

Timestamp AgentDispatcher::NextTimeout() const {
  Timestamp next = Timestamp::Infinity();
  for (const auto& [agent, at] : removals_) {
    next = std::min(next, at);
  }
  return next;
}

void AgentDispatcher::OnTimeout(Now now) {
  for (auto it = removals_.begin(); it != removals_.end();) {
    if (it->second > now.mono) {
      ++it;
      continue;
    }
    const auto [room, identity] = it->first;
    it = removals_.erase(it);
    if (rooms_.at(room).members.contains(identity)) {
      ++counters_.agents_removed;
      actions_.RemoveParticipant(room, identity);
    }
  }
}

}  // namespace weir::service
