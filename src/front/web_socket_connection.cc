// One WebSocket over Beast: a queue of messages to write, a loop that reads, pings and a close that flushes.

#include <atomic>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <optional>

#include "front/core.h"

namespace weir::front {
namespace {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

class WebSocketConnection;

// What any thread holds. Counts what is queued, so that a sender sees the bound at once and not when the
// front thread gets there.
class WebSocketHandle final : public WebSocket {
 public:
  WebSocketHandle(std::shared_ptr<Core> core, std::weak_ptr<WebSocketConnection> connection,
                  std::shared_ptr<std::atomic<size_t>> queued, net::SocketAddress remote)
      : core_(std::move(core)),
        connection_(std::move(connection)),
        queued_(std::move(queued)),
        remote_(remote) {}

  void SetHandlers(OnMessage on_message, OnClosed on_closed) override;
  void LimitMessages(size_t max_message) override;
  void Send(std::string message, bool binary) override;
  void Close(uint16_t code, std::string reason) override;
  void Abort() override;
  net::SocketAddress remote() const override { return remote_; }
  size_t queued_bytes() const override { return *queued_; }

 private:
  template <typename Work>
  void Post(Work work);

  const std::shared_ptr<Core> core_;
  const std::weak_ptr<WebSocketConnection> connection_;
  const std::shared_ptr<std::atomic<size_t>> queued_;
  const net::SocketAddress remote_;
  std::atomic<bool> overflowed_ = false;
};

class WebSocketConnection final : public Connection,
                                  public std::enable_shared_from_this<WebSocketConnection> {
 public:
  WebSocketConnection(std::shared_ptr<Core> core, ConnectionId id, std::unique_ptr<Stream> stream)
      : core_(std::move(core)), id_(id), remote_(stream->remote()), ws_(std::move(stream)) {}

  void Start(const HttpRequest& request, std::function<void(std::shared_ptr<WebSocket>)> on_open);

  void SetHandlers(WebSocket::OnMessage on_message, WebSocket::OnClosed on_closed);
  void LimitMessages(size_t max_message) { ws_.read_message_max(max_message); }
  void Enqueue(std::string message, bool binary);
  void Close(uint16_t code, std::string reason);
  void Overflow();

  void OnTick(base::Timestamp now) override;
  void EndGracefully() override { Close(kGoingAway, "server is shutting down"); }
  void Drop() override { ws_.next_layer().stream().Close(); }

 private:
  struct Outgoing {
    std::string bytes;
    bool binary;
  };
  enum class State { kOpening, kOpen, kFlushing, kClosing, kEnded };

  void Configure();
  void OnAccepted(ErrorCode error);
  void Read();
  void OnRead(ErrorCode error);
  void Write();
  void OnWritten(ErrorCode error);
  void SendClose();
  void End(uint16_t code);
  void DropQueue();
  uint16_t PeersCode(ErrorCode error) const;

  const WebSocketConfig& config() const { return core_->config().web_socket; }

  const std::shared_ptr<Core> core_;
  const ConnectionId id_;
  const net::SocketAddress remote_;
  websocket::stream<ErasedStream> ws_;
  std::function<void(std::shared_ptr<WebSocket>)> on_open_;
  WebSocket::OnMessage on_message_;
  WebSocket::OnClosed on_closed_;
  beast::flat_buffer input_;
  std::deque<Outgoing> queue_;
  std::shared_ptr<std::atomic<size_t>> queued_ = std::make_shared<std::atomic<size_t>>(0);
  State state_ = State::kOpening;
  bool reading_ = false;
  bool writing_ = false;
  bool pinging_ = false;
  websocket::close_reason close_reason_;
  base::Timestamp next_ping_ = base::Timestamp::Infinity();
  base::Timestamp deadline_ = base::Timestamp::Infinity();
};

// ---- The handle.

template <typename Work>
void WebSocketHandle::Post(Work work) {
  core_->Post([connection = connection_, work = std::move(work)]() mutable {
    if (const auto alive = connection.lock()) {
      work(*alive);
    }
  });
}

void WebSocketHandle::SetHandlers(OnMessage on_message, OnClosed on_closed) {
  if (const auto alive = connection_.lock()) {
    alive->SetHandlers(std::move(on_message), std::move(on_closed));
  } else if (on_closed) {
    core_->Post([on_closed = std::move(on_closed)] { on_closed(kAbnormal); });
  }
}

void WebSocketHandle::LimitMessages(size_t max_message) {
  if (const auto alive = connection_.lock()) {
    alive->LimitMessages(max_message);
  }
}

void WebSocketHandle::Send(std::string message, bool binary) {
  const size_t size = message.size();
  if (queued_->fetch_add(size) + size > core_->config().web_socket.max_queued) {
    queued_->fetch_sub(size);
    if (!overflowed_.exchange(true)) {
      Post([](WebSocketConnection& connection) { connection.Overflow(); });
    }
    return;
  }
  Post([message = std::move(message), binary](WebSocketConnection& connection) mutable {
    connection.Enqueue(std::move(message), binary);
  });
}

void WebSocketHandle::Close(uint16_t code, std::string reason) {
  Post([code, reason = std::move(reason)](WebSocketConnection& connection) mutable {
    connection.Close(code, std::move(reason));
  });
}

void WebSocketHandle::Abort() {
  Post([](WebSocketConnection& connection) { connection.Drop(); });
}

// ---- Opening.

void WebSocketConnection::Configure() {
  ws_.read_message_max(config().max_message);
  ws_.auto_fragment(false);
  websocket::permessage_deflate deflate;
  deflate.server_enable = config().deflate;
  deflate.server_max_window_bits = 12;  // 24 kB a connection for the compressor instead of 136.
  deflate.compLevel = 4;
  deflate.memLevel = 4;
  deflate.msg_size_threshold = 256;  // A ping or a mute gains nothing.
  ws_.set_option(deflate);
  // Beast would name itself and its version.
  ws_.set_option(websocket::stream_base::decorator(
      [](websocket::response_type& response) { response.set(beast::http::field::server, "weir"); }));
}

void WebSocketConnection::Start(const HttpRequest& request,
                                std::function<void(std::shared_ptr<WebSocket>)> on_open) {
  on_open_ = std::move(on_open);
  Configure();
  deadline_ = Core::Now() + core_->config().write_timeout;
  beast::http::request<beast::http::empty_body> upgrade(beast::http::verb::get, "/", 11);
  for (const auto& [name, value] : request.headers) {
    upgrade.insert(name, value);
  }
  // Beast copies what it needs of the request before it returns.
  ws_.async_accept(upgrade, [self = shared_from_this()](ErrorCode error) { self->OnAccepted(error); });
}

void WebSocketConnection::OnAccepted(ErrorCode error) {
  const auto on_open = std::exchange(on_open_, nullptr);
  if (error || state_ != State::kOpening) {
    return End(kAbnormal);
  }
  state_ = State::kOpen;
  ++core_->counters().web_sockets_opened;
  next_ping_ = Core::Now() + config().ping_interval;
  deadline_ = base::Timestamp::Infinity();
  if (core_->stopping()) {
    EndGracefully();
  }
  on_open(std::make_shared<WebSocketHandle>(core_, weak_from_this(), queued_, remote_));
}

void WebSocketConnection::SetHandlers(WebSocket::OnMessage on_message, WebSocket::OnClosed on_closed) {
  on_message_ = std::move(on_message);
  on_closed_ = std::move(on_closed);
  if (!reading_ && state_ != State::kEnded) {
    Read();
  }
}

// ---- Reading.

void WebSocketConnection::Read() {
  reading_ = true;
  ws_.async_read(input_, [self = shared_from_this()](ErrorCode error, size_t) { self->OnRead(error); });
}

void WebSocketConnection::OnRead(ErrorCode error) {
  reading_ = false;
  if (error) {
    // While we close, async_close owns the end of the input.
    return state_ == State::kClosing && error != websocket::error::closed ? void() : End(PeersCode(error));
  }
  std::string message = beast::buffers_to_string(input_.data());
  input_.consume(input_.size());
  constexpr size_t kKeptCapacity = 64 << 10;
  if (input_.capacity() > kKeptCapacity) {
    input_ = beast::flat_buffer();  // One large message must not keep its memory for hours.
  }
  if (state_ == State::kOpen) {
    const auto on_message = on_message_;  // It may replace itself.
    on_message(ws_.got_binary(), std::move(message));
  }
  // async_close reads the rest by itself.
  if (state_ == State::kOpen || state_ == State::kFlushing) {
    Read();
  }
}

uint16_t WebSocketConnection::PeersCode(ErrorCode error) const {
  if (error == websocket::error::closed) {
    return ws_.reason().code == websocket::close_code::none ? uint16_t{kNoCloseCode} : ws_.reason().code;
  }
  // Beast has sent the close frame for these.
  if (error == websocket::error::message_too_big || error == websocket::error::buffer_overflow) {
    return kMessageTooBig;
  }
  if (error.category() == websocket::make_error_code(websocket::error::closed).category()) {
    return kProtocolError;
  }
  return kAbnormal;
}

// ---- Writing.

void WebSocketConnection::Enqueue(std::string message, bool binary) {
  if (state_ != State::kOpen) {
    queued_->fetch_sub(message.size());
    return;
  }
  queue_.push_back({std::move(message), binary});
  if (!writing_) {
    Write();
  }
}

void WebSocketConnection::Write() {
  writing_ = true;
  ws_.binary(queue_.front().binary);
  ws_.async_write(asio::buffer(queue_.front().bytes),
                  [self = shared_from_this()](ErrorCode error, size_t) { self->OnWritten(error); });
}

void WebSocketConnection::OnWritten(ErrorCode error) {
  writing_ = false;
  if (state_ == State::kEnded || queue_.empty()) {
    return;
  }
  queued_->fetch_sub(queue_.front().bytes.size());
  queue_.pop_front();
  if (error) {
    // The reader learns the reason, unless nobody reads yet.
    return reading_ || state_ == State::kClosing ? void() : End(kAbnormal);
  }
  if (!queue_.empty()) {
    Write();
  } else if (state_ == State::kFlushing) {
    SendClose();
  }
}

// ---- Ending.

void WebSocketConnection::Close(uint16_t code, std::string reason) {
  if (state_ == State::kOpening) {
    return Drop();
  }
  if (state_ != State::kOpen) {
    return;
  }
  state_ = State::kFlushing;
  constexpr size_t kMaxReason = 123;  // RFC 6455 section 5.5.
  reason.resize(std::min(reason.size(), kMaxReason));
  close_reason_ = websocket::close_reason(static_cast<websocket::close_code>(code), reason);
  deadline_ = Core::Now() + config().close_timeout;
  if (!writing_) {
    SendClose();
  }
}

void WebSocketConnection::Overflow() {
  ++core_->counters().web_sockets_overflowed;
  if (state_ != State::kOpen && state_ != State::kFlushing) {
    return;
  }
  core_->log().Warn("web socket does not read, closing", {{"remote", remote_.ToString()}});
  // What is being written stays; nothing of the rest would arrive in time.
  while (queue_.size() > 1) {
    queued_->fetch_sub(queue_.back().bytes.size());
    queue_.pop_back();
  }
  Close(kTryAgainLater, "too much queued");
}

// Beside a read in flight, which then ends with error::closed. Never by cancelling that read: the client
// would see 1006.
void WebSocketConnection::SendClose() {
  state_ = State::kClosing;
  ws_.async_close(close_reason_,
                  [self = shared_from_this()](ErrorCode) { self->End(self->close_reason_.code); });
}

void WebSocketConnection::End(uint16_t code) {
  if (state_ == State::kEnded) {
    return;
  }
  const bool ours = state_ == State::kFlushing || state_ == State::kClosing;
  state_ = State::kEnded;
  deadline_ = base::Timestamp::Infinity();
  next_ping_ = base::Timestamp::Infinity();
  DropQueue();
  Drop();
  core_->Remove(id_);
  on_message_ = nullptr;
  if (const auto on_closed = std::exchange(on_closed_, nullptr)) {
    on_closed(ours ? close_reason_.code : code);
  }
}

// The front one may be in the hands of a write that has not completed.
void WebSocketConnection::DropQueue() {
  while (queue_.size() > (writing_ ? 1 : 0)) {
    queued_->fetch_sub(queue_.back().bytes.size());
    queue_.pop_back();
  }
}

void WebSocketConnection::OnTick(base::Timestamp now) {
  if (now >= deadline_) {
    ++core_->counters().timeouts;
    deadline_ = base::Timestamp::Infinity();
    Drop();
    return;
  }
  if (now < next_ping_) {
    return;
  }
  next_ping_ = now + config().ping_interval;
  if (state_ == State::kOpen && !pinging_) {
    pinging_ = true;
    ws_.async_ping({}, [self = shared_from_this()](ErrorCode) { self->pinging_ = false; });
  }
}

}  // namespace

void StartWebSocket(std::shared_ptr<Core> core, ConnectionId id, std::unique_ptr<Stream> stream,
                    const HttpRequest& request, std::function<void(std::shared_ptr<WebSocket>)> on_open) {
  const auto connection = std::make_shared<WebSocketConnection>(core, id, std::move(stream));
  connection->Start(request, std::move(on_open));
  core->Replace(id, connection);
}

}  // namespace weir::front
