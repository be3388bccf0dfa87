#include "server/metrics_listener.h"

#include <gtest/gtest.h>

#include "auth/encoding.h"

namespace weir::server {
namespace {

front::HttpRequest With(const std::string& authorization) {
  front::HttpRequest request;
  request.headers.emplace_back("Authorization", authorization);
  return request;
}
std::string Base64(std::string_view text) { return auth::EncodeBase64(base::AsBytes(text)); }

TEST(MayReadMetrics, EverybodyWithoutAUser) {
  EXPECT_TRUE(MayReadMetrics(front::HttpRequest(), {.port = 1, .username = "", .password = ""}));
}

TEST(MayReadMetrics, OnlyWhoHasUserAndPassword) {
  const config::Prometheus config{.port = 1, .username = "ann", .password = "se:cret"};
  EXPECT_TRUE(MayReadMetrics(With("Basic " + Base64("ann:se:cret")), config));
  EXPECT_TRUE(MayReadMetrics(With("basic " + Base64("ann:se:cret")), config));
  EXPECT_FALSE(MayReadMetrics(front::HttpRequest(), config));
  for (const std::string& wrong : {std::string("Basic"), std::string("Basic "), std::string("Basic !"),
                                   "Bearer " + Base64("ann:se:cret"), "Basic " + Base64("ann:se:crett"),
                                   "Basic " + Base64("ann:"), "Basic " + Base64("annse:cret")}) {
    EXPECT_FALSE(MayReadMetrics(With(wrong), config)) << wrong;
  }
}

TEST(MetricsListener, SaysThatItsPortIsTaken) {
  const net::IpAddress loopback = *net::IpAddress::Parse("127.0.0.1");
  front::Server::Config config;
  config.listen = {{loopback, 0}};
  const auto front = front::Server::Listen(
      config, [](const front::HttpRequest&, const front::Server::Respond&) {},
      [](const std::shared_ptr<front::Upgrade>&) {});
  ASSERT_TRUE(front.has_value());
  WorkerPool workers({});
  Metrics metrics("ND_test", workers, base::WallTime{});
  const config::Prometheus taken{.port = (*front)->bound().front().port, .username = "", .password = ""};
  const auto listener = MetricsListener::Listen(taken, {loopback}, metrics, **front, base::Logger());
  ASSERT_FALSE(listener.has_value());
  EXPECT_NE(listener.error().message.find("in use"), std::string::npos) << listener.error().message;
}

}  // namespace
}  // namespace weir::server
