// One HTTP connection: reads a request, hands it to the handler, writes the answer, and again.

#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <chrono>
#include <optional>

#include "front/core.h"
#include "front/http_text.h"

namespace weir::front {
namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;

constexpr size_t kReadAhead = 64 << 10;  // Buffered beyond a header: the largest read of Beast.

class HttpConnection;

// The right to answer one request: from any thread, once. Destroyed unused, it answers 500.
class Answer {
 public:
  Answer(std::shared_ptr<Core> core, std::weak_ptr<HttpConnection> connection, uint64_t request_id)
      : core_(std::move(core)), connection_(std::move(connection)), request_id_(request_id) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() { Give({.status = 500, .body = "no answer"}); }

  void Give(HttpResponse response);
  void Upgrade(std::function<void(std::shared_ptr<WebSocket>)> on_open);

 private:
  template <typename Work>
  void PostOnce(Work work);

  const std::shared_ptr<Core> core_;
  const std::weak_ptr<HttpConnection> connection_;
  const uint64_t request_id_;
  std::atomic<bool> given_ = false;
};

class PendingUpgrade final : public Upgrade {
 public:
  PendingUpgrade(HttpRequest request, std::unique_ptr<Answer> answer)
      : request_(std::move(request)), answer_(std::move(answer)) {}
  const HttpRequest& request() const override { return request_; }
  void Accept(std::function<void(std::shared_ptr<WebSocket>)> on_open) override {
    answer_->Upgrade(std::move(on_open));
  }
  void Reject(HttpResponse response) override { answer_->Give(std::move(response)); }

 private:
  const HttpRequest request_;
  const std::unique_ptr<Answer> answer_;
};

class HttpConnection final : public Connection, public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(std::shared_ptr<Core> core, std::unique_ptr<Stream> stream)
      : core_(std::move(core)),
        remote_(stream->remote()),
        stream_(std::move(stream)),
        buffer_(core_->config().max_header + kReadAhead) {}

  void Start() {
    id_ = core_->Add(remote_.ip, shared_from_this());
    WaitForRequest(core_->config().header_timeout);
  }

  void OnTick(base::Timestamp now) override;
  void EndGracefully() override;
  void Drop() override;

  // Ignored unless `request_id` is the one being answered.
  void OnAnswer(uint64_t request_id, HttpResponse response);
  void OnUpgrade(uint64_t request_id, std::function<void(std::shared_ptr<WebSocket>)> on_open);

 private:
  enum class State { kIdle, kReading, kAnswering, kWriting, kEnding };

  void WaitForRequest(base::TimeDelta timeout);
  void ReadHeader();
  void OnHeader(ErrorCode error);
  void ReadBody();
  void OnRequestRead();
  void Dispatch(HttpRequest request);
  HttpRequest TakeRequest(Target target);
  void Refuse(int status, std::string body);
  void OnReadError(ErrorCode error);
  void Write(HttpResponse response);
  void OnWritten(ErrorCode error);
  void Linger();
  void End();
  void SetDeadline(base::TimeDelta timeout) { deadline_ = Core::Now() + timeout; }
  std::unique_ptr<Answer> MakeAnswer() {
    return std::make_unique<Answer>(core_, weak_from_this(), request_id_);
  }

  const std::shared_ptr<Core> core_;
  const net::SocketAddress remote_;
  ErasedStream stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  ConnectionId id_ = 0;
  State state_ = State::kIdle;
  base::Timestamp deadline_ = base::Timestamp::Infinity();
  uint64_t request_id_ = 0;
  RequestFacts facts_;
  std::optional<HttpRequest> upgrade_;
  std::string head_;  // Of the response being written; these outlive the write.
  std::string body_;
};

template <typename Work>
void Answer::PostOnce(Work work) {
  if (given_.exchange(true)) {
    return;
  }
  core_->Post([connection = connection_, work = std::move(work)]() mutable {
    if (const auto alive = connection.lock()) {
      work(*alive);
    }
  });
}

void Answer::Give(HttpResponse response) {
  PostOnce([id = request_id_, response = std::move(response)](HttpConnection& connection) mutable {
    connection.OnAnswer(id, std::move(response));
  });
}

