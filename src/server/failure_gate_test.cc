#include "server/failure_gate.h"

#include <gtest/gtest.h>

namespace weir::server {
namespace {

constexpr base::Timestamp kNow = base::Timestamp::Seconds(1000);

front::HttpRequest From(const char* ip) {
  front::HttpRequest request;
  request.remote = {*net::IpAddress::Parse(ip), 5000};
  return request;
}

TEST(FailureGate, AnswersWhoFailsTooOftenAndSaysHowLongToWait) {
  FailureGate gate({.per_second = 0.25, .burst = 3, .entries = 16}, 1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(gate.Refuse(kNow, From("192.0.2.1")).has_value());
    gate.OnFailure(kNow, From("192.0.2.1").remote.ip);
  }
  const auto refused = gate.Refuse(kNow, From("192.0.2.1"));
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(front::FindHeader(refused->headers, "Retry-After"), "4");
  EXPECT_FALSE(gate.Refuse(kNow, From("192.0.2.2")).has_value());
  EXPECT_FALSE(gate.Refuse(kNow + base::TimeDelta::Seconds(4), From("192.0.2.1")).has_value());
  EXPECT_EQ(gate.counters().limited, 1U);
}

}  // namespace
}  // namespace weir::server
