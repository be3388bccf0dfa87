// One POST a connection: look up, connect, perhaps TLS, write, read.

#include "front/http_client.h"

#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <utility>

#include "front/core.h"
#include "front/http_text.h"
#include "front/resolver.h"
#include "front/tls_stream.h"

namespace weir::front {
namespace {

namespace http = boost::beast::http;

constexpr int kMaxInterim = 4;           // 1xx responses before the one that counts.
constexpr size_t kReadAhead = 64 << 10;  // As in http_connection.cc.

// What the requests of one client share.
struct Shared {
  std::shared_ptr<Core> core;
  HttpClient::Config config;
  std::shared_ptr<Resolver> resolver;
  std::shared_ptr<TlsContext> tls;  // Absent without Config::https.
};

class Exchange final : public Connection, public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(std::shared_ptr<Shared> shared, Url url, std::string head, std::string body, HttpClient::Done done)
      : shared_(std::move(shared)),
        url_(std::move(url)),
        head_(std::move(head)),
        body_(std::move(body)),
        done_(std::move(done)),
        buffer_(shared_->config.max_header + kReadAhead) {}

  void Start();

  void OnTick(base::Timestamp now) override;
  void EndGracefully() override {}  // It is short: it goes on.
  void Drop() override { End(); }

 private:
  enum class State { kResolving, kConnecting, kTls, kWriting, kReadingHead, kReadingBody, kEnded };

  void Enter(State state, base::TimeDelta timeout);
  void ConnectToNext();
  void OnConnected();
  void Write();
  void ReadHead();
  void OnHead(ErrorCode error);
  void ReadBody();
  void Fail(const std::string& what);
  void Finish(HttpClient::Outcome outcome);
  void End();
  std::string Reason(ErrorCode error) const { return timed_out_ ? "no answer in time" : error.message(); }

  const std::shared_ptr<Shared> shared_;
  const Url url_;
  const std::string head_;
  const std::string body_;
  HttpClient::Done done_;
  ConnectionId id_ = 0;
  State state_ = State::kResolving;
  base::Timestamp deadline_ = base::Timestamp::Infinity();
  bool timed_out_ = false;
  Resolver::Addresses addresses_;
  size_t tried_ = 0;
  std::optional<TcpSocket> socket_;  // Until connected.
  net::SocketAddress remote_;
  TlsStream* tls_ = nullptr;  // Within stream_.
  std::optional<ErasedStream> stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::string_body>> parser_;
  int interim_ = 0;
};

void Exchange::Start() {
  id_ = shared_->core->AddOutgoing(shared_from_this());
  Enter(State::kResolving, shared_->config.resolve_timeout);
  // Weak: a lookup may outlast everything else.
  shared_->resolver->Resolve(url_.host, [weak = weak_from_this()](const auto& found) {
    const auto self = weak.lock();
    if (self == nullptr || self->state_ != State::kResolving) {
      return;
    }
    if (!found) {
      return self->Fail(found.error().message);
    }
    if (self->url_.tls && self->shared_->tls == nullptr) {
      return self->Fail("this client was made without https");
    }
    self->addresses_ = *found;
    self->ConnectToNext();
  });
}

void Exchange::Enter(State state, base::TimeDelta timeout) {
  state_ = state;
  deadline_ = Core::Now() + timeout;
  timed_out_ = false;
}

void Exchange::ConnectToNext() {
  Enter(State::kConnecting, shared_->config.connect_timeout);
  remote_ = {addresses_[tried_++], url_.port};
  socket_.emplace(shared_->core->io().get_executor());
  socket_->async_connect(ToEndpoint(remote_), [self = shared_from_this()](ErrorCode error) {
    if (self->state_ == State::kEnded) {
      return;
    }
    if (!error) {
      return self->OnConnected();
    }
    if (self->tried_ < self->addresses_.size()) {
      return self->ConnectToNext();
    }
    self->Fail("cannot connect to " + self->remote_.ToString() + ": " + self->Reason(error));
  });
}

void Exchange::OnConnected() {
  if (!url_.tls) {
    stream_.emplace(MakeTcpStream(*std::exchange(socket_, std::nullopt), remote_));
    return Write();
  }
  auto tls = MakeTlsStream(*std::exchange(socket_, std::nullopt), remote_, shared_->tls, url_.host);
  tls_ = tls.get();
  stream_.emplace(std::move(tls));
  Enter(State::kTls, shared_->config.connect_timeout);
  tls_->Handshake([self = shared_from_this()](ErrorCode error, size_t) {
    if (self->state_ == State::kEnded) {
      return;
    }
    if (error) {
      const std::string why = self->timed_out_ ? self->Reason(error) : self->tls_->Explain(error);
      return self->Fail("no TLS with " + self->url_.host + ": " + why);
    }
    self->Write();
  });
}

void Exchange::Write() {
  Enter(State::kWriting, shared_->config.write_timeout);
  const std::array<asio::const_buffer, 2> buffers = {asio::buffer(head_), asio::buffer(body_)};
  asio::async_write(*stream_, buffers, [self = shared_from_this()](ErrorCode error, size_t) {
    if (self->state_ == State::kEnded) {
      return;
    }
    if (error) {
      return self->Fail("the request was not taken: " + self->Reason(error));
    }
    self->Enter(State::kReadingHead, self->shared_->config.read_timeout);
    self->ReadHead();
  });
}

void Exchange::ReadHead() {
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(shared_->config.max_header));
  parser_->body_limit(shared_->config.max_body);
  http::async_read_header(*stream_, buffer_, *parser_, [self = shared_from_this()](ErrorCode error, size_t) {
    if (self->state_ != State::kEnded) {
      self->OnHead(error);
    }
  });
}

