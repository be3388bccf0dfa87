// One accepted WebSocket of the front server.
//
// Sends are queued and written in order; the queue is bounded in bytes, and a peer that does not read is
// disconnected rather than waited for. Pings go out every Config::ping_interval; a missing pong closes
// nothing (some SDKs never ping, and liveness is signalling's business), a dead TCP connection does.
//
// Threading: Send, Close and Abort may be called from any thread. Handlers run on the front thread, in order,
// and never inside a call of Send or Close. on_closed is called exactly once and is the last; after it the
// WebSocket holds no reference to the handlers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/time.h"
#include "net/address.h"

namespace weir::front {

struct WebSocketConfig {
  size_t max_message = 2 << 20;  // Inbound, after inflation; a larger one closes with 1009.
  size_t max_queued = 8 << 20;   // Bytes waiting to be written; past it the peer is closed with 1013.
  base::TimeDelta ping_interval = base::TimeDelta::Seconds(10);
  base::TimeDelta close_timeout = base::TimeDelta::Seconds(5);  // For flushing and the peer's close frame.
  bool deflate = true;  // permessage-deflate, when the client offers it.
};

// RFC 6455 section 7.4.1. kAbnormal is never sent: it reports a connection that ended without a close frame.
enum CloseCode : uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kNoCloseCode = 1005,
  kAbnormal = 1006,
  kMessageTooBig = 1009,
  kInternalError = 1011,
  kTryAgainLater = 1013,
};

class WebSocket {
 public:
  using OnMessage = std::function<void(bool binary, std::string message)>;
  using OnClosed = std::function<void(uint16_t code)>;

  virtual ~WebSocket() = default;

  // Call on the front thread, at once when the WebSocket is handed over: reading starts with it. `on_closed`
  // gets the code of the peer's close frame, our own code when we closed first, or kAbnormal.
  virtual void SetHandlers(OnMessage on_message, OnClosed on_closed) = 0;

  // Front thread, before or with SetHandlers: this one's max_message; 0 is no limit.
  virtual void LimitMessages(size_t max_message) = 0;

  // Dropped silently after Close or when the connection has ended.
  virtual void Send(std::string message, bool binary) = 0;
  // Writes what is queued, then a close frame; gives up after close_timeout. Messages that arrive meanwhile
  // are dropped. The first call counts. `reason` is cut to 123 bytes.
  virtual void Close(uint16_t code, std::string reason) = 0;
  // Drops TCP without a close frame (the peer sees 1006).
  virtual void Abort() = 0;

  virtual net::SocketAddress remote() const = 0;
  virtual size_t queued_bytes() const = 0;  // Front thread.
};

}  // namespace weir::front
