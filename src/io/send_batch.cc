#include "io/send_batch.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/socket_address.h"

namespace weir::io {
namespace {

constexpr size_t kMaxMessageBytes = 65'000;  // A UDP datagram's limit with headers, rounded down.
constexpr size_t kControlSize = CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t));

// What the kernel answers where UDP_SEGMENT cannot be used: unknown to it, or no checksum offload on the
// device.
bool RefusesSegments(int error) { return error == EIO || error == EINVAL || error == EOPNOTSUPP; }
bool IsFull(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS; }

struct alignas(cmsghdr) Control {
  uint8_t bytes[kControlSize];
};

// Appends control messages to a header whose msg_controllen counts what is there.
template <typename T>
void AppendControl(msghdr& header, int level, int type, const T& value) {
  auto* c = reinterpret_cast<cmsghdr*>(static_cast<uint8_t*>(header.msg_control) + header.msg_controllen);
  c->cmsg_level = level;
  c->cmsg_type = type;
  c->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(c), &value, sizeof value);
  header.msg_controllen += CMSG_SPACE(sizeof value);
}

void AppendSource(msghdr& header, const net::IpAddress& source) {
  if (source.is_v4()) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, source.bytes().data(), 4);
    AppendControl(header, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, source.bytes().data(), 16);
    AppendControl(header, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

}  // namespace

struct SendBatch::Slots {
  explicit Slots(size_t count)
      : headers(count), vectors(count), targets(count), controls(count), parts(count) {}
  struct Part {
    uint32_t size = 0;
    uint16_t segment = 0;
    uint16_t packets = 0;
  };
  std::vector<mmsghdr> headers;
  std::vector<iovec> vectors;
  std::vector<KernelAddress> targets;
  std::vector<Control> controls;
  std::vector<Part> parts;
};

SendBatch::SendBatch(const Config& config)
    : config_(config),
      arena_(config.arena),
      messages_(config.max_messages),
      slots_(std::make_unique<Slots>(config.max_messages)) {}

SendBatch::~SendBatch() = default;

base::MutableBytes SendBatch::Reserve(size_t max) {
  reserved_ = 0;
  if (max > arena_.size() - used_ || message_count_ == messages_.size()) {
    ++refused_;
    return {};
  }
  reserved_ = max;
  return base::MutableBytes(arena_).subspan(used_, max);
}

bool SendBatch::Extends(const Message& message, const net::FiveTuple& path, size_t size) const {
  const bool all_full = message.size == uint32_t{message.segment} * message.packets;
  return all_full && size <= message.segment && message.packets < config_.max_segments &&
         message.size + size <= kMaxMessageBytes && message.path == path;
}

void SendBatch::Commit(const net::FiveTuple& path, size_t size) {
  if (size == 0 || size > reserved_ || size > kMaxMessageBytes) {
    return;
  }
  if (message_count_ > 0 && Extends(messages_[message_count_ - 1], path, size)) {
    Message& message = messages_[message_count_ - 1];
    message.size += static_cast<uint32_t>(size);
    ++message.packets;
  } else {
    messages_[message_count_++] = {path, static_cast<uint32_t>(used_), static_cast<uint32_t>(size),
                                   static_cast<uint16_t>(size), 1};
  }
  used_ += size;
  reserved_ = 0;
  ++packet_count_;
}

bool SendBatch::Add(const net::FiveTuple& path, base::ConstBytes packet) {
  const base::MutableBytes room = Reserve(packet.size());
  if (room.size() < packet.size() || packet.empty()) {
    return false;
  }
  std::ranges::copy(packet, room.begin());
  Commit(path, packet.size());
  return true;
}

