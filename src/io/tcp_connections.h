// A worker's ICE/TCP connections by path: what its peers send to and receive from, as from a UDP socket.
//
// Belongs to the loop's thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "base/bytes.h"
#include "base/counters.h"
#include "io/event_loop.h"
#include "io/tcp_connection.h"
#include "net/address.h"

namespace weir::io {

class TcpConnections {
 public:
  struct Config {
    size_t max_connections = 4096;  // One more is closed at once.
    TcpConnection::Config connection;
  };
  struct Counters {
    uint64_t added = 0;
    uint64_t refused = 0;  // Over the limit.
    uint64_t closed = 0;   // By the other side or by error.
    uint64_t frames_received = 0;
    uint64_t frames_sent = 0;
    uint64_t frames_dropped = 0;  // The connection's queue was full, or there is none of this path.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"added", &Counters::added},
          {"refused", &Counters::refused},
          {"closed", &Counters::closed},
          {"frames_received", &Counters::frames_received},
          {"frames_sent", &Counters::frames_sent},
          {"frames_dropped", &Counters::frames_dropped},
      });
    }
  };

  TcpConnections(EventLoop& loop, const Config& config, TcpConnection::OnFrame on_frame,
                 TcpConnection::OnClosed on_closed);
  ~TcpConnections();
  TcpConnections(const TcpConnections&) = delete;
  TcpConnections& operator=(const TcpConnections&) = delete;

  // Frames that were read before are delivered from inside this call.
  bool Add(AcceptedConnection accepted);
  bool Send(const net::FiveTuple& path, base::ConstBytes packet);
  void Close(const net::FiveTuple& path);  // Without OnClosed.
  bool Has(const net::FiveTuple& path) const { return connections_.contains(path); }
  size_t size() const { return connections_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  EventLoop& loop_;
  const Config config_;
  const TcpConnection::OnFrame on_frame_;
  const TcpConnection::OnClosed on_closed_;
  std::unordered_map<net::FiveTuple, std::unique_ptr<TcpConnection>> connections_;
  Counters counters_;
};

}  // namespace weir::io
