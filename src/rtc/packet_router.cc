#include "rtc/packet_router.h"

#include <utility>

#include "rtc/transport.h"
#include "stun/message.h"

namespace weir::rtc {
namespace {

// Tells the budgets of one address apart.
uint64_t ScopeOf(const Transport& transport) { return reinterpret_cast<uintptr_t>(&transport); }

}  // namespace

void PacketRouter::RemoveTransport(Transport& transport) {
  last_ = nullptr;
  if (const auto found = paths_of_.find(&transport); found != paths_of_.end()) {
    for (const net::FiveTuple& path : found->second) {
      paths_.erase(path);
    }
    paths_of_.erase(found);
  }
}

Transport* PacketRouter::FindByUfrag(base::ConstBytes datagram) {
  const auto username = stun::UsernameOf(datagram);
  if (!username) {
    ++counters_.unknown;
    return nullptr;
  }
  // RFC 8445 section 7.2.2: the receiver's fragment comes first.
  const auto found = ufrags_.find(std::string(username->substr(0, username->find(':'))));
  if (found == ufrags_.end()) {
    ++counters_.unknown_ufrag;
    return nullptr;
  }
  return found->second;
}

void PacketRouter::Forget(const net::FiveTuple& path) {
  last_ = nullptr;
  const auto found = paths_.find(path);
  if (found != paths_.end()) {
    std::erase(paths_of_[found->second], path);
    paths_.erase(found);
  }
}

void PacketRouter::Remember(const net::FiveTuple& path, Transport& transport) {
  Forget(path);
  std::vector<net::FiveTuple>& known = paths_of_[&transport];
  if (known.size() >= config_.max_paths_per_transport) {
    ++counters_.paths_refused;  // This request is served; later packets of the path are not found.
    return;
  }
  known.push_back(path);
  paths_.emplace(path, &transport);
}

void PacketRouter::OnDatagram(base::Now now, const net::FiveTuple& path, base::PacketRef packet) {
  Transport* transport = nullptr;
  if (last_ != nullptr && path == last_path_) {
    transport = last_;
  } else if (const auto found = paths_.find(path); found != paths_.end()) {
    transport = found->second;
  }
  const base::ConstBytes bytes = std::as_const(*packet).bytes();
  bool unproved = false;
  if (transport == nullptr || stun::LooksLikeStun(bytes)) {
    // A client may use one socket for a new connection: a request that names another one moves the path
    // there.
    Transport* named = transport != nullptr && !stun::UsernameOf(bytes) ? transport : FindByUfrag(bytes);
    if (named == nullptr) {
      return;
    }
    unproved = !named->connection().ice().IsValidPath(path);
    if (unproved && !forged_.Allows(now.mono, path.remote.ip, ScopeOf(*named))) {
      return;  // Counted there.
    }
    if (named != transport) {
      Remember(path, *named);
      transport = named;
    }
  }
  last_path_ = path;
  last_ = transport;
  if (unproved) {
    DeliverUnproved(now, path, *transport, std::move(packet));
  } else {
    transport->OnDatagram(now, path, std::move(packet));
  }
}

void PacketRouter::DeliverUnproved(base::Now now, const net::FiveTuple& path, Transport& transport,
                                   base::PacketRef packet) {
  const ice::Agent& ice = transport.connection().ice();
  const uint64_t before = ice.counters().unauthentic;
  transport.OnDatagram(now, path, std::move(packet));
  if (ice.counters().unauthentic != before) {
    forged_.Charge(now.mono, path.remote.ip, ScopeOf(transport));
  }
}

void PacketRouter::OnPathClosed(base::Now now, const net::FiveTuple& path) {
  const auto found = paths_.find(path);
  if (found == paths_.end()) {
    return;
  }
  Transport* transport = found->second;
  Forget(path);
  transport->OnPathClosed(now, path);
}

}  // namespace weir::rtc
