// The ICE/TCP passive listener: accepts, waits for the first whole frame, and lets the owner decide by it
// where the connection belongs. (Linux)
//
// The first frame of an ICE/TCP connection is a STUN binding request, whose user name tells the peer and so
// the worker. OnFirstFrame receives the connection itself with every byte read so far, to be added to a
// TcpConnections here or posted to another worker. Until then connections are limited in number and in time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>

#include "base/counters.h"
#include "base/result.h"
#include "base/time.h"
#include "io/event_loop.h"
#include "io/tcp_connection.h"
#include "io/tcp_framing.h"
#include "io/unique_fd.h"
#include "net/address.h"

namespace weir::io {

class TcpListener {
 public:
  struct Config {
    int backlog = 512;
    size_t max_waiting = 1024;            // Connections without a first frame.
    size_t max_waiting_per_source = 256;  // Of those, from one address: half an office may sit behind it.
    base::TimeDelta first_frame_timeout = base::TimeDelta::Seconds(5);
    bool reuse_port = false;
  };
  struct Counters {
    uint64_t accepted = 0;
    uint64_t refused_full = 0;   // Over a limit: closed at once.
    uint64_t refused_frame = 0;  // What came first is no frame, or none that the owner wanted.
    uint64_t timed_out = 0;      // No first frame in time.
    uint64_t closed_early = 0;   // The other side left before its first frame.
    uint64_t accept_errors = 0;  // Out of descriptors and the like: accepting pauses for a moment.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"accepted", &Counters::accepted},
          {"refused_full", &Counters::refused_full},
          {"refused_frame", &Counters::refused_frame},
          {"timed_out", &Counters::timed_out},
          {"closed_early", &Counters::closed_early},
          {"accept_errors", &Counters::accept_errors},
      });
    }
  };
  // `frame` looks into connection.already_read and stays good when the connection is moved. Returns whether
  // the owner wanted it; it drops the connection otherwise.
  using OnFirstFrame = std::function<bool(AcceptedConnection connection, base::ConstBytes frame)>;

  static base::Result<std::unique_ptr<TcpListener>> Listen(EventLoop& loop, const net::SocketAddress& address,
                                                           const Config& config, OnFirstFrame on_first_frame);
  ~TcpListener();
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;

  const net::SocketAddress& address() const { return address_; }  // With the port the kernel chose for 0.
  size_t waiting() const { return waiting_.size(); }
  const Counters& counters() const { return counters_; }
  // In time of the monotonic clock, which this reads itself when a connection comes.
  base::Timestamp NextTimeout() const;
  void OnTimeout(base::Timestamp now);

 private:
  using Id = uint64_t;  // Never used twice, as descriptors are.
  struct Waiting {
    UniqueFd fd;
    net::FiveTuple path;
    FrameReader reader;
  };
  struct Deadline {
    base::Timestamp at;
    Id id = 0;
  };
  TcpListener(EventLoop& loop, UniqueFd fd, const net::SocketAddress& address, const Config& config,
              OnFirstFrame on_first_frame);

  void Accept();
  void Admit(UniqueFd fd, const net::SocketAddress& remote);
  bool HasRoom(const net::IpAddress& source) const;
  void OnReadable(Id id);
  void HandOver(Id id, base::ConstBytes frame);
  void Drop(Id id);
  void ForgetPassed();

  EventLoop& loop_;
  const UniqueFd fd_;
  const net::SocketAddress address_;
  const Config config_;
  const OnFirstFrame on_first_frame_;
  std::unordered_map<Id, Waiting> waiting_;
  std::unordered_map<net::IpAddress, size_t> waiting_by_source_;
  std::deque<Deadline> deadlines_;  // In order of time, some of connections that wait no more.
  Id next_id_ = 1;
  base::Timestamp resume_at_ = base::Timestamp::Infinity();  // When accepting is paused.
  Counters counters_;
};

}  // namespace weir::io
