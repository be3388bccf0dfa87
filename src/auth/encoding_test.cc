#include "auth/encoding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace weir::auth {
namespace {

using base::AsBytes;
using base::Buffer;

TEST(Base64, MatchesTheVectorsOfRfc4648) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(EncodeBase64(AsBytes(plain)), encoded);
    const auto decoded = DecodeBase64(encoded);
    ASSERT_TRUE(decoded) << encoded;
    EXPECT_EQ(base::AsText(*decoded), plain);
  }
}

TEST(Base64, HasTwoAlphabets) {
  const Buffer bytes = {0xfb, 0xff, 0xfe, 0xff};
  EXPECT_EQ(EncodeBase64(bytes), "+//+/w==");
  EXPECT_EQ(EncodeBase64Url(bytes), "-__-_w");
  EXPECT_EQ(EncodeBase64UrlPadded(bytes), "-__-_w==");
  EXPECT_FALSE(DecodeBase64("-__-_w=="));
  EXPECT_FALSE(DecodeBase64Url("+//+/w=="));
}

TEST(Base64, AcceptsFullPaddingOrNone) {
  for (const std::string_view text : {"-__-_w", "-__-_w=="}) {
    EXPECT_EQ(DecodeBase64Url(text), (Buffer{0xfb, 0xff, 0xfe, 0xff}));
  }
  for (const std::string_view text : {"-__-_w=", "=", "==", "====", "Zg=a", "Zm9v=", "Zm9v===="}) {
    EXPECT_FALSE(DecodeBase64Url(text)) << text;
  }
}

TEST(Base64, HasOneSpellingForEachValue) {
  EXPECT_FALSE(DecodeBase64("Zh=="));  // Left-over bits that are not zero.
  EXPECT_FALSE(DecodeBase64("Z"));
  EXPECT_FALSE(DecodeBase64("Zm 9v"));
  EXPECT_FALSE(DecodeBase64("Zm9v\n"));
}

TEST(Base64, ReturnsWhatWasEncoded) {
  base::SeededRandom random(7);
  for (size_t size = 0; size < 100; ++size) {
    Buffer bytes(size);
    random.Fill(bytes);
    EXPECT_EQ(DecodeBase64(EncodeBase64(bytes)), bytes);
    EXPECT_EQ(DecodeBase64Url(EncodeBase64Url(bytes)), bytes);
    EXPECT_EQ(DecodeBase64Url(EncodeBase64UrlPadded(bytes)), bytes);
  }
}

TEST(Digest, MatchesKnownValues) {
  EXPECT_EQ(Sha256Base64("abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  // RFC 4231 test case 2.
  EXPECT_EQ(EncodeBase64(HmacSha256("Jefe", "what do ya want for nothing?")),
            "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
}

TEST(EqualInConstantTime, NeverAcceptsNothing) {
  EXPECT_TRUE(EqualInConstantTime(AsBytes("ab"), AsBytes("ab")));
  EXPECT_FALSE(EqualInConstantTime(AsBytes("ab"), AsBytes("ac")));
  EXPECT_FALSE(EqualInConstantTime(AsBytes("ab"), AsBytes("abc")));
  EXPECT_FALSE(EqualInConstantTime({}, {}));
}

}  // namespace
}  // namespace weir::auth
