// The HTTP/1.1 and WebSocket server that clients and API callers meet: one thread, Boost.Asio and Beast
// inside.
//
// It owns connections, limits, time-outs, CORS and framing; what a path means is for the two handlers. They
// run on the front thread and must not block; answers may come later and from any thread.
//
// What is answered here, without the handlers: broken requests (400), a header over max_header (431), a body
// over max_body (413 `request body too large`), a CORS preflight (204), too many connections (closed at
// once). HEAD reaches the handler as HEAD; the body of its response is measured and left out.
//
// Every response carries the CORS headers of the protocol: the Origin echoed, or `*` without one.
//
// TLS is not terminated here; Connection reads and writes through the Stream interface of stream.h, which is
// where a TLS stream goes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "front/http.h"
#include "front/http_client.h"
#include "front/web_socket.h"
#include "net/address.h"

namespace weir::front {

// An HTTP request that asks to become a WebSocket. Exactly one of Accept and Reject decides it, from any
// thread; dropping every reference without either answers 500.
class Upgrade {
 public:
  virtual ~Upgrade() = default;
  virtual const HttpRequest& request() const = 0;
  // Writes the 101 and calls back on the front thread with the open WebSocket; never, when the client has
  // gone meanwhile (then the callback is destroyed).
  virtual void Accept(std::function<void(std::shared_ptr<WebSocket>)> on_open) = 0;
  virtual void Reject(HttpResponse response) = 0;
};

class Server {
 public:
  struct Config {
    std::vector<net::SocketAddress> listen;  // Port 0 takes a free one, see bound().
    size_t max_body = 10 << 20;
    size_t max_header = 1 << 20;  // Request line included: an offer may come in the query.
    size_t max_connections = 20'000;
    size_t max_connections_per_address = 2'000;  // A NAT or a load balancer is one address.
    base::TimeDelta header_timeout =
        base::TimeDelta::Seconds(10);  // From the first wait to the whole header.
    base::TimeDelta body_timeout = base::TimeDelta::Seconds(30);
    base::TimeDelta idle_timeout = base::TimeDelta::Seconds(120);  // Between requests of one connection.
    base::TimeDelta write_timeout =
        base::TimeDelta::Seconds(30);  // Per response, for a peer that does not read.
    base::TimeDelta answer_timeout = base::TimeDelta::Seconds(60);  // For the handler; past it 503.
    WebSocketConfig web_socket;
  };
  // Callable from any thread; the first call counts. Dropping every copy without calling answers 500.
  using Respond = std::function<void(HttpResponse)>;
  using OnRequest = std::function<void(HttpRequest, Respond)>;
  using OnUpgrade = std::function<void(std::shared_ptr<Upgrade>)>;

  // Work on the front thread that is not a connection's: whoever posts on his own account.
  class Background {
   public:
    virtual ~Background() = default;
    virtual void OnTick(base::Timestamp now) = 0;  // Ten times a second, until Stop's grace is over.
    virtual bool busy() const = 0;                 // Holds up the end of a stop, within its grace.
  };

  // Atomic, so that any thread may read them.
  struct Counters {
    std::atomic<uint64_t> connections_accepted = 0;
    std::atomic<uint64_t> connections_open = 0;
    std::atomic<uint64_t> connections_refused = 0;  // Over a limit.
    std::atomic<uint64_t> requests = 0;
    std::atomic<uint64_t> bad_requests = 0;  // 400, 413, 431
    std::atomic<uint64_t> timeouts = 0;
    std::atomic<uint64_t> web_sockets_opened = 0;
    std::atomic<uint64_t> web_sockets_overflowed = 0;  // Closed over max_queued.
  };

  // Binds every address of the configuration, or none. The error names the address and the reason.
  static base::Result<std::unique_ptr<Server>> Listen(Config config, OnRequest on_request,
                                                      OnUpgrade on_upgrade, base::Logger log = {});
  virtual ~Server() = default;

  virtual const std::vector<net::SocketAddress>& bound() const = 0;
  // The front thread: serves until Stop has closed everything.
  virtual void Run() = 0;
  // Stops accepting, answers what is being answered, closes WebSockets with 1001, and lets Run return; after
  // `grace` whatever is left is dropped. Any thread, any number of times.
  virtual void Stop(base::TimeDelta grace = base::TimeDelta::Seconds(2)) = 0;
  // Runs `work` on the front thread, in order; at once after the current handler. Dropped when Run has
  // returned.
  virtual void Post(std::function<void()> work) = 0;
  // Runs `work` on the front thread after `delay`; not cancellable, dropped at Stop. Any thread.
  virtual void After(base::TimeDelta delay, std::function<void()> work) = 0;
  // Before Run; it outlives the server.
  virtual void AddBackground(Background& background) = 0;
  // Requests of our own, made on the front thread. Stop lets them finish within its grace. Fails when the
  // authorities cannot be read.
  virtual base::Result<std::unique_ptr<HttpClient>> MakeHttpClient(HttpClient::Config config) = 0;
  virtual const Counters& counters() const = 0;
};

}  // namespace weir::front
