// The addresses of this machine.
#pragma once

#include <string>
#include <vector>

#include "net/address.h"

namespace weir::io {

struct InterfaceAddress {
  net::IpAddress ip;
  std::string interface;  // "eth0"
  bool loopback = false;
};

// Of interfaces that are up, without link-local ones, in the kernel's order. Empty when it can't be asked.
std::vector<InterfaceAddress> Interfaces();
// The same, addresses only. Tell loopback by IpAddress::is_loopback().
std::vector<net::IpAddress> LocalAddresses();

}  // namespace weir::io
