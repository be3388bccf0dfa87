// One accepted ICE/TCP connection on an event loop: framed packets in and out. (Linux)
//
// Belongs to the loop's thread. It is made from an AcceptedConnection, on whatever worker that was handed to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "io/event_loop.h"
#include "io/tcp_framing.h"
#include "io/unique_fd.h"
#include "net/address.h"

namespace weir::io {

// A connection between two owners; dropping it closes it. Can be moved to another thread.
struct AcceptedConnection {
  UniqueFd fd;
  net::FiveTuple path;
  base::Buffer already_read;  // Of the stream: from its first frame on, which is still to be handled.
};

class TcpConnection {
 public:
  struct Config {
    size_t max_queued = size_t{256} << 10;        // Bytes that wait for the socket; more are dropped.
    size_t max_read_per_turn = size_t{64} << 10;  // So that one sender does not hold up the loop.
  };
  struct Counters {
    uint64_t frames_received = 0;
    uint64_t frames_sent = 0;     // Queued, that is: all of them leave unless the connection ends.
    uint64_t frames_dropped = 0;  // The queue was full, or the frame too large.
  };
  // Both are called from inside the loop or Start, and may destroy the connection (and with it `frame`).
  // OnClosed is the last call: the other side closed, the stream broke, or what came is no framing.
  using OnFrame = std::function<void(const net::FiveTuple& path, base::ConstBytes frame)>;
  using OnClosed = std::function<void(const net::FiveTuple& path)>;

  TcpConnection(EventLoop& loop, AcceptedConnection accepted, const Config& config, OnFrame on_frame,
                OnClosed on_closed);
  ~TcpConnection();  // Closes, without OnClosed.
  TcpConnection(const TcpConnection&) = delete;
  TcpConnection& operator=(const TcpConnection&) = delete;

  // Delivers the frames that were read before, and begins to listen. Call once.
  void Start();
  // Queues one frame. False when it was dropped: the queue is full, the frame too large, the connection over.
  bool Send(base::ConstBytes packet);

  const net::FiveTuple& path() const { return path_; }
  size_t queued() const { return out_.size() - out_sent_; }
  const Counters& counters() const { return counters_; }

 private:
  void OnEvents(uint32_t events);
  bool Read();           // False when the connection is over or gone: touch nothing any more.
  bool DeliverFrames();  // Likewise.
  bool Write();          // False when the stream is broken.
  void End();

  EventLoop& loop_;
  UniqueFd fd_;
  const net::FiveTuple path_;
  const Config config_;
  const OnFrame on_frame_;
  const OnClosed on_closed_;
  FrameReader reader_;
  base::Buffer out_;
  size_t out_sent_ = 0;
  bool watching_writable_ = false;
  bool broken_ = false;  // Found while sending; told at the next event.
  Counters counters_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace weir::io
