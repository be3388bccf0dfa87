#include "dtls/fingerprint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "dtls/certificate.h"

namespace weir::dtls {
namespace {

std::string Pairs(size_t count, const std::string& pair) {
  std::string text = pair;
  for (size_t i = 1; i < count; ++i) {
    text += ":" + pair;
  }
  return text;
}

TEST(Fingerprint, IsReadInAnyCase) {
  const auto lower = ParseFingerprint("sha-256", Pairs(32, "ab"));
  const auto upper = ParseFingerprint("SHA-256", Pairs(32, "AB"));
  ASSERT_TRUE(lower);
  ASSERT_TRUE(upper);
  EXPECT_EQ(*lower, *upper);
  EXPECT_EQ(lower->digest, base::Buffer(32, 0xab));
}

TEST(Fingerprint, HasTheLengthOfItsHash) {
  EXPECT_TRUE(ParseFingerprint("sha-384", Pairs(48, "00")));
  EXPECT_TRUE(ParseFingerprint("sha-512", Pairs(64, "00")));
  EXPECT_EQ(ParseFingerprint("sha-512", Pairs(32, "00")).error(), base::ParseError::kWrongLength);
  EXPECT_EQ(ParseFingerprint("sha-256", "").error(), base::ParseError::kWrongLength);
  EXPECT_EQ(ParseFingerprint("sha-256", Pairs(32, "00") + ":").error(), base::ParseError::kWrongLength);
}

TEST(Fingerprint, IsHexPairsWithColons) {
  EXPECT_EQ(ParseFingerprint("sha-256", Pairs(32, "0g")).error(), base::ParseError::kBadValue);
  std::string dashes = Pairs(32, "00");
  std::ranges::replace(dashes, ':', '-');
  EXPECT_EQ(ParseFingerprint("sha-256", dashes).error(), base::ParseError::kBadValue);
}

TEST(Fingerprint, OfAWeakHashIsRefused) {
  EXPECT_EQ(ParseFingerprint("sha-1", Pairs(20, "00")).error(), base::ParseError::kUnsupported);
  EXPECT_EQ(ParseFingerprint("md5", Pairs(16, "00")).error(), base::ParseError::kUnsupported);
  EXPECT_EQ(ParseFingerprint("", "").error(), base::ParseError::kUnsupported);
}

TEST(Certificate, ShowsItsFingerprintAsSdpWritesIt) {
  const auto certificate = Certificate::Generate({1'700'000'000'000'000});
  ASSERT_TRUE(certificate);
  EXPECT_THAT(certificate->fingerprint(), testing::MatchesRegex("([0-9A-F]{2}:){31}[0-9A-F]{2}"));
  EXPECT_TRUE(ParseFingerprint("sha-256", certificate->fingerprint()));
}

TEST(Certificate, DiffersEachTime) {
  const auto one = Certificate::Generate({1'700'000'000'000'000});
  const auto other = Certificate::Generate({1'700'000'000'000'000});
  ASSERT_TRUE(one && other);
  EXPECT_NE(one->fingerprint(), other->fingerprint());
}

}  // namespace
}  // namespace weir::dtls
