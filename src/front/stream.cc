#include "front/stream.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <chrono>

namespace weir::front {
namespace {

constexpr auto kLinger = std::chrono::seconds(2);
constexpr size_t kMaxDrained = 1 << 20;
// A peer that vanished without a FIN: pings keep data outstanding, and the kernel gives up after this.
constexpr int kUserTimeoutMs = 30'000;

class TcpStream final : public Stream {
 public:
  TcpStream(TcpSocket socket, net::SocketAddress remote) : socket_(std::move(socket)), remote_(remote) {
    ErrorCode ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.set_option(asio::socket_base::keep_alive(true), ignored);
    const int timeout = kUserTimeoutMs;
    static_cast<void>(
        setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout)));
  }

  Executor executor() override { return socket_.get_executor(); }

  void ReadSome(const ReadBuffers& buffers, OnIo done) override {
    socket_.async_read_some(buffers, std::move(done));
  }
  void WriteSome(const WriteBuffers& buffers, OnIo done) override {
    socket_.async_write_some(buffers, std::move(done));
  }

  void Shutdown(OnIo done) override {
    ErrorCode ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    // Shared, because a timer's completion that is queued already cannot be cancelled any more.
    auto timer = std::make_shared<Timer>(socket_.get_executor(), kLinger);
    drain_ = std::make_unique<Drain>();
    drain_->done = std::move(done);
    drain_->timer = timer;
    timer->async_wait([this, alive = std::weak_ptr(timer)](ErrorCode error) {
      // The timer dies with the drain, so a living timer means a living stream.
      if (!error && alive.lock() != nullptr) {
        Close();
      }
    });
    timer.reset();
    DrainSome();
  }

  void Close() override {
    ErrorCode ignored;
    socket_.close(ignored);
  }

  net::SocketAddress remote() const override { return remote_; }

 private:
  struct Drain {
    OnIo done;
    std::shared_ptr<Timer> timer;
    size_t bytes = 0;
    std::array<char, 2048> scratch;
  };

  // The caller of Shutdown keeps the stream alive until `done`, as with every operation.
  void DrainSome() {
    socket_.async_read_some(asio::buffer(drain_->scratch), [this](ErrorCode error, size_t bytes) {
      drain_->bytes += bytes;
      if (!error && drain_->bytes < kMaxDrained) {
        return DrainSome();
      }
      Close();
      const std::unique_ptr<Drain> drain = std::move(drain_);
      drain->timer->cancel();
      drain->done({}, 0);  // May destroy this.
    });
  }

  TcpSocket socket_;
  const net::SocketAddress remote_;
  std::unique_ptr<Drain> drain_;
};

}  // namespace

std::unique_ptr<Stream> MakeTcpStream(TcpSocket socket, net::SocketAddress remote) {
  return std::make_unique<TcpStream>(std::move(socket), remote);
}

net::SocketAddress FromEndpoint(const asio::ip::tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  if (address.is_v4()) {
    return {net::IpAddress::FromBytes(address.to_v4().to_bytes()), endpoint.port()};
  }
  return {net::IpAddress::FromBytes(address.to_v6().to_bytes()), endpoint.port()};
}

asio::ip::tcp::endpoint ToEndpoint(const net::SocketAddress& address) {
  const base::ConstBytes bytes = address.ip.bytes();
  if (address.ip.is_v4()) {
    asio::ip::address_v4::bytes_type v4;
    std::ranges::copy(bytes, v4.begin());
    return {asio::ip::address_v4(v4), address.port};
  }
  asio::ip::address_v6::bytes_type v6{};
  std::ranges::copy(bytes, v6.begin());
  return {asio::ip::address_v6(v6), address.port};
}

}  // namespace weir::front
