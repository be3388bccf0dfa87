#include "server/access.h"

#include <gtest/gtest.h>

namespace weir::server {
namespace {

const base::WallTime kNow{1'800'000'000'000'000};
const base::WallTime kLater{1'800'000'600'000'000};

auth::KeyProvider Keys() {
  auth::KeyProvider keys;
  keys.keys["key"] = "a secret that is long enough to be one";
  return keys;
}

std::string Token(const std::string& identity) {
  auth::Claims claims;
  claims.identity = identity;
  claims.video.emplace().room_join = true;
  return auth::SignToken(claims, "key", *Keys().Secret("key"), kNow, kLater);
}

TEST(Access, TakesTheHeaderBeforeTheQuery) {
  front::HttpRequest request;
  request.headers = {{"authorization", "Bearer " + Token("header")}};
  request.query_string = "access_token=" + Token("query");
  EXPECT_EQ(CheckAccess(request, Keys(), kNow).claims->identity, "header");
  request.headers.clear();
  EXPECT_EQ(CheckAccess(request, Keys(), kNow).claims->identity, "query");
}

TEST(Access, NoTokenIsForTheHandlerToRefuse) {
  const Access access = CheckAccess(front::HttpRequest(), Keys(), kNow);
  EXPECT_FALSE(access.claims);
  EXPECT_FALSE(access.refusal);
}

TEST(Access, RefusesWithTheTextThatClientsKnow) {
  front::HttpRequest request;
  request.headers = {{"Authorization", Token("a")}};
  EXPECT_EQ(CheckAccess(request, Keys(), kNow).refusal->body,
            "invalid authorization header. Must start with Bearer ");
  request.headers = {{"Authorization", "Bearer nonsense"}};
  EXPECT_EQ(CheckAccess(request, Keys(), kNow).refusal->status, 401);
  EXPECT_EQ(CheckAccess(request, Keys(), kNow).refusal->body, "invalid authorization token");
  request.headers = {{"Authorization", "Bearer " + Token("a")}};
  EXPECT_EQ(CheckAccess(request, auth::KeyProvider(), kNow).refusal->body, "invalid API key");
}

TEST(Access, AnExpiredTokenIsRefused) {
  front::HttpRequest request;
  request.headers = {{"Authorization", "Bearer " + Token("a")}};
  const base::WallTime tomorrow{kNow.micros + 86'400'000'000};
  const Access access = CheckAccess(request, Keys(), tomorrow);
  ASSERT_TRUE(access.refusal);
  EXPECT_EQ(access.refusal->status, 401);
}

}  // namespace
}  // namespace weir::server
