// A network in one process and in virtual time: hosts with addresses, and a Link for each ordered pair.
//
// All chance comes from one seed, and steps are taken in a fixed order, so that a run is a function of its
// seed: log_hash() tells two runs apart. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/time.h"
#include "net/address.h"
#include "sim/clock.h"
#include "sim/link.h"

namespace weir::sim {

class Network;

// Whatever stands at one or more addresses. After each of its calls the network calls Flush.
class Host {
 public:
  virtual ~Host() = default;
  virtual void OnDatagram(base::Now now, const Datagram& datagram) = 0;
  virtual base::Timestamp NextTimeout() const = 0;
  virtual void OnTimeout(base::Now now) = 0;
  // Sends what there is to send (Network::Send), takes events of its engines.
  virtual void Flush(base::Now now, Network& network) = 0;
};

class Network {
 public:
  // Steps at one instant before a run is taken for stuck: two engines that keep each other busy.
  static constexpr int kMaxStepsAtOnce = 100'000;

  struct Counters {
    uint64_t steps = 0;
    uint64_t delivered = 0;
    uint64_t unroutable = 0;  // To an address where nobody is, or from one that its sender does not own.
  };
  // Nothing, or what is wrong.
  using Invariant = std::function<std::optional<std::string>()>;

  explicit Network(uint64_t seed) : random_(seed) {}
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // Hosts outlive the network, or are removed.
  void AddHost(Host& host, std::vector<net::SocketAddress> addresses);
  void RemoveHost(Host& host);
  // A host that moves: the new address is reachable at once, the old one until RemoveAddress.
  void AddAddress(Host& host, const net::SocketAddress& address);
  void RemoveAddress(const net::SocketAddress& address);

  // For pairs that have no link of their own yet.
  void set_default_link(const Link::Config& config) { default_link_ = config; }
  void SetLink(Host& from, Host& to, const Link::Config& config);
  void SetLinks(Host& a, Host& b, const Link::Config& config) {
    SetLink(a, b, config);
    SetLink(b, a, config);
  }
  const Link& link(Host& from, Host& to) { return LinkBetween(from, to); }

  // `path` as the sender sees it: path.local is one of its addresses.
  void Send(const net::FiveTuple& path, base::ConstBytes bytes);

  // Checked after every step; the first violation ends the run.
  void AddInvariant(Invariant invariant) { invariants_.push_back(std::move(invariant)); }
  const std::optional<std::string>& violation() const { return violation_; }

  // False when an invariant was violated or the run got stuck.
  bool RunUntil(base::Timestamp end);
  bool RunFor(base::TimeDelta span) { return RunUntil(now() + span); }
  // Until `done`, at most `span`; whether it was done.
  bool RunUntilDone(base::TimeDelta span, const std::function<bool()>& done);

  base::Timestamp now() const { return clock_.now(); }
  base::Now both() const { return clock_.both(); }
  base::Random& random() { return random_; }
  uint64_t log_hash() const { return log_hash_; }
  const Counters& counters() const { return counters_; }

 private:
  using Pair = std::pair<size_t, size_t>;  // Places in hosts_.

  size_t IndexOf(const Host& host) const;
  Link& LinkBetween(const Host& from, const Host& to);
  base::Timestamp NextDeadline() const;
  bool Run(base::Timestamp end, const std::function<bool()>* done);
  void Step();
  bool DeliverOne();
  void FlushAll();
  void CheckInvariants();
  void Log(uint64_t value);

  Clock clock_;
  base::SeededRandom random_;
  std::vector<Host*> hosts_;  // Null: removed.
  std::map<net::SocketAddress, size_t> addresses_;
  std::map<Pair, std::unique_ptr<Link>> links_;
  Link::Config default_link_;
  std::vector<Invariant> invariants_;
  std::optional<std::string> violation_;
  uint64_t log_hash_ = 14695981039346656037u;  // FNV-1a.
  Counters counters_;
};

}  // namespace weir::sim
