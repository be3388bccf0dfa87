#include "front/web_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <future>
#include <optional>

#include "front/test_client.h"

namespace weir::front {
namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using base::TimeDelta;
using testing::HasSubstr;
using testing::StartsWith;

// A blocking client; SO_RCVTIMEO turns a hang into an error.
class Client {
 public:
  explicit Client(const net::SocketAddress& server, bool deflate = false) : ws_(io_) {
    auto& socket = ws_.next_layer();
    socket.connect({asio::ip::address_v4::loopback(), server.port});
    const timeval patience{.tv_sec = kPatienceMs / 1000, .tv_usec = 0};
    setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    websocket::permessage_deflate options;
    options.client_enable = deflate;
    ws_.set_option(options);
    ws_.control_callback([this](websocket::frame_type kind, boost::beast::string_view) {
      pings_ += kind == websocket::frame_type::ping ? 1 : 0;
    });
    websocket::response_type response;
    ws_.handshake(response, "localhost", "/rtc?access_token=t", error_);
    extensions_ = std::string(response[boost::beast::http::field::sec_websocket_extensions]);
  }

  void Send(std::string_view message, bool binary = true) {
    ws_.binary(binary);
    ws_.write(asio::buffer(message), error_);
  }
  // Empty after the end of the connection.
  std::string Read() {
    boost::beast::flat_buffer buffer;
    ws_.read_message_max(64 << 20);
    ws_.read(buffer, error_);
    return error_ ? "" : boost::beast::buffers_to_string(buffer.data());
  }
  uint16_t CodeAfterEnd() {
    while (!error_) {
      Read();
    }
    return ws_.reason().code;
  }
  bool got_binary() const { return ws_.got_binary(); }
  void Close(uint16_t code) {
    ws_.close(websocket::close_reason(static_cast<websocket::close_code>(code)), error_);
  }
  void DropTcp() { ws_.next_layer().close(); }
  auto& ws() { return ws_; }
  boost::system::error_code error() const { return error_; }
  const std::string& extensions() const { return extensions_; }
  int pings() const { return pings_; }

 private:
  asio::io_context io_;
  websocket::stream<asio::ip::tcp::socket> ws_;
  boost::system::error_code error_;
  std::string extensions_;
  int pings_ = 0;
};

// Accepts every upgrade, echoes messages, and hands out the server's end and its close code.
class EchoSockets {
 public:
  explicit EchoSockets(WebSocketConfig config = {}, std::optional<size_t> own_limit = {})
      : own_limit_(own_limit),
        server_(
            {.web_socket = config}, [](const HttpRequest&, const Server::Respond& respond) { respond({}); },
            [this](const std::shared_ptr<Upgrade>& upgrade) {
              upgrade->Accept([this](std::shared_ptr<WebSocket> socket) { OnOpen(std::move(socket)); });
            }) {}

  net::SocketAddress address() const { return server_.address(); }
  RunningServer& server() { return server_; }
  std::shared_ptr<WebSocket> Opened() { return opened_.get_future().get(); }
  uint16_t Closed() { return closed_.get_future().get(); }

 private:
  void OnOpen(std::shared_ptr<WebSocket> socket) {
    if (own_limit_) {
      socket->LimitMessages(*own_limit_);
    }
    socket->SetHandlers(
        [weak = std::weak_ptr(socket)](bool binary, std::string message) {
          if (const auto alive = weak.lock()) {
            alive->Send(std::move(message), binary);
          }
        },
        [this](uint16_t code) { closed_.set_value(code); });
    opened_.set_value(std::move(socket));
  }

