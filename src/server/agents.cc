#include "server/agents.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "auth/permissions.h"
#include "io/clock.h"
#include "rtc/ids.h"
#include "rtc/server_info.h"
#include "server/access.h"

namespace weir::server {
namespace {

using base::Result;
using base::TimeDelta;
using base::Timestamp;

service::AgentPool::Config PoolConfig(const config::Config& config, const rtc::Settings& settings) {
  service::AgentPool::Config pool;
  pool.target_load = static_cast<float>(config.agents.target_load);
  pool.worker.max_message = static_cast<size_t>(config.limit.agent_signal_message_size_limit);
  pool.worker.server_info = rtc::MakeServerInfo(settings);
  return pool;
}

service::AgentDispatcher::Config DispatcherConfig(const config::Config& config) {
  service::AgentDispatcher::Config dispatcher;
  dispatcher.enable_recording = config.agents.enable_user_data_recording;
  dispatcher.enable_redaction = config.agents.enable_user_data_redaction;
  return dispatcher;
}

// Absent: nothing to the dispatcher.
std::optional<service::AgentRoomEvent::Kind> KindFor(rtc::RoomEvent::Kind kind) {
  using From = rtc::RoomEvent::Kind;
  using To = service::AgentRoomEvent::Kind;
  switch (kind) {
    case From::kRoomStarted:
      return To::kRoomStarted;
    case From::kRoomFinished:
      return To::kRoomFinished;
    case From::kParticipantJoined:
      return To::kParticipantJoined;
    case From::kParticipantActive:
      return To::kParticipantActive;
    case From::kParticipantLeft:
      return To::kParticipantLeft;
    case From::kTrackPublished:
      return To::kTrackPublished;
    case From::kTrackUnpublished:
      return std::nullopt;
  }
  return std::nullopt;
}

class Socket final : public service::AgentSink {
 public:
  explicit Socket(std::shared_ptr<front::WebSocket> socket) : socket_(std::move(socket)) {}
  void Send(std::string frame, bool binary) override { socket_->Send(std::move(frame), binary); }
  void Close(uint16_t code, const std::string& reason) override { socket_->Close(code, reason); }

 private:
  const std::shared_ptr<front::WebSocket> socket_;
};

}  // namespace

Agents::Agents(const config::Config& config, RoomApi& rooms, FailureGate& gate, const rtc::Settings& settings,
               const base::Logger& log)
    : config_(config),
      rooms_(rooms),
      gate_(gate),
      log_(log),
      pool_(PoolConfig(config, settings), config.keys, random_, MakeIds(), log),
      dispatcher_(DispatcherConfig(config), pool_, *this, MakeIds(), log) {}

service::MakeId Agents::MakeIds() {
  return [this](std::string_view prefix) { return rtc::MakeSid(prefix, random_); };
}

// ---- Workers.

void Agents::OnUpgrade(const std::shared_ptr<front::Upgrade>& upgrade) {
  const base::Now now = io::ReadClock();
  Access access = CheckAccess(upgrade->request(), config_.keys, now.wall);
  if (access.refusal) {
    gate_.OnFailure(now.mono, upgrade->request().remote.ip);
    upgrade->Reject(std::move(*access.refusal));
    return;
  }
  if (const auto allowed = auth::CheckAgentWorker(access.claims ? &*access.claims : nullptr); !allowed) {
    gate_.OnFailure(now.mono, upgrade->request().remote.ip);
    upgrade->Reject({.status = 401, .body = allowed.error().message});
    return;
  }
  upgrade->Accept([this, api_key = access.claims->issuer](const std::shared_ptr<front::WebSocket>& socket) {
    OnOpen(api_key, socket);
  });
}

void Agents::OnOpen(const std::string& api_key, const std::shared_ptr<front::WebSocket>& socket) {
  const auto connection = pool_.Connect(io::ReadClock(), api_key, std::make_unique<Socket>(socket));
  if (!connection) {
    log_.Warn("agent worker refused", {{"reason", connection.error().message}});
    socket->SetHandlers([](bool, const std::string&) {}, [](uint16_t) {});
    socket->Close(front::kTryAgainLater, connection.error().message);
    return;
  }
  socket->LimitMessages(static_cast<size_t>(config_.limit.agent_signal_message_size_limit));
  socket->SetHandlers(
      [this, id = *connection](bool binary, const std::string& frame) {
        pool_.OnFrame(io::ReadClock(), id, binary, frame);
        Rearm();
      },
      [this, id = *connection](uint16_t) {
        pool_.OnClosed(io::ReadClock(), id);
        Rearm();
      });
  Rearm();
}

// ---- Rooms.

void Agents::OnRoomEvent(const rtc::RoomEvent& event) {
  if (const auto kind = KindFor(event.kind)) {
    dispatcher_.OnRoomEvent(io::ReadClock(),
                            {*kind, event.room, event.participant, event.dependent, event.agents});
    Rearm();
  }
}

void Agents::RemoveParticipant(const std::string& room, const std::string& identity) {
  livekit::RoomParticipantIdentity request;
  request.set_room(room);
  request.set_identity(identity);
  rooms_.RemoveParticipant(std::move(request), [](const Result<livekit::RemoveParticipantResponse>&) {});
}

// ---- The API.

void Agents::CreateDispatch(livekit::CreateAgentDispatchRequest request,
                            service::Done<livekit::AgentDispatch> done) {
  if (!config_.room.auto_create) {
    done(dispatcher_.Create(io::ReadClock(), request));
    Rearm();
    return;
  }
  livekit::CreateRoomRequest room;
  room.set_name(request.room());
  // The worker has posted the new room's event before it answers, so the dispatcher knows the room by then.
  rooms_.CreateRoom(std::move(room), [this, request = std::move(request),
                                      done = std::move(done)](Result<livekit::Room> created) {
    front_->Post([this, request, done, created = std::move(created)] {
      if (!created) {
        done(std::unexpected(created.error()));
        return;
      }
      done(dispatcher_.Create(io::ReadClock(), request));
      Rearm();
    });
  });
}

void Agents::DeleteDispatch(livekit::DeleteAgentDispatchRequest request,
                            service::Done<livekit::AgentDispatch> done) {
  done(dispatcher_.Delete(io::ReadClock(), request));
  Rearm();
}

void Agents::ListDispatch(livekit::ListAgentDispatchRequest request,
                          service::Done<livekit::ListAgentDispatchResponse> done) {
  done(dispatcher_.List(request));
}

// ---- Time.

void Agents::Rearm() {
  const Timestamp next = std::min(pool_.NextTimeout(), dispatcher_.NextTimeout());
  if (next >= armed_) {
    return;
  }
  armed_ = next;
  const TimeDelta delay = std::max(TimeDelta(), next - io::MonotonicNow());
  front_->After(delay, [this, next] { OnTimer(next); });
}

void Agents::OnTimer(Timestamp armed) {
  if (armed_ == armed) {
    armed_ = Timestamp::Infinity();
  }
  const base::Now now = io::ReadClock();
  pool_.OnTimeout(now);
  dispatcher_.OnTimeout(now);
  Rearm();
}

}  // namespace weir::server
