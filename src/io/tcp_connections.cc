#include "io/tcp_connections.h"

#include <utility>

namespace weir::io {

TcpConnections::TcpConnections(EventLoop& loop, const Config& config, TcpConnection::OnFrame on_frame,
                               TcpConnection::OnClosed on_closed)
    : loop_(loop), config_(config), on_frame_(std::move(on_frame)), on_closed_(std::move(on_closed)) {}

TcpConnections::~TcpConnections() = default;

bool TcpConnections::Add(AcceptedConnection accepted) {
  const net::FiveTuple path = accepted.path;
  if (connections_.size() >= config_.max_connections || connections_.contains(path)) {
    ++counters_.refused;
    return false;
  }
  auto on_frame = [this](const net::FiveTuple& from, base::ConstBytes frame) {
    ++counters_.frames_received;
    on_frame_(from, frame);
  };
  auto on_closed = [this](const net::FiveTuple& closed) {
    ++counters_.closed;
    connections_.erase(closed);
    on_closed_(closed);
  };
  TcpConnection& connection =
      *(connections_[path] = std::make_unique<TcpConnection>(loop_, std::move(accepted), config_.connection,
                                                             std::move(on_frame), std::move(on_closed)));
  ++counters_.added;
  connection.Start();
  return true;
}

bool TcpConnections::Send(const net::FiveTuple& path, base::ConstBytes packet) {
  const auto found = connections_.find(path);
  const bool sent = found != connections_.end() && found->second->Send(packet);
  ++(sent ? counters_.frames_sent : counters_.frames_dropped);
  return sent;
}

void TcpConnections::Close(const net::FiveTuple& path) { connections_.erase(path); }

}  // namespace weir::io
