#include "server/host_candidates.h"

#include <algorithm>

namespace weir::server {
namespace {

constexpr uint16_t kHighestPreference = 65535;

std::vector<net::IpAddress> Addresses(const config::Config& config,
                                      const std::vector<io::InterfaceAddress>& interfaces) {
  const auto allowed = [&](const io::InterfaceAddress& interface) {
    return config.rtc.interfaces.Allows(interface.interface) && config.rtc.ips.Allows(interface.ip);
  };
  const bool with_loopback = config.development || config.rtc.enable_loopback_candidate;
  std::vector<net::IpAddress> addresses;
  std::vector<net::IpAddress> loopback;
  for (const io::InterfaceAddress& interface : interfaces) {
    if (!allowed(interface) || interface.ip.is_link_local()) {
      continue;
    }
    (interface.loopback ? loopback : addresses).push_back(interface.ip);
  }
  if (with_loopback || addresses.empty()) {
    addresses.insert(addresses.end(), loopback.begin(), loopback.end());
  }
  std::stable_partition(addresses.begin(), addresses.end(),
                        [](const net::IpAddress& ip) { return ip.is_v4(); });
  return addresses;
}

// The local address behind a public one: the first of its family.
std::optional<net::IpAddress> BehindPublic(const net::IpAddress& address,
                                           const std::vector<net::IpAddress>& locals) {
  const auto found = std::find_if(locals.begin(), locals.end(), [&](const net::IpAddress& local) {
    return local.is_v4() == address.is_v4();
  });
  return found == locals.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

std::vector<ice::Candidate> MakeHostCandidates(const config::Config& config,
                                               const std::vector<io::InterfaceAddress>& interfaces,
                                               const LocalPorts& ports) {
  const std::vector<net::IpAddress> locals = Addresses(config, interfaces);
  const std::vector<net::IpAddress>& announced = config.rtc.node_ips.empty() ? locals : config.rtc.node_ips;
  std::vector<ice::Candidate> candidates;
  const auto add = [&](net::Protocol protocol, uint16_t port) {
    if (port == 0) {
      return;
    }
    uint16_t preference = kHighestPreference;
    for (const net::IpAddress& ip : announced) {
      ice::Candidate candidate = ice::MakeHostCandidate(protocol, {ip, port}, preference--);
      const auto behind = BehindPublic(ip, locals);
      if (behind && std::find(locals.begin(), locals.end(), ip) == locals.end()) {
        candidate.related = net::SocketAddress{*behind, port};
      }
      candidates.push_back(candidate);
    }
  };
  if (!config.rtc.force_tcp) {
    add(net::Protocol::kUdp, ports.udp);
  }
  add(net::Protocol::kTcp, ports.tcp);
  return candidates;
}

}  // namespace weir::server
