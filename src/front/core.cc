#include "front/core.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>

namespace weir::front {
namespace {

// How late a time-out may be noticed. One sweep over all connections instead of a timer each.
constexpr auto kTick = std::chrono::milliseconds(100);

}  // namespace

Core::Core(Server::Config config, Server::OnRequest on_request, Server::OnUpgrade on_upgrade,
           base::Logger log)
    : config_(std::move(config)),
      on_request_(std::move(on_request)),
      on_upgrade_(std::move(on_upgrade)),
      log_(std::move(log)),
      tick_(io_.get_executor()) {}

base::Timestamp Core::Now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return base::Timestamp::Micros(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

void Core::Post(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (!finished_) {
    asio::post(io_, std::move(work));
  }
}

void Core::PostAfter(base::TimeDelta delay, std::function<void()> work) {
  Post([self = shared_from_this(), delay, work = std::move(work)]() mutable {
    if (self->stopping_) {
      return;
    }
    const uint64_t id = self->next_timer_++;
    auto timer = std::make_unique<Timer>(self->io_.get_executor(), std::chrono::microseconds(delay.micros()));
    timer->async_wait([core = self.get(), id, work = std::move(work)](ErrorCode error) {
      core->timers_.erase(id);
      if (!error && !core->stopping_) {
        work();
      }
    });
    self->timers_.emplace(id, std::move(timer));
  });
}

bool Core::HasRoomFor(const net::IpAddress& ip) {
  const auto found = per_address_.find(ip);
  const size_t from_there = found == per_address_.end() ? 0 : found->second;
  if (connections_.size() < config_.max_connections && from_there < config_.max_connections_per_address) {
    return true;
  }
  ++counters_.connections_refused;
  return false;
}

ConnectionId Core::Add(const net::IpAddress& ip, std::shared_ptr<Connection> connection) {
  const ConnectionId id = ++next_id_;
  connections_.emplace(id, Entry{std::move(connection), ip});
  ++per_address_[ip];
  ++counters_.connections_accepted;
  ++counters_.connections_open;
  return id;
}

void Core::Replace(ConnectionId id, std::shared_ptr<Connection> connection) {
  if (const auto found = connections_.find(id); found != connections_.end()) {
    found->second.connection = std::move(connection);
  }
}

void Core::Remove(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) {
    return;
  }
  const auto address = per_address_.find(found->second.ip);
  if (--address->second == 0) {
    per_address_.erase(address);
  }
  connections_.erase(found);
  --counters_.connections_open;
  StopTimersIfIdle();
}

ConnectionId Core::AddOutgoing(std::shared_ptr<Connection> connection) {
  const ConnectionId id = ++next_id_;
  outgoing_.emplace(id, std::move(connection));
  return id;
}

void Core::RemoveOutgoing(ConnectionId id) {
  outgoing_.erase(id);
  StopTimersIfIdle();
}

std::vector<std::shared_ptr<Connection>> Core::Connections() const {
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(connections_.size() + outgoing_.size());
  for (const auto& [id, entry] : connections_) {
    all.push_back(entry.connection);
  }
  for (const auto& [id, connection] : outgoing_) {
    all.push_back(connection);
  }
  return all;
}

void Core::StartTicking() {
  tick_.expires_after(kTick);
  tick_.async_wait([this](ErrorCode error) {
    if (!error) {
      Tick();
    }
  });
}

void Core::Tick() {
  if (stopping_ && Idle()) {
    return;
  }
  const base::Timestamp now = Now();
  // Over a copy: a connection may remove itself.
  for (const auto& connection : Connections()) {
    if (now >= drop_at_) {
      connection->Drop();
    } else {
      connection->OnTick(now);
    }
  }
  for (Server::Background* background : backgrounds_) {
    if (now < drop_at_) {
      background->OnTick(now);
    }
  }
  StartTicking();
}

void Core::BeginStop(base::TimeDelta grace) {
  if (stopping_) {
    return;
  }
  stopping_ = true;
  drop_at_ = Now() + grace;
  for (const auto& [id, timer] : timers_) {
    timer->cancel();
  }
  for (const auto& connection : Connections()) {
    connection->EndGracefully();
  }
  StopTimersIfIdle();
}

bool Core::Idle() const {
  const bool working =
      Now() < drop_at_ && std::ranges::any_of(backgrounds_, [](const auto* work) { return work->busy(); });
  return connections_.empty() && outgoing_.empty() && !working;
}

// The tick alone would keep the io_context running.
void Core::StopTimersIfIdle() {
  if (stopping_ && Idle()) {
    tick_.cancel();
  }
}

void Core::Finish() {
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
  }
  for (const auto& connection : Connections()) {
    connection->Drop();
  }
  // Posted work holds references to this; running it is what releases them.
  io_.restart();
  io_.run();
}

}  // namespace weir::front
