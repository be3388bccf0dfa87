// What the connections of one server share: the io_context, the clock, the registry of connections with its
// limits, and the way in from other threads. Internal to front.
//
// Lifetime: handles that other threads hold (Respond, Upgrade, WebSocket) keep the Core alive and refer to
// their connection weakly; connections are owned by the registry and by their operations in flight, and so
// die on the front thread or with the server.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "front/server.h"
#include "front/stream.h"

namespace weir::front {

// Identifies a connection through its change from HTTP to WebSocket.
using ConnectionId = uint64_t;

// Accepted, or opened by ourselves (a request of HttpClient).
class Connection {
 public:
  virtual ~Connection() = default;
  // Called several times a second: the connection compares its deadlines.
  virtual void OnTick(base::Timestamp now) = 0;
  // Ends when what it is doing is done.
  virtual void EndGracefully() = 0;
  // Ends now.
  virtual void Drop() = 0;
};

class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(Server::Config config, Server::OnRequest on_request, Server::OnUpgrade on_upgrade, base::Logger log);

  const Server::Config& config() const { return config_; }
  const Server::OnRequest& on_request() const { return on_request_; }
  const Server::OnUpgrade& on_upgrade() const { return on_upgrade_; }
  const base::Logger& log() const { return log_; }
  Server::Counters& counters() { return counters_; }
  asio::io_context& io() { return io_; }
  static base::Timestamp Now();

  // Any thread. Runs on the front thread, in order; dropped once the server has ended.
  void Post(std::function<void()> work);
  void PostAfter(base::TimeDelta delay, std::function<void()> work);

  // ---- Front thread.
  // False, and counted, when a limit is reached.
  bool HasRoomFor(const net::IpAddress& ip);
  ConnectionId Add(const net::IpAddress& ip, std::shared_ptr<Connection> connection);
  void Replace(ConnectionId id, std::shared_ptr<Connection> connection);
  void Remove(ConnectionId id);
  // A connection of our own; it counts towards no limit.
  ConnectionId AddOutgoing(std::shared_ptr<Connection> connection);
  void RemoveOutgoing(ConnectionId id);
  void AddBackground(Server::Background& background) { backgrounds_.push_back(&background); }
  bool stopping() const { return stopping_; }

  void StartTicking();
  void BeginStop(base::TimeDelta grace);
  // After io_context::run has returned: nothing is accepted any more, and what was posted meanwhile is run.
  void Finish();

 private:
  struct Entry {
    std::shared_ptr<Connection> connection;
    net::IpAddress ip;
  };
  std::vector<std::shared_ptr<Connection>> Connections() const;
  void Tick();
  bool Idle() const;
  void StopTimersIfIdle();

  const Server::Config config_;
  const Server::OnRequest on_request_;
  const Server::OnUpgrade on_upgrade_;
  const base::Logger log_;
  Server::Counters counters_;
  asio::io_context io_{1};
  Timer tick_;
  std::unordered_map<uint64_t, std::unique_ptr<Timer>> timers_;
  uint64_t next_timer_ = 0;
  std::unordered_map<ConnectionId, Entry> connections_;
  std::unordered_map<net::IpAddress, size_t> per_address_;
  std::unordered_map<ConnectionId, std::shared_ptr<Connection>> outgoing_;
  std::vector<Server::Background*> backgrounds_;
  ConnectionId next_id_ = 0;
  bool stopping_ = false;
  base::Timestamp drop_at_ = base::Timestamp::Infinity();

  std::mutex mutex_;  // Orders Post against Finish.
  bool finished_ = false;
};

// Constructors of the two kinds of connection; each registers itself.
void StartHttpConnection(std::shared_ptr<Core> core, std::unique_ptr<Stream> stream);
// Takes over `id`. Writes the 101 for `request`, then calls `on_open`.
void StartWebSocket(std::shared_ptr<Core> core, ConnectionId id, std::unique_ptr<Stream> stream,
                    const HttpRequest& request, std::function<void(std::shared_ptr<WebSocket>)> on_open);

base::Result<std::unique_ptr<HttpClient>> MakeHttpClient(std::shared_ptr<Core> core,
                                                         HttpClient::Config config);

}  // namespace weir::front
