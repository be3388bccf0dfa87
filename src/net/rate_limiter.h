// How often an address may fail: a token bucket for each, IPv4 by /32 and IPv6 by /64, in a table of fixed
// size.
//
// The two halves of taking a token are apart: Allows asks before the costly step, Charge pays when that step
// has failed. What succeeds costs nothing. `scope` splits an address's budget, so that whoever sends from a
// forged source spends only the budget of what he names.
//
// A bucket that is not in the table is full. When its row is full, the bucket closest to full makes room
// (counted, unless it had refilled): a flood from many addresses can at most forget who was limited. Not
// thread-safe; allocates at construction only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/counters.h"
#include "base/time.h"
#include "net/address.h"

namespace weir::net {

class RateLimiter {
 public:
  struct Config {
    double per_second = 20;   // Failures that are forgiven; 0: no limit at all.
    double burst = 200;       // Failures in a row; at least 1.
    size_t entries = 16'384;  // 32 bytes each; rounded up to whole rows.
  };
  struct Counters {
    uint64_t charged = 0;
    uint64_t limited = 0;  // Allows said no.
    uint64_t evicted = 0;  // Buckets forgotten before they had refilled.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"charged", &Counters::charged},
          {"limited", &Counters::limited},
          {"evicted", &Counters::evicted},
      });
    }
  };

  // `seed`: random, so that nobody can choose addresses that share a row.
  RateLimiter(const Config& config, uint64_t seed);

  bool Allows(base::Timestamp now, const IpAddress& ip, uint64_t scope = 0);
  void Charge(base::Timestamp now, const IpAddress& ip, uint64_t scope = 0);
  // Until the next failure is allowed; zero when it is.
  base::TimeDelta RetryAfter(base::Timestamp now, const IpAddress& ip, uint64_t scope = 0) const;

  size_t capacity() const { return buckets_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  static constexpr size_t kRow = 4;
  struct Bucket {
    uint64_t prefix = 0;
    uint64_t scope = 0;
    base::Timestamp at = base::Timestamp::Never();  // When `tokens` held; never: unused.
    float tokens = 0;
    bool v6 = false;
  };
  struct Key {
    uint64_t prefix = 0;
    uint64_t scope = 0;
    bool v6 = false;
  };

  static Key KeyOf(const IpAddress& ip, uint64_t scope);
  size_t RowOf(const Key& key) const;
  const Bucket* Find(const Key& key) const;
  double TokensOf(const Bucket& bucket, base::Timestamp now) const;

  const Config config_;
  const uint64_t seed_;
  std::vector<Bucket> buckets_;
  Counters counters_;
};

}  // namespace weir::net
