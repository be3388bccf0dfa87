// Which rooms want which agents: the dispatches of every room and the jobs that come of them.
//
// A dispatch is the standing wish of a room for an agent. A room has those that it was created with, or one
// without a name, and those that the API adds. Each brings a job for the room when it comes into being, one
// for each participant that joins and one for each that begins to publish, as far as workers are registered
// for such jobs. Nothing is launched later for workers that come late.
//
// Sans-IO: room events, API calls and time in; the pool launches, Actions removes agents. A room exists from
// its kRoomStarted to its kRoomFinished. Call OnTimeout at NextTimeout. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/counters.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "proto/livekit_agent_dispatch.pb.h"
#include "service/agent_pool.h"

namespace weir::service {

// What the dispatcher has to know of rooms; those of one room in order. Values of that moment.
struct AgentRoomEvent {
  enum class Kind : uint8_t {
    kRoomStarted,
    kRoomFinished,
    kParticipantJoined,
    kParticipantActive,
    kParticipantLeft,
    kTrackPublished,
  };
  Kind kind = Kind::kRoomStarted;
  livekit::Room room;
  livekit::ParticipantInfo participant;            // Not of room events.
  bool dependent = false;                          // Agents, egress and recorders: they start no jobs.
  std::vector<livekit::RoomAgentDispatch> agents;  // kRoomStarted: what it was created with.
};

class AgentDispatcher final : public AgentPool::Observer {
 public:
  struct Config {
    size_t max_dispatches_per_room = 100;
    size_t max_jobs_per_dispatch = 1000;  // Those that ended make room, the oldest first.
    base::TimeDelta leave_timeout =
        base::TimeDelta::Seconds(3);  // For an agent whose dispatch was deleted; then it is removed.
    bool enable_recording = false;    // Told to workers with each job.
    bool enable_redaction = false;
  };
  struct Counters {
    uint64_t dispatches_refused = 0;  // Over max_dispatches_per_room.
    uint64_t jobs_refused = 0;        // Over max_jobs_per_dispatch, all of them running.
    uint64_t agents_removed = 0;      // They did not leave by themselves.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"dispatches_refused", &Counters::dispatches_refused},
          {"jobs_refused", &Counters::jobs_refused},
          {"agents_removed", &Counters::agents_removed},
      });
    }
  };
  class Actions {
   public:
    virtual ~Actions() = default;
    // Which may have left meanwhile.
    virtual void RemoveParticipant(const std::string& room, const std::string& identity) = 0;
  };

  // Makes itself the observer of `pool`. All outlive the dispatcher.
  AgentDispatcher(const Config& config, AgentPool& pool, Actions& actions, MakeId make_id, base::Logger log);

  void OnRoomEvent(base::Now now, const AgentRoomEvent& event);

  // ---- The API. The room has to exist: kNotFound "requested room does not exist". kResourceExhausted over
  // max_dispatches_per_room.
  base::Result<livekit::AgentDispatch> Create(base::Now now,
                                              const livekit::CreateAgentDispatchRequest& request);
  // Its jobs are ended and their agents removed in the time that follows. kNotFound "dispatch ID not found".
  base::Result<livekit::AgentDispatch> Delete(base::Now now,
                                              const livekit::DeleteAgentDispatchRequest& request);
  // Without a dispatch_id all of the room. kUnavailable without such a room, as LiveKit answers.
  base::Result<livekit::ListAgentDispatchResponse> List(
      const livekit::ListAgentDispatchRequest& request) const;

  base::Timestamp NextTimeout() const;
  void OnTimeout(base::Now now);

  size_t rooms() const { return rooms_.size(); }
  size_t jobs() const { return homes_.size(); }  // Launching and running.
  const Counters& counters() const { return counters_; }

  // AgentPool::Observer
  void OnLaunched(base::Now now, const std::string& job_id,
                  const base::Result<livekit::JobState>& state) override;
  void OnJobUpdate(base::Now now, const livekit::UpdateJobStatus& update) override;

 private:
  struct Job {
    livekit::Job job;
    bool launching = true;  // Not in the dispatch's state yet.
    bool ended = false;
  };
  struct Dispatch {
    livekit::AgentDispatch info;  // Without jobs.
    std::deque<Job> jobs;
    bool deleted = false;  // Waits for launches to end.
  };
  struct Member {
    livekit::ParticipantInfo info;
    bool dependent = false;
    bool published = false;
  };
  struct Room {
    livekit::Room info;
    std::map<std::string, Dispatch> dispatches;  // By id.
    std::vector<std::string> order;              // Of dispatches, as created.
    std::map<std::string, Member> members;       // By identity.
  };
  struct Home {  // Of a job that has not ended.
    std::string room;
    std::string dispatch;
  };

  void OnRoomStarted(base::Now now, const AgentRoomEvent& event);
  void OnRoomFinished(const AgentRoomEvent& event);
  void OnJoined(base::Now now, Room& room, const AgentRoomEvent& event);
  void OnLeft(base::Now now, Room& room, const AgentRoomEvent& event);
  void OnPublished(base::Now now, Room& room, const AgentRoomEvent& event);

  Dispatch* Add(base::Now now, Room& room, livekit::AgentDispatch info);
  Dispatch* FindDispatch(const std::string& room, const std::string& dispatch_id);
  void LaunchForAll(base::Now now, Room& room, livekit::JobType type, const livekit::ParticipantInfo& info);
  void Launch(base::Now now, const Room& room, Dispatch& dispatch, livekit::JobType type,
              const livekit::ParticipantInfo* participant);
  bool MakeRoomForJob(Dispatch& dispatch);
  // Nullptrs for a job that is unknown or over.
  struct Found {
    Room* room = nullptr;
    Dispatch* dispatch = nullptr;
    Job* job = nullptr;
  };
  Found Find(const std::string& job_id);
  void EndJob(base::Now now, Job& job, livekit::JobStatus status);
  void EndOfDispatch(base::Now now, Room& room, Dispatch& dispatch);
  livekit::AgentDispatch View(const Dispatch& dispatch) const;

  const Config config_;
  AgentPool& pool_;
  Actions& actions_;
  const MakeId make_id_;
  base::Logger log_;
  std::map<std::string, Room> rooms_;  // By name.
  std::map<std::string, Home> homes_;  // By job id.
  // Agents that have to be gone by then: room and identity.
  std::map<std::pair<std::string, std::string>, base::Timestamp> removals_;
  Counters counters_;
};

}  // namespace weir::service
