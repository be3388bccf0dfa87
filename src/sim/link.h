// One direction of a path between two hosts: when, and whether, a datagram arrives.
//
// A datagram first waits for the line (rate_bps; tail drop at queue_bytes), then travels for delay plus a
// uniform part of jitter. With `reorder` off, jitter delays but never reorders. What TCP carries is neither
// lost, repeated nor reordered: a loss costs it the time of a retransmission.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/random.h"
#include "base/time.h"
#include "net/address.h"

namespace weir::sim {

// `path` as its holder sees it: the sender's local end is the receiver's remote end.
struct Datagram {
  net::FiveTuple path;
  base::Buffer bytes;
};

class Link {
 public:
  struct Config {
    base::TimeDelta delay = base::TimeDelta::Millis(10);
    base::TimeDelta jitter;
    double loss = 0;       // Probability of each datagram.
    double duplicate = 0;  // Likewise; the copy draws its own jitter.
    bool reorder = false;
    int64_t rate_bps = 0;             // 0: unlimited.
    size_t queue_bytes = 128 * 1024;  // Waiting for the line; only with a rate.
  };
  struct Counters {
    uint64_t sent = 0;
    uint64_t delivered = 0;
    uint64_t lost = 0;
    uint64_t duplicated = 0;
    uint64_t queue_dropped = 0;
    uint64_t delivered_bytes = 0;
  };

  // `random` must outlive the link.
  Link(const Config& config, base::Random& random) : config_(config), random_(random) {}

  // Datagrams under way keep their time of arrival.
  void set_config(const Config& config) { config_ = config; }
  const Config& config() const { return config_; }

  void Send(base::Timestamp now, Datagram datagram);
  // The next datagram that has arrived by now.
  std::optional<Datagram> Poll(base::Timestamp now);
  base::Timestamp NextTimeout() const {
    return flying_.empty() ? base::Timestamp::Infinity() : flying_.begin()->first.first;
  }
  // Bytes that wait for the line.
  size_t queued_bytes(base::Timestamp now) const;
  const Counters& counters() const { return counters_; }

 private:
  bool Chance(double probability) { return probability > 0 && random_.NextDouble() < probability; }
  base::TimeDelta Jitter();
  void Fly(base::Timestamp arrival, Datagram datagram);

  Config config_;
  base::Random& random_;
  std::map<std::pair<base::Timestamp, uint64_t>, Datagram> flying_;  // By arrival, then order of sending.
  uint64_t next_order_ = 0;
  base::Timestamp line_free_ = base::Timestamp::Never();
  base::Timestamp last_arrival_ = base::Timestamp::Never();
  base::Timestamp last_tcp_arrival_ = base::Timestamp::Never();
  Counters counters_;
};

}  // namespace weir::sim
