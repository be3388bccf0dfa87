// A byte stream behind one virtual interface, so that Beast's templates are instantiated once for every
// transport: over ssl::stream itself they cost minutes of compile time. TCP is here; TLS would be a second
// implementation.
//
// Completions never run inside the call that starts the operation (Asio's contract, which Beast relies on).
// One read and one write may be in flight at a time. Front thread only.
#pragma once

#include <array>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "net/address.h"

namespace boost::beast {
enum class role_type;
}

namespace weir::front {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
using Executor = asio::io_context::executor_type;
using TcpSocket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;
// Boost 1.81 has no any_completion_handler yet.
using OnIo = std::move_only_function<void(ErrorCode, size_t)>;

// Up to kMax buffers of any sequence; a longer one is cut, which a "some" operation may do.
template <typename Buffer>
class BufferArray {
 public:
  using value_type = Buffer;
  using const_iterator = const Buffer*;

  template <typename Sequence>
  explicit BufferArray(const Sequence& sequence) {
    const auto end = asio::buffer_sequence_end(sequence);
    for (auto it = asio::buffer_sequence_begin(sequence); it != end && size_ < kMax; ++it) {
      buffers_[size_] = Buffer(*it);
      size_ += buffers_[size_].size() > 0 ? 1 : 0;
    }
  }
  const_iterator begin() const { return buffers_.data(); }
  const_iterator end() const { return buffers_.data() + size_; }

 private:
  static constexpr size_t kMax = 8;
  std::array<Buffer, kMax> buffers_;
  size_t size_ = 0;
};
using ReadBuffers = BufferArray<asio::mutable_buffer>;
using WriteBuffers = BufferArray<asio::const_buffer>;

class Stream {
 public:
  virtual ~Stream() = default;
  virtual Executor executor() = 0;
  virtual void ReadSome(const ReadBuffers& buffers, OnIo done) = 0;
  virtual void WriteSome(const WriteBuffers& buffers, OnIo done) = 0;
  // Ends our direction and waits for the other side to end its own, discarding what still arrives, so that
  // the last bytes we wrote are not lost to a reset. Bounded in time and bytes; then closes. Completes
  // without error.
  virtual void Shutdown(OnIo done) = 0;
  // At once; operations in flight complete with an error.
  virtual void Close() = 0;
  virtual net::SocketAddress remote() const = 0;
};

std::unique_ptr<Stream> MakeTcpStream(TcpSocket socket, net::SocketAddress remote);

net::SocketAddress FromEndpoint(const asio::ip::tcp::endpoint& endpoint);
asio::ip::tcp::endpoint ToEndpoint(const net::SocketAddress& address);

// What Asio and Beast are given: models AsyncStream over any Stream.
class ErasedStream {
 public:
  using executor_type = Executor;

  explicit ErasedStream(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}
  executor_type get_executor() { return stream_->executor(); }
  Stream& stream() { return *stream_; }
  std::unique_ptr<Stream> Release() { return std::move(stream_); }

  template <typename Sequence, typename Token>
  auto async_read_some(const Sequence& buffers, Token&& token) {
    return asio::async_initiate<Token, void(ErrorCode, size_t)>(
        [this](auto handler, const ReadBuffers& some) { stream_->ReadSome(some, OnIo(std::move(handler))); },
        token, ReadBuffers(buffers));
  }
  template <typename Sequence, typename Token>
  auto async_write_some(const Sequence& buffers, Token&& token) {
    return asio::async_initiate<Token, void(ErrorCode, size_t)>(
        [this](auto handler, const WriteBuffers& some) {
          stream_->WriteSome(some, OnIo(std::move(handler)));
        },
        token, WriteBuffers(buffers));
  }

 private:
  std::unique_ptr<Stream> stream_;
};

// Found by Beast by argument-dependent lookup when a WebSocket ends. The synchronous one exists for overload
// resolution only.
inline void teardown(boost::beast::role_type, ErasedStream& stream, ErrorCode& error) {
  error = {};
  stream.stream().Close();
}
inline void beast_close_socket(ErasedStream& stream) { stream.stream().Close(); }
template <typename Handler>
void async_teardown(boost::beast::role_type, ErasedStream& stream, Handler&& handler) {
  stream.stream().Shutdown([handler = std::forward<Handler>(handler)](ErrorCode error, size_t) mutable {
    std::move(handler)(error);
  });
}

}  // namespace weir::front