void Answer::Upgrade(std::function<void(std::shared_ptr<WebSocket>)> on_open) {
  PostOnce([id = request_id_, on_open = std::move(on_open)](HttpConnection& connection) mutable {
    connection.OnUpgrade(id, std::move(on_open));
  });
}

// What Beast would refuse only after the handler has done its work. RFC 6455 section 4.2.1.
std::optional<HttpResponse> CheckHandshake(const HttpRequest& request) {
  constexpr size_t kKeySize = 24;  // 16 bytes in base64.
  if (request.Find("Sec-WebSocket-Version") != "13") {
    return HttpResponse{
        .status = 426, .headers = {{"Sec-WebSocket-Version", "13"}}, .body = "unsupported WebSocket version"};
  }
  if (request.Find("Sec-WebSocket-Key").value_or("").size() != kKeySize) {
    return HttpResponse{.status = 400, .body = "bad Sec-WebSocket-Key"};
  }
  return std::nullopt;
}

// ---- Reading.

void HttpConnection::WaitForRequest(base::TimeDelta timeout) {
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(core_->config().max_header));
  parser_->body_limit(core_->config().max_body);
  facts_ = {};
  upgrade_.reset();
  SetDeadline(timeout);
  state_ = State::kIdle;
  if (buffer_.size() > 0) {
    return ReadHeader();  // Pipelined.
  }
  // A read of its own, because the idle time ends with the first byte.
  constexpr size_t kFirstRead = 2048;
  stream_.async_read_some(buffer_.prepare(kFirstRead),
                          [self = shared_from_this()](ErrorCode error, size_t bytes) {
                            if (error) {
                              return self->End();
                            }
                            self->buffer_.commit(bytes);
                            self->ReadHeader();
                          });
}

void HttpConnection::ReadHeader() {
  state_ = State::kReading;
  SetDeadline(core_->config().header_timeout);
  http::async_read_header(stream_, buffer_, *parser_,
                          [self = shared_from_this()](ErrorCode error, size_t) { self->OnHeader(error); });
}

void HttpConnection::OnHeader(ErrorCode error) {
  const auto& request = parser_->get();
  facts_.head = request.method() == http::verb::head;
  facts_.origin = std::string(request[http::field::origin]);
  if (error) {
    return OnReadError(error);
  }
  facts_.keep_alive = request.keep_alive();
  SetDeadline(core_->config().body_timeout);
  if (boost::beast::iequals(request[http::field::expect], "100-continue") && request.version() >= 11) {
    head_ = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(head_), [self = shared_from_this()](ErrorCode failed, size_t) {
      return failed ? self->End() : self->ReadBody();
    });
    return;
  }
  ReadBody();
}

void HttpConnection::ReadBody() {
  if (parser_->is_done()) {
    return OnRequestRead();
  }
  http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](ErrorCode error, size_t) {
    return error ? self->OnReadError(error) : self->OnRequestRead();
  });
}

void HttpConnection::OnReadError(ErrorCode error) {
  if (error == http::error::body_limit) {
    return Refuse(413, "request body too large");
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return Refuse(431, "request header too large");
  }
  const bool malformed = error.category() == http::make_error_code(http::error::bad_method).category() &&
                         error != http::error::end_of_stream && error != http::error::partial_message;
  if (malformed) {
    return Refuse(400, "bad request");
  }
  End();
}

// The rest of the input cannot be told apart from a next request, so the connection ends after the answer.
void HttpConnection::Refuse(int status, std::string body) {
  ++core_->counters().bad_requests;
  facts_.keep_alive = false;
  Write({.status = status, .body = std::move(body)});
}

HttpRequest HttpConnection::TakeRequest(Target target) {
  auto message = parser_->release();
  HttpRequest request{.method = std::string(message.method_string()),
                      .path = std::move(target.path),
                      .query_string = std::move(target.query),
                      .body = std::move(message.body()),
                      .remote = remote_};
  for (const auto& field : message) {
    request.headers.emplace_back(field.name_string(), field.value());
  }
  return request;
}

