#include "net/rate_limiter.h"

#include <gtest/gtest.h>

namespace weir::net {
namespace {

using base::TimeDelta;
using base::Timestamp;

constexpr Timestamp kStart = Timestamp::Micros(1'000'000'000);
const IpAddress kAnn = IpAddress::V4(192, 0, 2, 1);
const IpAddress kBen = IpAddress::V4(192, 0, 2, 2);

RateLimiter Limiter(double per_second = 2, double burst = 3, size_t entries = 64) {
  return RateLimiter({.per_second = per_second, .burst = burst, .entries = entries}, 42);
}

void Fail(RateLimiter& limiter, const IpAddress& ip, int times, Timestamp now = kStart, uint64_t scope = 0) {
  for (int i = 0; i < times; ++i) {
    limiter.Charge(now, ip, scope);
  }
}

TEST(RateLimiter, AllowsABurstThenRefuses) {
  RateLimiter limiter = Limiter();
  Fail(limiter, kAnn, 2);
  EXPECT_TRUE(limiter.Allows(kStart, kAnn));
  Fail(limiter, kAnn, 1);
  EXPECT_FALSE(limiter.Allows(kStart, kAnn));
  EXPECT_TRUE(limiter.Allows(kStart, kBen));
  EXPECT_EQ(limiter.counters().charged, 3U);
  EXPECT_EQ(limiter.counters().limited, 1U);
}

TEST(RateLimiter, ForgivesWithTime) {
  RateLimiter limiter = Limiter();
  Fail(limiter, kAnn, 3);
  EXPECT_EQ(limiter.RetryAfter(kStart, kAnn), TimeDelta::Millis(500));
  EXPECT_FALSE(limiter.Allows(kStart + TimeDelta::Millis(499), kAnn));
  EXPECT_TRUE(limiter.Allows(kStart + TimeDelta::Millis(500), kAnn));
  EXPECT_EQ(limiter.RetryAfter(kStart + TimeDelta::Millis(500), kAnn), TimeDelta::Micros(0));
  // No more than a burst is saved up.
  const Timestamp later = kStart + TimeDelta::Seconds(3600);
  Fail(limiter, kAnn, 3, later);
  EXPECT_FALSE(limiter.Allows(later, kAnn));
}

TEST(RateLimiter, AskingCostsNothing) {
  RateLimiter limiter = Limiter();
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(limiter.Allows(kStart, kAnn));
  }
}

TEST(RateLimiter, ANetworkOfIpv6IsOneAddress) {
  RateLimiter limiter = Limiter();
  Fail(limiter, *IpAddress::Parse("2001:db8:1:2::1"), 3);
  EXPECT_FALSE(limiter.Allows(kStart, *IpAddress::Parse("2001:db8:1:2:ffff::9")));
  EXPECT_TRUE(limiter.Allows(kStart, *IpAddress::Parse("2001:db8:1:3::1")));
}

TEST(RateLimiter, AScopeHasItsOwnBudget) {
  RateLimiter limiter = Limiter();
  Fail(limiter, kAnn, 3, kStart, 7);
  EXPECT_FALSE(limiter.Allows(kStart, kAnn, 7));
  EXPECT_TRUE(limiter.Allows(kStart, kAnn, 8));
}

TEST(RateLimiter, AFloodFromManyAddressesKeepsWhoIsLimitedLongest) {
  RateLimiter limiter = Limiter(2, 3, 64);
  Fail(limiter, kAnn, 3);
  for (uint32_t i = 0; i < 10'000; ++i) {
    Fail(limiter, IpAddress::V4(0x0a000000 + i), 1);
  }
  EXPECT_EQ(limiter.capacity(), 64U);
  EXPECT_GT(limiter.counters().evicted, 9'000U);
  EXPECT_FALSE(limiter.Allows(kStart, kAnn));
}

TEST(RateLimiter, ABucketThatHasRefilledGoesWithoutBeingCounted) {
  RateLimiter limiter = Limiter(2, 3, 4);
  for (uint32_t i = 0; i < 4; ++i) {
    Fail(limiter, IpAddress::V4(0x0a000000 + i), 1);
  }
  const Timestamp later = kStart + TimeDelta::Seconds(10);
  Fail(limiter, kAnn, 1, later);
  EXPECT_EQ(limiter.counters().evicted, 0U);
}

TEST(RateLimiter, ZeroIsNoLimit) {
  RateLimiter limiter = Limiter(0);
  Fail(limiter, kAnn, 1000);
  EXPECT_TRUE(limiter.Allows(kStart, kAnn));
  EXPECT_EQ(limiter.RetryAfter(kStart, kAnn), TimeDelta::Micros(0));
}

}  // namespace
}  // namespace weir::net
