// Which transport a datagram belongs to: by its five-tuple once one is known, else by the user name fragment
// in its STUN request.
//
// One per worker, not thread-safe. A five-tuple is remembered when a STUN request with a known fragment
// arrives on it (ICE then decides whether it is worth anything) and forgotten with its transport; the table
// is bounded by max_paths per transport.
//
// Junk costs a look into a table and is counted. What costs more is the password of a request that names a
// connection of ours: who guesses passwords is slowed down, by address and connection. Not by address alone,
// for sources are forged easily, and junk in somebody's name must not keep him out. A path that ICE has
// proved is never slowed down.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/counters.h"
#include "base/packet_pool.h"
#include "base/time.h"
#include "net/address.h"
#include "net/rate_limiter.h"

namespace weir::rtc {

class Transport;

class PacketRouter {
 public:
  struct Config {
    size_t max_paths_per_transport = 32;
    // Requests with a wrong password, of one address for one connection, before its requests are dropped
    // without a look at the password.
    net::RateLimiter::Config forged{.per_second = 100, .burst = 500, .entries = 4096};
    uint64_t seed = 0;  // Random, of the limiter's table.
  };
  struct Counters {
    uint64_t unknown = 0;        // From nowhere we know, and no STUN request of ours.
    uint64_t unknown_ufrag = 0;  // A STUN request for a connection that is gone, or never was.
    uint64_t paths_refused = 0;  // Over max_paths_per_transport.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"unknown", &Counters::unknown},
          {"unknown_ufrag", &Counters::unknown_ufrag},
          {"paths_refused", &Counters::paths_refused},
      });
    }
  };

  PacketRouter() : PacketRouter(Config()) {}
  explicit PacketRouter(const Config& config) : config_(config), forged_(config.forged, config.seed) {}

  void AddUfrag(const std::string& ufrag, Transport& transport) { ufrags_[ufrag] = &transport; }
  void RemoveUfrag(const std::string& ufrag) { ufrags_.erase(ufrag); }
  // The transport has removed its fragments before.
  void RemoveTransport(Transport& transport);

  void OnDatagram(base::Now now, const net::FiveTuple& path, base::PacketRef packet);
  void OnPathClosed(base::Now now, const net::FiveTuple& path);

  const net::RateLimiter& forged() const { return forged_; }
  size_t paths() const { return paths_.size(); }
  size_t ufrags() const { return ufrags_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  Transport* FindByUfrag(base::ConstBytes datagram);
  // STUN on a path that is not proved: counts against its source when it is forged.
  void DeliverUnproved(base::Now now, const net::FiveTuple& path, Transport& transport,
                       base::PacketRef packet);
  void Remember(const net::FiveTuple& path, Transport& transport);
  void Forget(const net::FiveTuple& path);

  const Config config_;
  std::unordered_map<net::FiveTuple, Transport*> paths_;
  std::unordered_map<std::string, Transport*> ufrags_;
  std::unordered_map<Transport*, std::vector<net::FiveTuple>> paths_of_;
  // The last path looked up: packets of one sender arrive in runs.
  net::FiveTuple last_path_;
  Transport* last_ = nullptr;
  net::RateLimiter forged_;
  Counters counters_;
};

}  // namespace weir::rtc
