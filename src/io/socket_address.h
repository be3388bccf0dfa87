// Addresses between our form and the kernel's. Internal to this module.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "base/result.h"
#include "io/unique_fd.h"
#include "net/address.h"

namespace weir::io {

// The two families that we use, and nothing larger: one lies in every slot of a batch.
union KernelAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

// Returns the length used. An unspecified address becomes 0.0.0.0.
socklen_t ToKernel(const net::SocketAddress& address, KernelAddress& out);
net::SocketAddress FromKernel(const KernelAddress& address);
net::SocketAddress LocalAddressOf(int fd);

// A non-blocking socket bound to `address`; IPv6 sockets take IPv6 only.
base::Result<UniqueFd> BoundSocket(int type, const net::SocketAddress& address, bool reuse_port);
// "bind 10.0.0.1:7882: Address already in use"
std::string Failure(const char* what, const net::SocketAddress& address, int error);

}  // namespace weir::io
