// Two transports and a network between them, in virtual time, for tests and the fuzz target.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/random.h"
#include "dtls/transport.h"

namespace weir::dtls {

class TestPair {
 public:
  struct Network {
    double loss = 0;
    double duplication = 0;
    base::TimeDelta delay = base::TimeDelta::Millis(10);
    base::TimeDelta jitter;  // Above the distance of two datagrams it reorders them.
  };
  struct Side {
    Side(const Transport::Config& config, const Certificate& certificate) : transport(config, certificate) {}
    Transport transport;
    std::optional<SrtpKeys> keys;
    std::vector<base::Buffer> data;
    std::string closed;
    int remote_closed = 0;
    std::vector<base::Buffer> sent;  // Every datagram, lost or not.
  };

  TestPair(const Transport::Config& client_config, const Transport::Config& server_config,
           const Certificate& client_certificate, const Certificate& server_certificate)
      : client(WithRole(client_config, Role::kClient), client_certificate),
        server(WithRole(server_config, Role::kServer), server_certificate) {}

  void ExchangeFingerprints(const Certificate& of_client, const Certificate& of_server) {
    client.transport.SetRemoteFingerprint("sha-256", of_server.fingerprint());
    server.transport.SetRemoteFingerprint("sha-256", of_client.fingerprint());
  }

  // Carries datagrams and time on until `end`, or until nothing is left to happen.
  void RunUntil(base::Timestamp end) {
    Collect();
    while (true) {
      const base::Timestamp next = NextEvent();
      if (next.infinite() || next > end) {
        break;
      }
      now = std::max(now, next);
      DeliverDue();
      for (Side* side : {&client, &server}) {
        if (side->transport.NextTimeout() <= now) {
          side->transport.OnTimeout(now);
        }
      }
      Collect();
    }
    now = end.infinite() ? now : end;
  }
  void RunFor(base::TimeDelta span) { RunUntil(now + span); }
  bool connected() const { return client.keys && server.keys; }

  Side client;
  Side server;
  Network network;
  base::SeededRandom random{1};
  base::Timestamp now = base::Timestamp::Seconds(1000);
  // Sees every datagram before the network does, and may change it; false loses it.
  std::function<bool(bool from_client, base::Buffer&)> filter;

 private:
  struct Flight {
    base::Timestamp at;
    bool to_server;
    base::Buffer bytes;
  };
  static Transport::Config WithRole(Transport::Config config, Role role) {
    config.role = role;
    return config;
  }

  base::Timestamp NextEvent() const {
    base::Timestamp next = std::min(client.transport.NextTimeout(), server.transport.NextTimeout());
    for (const Flight& flight : flights_) {
      next = std::min(next, flight.at);
    }
    return next;
  }
  void DeliverDue() {
    while (true) {
      const auto first = std::ranges::min_element(flights_, {}, &Flight::at);
      if (first == flights_.end() || first->at > now) {
        return;
      }
      const Flight flight = std::move(*first);
      flights_.erase(first);
      (flight.to_server ? server : client).transport.OnDatagram(now, flight.bytes);
    }
  }
  void Collect() {
    for (Side* side : {&client, &server}) {
      while (auto event = side->transport.PollEvent()) {
        Take(*side, std::move(*event));
      }
      while (auto datagram = side->transport.PollTransmit()) {
        side->sent.push_back(*datagram);
        Launch(side == &client, std::move(*datagram));
      }
    }
  }
  static void Take(Side& side, Transport::Event event) {
    if (auto* up = std::get_if<Transport::Connected>(&event)) {
      side.keys = std::move(up->keys);
    } else if (auto* data = std::get_if<Transport::Data>(&event)) {
      side.data.push_back(std::move(data->bytes));
    } else if (auto* closed = std::get_if<Transport::Closed>(&event)) {
      side.closed = closed->reason;
    } else {
      ++side.remote_closed;
    }
  }
  void Launch(bool from_client, base::Buffer bytes) {
    if (filter && !filter(from_client, bytes)) {
      return;
    }
    const int copies = random.NextDouble() < network.duplication ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      if (random.NextDouble() >= network.loss) {
        const auto wait = base::TimeDelta::Micros(
            static_cast<int64_t>(random.NextDouble() * static_cast<double>(network.jitter.micros())));
        flights_.push_back({now + network.delay + wait, from_client, bytes});
      }
    }
  }

  std::vector<Flight> flights_;
};

}  // namespace weir::dtls
