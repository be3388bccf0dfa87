#include "front/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "front/http_text.h"

namespace weir::front {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(HttpRequest, FindsHeadersWithoutCase) {
  const HttpRequest request{.headers = {{"X-One", "1"}, {"x-one", "2"}}};
  EXPECT_EQ(request.Find("x-ONE"), "1");
  EXPECT_EQ(request.Find("x-two"), std::nullopt);
}

TEST(HttpRequest, DecodesQueryParameters) {
  const HttpRequest request{.query_string =
                                "access_token=a.b-c_&join_request=eA%3D%3D&name=a+b%26c&flag&empty="};
  EXPECT_EQ(request.QueryParameter("access_token"), "a.b-c_");
  EXPECT_EQ(request.QueryParameter("join_request"), "eA==");
  EXPECT_EQ(request.QueryParameter("name"), "a b&c");
  EXPECT_EQ(request.QueryParameter("flag"), "");
  EXPECT_EQ(request.QueryParameter("empty"), "");
  EXPECT_EQ(request.QueryParameter("missing"), std::nullopt);
}

TEST(HttpRequest, TakesTheFirstOfTwoParameters) {
  const HttpRequest request{.query_string = "&&a=1&a=2"};
  EXPECT_EQ(request.QueryParameter("a"), "1");
}

TEST(PercentDecode, LeavesBrokenEscapesAlone) {
  EXPECT_EQ(PercentDecode("%", true), "%");
  EXPECT_EQ(PercentDecode("%4", true), "%4");
  EXPECT_EQ(PercentDecode("%zz%41", true), "%zzA");
  EXPECT_EQ(PercentDecode("a+b", false), "a+b");
  EXPECT_EQ(PercentDecode("%00", false), std::string(1, '\0'));
}

TEST(ParseTarget, SplitsPathAndQuery) {
  const auto target = ParseTarget("/rtc/v1?access_token=a?b");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/rtc/v1");
  EXPECT_EQ(target->query, "access_token=a?b");
}

TEST(ParseTarget, CollapsesLeadingSlashesOnly) {
  EXPECT_EQ(ParseTarget("//rtc//validate")->path, "/rtc//validate");
  EXPECT_EQ(ParseTarget("////")->path, "/");
  EXPECT_EQ(ParseTarget("//?a=1")->path, "/");
}

TEST(ParseTarget, TakesAbsoluteForms) {
  EXPECT_EQ(ParseTarget("http://host:7880/rtc?x=1")->path, "/rtc");
  EXPECT_EQ(ParseTarget("http://host")->path, "/");
  EXPECT_EQ(ParseTarget("ws://host?x=1")->query, "x=1");
  EXPECT_EQ(ParseTarget("http://host?x=1")->path, "/");
}

TEST(ParseTarget, RefusesOtherForms) {
  EXPECT_FALSE(ParseTarget(""));
  EXPECT_FALSE(ParseTarget("*"));
  EXPECT_FALSE(ParseTarget("host:443"));
}

TEST(WriteHead, EchoesTheOriginUnlessTheResponseNamesOne) {
  const RequestFacts facts{.origin = "https://example.org"};
  EXPECT_THAT(WriteHead({}, facts, "now"), HasSubstr("Access-Control-Allow-Origin: https://example.org\r\n"));
  EXPECT_THAT(WriteHead({}, {}, "now"), HasSubstr("Access-Control-Allow-Origin: *\r\n"));
  const HttpResponse own{.headers = {{"access-control-allow-origin", "*"}}};
  EXPECT_THAT(WriteHead(own, facts, "now"), Not(HasSubstr("example.org")));
}

TEST(WriteHead, KeepsAValueInItsField) {
  const HttpResponse response{.headers = {{"X-Note", "a\r\nSet-Cookie: b"}, {"Content-Length", "999"}}};
  const std::string head = WriteHead(response, {}, "now");
  EXPECT_THAT(head, HasSubstr("X-Note: aSet-Cookie: b\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("999")));
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
}

TEST(HttpDate, IsAnImfFixdate) {
  EXPECT_EQ(HttpDate(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");  // The example of RFC 9110.
  EXPECT_EQ(HttpDate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace
}  // namespace weir::front
