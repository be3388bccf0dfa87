// Packets on their way out: sealed straight into one arena, sent together. (Linux)
//
// Packets that follow one another on one path, all of the first one's size but for a shorter last one, become
// one message with UDP_SEGMENT: that is what makes sending cheap. So queue one subscriber's packets one after
// the other. Steady state allocates nothing. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "io/udp_socket.h"
#include "net/address.h"

namespace weir::io {

class SendBatch {
 public:
  struct Config {
    size_t arena = size_t{1} << 20;
    size_t max_messages = 1024;
    size_t max_segments = 64;  // What every kernel with UDP_SEGMENT takes.
  };
  SendBatch() : SendBatch(Config()) {}
  explicit SendBatch(const Config& config);
  ~SendBatch();
  SendBatch(const SendBatch&) = delete;
  SendBatch& operator=(const SendBatch&) = delete;

  // Where to write the next packet of up to `max` bytes. Empty, and counted, when there is no room: flush,
  // and ask again. Ask again without a commit to give up what was reserved before.
  base::MutableBytes Reserve(size_t max);
  // The first `size` bytes of what was reserved are the packet. Nothing happens for 0 or for more than was
  // reserved.
  void Commit(const net::FiveTuple& path, size_t size);
  // Reserve, copy, commit. False when there was no room.
  bool Add(const net::FiveTuple& path, base::ConstBytes packet);

  bool empty() const { return message_count_ == 0; }
  size_t messages() const { return message_count_; }
  size_t packets() const { return packet_count_; }
  uint64_t refused() const { return refused_; }  // Reservations without room.

  // Sends everything and is empty afterwards: what the kernel does not take is dropped and counted by the
  // socket.
  void Flush(UdpSocket& socket);

 private:
  struct Message {
    net::FiveTuple path;
    uint32_t offset = 0;
    uint32_t size = 0;
    uint16_t segment = 0;  // Size of every packet but a shorter last one.
    uint16_t packets = 0;
  };
  struct Slots;

  bool Extends(const Message& message, const net::FiveTuple& path, size_t size) const;
  void Prepare(size_t slot, const UdpSocket& socket, const Message& message, uint32_t offset, uint32_t size,
               uint16_t packets);
  void Send(UdpSocket& socket, size_t slots);
  void SendOneByOne(UdpSocket& socket, size_t slot);

  const Config config_;
  std::vector<uint8_t> arena_;
  std::vector<Message> messages_;
  size_t used_ = 0;
  size_t reserved_ = 0;
  size_t message_count_ = 0;
  size_t packet_count_ = 0;
  uint64_t refused_ = 0;
  std::unique_ptr<Slots> slots_;
};

}  // namespace weir::io
