#include "io/socket_address.h"

#include <cerrno>
#include <cstring>
#include <system_error>

namespace weir::io {

socklen_t ToKernel(const net::SocketAddress& address, KernelAddress& out) {
  const base::ConstBytes ip = address.ip.bytes();
  if (address.ip.is_v6()) {
    out.v6 = {};
    out.v6.sin6_family = AF_INET6;
    out.v6.sin6_port = htons(address.port);
    std::memcpy(&out.v6.sin6_addr, ip.data(), ip.size());
    return sizeof out.v6;
  }
  out.v4 = {};
  out.v4.sin_family = AF_INET;
  out.v4.sin_port = htons(address.port);
  if (!ip.empty()) {
    std::memcpy(&out.v4.sin_addr, ip.data(), ip.size());
  }
  return sizeof out.v4;
}

net::SocketAddress FromKernel(const KernelAddress& address) {
  if (address.any.sa_family == AF_INET6) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&address.v6.sin6_addr);
    return {net::IpAddress::FromBytes({bytes, 16}), ntohs(address.v6.sin6_port)};
  }
  if (address.any.sa_family == AF_INET) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&address.v4.sin_addr);
    return {net::IpAddress::FromBytes({bytes, 4}), ntohs(address.v4.sin_port)};
  }
  return {};
}

net::SocketAddress LocalAddressOf(int fd) {
  KernelAddress address{};
  socklen_t size = sizeof address;
  return getsockname(fd, &address.any, &size) == 0 ? FromKernel(address) : net::SocketAddress{};
}

std::string Failure(const char* what, const net::SocketAddress& address, int error) {
  return std::string(what) + " " + address.ToString() + ": " + std::generic_category().message(error);
}

base::Result<UniqueFd> BoundSocket(int type, const net::SocketAddress& address, bool reuse_port) {
  KernelAddress kernel;
  const socklen_t size = ToKernel(address, kernel);
  UniqueFd fd(socket(kernel.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) {
    return base::Fail(base::ErrorCode::kUnavailable, Failure("socket for", address, errno));
  }
  const int on = 1;
  if (address.ip.is_v6()) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (type == SOCK_STREAM) {
    // A restarted server must not wait for its old connections' TIME_WAIT.
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  if (reuse_port) {
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  }
  if (bind(fd.get(), &kernel.any, size) != 0) {
    return base::Fail(base::ErrorCode::kUnavailable, Failure("bind", address, errno));
  }
  return fd;
}

}  // namespace weir::io