void SendBatch::Flush(UdpSocket& socket) {
  size_t slots = 0;
  const auto prepare = [&](const Message& message, uint32_t offset, uint32_t size, uint16_t packets) {
    if (slots == messages_.size()) {
      Send(socket, slots);
      slots = 0;
    }
    Prepare(slots++, socket, message, offset, size, packets);
  };
  for (size_t i = 0; i < message_count_; ++i) {
    const Message& message = messages_[i];
    if (message.path.remote.ip.is_v6() != socket.address().ip.is_v6()) {
      socket.counters_.dropped_errors += message.packets;
    } else if (socket.segmentation_) {
      prepare(message, message.offset, message.size, message.packets);
    } else {
      for (uint32_t at = 0; at < message.size; at += message.segment) {
        prepare(message, message.offset + at, std::min<uint32_t>(message.segment, message.size - at), 1);
      }
    }
  }
  Send(socket, slots);
  used_ = reserved_ = message_count_ = packet_count_ = 0;
}

void SendBatch::Prepare(size_t slot, const UdpSocket& socket, const Message& message, uint32_t offset,
                        uint32_t size, uint16_t packets) {
  slots_->parts[slot] = {size, message.segment, packets};
  slots_->vectors[slot] = {arena_.data() + offset, size};
  msghdr& header = slots_->headers[slot].msg_hdr;
  header = {};
  header.msg_name = &slots_->targets[slot];
  header.msg_namelen = ToKernel(message.path.remote, slots_->targets[slot]);
  header.msg_iov = &slots_->vectors[slot];
  header.msg_iovlen = 1;
  header.msg_control = &slots_->controls[slot];
  const net::IpAddress& source = message.path.local.ip;
  if (socket.any_ && source.specified() && !source.is_any() && source.is_v6() == socket.address_.ip.is_v6()) {
    AppendSource(header, source);
  }
  if (packets > 1) {
    AppendControl(header, SOL_UDP, UDP_SEGMENT, message.segment);
  }
}

void SendBatch::Send(UdpSocket& socket, size_t slots) {
  UdpSocket::Counters& counters = socket.counters_;
  size_t next = 0;
  while (next < slots) {
    ++counters.send_calls;
    const int count =
        sendmmsg(socket.fd(), &slots_->headers[next], static_cast<unsigned>(slots - next), MSG_DONTWAIT);
    for (int i = 0; i < count; ++i) {
      const Slots::Part& part = slots_->parts[next++];
      ++counters.sent_messages;
      counters.sent += part.packets;
      counters.sent_bytes += part.size;
    }
    if (count >= 0 || errno == EINTR) {
      continue;
    }
    const Slots::Part& part = slots_->parts[next];
    if (part.packets > 1 && RefusesSegments(errno)) {
      SendOneByOne(socket, next);
      ++next;
    } else if (IsFull(errno)) {
      // What follows would not find room either, at a system call each.
      for (; next < slots; ++next) {
        counters.dropped_full += slots_->parts[next].packets;
      }
    } else {
      counters.dropped_errors += part.packets;
      ++next;
    }
  }
}

// The same packets without UDP_SEGMENT. If they go, it was that which the kernel refused, and it is not tried
// again; if they do not go either, it was the packets (too large for the device, say).
void SendBatch::SendOneByOne(UdpSocket& socket, size_t slot) {
  UdpSocket::Counters& counters = socket.counters_;
  const Slots::Part part = slots_->parts[slot];
  const iovec all = slots_->vectors[slot];
  msghdr& header = slots_->headers[slot].msg_hdr;
  header.msg_controllen -= CMSG_SPACE(sizeof part.segment);  // The last one.
  bool refused = false;
  for (uint32_t at = 0; at < part.size; at += part.segment) {
    slots_->vectors[slot] = {static_cast<uint8_t*>(all.iov_base) + at,
                             std::min<size_t>(part.segment, part.size - at)};
    ++counters.send_calls;
    if (sendmsg(socket.fd(), &header, MSG_DONTWAIT) >= 0) {
      ++counters.sent_messages;
      ++counters.sent;
      counters.sent_bytes += slots_->vectors[slot].iov_len;
    } else if (IsFull(errno)) {
      ++counters.dropped_full;
    } else {
      ++counters.dropped_errors;
      refused = true;
    }
  }
  socket.segmentation_ = socket.segmentation_ && refused;
}

}  // namespace weir::io
