#include "io/udp_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "io/socket_address.h"

namespace weir::io {
namespace {

constexpr size_t kControlSize = CMSG_SPACE(sizeof(in6_pktinfo));

void SetOption(int fd, int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof value); }

// The larger of what the limit allows and what a privileged process may take beyond it.
void SetBuffer(int fd, int name, int forced_name, size_t size) {
  const int value = static_cast<int>(std::min<size_t>(size, size_t{1} << 30));
  if (setsockopt(fd, SOL_SOCKET, forced_name, &value, sizeof value) != 0) {
    SetOption(fd, SOL_SOCKET, name, value);
  }
}

// Where a datagram was sent to, from its control message.
net::IpAddress DestinationOf(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      return net::IpAddress::FromBytes({reinterpret_cast<const uint8_t*>(&info.ipi_spec_dst), 4});
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      return net::IpAddress::FromBytes({reinterpret_cast<const uint8_t*>(&info.ipi6_addr), 16});
    }
  }
  return {};
}

}  // namespace

// A packet waits in every slot, so that the kernel writes where the packet stays.
struct UdpSocket::ReceiveSlots {
  std::array<base::PacketRef, kMaxReceive> packets;
  std::array<mmsghdr, kMaxReceive> headers{};
  std::array<iovec, kMaxReceive> vectors{};
  std::array<KernelAddress, kMaxReceive> sources{};
  struct alignas(cmsghdr) Control {
    uint8_t bytes[kControlSize];
  };
  std::array<Control, kMaxReceive> controls{};
};

base::Result<std::unique_ptr<UdpSocket>> UdpSocket::Bind(const net::SocketAddress& address,
                                                         const Config& config) {
  UniqueFd fd = TRY(BoundSocket(SOCK_DGRAM, address, config.reuse_port));
  SetBuffer(fd.get(), SO_RCVBUF, SO_RCVBUFFORCE, config.receive_buffer);
  SetBuffer(fd.get(), SO_SNDBUF, SO_SNDBUFFORCE, config.send_buffer);
  // Packets are never larger than a common MTU; sent unfragmented, without the kernel's own search for the
  // path's.
  if (address.ip.is_v6()) {
    SetOption(fd.get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    SetOption(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, address.ip.is_any() ? 1 : 0);
  } else {
    SetOption(fd.get(), IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
    SetOption(fd.get(), IPPROTO_IP, IP_PKTINFO, address.ip.is_any() ? 1 : 0);
  }
  const net::SocketAddress bound = LocalAddressOf(fd.get());
  return std::unique_ptr<UdpSocket>(new UdpSocket(std::move(fd), bound));
}

UdpSocket::UdpSocket(UniqueFd fd, const net::SocketAddress& address)
    : fd_(std::move(fd)),
      address_(address),
      any_(address.ip.is_any()),
      slots_(std::make_unique<ReceiveSlots>()) {}

UdpSocket::~UdpSocket() = default;

size_t UdpSocket::Receive(base::PacketPool& pool, std::span<Datagram> batch, base::Timestamp now) {
  const size_t wanted = std::min(batch.size(), kMaxReceive);
  size_t ready = 0;
  for (; ready < wanted; ++ready) {
    base::PacketRef& packet = slots_->packets[ready];
    if (!packet) {
      packet = pool.Allocate();
    }
    if (!packet) {
      break;
    }
    const base::MutableBytes storage = packet->storage();
    slots_->vectors[ready] = {storage.data(), storage.size()};
    msghdr& header = slots_->headers[ready].msg_hdr;
    header = {};
    header.msg_name = &slots_->sources[ready];
    header.msg_namelen = sizeof(KernelAddress);
    header.msg_iov = &slots_->vectors[ready];
    header.msg_iovlen = 1;
    if (any_) {
      header.msg_control = &slots_->controls[ready];
      header.msg_controllen = kControlSize;
    }
  }
  if (ready == 0) {
    if (wanted > 0) {
      // The pool is empty. Read one away, or a level-triggered loop would spin.
      uint8_t byte;
      counters_.no_packet += recv(fd(), &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0 ? 1 : 0;
    }
    return 0;
  }

  ++counters_.receive_calls;
  const int count =
      recvmmsg(fd(), slots_->headers.data(), static_cast<unsigned>(ready), MSG_DONTWAIT, nullptr);
  if (count < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
      ++counters_.receive_errors;
    }
    return 0;
  }
  size_t taken = 0;
  for (size_t slot = 0; slot < static_cast<size_t>(count); ++slot) {
    taken += TakeReceived(slot, batch[taken], now) ? 1 : 0;
  }
  return taken;
}

bool UdpSocket::TakeReceived(size_t slot, Datagram& out, base::Timestamp now) {
  mmsghdr& header = slots_->headers[slot];
  if ((header.msg_hdr.msg_flags & MSG_TRUNC) != 0) {
    ++counters_.truncated;
    return false;
  }
  ++counters_.received;
  counters_.received_bytes += header.msg_len;
  if (header.msg_len == 0) {
    ++counters_.dropped_empty;  // Every reader looks at the first byte.
    return false;
  }
  net::SocketAddress local = address_;
  if (any_) {
    if (const net::IpAddress destination = DestinationOf(header.msg_hdr); destination.specified()) {
      local.ip = destination;
    }
  }
  out.path = {net::Protocol::kUdp, local, FromKernel(slots_->sources[slot])};
  out.packet = std::move(slots_->packets[slot]);
  out.packet->begin = 0;
  out.packet->size = static_cast<uint16_t>(header.msg_len);
  out.packet->arrival = now;
  return true;
}

}  // namespace weir::io
