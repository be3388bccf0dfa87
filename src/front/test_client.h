// A client for tests that sends any bytes it is told to, over a blocking socket; and a server on a thread of
// its own.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include "front/server.h"

namespace weir::front {

inline constexpr int kPatienceMs = 10'000;  // Longer than anything here takes; a hang becomes a failure.

class RawClient {
 public:
  explicit RawClient(const net::SocketAddress& server) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { close(fd_); }

  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return false;
      }
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // One response: head, and the body that Content-Length announces. Empty when the connection ended first.
  std::string ReadResponse(bool has_body = true) {
    size_t end = std::string::npos;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (!Fill()) {
        return "";
      }
    }
    size_t size = end + 4;
    const size_t length = input_.find("Content-Length: ");
    if (has_body && length < end) {
      size += static_cast<size_t>(std::atol(input_.c_str() + length + 16));
    }
    while (input_.size() < size) {
      if (!Fill()) {
        return "";
      }
    }
    std::string response = input_.substr(0, size);
    input_.erase(0, size);
    return response;
  }

  // Everything until the server closes.
  std::string ReadToEnd() {
    while (Fill()) {
    }
    return std::exchange(input_, {});
  }
  bool timed_out() const { return timed_out_; }

 private:
  bool Fill() {
    pollfd poll_fd{.fd = fd_, .events = POLLIN, .revents = 0};
    if (poll(&poll_fd, 1, kPatienceMs) != 1) {
      timed_out_ = true;
      return false;
    }
    char chunk[16384];
    const ssize_t received = recv(fd_, chunk, sizeof(chunk), 0);
    if (received <= 0) {
      return false;
    }
    input_.append(chunk, static_cast<size_t>(received));
    return true;
  }

  const int fd_;
  std::string input_;
  bool timed_out_ = false;
};

class RunningServer {
 public:
  RunningServer(Server::Config config, Server::OnRequest on_request, Server::OnUpgrade on_upgrade,
                Server::Background* background = nullptr) {
    if (config.listen.empty()) {
      config.listen = {{net::IpAddress::V4(127, 0, 0, 1), 0}};
    }
    auto server = Server::Listen(std::move(config), std::move(on_request), std::move(on_upgrade));
    EXPECT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
    if (background != nullptr) {
      server_->AddBackground(*background);
    }
    thread_ = std::thread([this] { server_->Run(); });
  }
  ~RunningServer() { Stop(); }

  void Stop(base::TimeDelta grace = base::TimeDelta::Seconds(2)) {
    server_->Stop(grace);
    if (thread_.joinable()) {
      thread_.join();
    }
  }
  Server* operator->() { return server_.get(); }
  net::SocketAddress address() const { return server_->bound().front(); }

 private:
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

}  // namespace weir::front
