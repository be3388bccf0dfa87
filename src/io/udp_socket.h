// A UDP socket that works in batches: recvmmsg straight into pooled packets, sendmmsg with UDP_SEGMENT.
// (Linux)
//
// Bound to one address, which may be the any address of its family: `local` of a received datagram is then
// the address that it was sent to, and a reply leaves from there. (The IPv6 any address takes IPv6 only, so
// that both families can share a port.) Non-blocking; steady state allocates nothing. One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/counters.h"
#include "base/packet_pool.h"
#include "base/result.h"
#include "base/time.h"
#include "io/unique_fd.h"
#include "net/address.h"

namespace weir::io {

struct Datagram {
  net::FiveTuple path;
  base::PacketRef packet;
};

class SendBatch;  // io/send_batch.h

class UdpSocket {
 public:
  struct Config {
    size_t receive_buffer = size_t{4} << 20;  // Asked for; the kernel may give less (net.core.rmem_max).
    size_t send_buffer = size_t{4} << 20;
    bool reuse_port = false;  // Several sockets on one port, the kernel spreads by source.
  };
  struct Counters {
    uint64_t received = 0;
    uint64_t received_bytes = 0;
    uint64_t receive_calls = 0;
    uint64_t truncated = 0;       // Longer than kMaxPacketSize: dropped.
    uint64_t dropped_empty = 0;   // Without a byte; nothing that speaks to us sends one.
    uint64_t no_packet = 0;       // The pool was exhausted: dropped.
    uint64_t receive_errors = 0;  // Errors of the socket other than "nothing there".
    uint64_t sent = 0;            // Packets, however many messages carried them.
    uint64_t sent_bytes = 0;
    uint64_t sent_messages = 0;
    uint64_t send_calls = 0;
    uint64_t dropped_full = 0;    // The send buffer was full (EAGAIN, ENOBUFS).
    uint64_t dropped_errors = 0;  // The kernel refused: no route, not permitted.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"received", &Counters::received},
          {"received_bytes", &Counters::received_bytes},
          {"receive_calls", &Counters::receive_calls},
          {"truncated", &Counters::truncated},
          {"dropped_empty", &Counters::dropped_empty},
          {"no_packet", &Counters::no_packet},
          {"receive_errors", &Counters::receive_errors},
          {"sent", &Counters::sent},
          {"sent_bytes", &Counters::sent_bytes},
          {"sent_messages", &Counters::sent_messages},
          {"send_calls", &Counters::send_calls},
          {"dropped_full", &Counters::dropped_full},
          {"dropped_errors", &Counters::dropped_errors},
      });
    }
  };

  static base::Result<std::unique_ptr<UdpSocket>> Bind(const net::SocketAddress& address,
                                                       const Config& config);
  static base::Result<std::unique_ptr<UdpSocket>> Bind(const net::SocketAddress& address) {
    return Bind(address, Config());
  }
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  int fd() const { return fd_.get(); }
  const net::SocketAddress& address() const { return address_; }  // With the port the kernel chose for 0.
  bool segmentation() const { return segmentation_; }             // UDP_SEGMENT is in use.
  // The next batches send one packet a message, as where the kernel refuses UDP_SEGMENT.
  void DisableSegmentation() { segmentation_ = false; }

  // Keeps packets of `pool` ready between calls: the pool must outlive the socket, and be the same every
  // time. How many of `batch` were filled; at most kMaxReceive at a time. Fewer than asked for means that the
  // socket is empty, unless packets were dropped on the way (see counters).
  static constexpr size_t kMaxReceive = 64;
  size_t Receive(base::PacketPool& pool, std::span<Datagram> batch, base::Timestamp now);

  const Counters& counters() const { return counters_; }

 private:
  friend class SendBatch;
  struct ReceiveSlots;
  UdpSocket(UniqueFd fd, const net::SocketAddress& address);
  bool TakeReceived(size_t slot, Datagram& out, base::Timestamp now);

  const UniqueFd fd_;
  const net::SocketAddress address_;
  const bool any_;  // Bound to the any address: packets say where they were sent to.
  bool segmentation_ = true;
  Counters counters_;
  std::unique_ptr<ReceiveSlots> slots_;
};

}  // namespace weir::io
