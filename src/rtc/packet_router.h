// Which transport a datagram belongs to: by its five-tuple once one is known, else by the user name fragment
// in its STUN request.
//
// One per worker, not thread-safe. A five-tuple is remembered when a STUN request with a known fragment
// arrives on it (ICE then decides whether it is worth anything) and forgotten with its transport; the table
// is bounded by max_paths per transport.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/packet_pool.h"
#include "base/time.h"
#include "net/address.h"

namespace weir::rtc {

class Transport;

class PacketRouter {
 public:
  struct Config {
    size_t max_paths_per_transport = 32;
  };
  struct Counters {
    uint64_t unknown = 0;        // From nowhere we know, and no STUN request of ours.
    uint64_t unknown_ufrag = 0;  // A STUN request for a connection that is gone, or never was.
    uint64_t paths_refused = 0;  // Over max_paths_per_transport.
  };

  PacketRouter() : PacketRouter(Config()) {}
  explicit PacketRouter(const Config& config) : config_(config) {}

  void AddUfrag(const std::string& ufrag, Transport& transport) { ufrags_[ufrag] = &transport; }
  void RemoveUfrag(const std::string& ufrag) { ufrags_.erase(ufrag); }
  // The transport has removed its fragments before.
  void RemoveTransport(Transport& transport);

  void OnDatagram(base::Now now, const net::FiveTuple& path, base::PacketRef packet);
  void OnPathClosed(base::Now now, const net::FiveTuple& path);

  size_t paths() const { return paths_.size(); }
  size_t ufrags() const { return ufrags_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  Transport* FindByUfrag(base::ConstBytes datagram);
  void Remember(const net::FiveTuple& path, Transport& transport);
  void Forget(const net::FiveTuple& path);

  const Config config_;
  std::unordered_map<net::FiveTuple, Transport*> paths_;
  std::unordered_map<std::string, Transport*> ufrags_;
  std::unordered_map<Transport*, std::vector<net::FiveTuple>> paths_of_;
  // The last path looked up: packets of one sender arrive in runs.
  net::FiveTuple last_path_;
  Transport* last_ = nullptr;
  Counters counters_;
};

}  // namespace weir::rtc
