// For tests of this module: agents, the network between them and the time that passes, all in one loop.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/overloaded.h"
#include "base/random.h"
#include "ice/agent.h"

namespace weir::ice {

inline net::SocketAddress Address(const char* text) { return *net::SocketAddress::Parse(text); }

// An agent with what it said.
struct Side {
  Side(const Agent::Config& config, uint64_t seed) : random(seed), agent(config, random) {}

  base::SeededRandom random;
  Agent agent;
  std::vector<State> states;
  std::vector<net::FiveTuple> selections;
};

// Sockets with addresses, links with a delay. A socket may be seen under another address than its own (a
// NAT), and that may change (roaming).
class TestNetwork {
 public:
  Timestamp now = Timestamp::Seconds(100);
  TimeDelta delay = TimeDelta::Millis(20);  // One way.
  size_t datagrams = 0;
  std::function<bool(const net::FiveTuple& sent)> drop = [](const net::FiveTuple&) { return false; };

  void Attach(Side& side, net::Protocol protocol, net::SocketAddress socket) {
    sides_.insert({&side, {}});
    sockets_[{protocol, socket}] = {&side, socket};
    outside_[{protocol, socket}] = socket;
  }
  // From now on datagrams from `socket` come from `seen`, and what is sent to its address before is lost.
  void Move(net::Protocol protocol, net::SocketAddress socket, net::SocketAddress seen) {
    auto& outside = outside_[{protocol, socket}];
    const auto owner = sockets_.at({protocol, outside});
    sockets_.erase({protocol, outside});
    outside = seen;
    sockets_[{protocol, seen}] = owner;
  }
  void Unplug(net::Protocol protocol, net::SocketAddress seen) { sockets_.erase({protocol, seen}); }

  void Run(TimeDelta duration) {
    RunUntil(now + duration, [] { return false; });
  }
  bool RunUntil(Timestamp end, const std::function<bool()>& done) {
    for (int guard = 0; guard < 100'000; ++guard) {
      Collect();
      if (done()) {
        return true;
      }
      Timestamp next = end;
      for (const auto& flight : in_flight_) {
        next = std::min(next, flight.at);
      }
      for (const auto& [side, unused] : sides_) {
        next = std::min(next, side->agent.NextTimeout());
      }
      if (next >= end) {
        now = end;
        Collect();
        return done();
      }
      now = std::max(now, next);
      Deliver();
      for (const auto& [side, unused] : sides_) {
        if (side->agent.NextTimeout() <= now) {
          side->agent.OnTimeout(now);
        }
      }
    }
    ADD_FAILURE() << "an agent asks to be woken again and again";
    return false;
  }

 private:
  using Key = std::pair<net::Protocol, net::SocketAddress>;
  struct Owner {
    Side* side = nullptr;
    net::SocketAddress socket;
  };
  struct Flight {
    Timestamp at;
    net::FiveTuple path;  // As the receiver sees it, but for NAT on its side.
    Buffer bytes;
  };

  void Collect() {
    for (const auto& [side, unused] : sides_) {
      while (auto transmit = side->agent.PollTransmit()) {
        ++datagrams;
        const auto outside = outside_.find({transmit->path.protocol, transmit->path.local});
        if (outside == outside_.end() || drop(transmit->path)) {
          continue;
        }
        in_flight_.push_back({now + delay,
                              {transmit->path.protocol, transmit->path.remote, outside->second},
                              std::move(transmit->bytes)});
      }
      while (const auto event = side->agent.PollEvent()) {
        std::visit(
            base::Overloaded{
                [&](const Agent::StateChanged& changed) { side->states.push_back(changed.state); },
                [&](const Agent::PathSelected& selected) { side->selections.push_back(selected.path); },
            },
            *event);
      }
    }
  }

  void Deliver() {
    std::vector<Flight> due;
    std::erase_if(in_flight_, [&](Flight& flight) {
      if (flight.at > now) {
        return false;
      }
      due.push_back(std::move(flight));
      return true;
    });
    for (Flight& flight : due) {
      const auto owner = sockets_.find({flight.path.protocol, flight.path.local});
      if (owner != sockets_.end()) {
        flight.path.local = owner->second.socket;
        owner->second.side->agent.OnDatagram(now, flight.path, flight.bytes);
      }
    }
  }

  std::map<Side*, std::monostate> sides_;
  std::map<Key, Owner> sockets_;               // By the address that others send to.
  std::map<Key, net::SocketAddress> outside_;  // Of a socket: the address that others see.
  std::vector<Flight> in_flight_;
};

}  // namespace weir::ice
