#include "io/interfaces.h"

#include <ifaddrs.h>
#include <net/if.h>

#include <cstring>
#include <memory>

#include "io/socket_address.h"

namespace weir::io {
namespace {

net::IpAddress AddressOf(const sockaddr* address) {
  KernelAddress kernel{};
  if (address != nullptr && address->sa_family == AF_INET) {
    std::memcpy(&kernel.v4, address, sizeof kernel.v4);
  } else if (address != nullptr && address->sa_family == AF_INET6) {
    std::memcpy(&kernel.v6, address, sizeof kernel.v6);
  }
  return FromKernel(kernel).ip;
}

}  // namespace

std::vector<InterfaceAddress> Interfaces() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) {
    return {};
  }
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
  std::vector<InterfaceAddress> found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    const net::IpAddress ip = AddressOf(entry->ifa_addr);
    if ((entry->ifa_flags & IFF_UP) != 0 && ip.specified() && !ip.is_link_local()) {
      found.push_back({ip, entry->ifa_name, (entry->ifa_flags & IFF_LOOPBACK) != 0});
    }
  }
  return found;
}

std::vector<net::IpAddress> LocalAddresses() {
  std::vector<net::IpAddress> addresses;
  for (const InterfaceAddress& found : Interfaces()) {
    addresses.push_back(found.ip);
  }
  return addresses;
}

}  // namespace weir::io
