// Which addresses a worker offers to clients: its sockets' ports on this machine's interfaces, or the
// addresses that the operator says the outside world sees.
#pragma once

#include <cstdint>
#include <vector>

#include "config/config.h"
#include "ice/candidate.h"
#include "io/interfaces.h"
#include "net/address.h"

namespace weir::server {

struct LocalPorts {
  uint16_t udp = 0;  // 0: no UDP.
  uint16_t tcp = 0;  // 0: no ICE/TCP.
};

// UDP before TCP, IPv4 before IPv6. Loopback only where the configuration asks for it, in development, or
// when there is nothing else.
std::vector<ice::Candidate> MakeHostCandidates(const config::Config& config,
                                               const std::vector<io::InterfaceAddress>& interfaces,
                                               const LocalPorts& ports);

}  // namespace weir::server