void HttpConnection::OnRequestRead() {
  auto target = ParseTarget(std::string_view(parser_->get().target()));
  if (!target) {
    return Refuse(400, "bad request");
  }
  ++core_->counters().requests;
  const bool upgrade = boost::beast::websocket::is_upgrade(parser_->get());
  HttpRequest request = TakeRequest(*std::move(target));
  ++request_id_;
  state_ = State::kAnswering;
  SetDeadline(core_->config().answer_timeout);
  if (!upgrade) {
    return Dispatch(std::move(request));
  }
  if (buffer_.size() > 0) {
    return Refuse(400, "data before the upgrade");
  }
  if (auto refusal = CheckHandshake(request)) {
    return Write(*std::move(refusal));
  }
  upgrade_ = request;
  core_->on_upgrade()(std::make_shared<PendingUpgrade>(std::move(request), MakeAnswer()));
}

void HttpConnection::Dispatch(HttpRequest request) {
  if (IsPreflight(request)) {
    return Write(AnswerPreflight(request));
  }
  // std::function wants to be copied, so the answer is shared.
  core_->on_request()(std::move(request), [answer = std::shared_ptr<Answer>(MakeAnswer())](
                                              HttpResponse response) { answer->Give(std::move(response)); });
}

// ---- Answering.

void HttpConnection::OnAnswer(uint64_t request_id, HttpResponse response) {
  if (state_ == State::kAnswering && request_id == request_id_) {
    Write(std::move(response));
  }
}

void HttpConnection::OnUpgrade(uint64_t request_id, std::function<void(std::shared_ptr<WebSocket>)> on_open) {
  if (state_ != State::kAnswering || request_id != request_id_ || !upgrade_) {
    return;
  }
  if (core_->stopping()) {
    return Write({.status = 503, .body = "server is shutting down"});
  }
  state_ = State::kEnding;
  StartWebSocket(core_, id_, stream_.Release(), *upgrade_, std::move(on_open));  // Destroys this.
}

void HttpConnection::Write(HttpResponse response) {
  state_ = State::kWriting;
  SetDeadline(core_->config().write_timeout);
  facts_.keep_alive = facts_.keep_alive && !core_->stopping();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  head_ =
      WriteHead(response, facts_, HttpDate(std::chrono::duration_cast<std::chrono::seconds>(now).count()));
  const bool no_body = facts_.head || response.status == 204 || response.status == 304;
  body_ = no_body ? std::string() : std::move(response.body);
  const std::array<asio::const_buffer, 2> buffers = {asio::buffer(head_), asio::buffer(body_)};
  asio::async_write(stream_, buffers,
                    [self = shared_from_this()](ErrorCode error, size_t) { self->OnWritten(error); });
}

void HttpConnection::OnWritten(ErrorCode error) {
  body_ = {};
  if (error) {
    return End();
  }
  if (facts_.keep_alive && !core_->stopping()) {
    return WaitForRequest(core_->config().idle_timeout);
  }
  Linger();
}

// Closing with unread input would reset the connection and may lose the answer on its way.
void HttpConnection::Linger() {
  state_ = State::kEnding;
  deadline_ = base::Timestamp::Infinity();  // Shutdown has its own bound.
  stream_.stream().Shutdown([self = shared_from_this()](ErrorCode, size_t) { self->End(); });
}

void HttpConnection::End() {
  state_ = State::kEnding;
  deadline_ = base::Timestamp::Infinity();
  stream_.stream().Close();
  core_->Remove(id_);
}

// ---- Time.

void HttpConnection::OnTick(base::Timestamp now) {
  if (now < deadline_) {
    return;
  }
  ++core_->counters().timeouts;
  if (state_ == State::kAnswering) {
    return Write({.status = 503, .body = "no answer in time"});
  }
  Drop();
}

void HttpConnection::EndGracefully() {
  if (state_ == State::kIdle) {
    Drop();
  }
}

void HttpConnection::Drop() {
  deadline_ = base::Timestamp::Infinity();
  if (state_ == State::kAnswering) {
    return End();  // No operation in flight that would end it.
  }
  stream_.stream().Close();
}

}  // namespace

void StartHttpConnection(std::shared_ptr<Core> core, std::unique_ptr<Stream> stream) {
  std::make_shared<HttpConnection>(std::move(core), std::move(stream))->Start();
}

}  // namespace weir::front
