#include "auth/revocations.h"

#include <gtest/gtest.h>

namespace weir::auth {
namespace {

using base::TimeDelta;
using base::WallTime;

constexpr int64_t kStart = 1'700'000'000;  // Seconds.
const KeyProvider kKeys{{{"key", "a secret of at least thirty-two bytes"}}};

WallTime At(int64_t seconds, int64_t millis = 0) { return {(seconds * 1000 + millis) * 1000}; }

// As VerifyToken hands over a token that the server signed: nbf and iat are its birth.
Claims Token(int64_t made, int64_t lifetime = 3600, const std::string& name = "") {
  Claims claims;
  claims.identity = "ann";
  claims.name = name;
  const std::string jwt = SignToken(claims, "key", *kKeys.Secret("key"), At(made), At(made + lifetime));
  return *VerifyToken(jwt, kKeys, At(made));
}
Claims Refreshed(const Claims& from, int64_t made, int64_t expires) {
  return *VerifyToken(SignToken(from, "key", *kKeys.Secret("key"), At(made), At(expires)), kKeys, At(made));
}
// What some libraries make: an end, and no beginning.
Claims WithoutTimes(Claims claims) {
  claims.issued_at.reset();
  claims.not_before = WallTime{};
  return claims;
}

class RevocationsTest : public testing::Test {
 protected:
  bool Opens(const Claims& claims, int64_t now = kStart + 100) {
    return revocations_.Check("room", "ann", claims, At(now)).has_value();
  }
  void Remove(const Claims& session, int64_t now = kStart + 100, int64_t cutoff = 0) {
    revocations_.Add("room", "ann", session, At(now, 500), cutoff);
  }
  Revocations revocations_{Revocations::Config()};
};

TEST_F(RevocationsTest, AnOlderTokenIsRefusedAndSaysWhy) {
  const Claims session = Token(kStart);
  EXPECT_TRUE(Opens(session));
  Remove(session);
  const auto refused = revocations_.Check("room", "ann", session, At(kStart + 101));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kUnauthenticated);
  EXPECT_EQ(refused.error().message, "permissions denied: participant was removed; a new token is needed");
  EXPECT_FALSE(Opens(Token(kStart + 99)));
  EXPECT_EQ(revocations_.counters().refused, 2U);
}

TEST_F(RevocationsTest, ANewTokenOpensTheRoomAlsoInTheSecondOfTheRemoval) {
  Remove(Token(kStart));
  EXPECT_TRUE(Opens(Token(kStart + 100)));
  EXPECT_TRUE(Opens(Token(kStart + 101)));
}

TEST_F(RevocationsTest, TheSessionsOwnTokenIsRefusedEvenInTheSecondOfItsBirth) {
  const Claims session = Token(kStart + 100);
  Remove(session);
  EXPECT_FALSE(Opens(session));
  EXPECT_TRUE(Opens(Token(kStart + 100, 3600, "made anew")));
}

TEST_F(RevocationsTest, ARefreshTokenIsRefusedAsWhatItCameFrom) {
  const Claims first = Token(kStart);
  const Claims refreshed = Refreshed(first, kStart + 100, kStart + 3600);
  EXPECT_EQ(refreshed.origin, first.origin);
  Remove(first);
  EXPECT_FALSE(Opens(refreshed));
}

TEST_F(RevocationsTest, AFirstTokenIsRefusedWhenTheSessionCameBackWithARefreshedOne) {
  const Claims first = Token(kStart + 100);
  Remove(Refreshed(Refreshed(first, kStart + 100, kStart + 3600), kStart + 100, kStart + 3600));
  EXPECT_FALSE(Opens(first));
}

TEST_F(RevocationsTest, ATokenWithoutTimesIsComparedByItsEnd) {
  const Claims session = WithoutTimes(Token(kStart));
  Remove(session);
  EXPECT_FALSE(Opens(session));
  EXPECT_FALSE(Opens(WithoutTimes(Token(kStart - 1))));
  EXPECT_TRUE(Opens(WithoutTimes(Token(kStart + 1))));
}

TEST_F(RevocationsTest, ARefreshThatLastsLongerDoesNotOutdateNewTokensWithoutTimes) {
  const Claims first = WithoutTimes(Token(kStart, 60));
  Remove(WithoutTimes(Refreshed(first, kStart + 90, kStart + 690)));
  EXPECT_TRUE(Opens(WithoutTimes(Token(kStart + 101, 60))));
}

TEST_F(RevocationsTest, OnlyThisParticipantOfThisRoomIsConcerned) {
  Remove(Token(kStart));
  EXPECT_TRUE(revocations_.Check("room", "ben", Token(kStart), At(kStart + 101)).has_value());
  EXPECT_TRUE(revocations_.Check("rooma", "nn", Token(kStart), At(kStart + 101)).has_value());
  EXPECT_TRUE(revocations_.Check("other", "ann", Token(kStart), At(kStart + 101)).has_value());
}

TEST_F(RevocationsTest, ACutoffTakesThePlaceOfTheRemovalsTime) {
  Remove(Token(kStart), kStart + 100, kStart + 50);
  EXPECT_FALSE(Opens(Token(kStart + 49)));
  EXPECT_TRUE(Opens(Token(kStart + 50)));
}

TEST_F(RevocationsTest, ACutoffInTheFarFutureIsCutToAMinute) {
  Remove(Token(kStart), kStart + 100, (kStart + 100) * 1000);  // Milliseconds, say.
  EXPECT_FALSE(Opens(Token(kStart + 159)));
  EXPECT_TRUE(Opens(Token(kStart + 160)));
}

TEST_F(RevocationsTest, ASecondRemovalKeepsTheFirst) {
  const Claims first = Token(kStart + 100);
  Remove(first);
  Remove(Token(kStart + 100, 3600, "second"));
  EXPECT_FALSE(Opens(first));
  EXPECT_EQ(revocations_.size(), 1U);
}

TEST_F(RevocationsTest, IsForgottenWhenNoTokenCanBeLeft) {
  const Claims session = Token(kStart, 100'000);
  Remove(session);
  EXPECT_FALSE(Opens(session, kStart + 100'060));
  EXPECT_TRUE(Opens(session, kStart + 100'061));
  EXPECT_EQ(revocations_.size(), 0U);
}

TEST_F(RevocationsTest, AFullTableForgetsWhatWouldEndFirstAndCounts) {
  Revocations small({.max_removals = 10});
  for (int i = 0; i < 25; ++i) {
    small.Add("room", "p" + std::to_string(i), Token(kStart, 100'000 + i), At(kStart));
  }
  EXPECT_EQ(small.size(), 10U);
  EXPECT_EQ(small.counters().evicted, 15U);
  EXPECT_FALSE(small.Check("room", "p24", Token(kStart - 1), At(kStart)).has_value());
  EXPECT_TRUE(small.Check("room", "p0", Token(kStart - 1), At(kStart)).has_value());
}

TEST_F(RevocationsTest, OnlySoManyDigestsOfOneParticipantAreKept) {
  for (int i = 0; i < 20; ++i) {
    Remove(Token(kStart + 100, 3600, std::to_string(i)));
  }
  EXPECT_TRUE(Opens(Token(kStart + 100, 3600, "0")));
  EXPECT_FALSE(Opens(Token(kStart + 100, 3600, "19")));
}

TEST_F(RevocationsTest, SwitchedOffRefusesNothing) {
  Revocations off({.enabled = false});
  off.Add("room", "ann", Token(kStart), At(kStart + 100));
  EXPECT_TRUE(off.Check("room", "ann", Token(kStart), At(kStart + 101)).has_value());
}

}  // namespace
}  // namespace weir::auth
