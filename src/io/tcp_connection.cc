#include "io/tcp_connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace weir::io {

TcpConnection::TcpConnection(EventLoop& loop, AcceptedConnection accepted, const Config& config,
                             OnFrame on_frame, OnClosed on_closed)
    : loop_(loop),
      fd_(std::move(accepted.fd)),
      path_(accepted.path),
      config_(config),
      on_frame_(std::move(on_frame)),
      on_closed_(std::move(on_closed)) {
  // More than the reader holds would mean that it was not a reader of ours that collected it; Start ends it
  // then.
  broken_ = !reader_.Push(accepted.already_read);
}

TcpConnection::~TcpConnection() {
  *alive_ = false;
  if (fd_) {
    loop_.Remove(fd_.get());
  }
}

void TcpConnection::Start() {
  loop_.Add(fd_.get(), EPOLLIN, [this](uint32_t events) { OnEvents(events); });
  if (broken_) {
    End();
    return;
  }
  DeliverFrames();
}

void TcpConnection::OnEvents(uint32_t events) {
  if (broken_) {
    End();
    return;
  }
  if ((events & EPOLLOUT) != 0 && !Write()) {
    End();
    return;
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    Read();
  }
}

bool TcpConnection::Read() {
  std::array<uint8_t, 16'384> chunk;
  for (size_t total = 0; total < config_.max_read_per_turn;) {
    const ssize_t size = recv(fd_.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
      return true;
    }
    if (size <= 0 || !reader_.Push(base::ConstBytes(chunk).first(static_cast<size_t>(size)))) {
      End();
      return false;
    }
    if (!DeliverFrames()) {
      return false;
    }
    total += static_cast<size_t>(size);
  }
  return true;
}

bool TcpConnection::DeliverFrames() {
  // Copies, since the callback may destroy this.
  const std::shared_ptr<bool> alive = alive_;
  const OnFrame on_frame = on_frame_;
  const net::FiveTuple path = path_;
  while (const auto frame = reader_.Next()) {
    ++counters_.frames_received;
    on_frame(path, *frame);
    if (!*alive) {
      return false;
    }
  }
  if (reader_.failed()) {
    End();
    return false;
  }
  return true;
}

bool TcpConnection::Send(base::ConstBytes packet) {
  if (broken_ || !fd_ || queued() + kFrameHeader + packet.size() > config_.max_queued ||
      !AppendFrame(out_, packet)) {
    ++counters_.frames_dropped;
    return false;
  }
  ++counters_.frames_sent;
  if (!watching_writable_ && !Write()) {
    // The owner is not called back out of its own call: the socket's next event tells it.
    broken_ = true;
    return false;
  }
  return true;
}

bool TcpConnection::Write() {
  while (queued() > 0) {
    const ssize_t size = send(fd_.get(), out_.data() + out_sent_, queued(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
      return false;
    }
    if (size < 0) {
      break;
    }
    out_sent_ += static_cast<size_t>(size);
  }
  if (queued() == 0) {
    out_.clear();
    out_sent_ = 0;
  } else if (out_sent_ > config_.max_queued) {
    out_.erase(out_.begin(), out_.begin() + static_cast<ptrdiff_t>(out_sent_));
    out_sent_ = 0;
  }
  if (const bool watch = queued() > 0; watch != watching_writable_) {
    watching_writable_ = watch;
    loop_.Modify(fd_.get(), EPOLLIN | (watch ? EPOLLOUT : 0u));
  }
  return true;
}

void TcpConnection::End() {
  loop_.Remove(fd_.get());
  fd_ = UniqueFd();
  const OnClosed on_closed = on_closed_;  // It may destroy this.
  const net::FiveTuple path = path_;
  on_closed(path);
}

}  // namespace weir::io
