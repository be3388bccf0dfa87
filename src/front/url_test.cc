#include "front/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::front {
namespace {

using testing::HasSubstr;

TEST(Url, ReadsHostPortAndTarget) {
  EXPECT_EQ(*ParseUrl("http://a.example/x?y=z#f"), (Url{false, "a.example", 80, "/x?y=z"}));
  EXPECT_EQ(*ParseUrl("https://a.example"), (Url{true, "a.example", 443, "/"}));
  EXPECT_EQ(*ParseUrl("https://a.example:8443?q"), (Url{true, "a.example", 8443, "/?q"}));
  EXPECT_EQ(*ParseUrl("http://[2001:db8::1]:81/"), (Url{false, "2001:db8::1", 81, "/"}));
  EXPECT_EQ(*ParseUrl("http://[::1]"), (Url{false, "::1", 80, "/"}));
}

TEST(Url, WritesTheAuthorityAndWhatALogMayHold) {
  EXPECT_EQ(ParseUrl("http://a.example:80/")->Authority(), "a.example");
  EXPECT_EQ(ParseUrl("https://a.example:80/")->Authority(), "a.example:80");
  EXPECT_EQ(ParseUrl("http://[::1]:81/")->Authority(), "[::1]:81");
  EXPECT_EQ(ParseUrl("https://a.example/hook?token=secret")->ForLog(), "https://a.example/hook");
}

TEST(Url, TellsWhatIsWrong) {
  struct Case {
    const char* text;
    const char* error;
  };
  for (const Case& test :
       {Case{"ftp://a/", "does not begin with http:// or https://"}, Case{"http://", "names no host"},
        Case{"http://:80/", "names no host"}, Case{"http://a:0/", "has the port '0'"},
        Case{"http://a:65536/", "has the port '65536'"}, Case{"http://a:/", "has the port ''"},
        Case{"http://u:p@a/", "user name"}, Case{"http://a/b c", "a space"},
        Case{"http://a/\r\nX: y", "a space"}, Case{"http://[::1/", "without ']'"},
        Case{"http://[127.0.0.1]/", "no IPv6 address"}, Case{"http://[::1]x/", "no IPv6 address"}}) {
    const auto url = ParseUrl(test.text);
    ASSERT_FALSE(url) << test.text;
    EXPECT_THAT(url.error().message, HasSubstr(test.error)) << test.text;
  }
}

}  // namespace
}  // namespace weir::front
