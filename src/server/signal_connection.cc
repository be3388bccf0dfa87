#include "server/signal_connection.h"

#include <utility>

namespace weir::server {

using base::Now;

SignalConnection::SignalConnection(front::Server& front, Worker& worker,
                                   std::shared_ptr<front::Upgrade> upgrade, rtc::RoomName room,
                                   rtc::Identity identity, SignalStats& stats, base::Logger log)
    : front_(front),
      worker_(worker),
      room_(std::move(room)),
      identity_(std::move(identity)),
      stats_(stats),
      log_(std::move(log)),
      upgrade_(std::move(upgrade)) {}

// ---- On the worker.

void SignalConnection::Send(const livekit::SignalResponse& message) {
  front_.Post([self = shared_from_this(), frame = signal::EncodeMessage(message, output_)]() mutable {
    self->Write(std::move(frame));
  });
}

void SignalConnection::Close(uint16_t code) {
  front_.Post([self = shared_from_this(), code] { self->CloseNow(code); });
}

void SignalConnection::Reject(int status, const std::string& body) {
  front_.Post([self = shared_from_this(), status, body] {
    if (const auto upgrade = std::exchange(self->upgrade_, nullptr)) {
      upgrade->Reject({.status = status, .body = body});
      self->ended_ = true;
      ++self->stats_.rejected;
    } else {
      self->CloseNow(rtc::kCloseReconnect);
    }
  });
}

// ---- On the front.

void SignalConnection::Write(signal::Frame frame) {
  if (ended_ || close_code_) {
    return;
  }
  ++stats_.responses;
  if (socket_) {
    socket_->Send(std::move(frame.bytes), frame.type == signal::FrameType::kBinary);
    return;
  }
  waiting_.push_back(std::move(frame));
  AcceptUpgrade();
}

void SignalConnection::AcceptUpgrade() {
  if (const auto upgrade = std::exchange(upgrade_, nullptr)) {
    // Should the client be gone before the 101 is written, the callback is destroyed unused, and its guard
    // tells the session.
    auto guard = std::shared_ptr<void>(nullptr, [weak = weak_from_this()](void*) {
      if (const auto self = weak.lock(); self && !self->socket_) {
        ++self->stats_.lost;
        self->OnClosed(front::kAbnormal);
      }
    });
    upgrade->Accept([self = shared_from_this(), guard](std::shared_ptr<front::WebSocket> socket) {
      self->OnOpen(std::move(socket));
    });
  }
}

void SignalConnection::OnOpen(std::shared_ptr<front::WebSocket> socket) {
  ++stats_.connected;
  socket_ = std::move(socket);
  socket_->SetHandlers(
      [self = shared_from_this()](bool binary, std::string bytes) { self->OnMessage(binary, bytes); },
      [self = shared_from_this()](uint16_t code) { self->OnClosed(code); });
  for (signal::Frame& frame : std::exchange(waiting_, {})) {
    socket_->Send(std::move(frame.bytes), frame.type == signal::FrameType::kBinary);
  }
  if (close_code_) {
    socket_->Close(*close_code_, "");
  }
}

void SignalConnection::CloseNow(uint16_t code) {
  if (ended_ || close_code_) {
    return;
  }
  close_code_ = code;
  if (socket_) {
    socket_->Close(code, "");
  } else if (waiting_.empty() && upgrade_) {
    std::exchange(upgrade_, nullptr)->Reject({.status = 503, .body = "session ended"});
    ended_ = true;
    ++stats_.rejected;
  }
}

void SignalConnection::OnMessage(bool binary, const std::string& bytes) {
  auto request = codec_.Decode(binary ? signal::FrameType::kBinary : signal::FrameType::kText, bytes);
  output_ = codec_.output();
  const auto self = shared_from_this();
  bool posted = false;
  ++(request ? stats_.requests : stats_.requests_malformed);
  if (request) {
    posted = worker_.Post([self, message = std::move(*request)](Now now, rtc::RoomManager& rooms) {
      rooms.OnSignal(now, self->room_, self->identity_, self.get(), message);
    });
  } else {
    posted = worker_.Post([self, error = request.error().message](Now now, rtc::RoomManager& rooms) {
      rooms.OnBadSignal(now, self->room_, self->identity_, self.get(), error);
    });
  }
  if (!posted) {
    // Order matters in signalling: a lost request would leave the two sides in different states.
    ++stats_.requests_dropped;
    log_.Warn("worker does not keep up, signal connection closed");
    CloseNow(rtc::kCloseReconnect);
  }
}

void SignalConnection::OnClosed(uint16_t) {
  if (std::exchange(ended_, true)) {
    return;
  }
  socket_.reset();
  const auto self = shared_from_this();
  worker_.Post([self](Now now, rtc::RoomManager& rooms) {
    rooms.OnSignalClosed(now, self->room_, self->identity_, self.get());
  });
}

}  // namespace weir::server