void Exchange::OnHead(ErrorCode error) {
  if (error) {
    return Fail("no response: " + Reason(error));
  }
  const unsigned status = parser_->get().result_int();
  const bool interim = status < 200 && status != 101;
  if (interim && ++interim_ > kMaxInterim) {
    return Fail("no response: too many interim ones");
  }
  return interim ? ReadHead() : ReadBody();
}

// The status says everything. The body is read so that the connection ends in order, and only as far as it
// goes.
void Exchange::ReadBody() {
  state_ = State::kReadingBody;
  const int status = static_cast<int>(parser_->get().result_int());
  if (parser_->is_done()) {
    return Finish({.status = status});
  }
  http::async_read(*stream_, buffer_, *parser_, [self = shared_from_this(), status](ErrorCode, size_t) {
    if (self->state_ != State::kEnded) {
      self->Finish({.status = status});
    }
  });
}

void Exchange::OnTick(base::Timestamp now) {
  if (now < deadline_) {
    return;
  }
  deadline_ = base::Timestamp::Infinity();
  timed_out_ = true;
  // What is in flight then completes with an error, and its handler goes on from there.
  if (state_ == State::kResolving) {
    Fail("cannot find " + url_.host + ": no answer in time");
  } else if (socket_) {
    ErrorCode ignored;
    socket_->close(ignored);
  } else if (stream_) {
    stream_->stream().Close();
  }
}

void Exchange::Fail(const std::string& what) { Finish({.status = 0, .error = what}); }

void Exchange::Finish(HttpClient::Outcome outcome) {
  HttpClient::Done done = std::move(done_);
  End();
  done(std::move(outcome));
}

void Exchange::End() {
  if (std::exchange(state_, State::kEnded) == State::kEnded) {
    return;
  }
  deadline_ = base::Timestamp::Infinity();
  done_ = nullptr;
  ErrorCode ignored;
  if (socket_) {
    socket_->close(ignored);
  }
  if (stream_) {
    stream_->stream().Close();
  }
  const auto self = shared_from_this();  // The registry may hold the last other reference.
  shared_->core->RemoveOutgoing(id_);
}

class Client final : public HttpClient {
 public:
  explicit Client(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  void Post(const Url& url, const HttpHeaders& headers, std::string body, Done done) override {
    std::string head = WritePostHead(url, headers, body.size());
    std::make_shared<Exchange>(shared_, url, std::move(head), std::move(body), std::move(done))->Start();
  }

 private:
  const std::shared_ptr<Shared> shared_;
};

}  // namespace

base::Result<std::unique_ptr<HttpClient>> MakeHttpClient(std::shared_ptr<Core> core,
                                                         HttpClient::Config config) {
  auto shared = std::make_shared<Shared>();
  if (config.https) {
    shared->tls = TRY(TlsContext::Create(config.ca_file));
  }
  shared->resolver = std::make_shared<Resolver>(core);
  shared->core = std::move(core);
  shared->config = std::move(config);
  return std::make_unique<Client>(std::move(shared));
}

}  // namespace weir::front
