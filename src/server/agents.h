// Agents: the workers' WebSockets on /agent, the dispatch API, and what rooms tell of themselves, brought to
// the engines that decide (service/agent_pool.h, service/agent_dispatcher.h).
//
// Front thread only; answers of rooms come back to it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"
#include "config/config.h"
#include "front/server.h"
#include "io/system_random.h"
#include "rtc/room_event.h"
#include "server/failure_gate.h"
#include "server/room_api.h"
#include "service/agent_dispatch_service.h"
#include "service/agent_dispatcher.h"
#include "service/agent_pool.h"

namespace weir::server {

class Agents final : public service::AgentDispatchApi, private service::AgentDispatcher::Actions {
 public:
  // `config`, `rooms` and `gate` outlive it.
  Agents(const config::Config& config, RoomApi& rooms, FailureGate& gate, const rtc::Settings& settings,
         const base::Logger& log);

  void SetFront(front::Server& front) { front_ = &front; }

  static bool IsWorkerPath(std::string_view path) { return path == "/agent" || path == "/agent/"; }
  // 401 unless the token has the agent grant.
  void OnUpgrade(const std::shared_ptr<front::Upgrade>& upgrade);
  void OnRoomEvent(const rtc::RoomEvent& event);
  const service::AgentPool& pool() const { return pool_; }
  const service::AgentDispatcher& dispatcher() const { return dispatcher_; }

  // service::AgentDispatchApi. A dispatch may create its room, as a join may.
  void CreateDispatch(livekit::CreateAgentDispatchRequest request,
                      service::Done<livekit::AgentDispatch> done) override;
  void DeleteDispatch(livekit::DeleteAgentDispatchRequest request,
                      service::Done<livekit::AgentDispatch> done) override;
  void ListDispatch(livekit::ListAgentDispatchRequest request,
                    service::Done<livekit::ListAgentDispatchResponse> done) override;

 private:
  // service::AgentDispatcher::Actions
  void RemoveParticipant(const std::string& room, const std::string& identity) override;

  service::MakeId MakeIds();
  void OnOpen(const std::string& api_key, const std::shared_ptr<front::WebSocket>& socket);
  // After everything that may have changed the engines' next deadline.
  void Rearm();
  void OnTimer(base::Timestamp armed);

  const config::Config& config_;
  RoomApi& rooms_;
  FailureGate& gate_;
  base::Logger log_;
  front::Server* front_ = nullptr;
  io::SystemRandom random_;
  service::AgentPool pool_;
  service::AgentDispatcher dispatcher_;
  base::Timestamp armed_ = base::Timestamp::Infinity();  // The earliest timer that runs.
};

}  // namespace weir::server