  const std::optional<size_t> own_limit_;
  std::promise<std::shared_ptr<WebSocket>> opened_;
  std::promise<uint16_t> closed_;
  RunningServer server_;
};

TEST(WebSocket, EchoesTextAndBinary) {
  EchoSockets sockets;
  Client client(sockets.address());
  const auto socket = sockets.Opened();
  client.Send("binary", true);
  EXPECT_EQ(client.Read(), "binary");
  EXPECT_TRUE(client.got_binary());
  client.Send("text", false);
  EXPECT_EQ(client.Read(), "text");
  EXPECT_FALSE(client.got_binary());
  client.Send(std::string(1'000'000, 'x'));
  EXPECT_EQ(client.Read().size(), 1'000'000u);
}

TEST(WebSocket, ShowsTheRequestBeforeItIsAccepted) {
  std::promise<std::string> token;
  RunningServer server(
      {}, [](const HttpRequest&, const Server::Respond&) {},
      [&](const std::shared_ptr<Upgrade>& upgrade) {
        token.set_value(upgrade->request().QueryParameter("access_token").value_or(""));
        upgrade->Reject({.status = 404});
      });
  Client client(server.address());
  EXPECT_EQ(token.get_future().get(), "t");
  EXPECT_EQ(client.error(), websocket::error::upgrade_declined);
}

TEST(WebSocket, SendsTheFirstMessageRightAfterTheHandshake) {
  RunningServer server(
      {}, [](const HttpRequest&, const Server::Respond&) {},
      [](const std::shared_ptr<Upgrade>& upgrade) {
        upgrade->Accept([](const std::shared_ptr<WebSocket>& socket) { socket->Send("join", true); });
      });
  Client client(server.address());
  EXPECT_EQ(client.Read(), "join");
}

TEST(WebSocket, KeepsTheOrderOfSendsFromAnotherThread) {
  EchoSockets sockets;
  Client client(sockets.address());
  const auto socket = sockets.Opened();
  for (int i = 0; i < 1000; ++i) {
    socket->Send(std::to_string(i), false);
  }
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(client.Read(), std::to_string(i));
  }
}

