#include "server/worker.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "io/clock.h"
#include "server/event_hub.h"
#include "server/ufrag_directory.h"

namespace weir::server {

using base::Now;
using base::Result;

// Batches taken from one socket in a turn: enough to drain a burst, few enough that timers and other sockets
// get their turn.
constexpr int kMaxReceiveBatches = 8;

Worker::Worker(const Config& config, const rtc::Settings& settings, const auth::KeyProvider& keys,
               const dtls::Certificate& certificate, UfragDirectory& directory, EventHub& events,
               base::Logger log)
    : config_(config),
      directory_(directory),
      events_(events),
      log_(log.With({{"worker", config.index}})),
      router_(config.router),
      mailbox_(loop_, config.mailbox_capacity),
      environment_{random_, log_,    certificate, settings, keys,    config_.candidates, pool_, timers_,
                   flush_,  router_, output_,     *this,    &census_},
      revocations_(config.revocations),
      batch_(io::UdpSocket::kMaxReceive) {}

Worker::~Worker() { Shutdown(); }

Result<std::unique_ptr<Worker>> Worker::Create(const Config& config, const rtc::Settings& settings,
                                               const auth::KeyProvider& keys,
                                               const dtls::Certificate& certificate,
                                               UfragDirectory& directory, EventHub& events,
                                               base::Logger log) {
  std::unique_ptr<Worker> worker(
      new Worker(config, settings, keys, certificate, directory, events, std::move(log)));
  TRY(worker->Bind());
  return worker;
}

Result<void> Worker::Bind() {
  io::UdpSocket* v4 = nullptr;
  io::UdpSocket* v6 = nullptr;
  for (const net::SocketAddress& address : config_.udp) {
    io::UdpSocket::Config socket;
    socket.receive_buffer = socket.send_buffer = config_.socket_buffer;
    sockets_.push_back(TRY(io::UdpSocket::Bind(address, socket)));
    (address.ip.is_v6() ? v6 : v4) = sockets_.back().get();
  }
  io::TcpConnections::Config tcp;
  tcp.max_connections = config_.max_tcp_connections;
  tcp_ = std::make_unique<io::TcpConnections>(
      loop_, tcp,
      [this](const net::FiveTuple& path, base::ConstBytes frame) {
        const Now now = io::ReadClock();
        if (base::PacketRef packet = pool_.Copy(frame, now.mono)) {
          router_.OnDatagram(now, path, std::move(packet));
        }
      },
      [this](const net::FiveTuple& path) { router_.OnPathClosed(io::ReadClock(), path); });
  output_.SetSockets(v4, v6, tcp_.get());
  rooms_ = std::make_unique<rtc::RoomManager>(environment_);
  return {};
}

Result<void> Worker::ListenTcp(const net::SocketAddress& address,
                               io::TcpListener::OnFirstFrame on_first_frame) {
  tcp_listeners_.push_back(
      TRY(io::TcpListener::Listen(loop_, address, io::TcpListener::Config(), std::move(on_first_frame))));
  return {};
}

base::Timestamp Worker::NextTimeout() const {
  base::Timestamp next = timers_.NextTimeout();
  for (const auto& listener : tcp_listeners_) {
    next = std::min(next, listener->NextTimeout());
  }
  return next;
}

void Worker::Start() {
  for (const auto& socket : sockets_) {
    loop_.Add(socket->fd(), EPOLLIN, [this, raw = socket.get()](uint32_t) { Receive(*raw); });
  }
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), ("worker-" + std::to_string(config_.index)).c_str());
}

void Worker::Run() {
  while (!stopping_) {
    const base::Timestamp deadline = NextTimeout();
    loop_.RunOnce(deadline);
    Turn(deadline);
  }
  rooms_->Shutdown(io::ReadClock());
  Turn(base::Timestamp::Infinity());
  rooms_.reset();  // On the thread that used it.
}

void Worker::Turn(base::Timestamp deadline) {
  RunTasks(io::ReadClock());
  const Now now = io::ReadClock();
  if (deadline <= now.mono) {
    timer_lateness_.Observe((now.mono - deadline).seconds());
  }
  timers_.Run(now);
  for (const auto& listener : tcp_listeners_) {
    if (listener->NextTimeout() <= now.mono) {
      listener->OnTimeout(now.mono);
    }
  }
  rooms_->EndTurn(now);
  output_.Flush();
}

void Worker::Receive(io::UdpSocket& socket) {
  for (int i = 0; i < kMaxReceiveBatches; ++i) {
    const Now now = io::ReadClock();
    const size_t count = socket.Receive(pool_, batch_, now.mono);
    for (size_t j = 0; j < count; ++j) {
      router_.OnDatagram(now, batch_[j].path, std::move(batch_[j].packet));
    }
    // What these packets lead to leaves before the next batch is read.
    flush_.Run(now);
    if (count < batch_.size()) {
      return;
    }
  }
}

void Worker::RunTasks(Now now) {
  tasks_.clear();
  mailbox_.Drain(tasks_);
  for (Task& task : tasks_) {
    task(now, *rooms_);
  }
  tasks_.clear();
}

bool Worker::Post(Task task) { return !stopping_ && mailbox_.Post(std::move(task)); }

bool Worker::Post(io::AcceptedConnection connection) {
  return Post([this, accepted = std::move(connection)](Now, rtc::RoomManager&) mutable {
    tcp_->Add(std::move(accepted));
  });
}

void Worker::Shutdown() {
  stopping_ = true;
  loop_.Wake();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Worker::OnUfragAdded(const std::string& ufrag) { directory_.Add(ufrag, config_.index); }
void Worker::OnUfragRemoved(const std::string& ufrag) { directory_.Remove(ufrag); }
void Worker::OnRoomEvent(rtc::RoomEvent event) { events_.Publish(std::move(event)); }

}  // namespace weir::server
