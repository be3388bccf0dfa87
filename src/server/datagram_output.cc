#include "server/datagram_output.h"

namespace weir::server {

void DatagramOutput::SetSockets(io::UdpSocket* v4, io::UdpSocket* v6, io::TcpConnections* tcp) {
  v4_.socket = v4;
  v6_.socket = v6;
  tcp_ = tcp;
}

base::MutableBytes DatagramOutput::Reserve(const net::FiveTuple& path, size_t max) {
  if (path.protocol == net::Protocol::kTcp) {
    return max <= frame_.size() ? base::MutableBytes(frame_).first(max) : base::MutableBytes();
  }
  Udp& udp = UdpFor(path);
  if (udp.socket == nullptr) {
    ++no_socket_;
    return {};
  }
  base::MutableBytes space = udp.batch.Reserve(max);
  if (space.empty()) {
    udp.batch.Flush(*udp.socket);
    space = udp.batch.Reserve(max);
  }
  return space;
}

void DatagramOutput::Commit(const net::FiveTuple& path, size_t size) {
  if (path.protocol == net::Protocol::kUdp) {
    UdpFor(path).batch.Commit(path, size);
  } else if (tcp_ == nullptr || !tcp_->Send(path, base::ConstBytes(frame_).first(size))) {
    ++no_socket_;
  }
}

void DatagramOutput::Flush() {
  for (Udp* udp : {&v4_, &v6_}) {
    if (udp->socket != nullptr && !udp->batch.empty()) {
      udp->batch.Flush(*udp->socket);
    }
  }
}

}  // namespace weir::server
