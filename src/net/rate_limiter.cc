#include "net/rate_limiter.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace weir::net {
namespace {

// One round each way of a multiplicative mix: rows must not be guessable without the seed, no more.
uint64_t Mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15;
  hash = (hash ^ (hash >> 29)) * 0xbf58476d1ce4e5b9;
  return hash ^ (hash >> 32);
}

}  // namespace

RateLimiter::RateLimiter(const Config& config, uint64_t seed)
    : config_{config.per_second, std::max(1.0, config.burst), config.entries},
      seed_(seed),
      buckets_(std::bit_ceil(std::max(config.entries, kRow))) {}

RateLimiter::Key RateLimiter::KeyOf(const IpAddress& ip, uint64_t scope) {
  Key key{.scope = scope, .v6 = ip.is_v6()};
  const base::ConstBytes bytes = ip.bytes();
  for (size_t i = 0; i < std::min<size_t>(bytes.size(), 8); ++i) {
    key.prefix = key.prefix << 8 | bytes[i];
  }
  return key;
}

size_t RateLimiter::RowOf(const Key& key) const {
  const uint64_t hash = Mix(Mix(seed_ ^ (key.v6 ? 1 : 0), key.prefix), key.scope);
  return hash % (buckets_.size() / kRow) * kRow;
}

const RateLimiter::Bucket* RateLimiter::Find(const Key& key) const {
  const size_t row = RowOf(key);
  for (size_t i = row; i < row + kRow; ++i) {
    const Bucket& bucket = buckets_[i];
    if (!bucket.at.never() && bucket.prefix == key.prefix && bucket.scope == key.scope &&
        bucket.v6 == key.v6) {
      return &bucket;
    }
  }
  return nullptr;
}

double RateLimiter::TokensOf(const Bucket& bucket, base::Timestamp now) const {
  const double seconds = static_cast<double>(std::max<int64_t>(0, (now - bucket.at).micros())) / 1e6;
  return std::min(config_.burst, static_cast<double>(bucket.tokens) + seconds * config_.per_second);
}

bool RateLimiter::Allows(base::Timestamp now, const IpAddress& ip, uint64_t scope) {
  const Bucket* bucket = config_.per_second > 0 ? Find(KeyOf(ip, scope)) : nullptr;
  if (bucket == nullptr || TokensOf(*bucket, now) >= 1) {
    return true;
  }
  ++counters_.limited;
  return false;
}

void RateLimiter::Charge(base::Timestamp now, const IpAddress& ip, uint64_t scope) {
  if (config_.per_second <= 0) {
    return;
  }
  ++counters_.charged;
  const Key key = KeyOf(ip, scope);
  if (const Bucket* found = Find(key)) {
    Bucket& bucket = buckets_[static_cast<size_t>(found - buckets_.data())];
    bucket.tokens = static_cast<float>(std::max(0.0, TokensOf(bucket, now) - 1));
    bucket.at = now;
    return;
  }
  const auto left = [&](const Bucket& bucket) {
    return bucket.at.never() ? 2 * config_.burst : TokensOf(bucket, now);
  };
  const auto row = buckets_.begin() + static_cast<ptrdiff_t>(RowOf(key));
  Bucket& bucket =
      *std::max_element(row, row + kRow, [&](const Bucket& a, const Bucket& b) { return left(a) < left(b); });
  if (left(bucket) < config_.burst) {
    ++counters_.evicted;
  }
  bucket = {.prefix = key.prefix,
            .scope = key.scope,
            .at = now,
            .tokens = static_cast<float>(config_.burst - 1),
            .v6 = key.v6};
}

base::TimeDelta RateLimiter::RetryAfter(base::Timestamp now, const IpAddress& ip, uint64_t scope) const {
  const Bucket* bucket = config_.per_second > 0 ? Find(KeyOf(ip, scope)) : nullptr;
  const double missing = bucket == nullptr ? 0 : 1 - TokensOf(*bucket, now);
  if (missing <= 0) {
    return base::TimeDelta::Micros(0);
  }
  return base::TimeDelta::Micros(static_cast<int64_t>(std::ceil(missing / config_.per_second * 1e6)));
}

}  // namespace weir::net