TEST(WebSocket, CompressesWhenTheClientOffersIt) {
  EchoSockets sockets;
  Client client(sockets.address(), true);
  EXPECT_THAT(client.extensions(), StartsWith("permessage-deflate"));
  for (int i = 0; i < 3; ++i) {
    const std::string message = std::string(100'000, 'a') + std::to_string(i);
    client.Send(message);
    EXPECT_EQ(client.Read(), message);
  }
}

TEST(WebSocket, DoesNotCompressUnasked) {
  EchoSockets sockets;
  Client client(sockets.address());
  EXPECT_EQ(client.extensions(), "");
}

TEST(WebSocket, FlushesBeforeItCloses) {
  EchoSockets sockets;
  Client client(sockets.address());
  const auto socket = sockets.Opened();
  for (int i = 0; i < 100; ++i) {
    socket->Send(std::string(10'000, 'x'), true);
  }
  socket->Close(kGoingAway, "later");
  socket->Send("after", true);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(client.Read().size(), 10'000u);
  }
  EXPECT_EQ(client.CodeAfterEnd(), kGoingAway);
  EXPECT_EQ(client.ws().reason().reason, "later");
  EXPECT_EQ(sockets.Closed(), kGoingAway);
}

TEST(WebSocket, SendsAnyCloseCode) {
  for (const uint16_t code : std::initializer_list<uint16_t>{1000, 1011, 4001}) {
    EchoSockets sockets;
    Client client(sockets.address());
    sockets.Opened()->Close(code, std::string(500, 'r'));
    EXPECT_EQ(client.CodeAfterEnd(), code);
    EXPECT_EQ(client.error(), websocket::error::closed);
    EXPECT_EQ(sockets.Closed(), code);
  }
}

TEST(WebSocket, ReportsTheCodeOfThePeer) {
  EchoSockets sockets;
  Client client(sockets.address());
  client.Close(4002);
  EXPECT_EQ(sockets.Closed(), 4002);
}

TEST(WebSocket, ReportsALostConnection) {
  EchoSockets sockets;
  Client client(sockets.address());
  sockets.Opened();
  client.DropTcp();
  EXPECT_EQ(sockets.Closed(), kAbnormal);
}

TEST(WebSocket, AbortEndsWithoutACloseFrame) {
  EchoSockets sockets;
  Client client(sockets.address());
  sockets.Opened()->Abort();
  client.Read();
  EXPECT_NE(client.error(), websocket::error::closed);
  EXPECT_EQ(sockets.Closed(), kAbnormal);
}

TEST(WebSocket, RefusesAMessageOverItsLimit) {
  EchoSockets sockets({.max_message = 1000});
  Client client(sockets.address());
  client.Send(std::string(1000, 'x'));
  EXPECT_EQ(client.Read().size(), 1000u);
  client.Send(std::string(1001, 'x'));
  EXPECT_EQ(client.CodeAfterEnd(), kMessageTooBig);
  EXPECT_EQ(sockets.Closed(), kMessageTooBig);
}

TEST(WebSocket, MayHaveALimitOfItsOwn) {
  EchoSockets sockets({.max_message = 1000}, 2000);
  Client client(sockets.address());
  client.Send(std::string(2000, 'x'));
  EXPECT_EQ(client.Read().size(), 2000u);
  client.Send(std::string(2001, 'x'));
  EXPECT_EQ(client.CodeAfterEnd(), kMessageTooBig);
}

TEST(WebSocket, MeasuresAMessageAfterInflation) {
  EchoSockets sockets({.max_message = 100'000});
  Client client(sockets.address(), true);
  client.Send(std::string(10'000'000, 'x'));  // About 10 kB on the wire.
  EXPECT_EQ(client.CodeAfterEnd(), kMessageTooBig);
  EXPECT_EQ(sockets.Closed(), kMessageTooBig);
}

TEST(WebSocket, ClosesAPeerThatDoesNotRead) {
  EchoSockets sockets({.max_queued = 1 << 20, .close_timeout = TimeDelta::Millis(50)});
  Client client(sockets.address());
  const auto socket = sockets.Opened();
  for (int i = 0; i < 200; ++i) {  // More than the queue and what the kernel takes.
    socket->Send(std::string(100'000, 'x'), true);
  }
  EXPECT_EQ(sockets.Closed(), kTryAgainLater);
  EXPECT_EQ(sockets.server()->counters().web_sockets_overflowed, 1u);
}

TEST(WebSocket, ClosesAPeerThatBreaksTheProtocol) {
  EchoSockets sockets;
  Client client(sockets.address());
  sockets.Opened();
  // An unmasked text frame: RFC 6455 section 5.1 wants masked ones from a client.
  asio::write(client.ws().next_layer(), asio::buffer("\x81\x01x", 3));
  EXPECT_EQ(client.CodeAfterEnd(), kProtocolError);
  EXPECT_EQ(sockets.Closed(), kProtocolError);
}

TEST(WebSocket, Pings) {
  EchoSockets sockets({.ping_interval = TimeDelta::Millis(1)});
  Client client(sockets.address());
  const auto socket = sockets.Opened();
  std::promise<void> later;
  sockets.server()->After(TimeDelta::Millis(300), [&] { later.set_value(); });
  later.get_future().wait();
  socket->Send("after the pings", true);
  EXPECT_EQ(client.Read(), "after the pings");
  EXPECT_GE(client.pings(), 1);
}

TEST(WebSocket, StopClosesWithGoingAway) {
  EchoSockets sockets;
  Client client(sockets.address());
  sockets.Opened();
  std::thread stopper([&] { sockets.server().Stop(TimeDelta::Seconds(30)); });
  EXPECT_EQ(client.CodeAfterEnd(), kGoingAway);
  stopper.join();
  EXPECT_EQ(sockets.Closed(), kGoingAway);
}

TEST(WebSocket, SurvivesItsServer) {
  std::shared_ptr<WebSocket> socket;
  {
    EchoSockets sockets;
    Client client(sockets.address());
    socket = sockets.Opened();
    sockets.server().Stop(TimeDelta::Millis(1));
    EXPECT_EQ(sockets.Closed(), kGoingAway);
  }
  socket->Send("nobody", true);
  socket->Close(kNormal, "");
  socket->Abort();
}

TEST(WebSocket, OpensManyAtOnce) {
  std::atomic<int> closed = 0;
  std::promise<void> all_closed;
  constexpr int kCount = 50;
  RunningServer server(
      {}, [](const HttpRequest&, const Server::Respond&) {},
      [&](const std::shared_ptr<Upgrade>& upgrade) {
        upgrade->Accept([&](const std::shared_ptr<WebSocket>& socket) {
          socket->SetHandlers([socket](bool binary, std::string text) { socket->Send(text, binary); },
                              [&](uint16_t) {
                                if (++closed == kCount) {
                                  all_closed.set_value();
                                }
                              });
        });
      });
  {
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < kCount; ++i) {
      clients.push_back(std::make_unique<Client>(server.address()));
      clients.back()->Send(std::to_string(i));
    }
    for (int i = 0; i < kCount; ++i) {
      EXPECT_EQ(clients[i]->Read(), std::to_string(i));
    }
  }
  all_closed.get_future().wait();
}

}  // namespace
}  // namespace weir::front
