#include "sim/network.h"

#include <algorithm>

namespace weir::sim {

using base::Timestamp;

void Network::AddHost(Host& host, std::vector<net::SocketAddress> addresses) {
  hosts_.push_back(&host);
  for (const net::SocketAddress& address : addresses) {
    AddAddress(host, address);
  }
}

void Network::RemoveHost(Host& host) {
  const size_t index = IndexOf(host);
  std::erase_if(addresses_, [&](const auto& entry) { return entry.second == index; });
  if (index < hosts_.size()) {
    hosts_[index] = nullptr;
  }
}

void Network::AddAddress(Host& host, const net::SocketAddress& address) {
  addresses_[address] = IndexOf(host);
}

void Network::RemoveAddress(const net::SocketAddress& address) { addresses_.erase(address); }

size_t Network::IndexOf(const Host& host) const {
  return static_cast<size_t>(std::ranges::find(hosts_, &host) - hosts_.begin());
}

Link& Network::LinkBetween(const Host& from, const Host& to) {
  auto& link = links_[{IndexOf(from), IndexOf(to)}];
  if (!link) {
    link = std::make_unique<Link>(default_link_, random_);
  }
  return *link;
}

void Network::SetLink(Host& from, Host& to, const Link::Config& config) {
  LinkBetween(from, to).set_config(config);
}

void Network::Send(const net::FiveTuple& path, base::ConstBytes bytes) {
  const auto from = addresses_.find(path.local);
  const auto to = addresses_.find(path.remote);
  if (from == addresses_.end() || to == addresses_.end()) {
    ++counters_.unroutable;
    return;
  }
  LinkBetween(*hosts_[from->second], *hosts_[to->second])
      .Send(now(), Datagram{path, base::Buffer(bytes.begin(), bytes.end())});
}

bool Network::RunUntil(Timestamp end) { return Run(end, nullptr); }

bool Network::RunUntilDone(base::TimeDelta span, const std::function<bool()>& done) {
  return Run(now() + span, &done) && done();
}

bool Network::Run(Timestamp end, const std::function<bool()>* done) {
  FlushAll();
  CheckInvariants();
  int steps_at_once = 0;
  while (!violation_) {
    if (done != nullptr && (*done)()) {
      return true;
    }
    const Timestamp next = NextDeadline();
    if (next > end) {
      clock_.AdvanceTo(end);
      return true;
    }
    steps_at_once = next > now() ? 0 : steps_at_once + 1;
    if (steps_at_once > kMaxStepsAtOnce) {
      violation_ = "time stands still: two ends keep each other busy, or a deadline is never met";
      return false;
    }
    clock_.AdvanceTo(next);
    Step();
  }
  return false;
}

Timestamp Network::NextDeadline() const {
  Timestamp next = Timestamp::Infinity();
  for (const auto& [pair, link] : links_) {
    next = std::min(next, link->NextTimeout());
  }
  for (const Host* host : hosts_) {
    next = host == nullptr ? next : std::min(next, host->NextTimeout());
  }
  return next;
}

// What has arrived comes before time-outs: a deadline that an arrival met does not fire.
void Network::Step() {
  ++counters_.steps;
  if (DeliverOne()) {
    CheckInvariants();
    return;
  }
  for (size_t i = 0; i < hosts_.size(); ++i) {
    Host* host = hosts_[i];
    if (host != nullptr && host->NextTimeout() <= now()) {
      Log(static_cast<uint64_t>(now().micros()));
      Log(i);
      host->OnTimeout(both());
      host->Flush(both(), *this);
      break;
    }
  }
  CheckInvariants();
}

bool Network::DeliverOne() {
  for (auto& [pair, link] : links_) {
    auto datagram = link->Poll(now());
    if (!datagram) {
      continue;
    }
    std::swap(datagram->path.local, datagram->path.remote);
    const auto target = addresses_.find(datagram->path.local);
    if (target == addresses_.end()) {
      ++counters_.unroutable;
      return true;
    }
    Log(static_cast<uint64_t>(now().micros()));
    Log(pair.first << 32 | pair.second);
    for (const uint8_t byte : datagram->bytes) {
      Log(byte);
    }
    ++counters_.delivered;
    Host& host = *hosts_[target->second];
    host.OnDatagram(both(), *datagram);
    host.Flush(both(), *this);
    return true;
  }
  return false;
}

void Network::FlushAll() {
  for (size_t i = 0; i < hosts_.size(); ++i) {
    if (hosts_[i] != nullptr) {
      hosts_[i]->Flush(both(), *this);
    }
  }
}

void Network::CheckInvariants() {
  for (const Invariant& invariant : invariants_) {
    if (!violation_) {
      violation_ = invariant();
    }
  }
}

void Network::Log(uint64_t value) { log_hash_ = (log_hash_ ^ value) * 1099511628211u; }

}  // namespace weir::sim
