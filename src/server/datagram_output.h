// Where a worker's packets leave: the batch of the UDP socket of their family, or the ICE/TCP connection of
// their path.
#pragma once

#include <array>
#include <memory>

#include "base/packet_pool.h"
#include "io/send_batch.h"
#include "io/tcp_connections.h"
#include "io/udp_socket.h"
#include "net/packet_output.h"

namespace weir::server {

// Not thread-safe; one per worker. The socket and connections outlive it.
class DatagramOutput final : public net::PacketOutput {
 public:
  // Either socket may be null.
  void SetSockets(io::UdpSocket* v4, io::UdpSocket* v6, io::TcpConnections* tcp);

  base::MutableBytes Reserve(const net::FiveTuple& path, size_t max) override;
  void Commit(const net::FiveTuple& path, size_t size) override;
  void Flush();

  uint64_t no_socket() const { return no_socket_; }  // Packets for a family or path that nothing here serves.

 private:
  struct Udp {
    io::UdpSocket* socket = nullptr;
    io::SendBatch batch;
  };
  Udp& UdpFor(const net::FiveTuple& path) { return path.remote.ip.is_v6() ? v6_ : v4_; }

  Udp v4_;
  Udp v6_;
  io::TcpConnections* tcp_ = nullptr;
  std::array<uint8_t, base::kMaxPacketSize> frame_;
  uint64_t no_socket_ = 0;
};

}  // namespace weir::server
