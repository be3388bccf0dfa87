#include "io/tcp_listener.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "io/clock.h"
#include "io/socket_address.h"

namespace weir::io {
namespace {

constexpr int kMaxAcceptsPerTurn = 64;
constexpr base::TimeDelta kPause = base::TimeDelta::Millis(100);

// The connection is gone, the next one is fine.
bool ConcernsOneConnection(int error) {
  return error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM;
}

}  // namespace

base::Result<std::unique_ptr<TcpListener>> TcpListener::Listen(EventLoop& loop,
                                                               const net::SocketAddress& address,
                                                               const Config& config,
                                                               OnFirstFrame on_first_frame) {
  UniqueFd fd = TRY(BoundSocket(SOCK_STREAM, address, config.reuse_port));
  if (listen(fd.get(), config.backlog) != 0) {
    return base::Fail(base::ErrorCode::kUnavailable, Failure("listen on", address, errno));
  }
  const net::SocketAddress bound = LocalAddressOf(fd.get());
  return std::unique_ptr<TcpListener>(
      new TcpListener(loop, std::move(fd), bound, config, std::move(on_first_frame)));
}

TcpListener::TcpListener(EventLoop& loop, UniqueFd fd, const net::SocketAddress& address,
                         const Config& config, OnFirstFrame on_first_frame)
    : loop_(loop),
      fd_(std::move(fd)),
      address_(address),
      config_(config),
      on_first_frame_(std::move(on_first_frame)) {
  loop_.Add(fd_.get(), EPOLLIN, [this](uint32_t) { Accept(); });
}

TcpListener::~TcpListener() {
  loop_.Remove(fd_.get());
  for (const auto& [id, waiting] : waiting_) {
    loop_.Remove(waiting.fd.get());
  }
}

void TcpListener::Accept() {
  for (int i = 0; i < kMaxAcceptsPerTurn; ++i) {
    KernelAddress remote{};
    socklen_t size = sizeof remote;
    UniqueFd fd(accept4(fd_.get(), &remote.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      Admit(std::move(fd), FromKernel(remote));
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    }
    if (!ConcernsOneConnection(errno)) {
      // The connection stays in the backlog, so the loop would spin until there are descriptors again.
      ++counters_.accept_errors;
      loop_.Modify(fd_.get(), 0);
      resume_at_ = MonotonicNow() + kPause;
      return;
    }
  }
}

bool TcpListener::HasRoom(const net::IpAddress& source) const {
  const auto from_source = waiting_by_source_.find(source);
  return waiting_.size() < config_.max_waiting &&
         (from_source == waiting_by_source_.end() || from_source->second < config_.max_waiting_per_source);
}

void TcpListener::Admit(UniqueFd fd, const net::SocketAddress& remote) {
  if (!HasRoom(remote.ip)) {
    ++counters_.refused_full;
    return;
  }
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ++counters_.accepted;
  ForgetPassed();
  const Id id = next_id_++;
  const net::FiveTuple path{net::Protocol::kTcp, LocalAddressOf(fd.get()), remote};
  loop_.Add(fd.get(), EPOLLIN, [this, id](uint32_t) { OnReadable(id); });
  waiting_.emplace(id, Waiting{std::move(fd), path, {}});
  ++waiting_by_source_[remote.ip];
  deadlines_.push_back({MonotonicNow() + config_.first_frame_timeout, id});
}

void TcpListener::OnReadable(Id id) {
  Waiting& waiting = waiting_.at(id);
  std::array<uint8_t, 4096> chunk;
  const ssize_t size = recv(waiting.fd.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
    return;
  }
  if (size <= 0) {
    ++counters_.closed_early;
    Drop(id);
    return;
  }
  if (waiting.reader.Push(base::ConstBytes(chunk).first(static_cast<size_t>(size)))) {
    if (const auto frame = waiting.reader.Next()) {
      HandOver(id, *frame);
      return;
    }
  }
  if (waiting.reader.failed()) {
    ++counters_.refused_frame;
    Drop(id);
  }
}

void TcpListener::HandOver(Id id, base::ConstBytes frame) {
  Waiting& waiting = waiting_.at(id);
  AcceptedConnection connection{std::move(waiting.fd), waiting.path, {}};
  loop_.Remove(connection.fd.get());
  AppendFrame(connection.already_read, frame);
  const base::ConstBytes rest = waiting.reader.pending();
  connection.already_read.insert(connection.already_read.end(), rest.begin(), rest.end());
  Drop(id);
  const auto first = base::ConstBytes(connection.already_read).subspan(kFrameHeader, frame.size());
  if (!on_first_frame_(std::move(connection), first)) {
    ++counters_.refused_frame;
  }
}

void TcpListener::Drop(Id id) {
  const auto found = waiting_.find(id);
  if (found->second.fd) {
    loop_.Remove(found->second.fd.get());
  }
  const auto source = waiting_by_source_.find(found->second.path.remote.ip);
  if (--source->second == 0) {
    waiting_by_source_.erase(source);
  }
  waiting_.erase(found);
}

// Keeps the deadlines of connections that have gone on from piling up.
void TcpListener::ForgetPassed() {
  while (!deadlines_.empty() && !waiting_.contains(deadlines_.front().id)) {
    deadlines_.pop_front();
  }
  if (deadlines_.size() > 2 * config_.max_waiting) {
    std::erase_if(deadlines_, [this](const Deadline& deadline) { return !waiting_.contains(deadline.id); });
  }
}

base::Timestamp TcpListener::NextTimeout() const {
  return std::min(resume_at_, deadlines_.empty() ? base::Timestamp::Infinity() : deadlines_.front().at);
}

void TcpListener::OnTimeout(base::Timestamp now) {
  while (!deadlines_.empty() && deadlines_.front().at <= now) {
    if (waiting_.contains(deadlines_.front().id)) {
      ++counters_.timed_out;
      Drop(deadlines_.front().id);
    }
    deadlines_.pop_front();
  }
  if (now >= resume_at_) {
    resume_at_ = base::Timestamp::Infinity();
    loop_.Modify(fd_.get(), EPOLLIN);
  }
}

}  // namespace weir::io
