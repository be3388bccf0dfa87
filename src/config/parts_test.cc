#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/nearest.h"
#include "config/network.h"
#include "config/scalar.h"
#include "config/validate.h"
#include "config/yaml_tree.h"

namespace weir::config {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Json(std::string_view text) {
  std::string out;
  AppendJsonString(text, out);
  return out;
}
std::string YamlError(std::string_view text) {
  const auto tree = ParseYaml(text, "f");
  return tree ? "" : tree.error().message;
}

TEST(ParseInteger, TakesDecimalAndHexadecimal) {
  EXPECT_EQ(ParseInteger("42"), 42);
  EXPECT_EQ(ParseInteger("-42"), -42);
  EXPECT_EQ(ParseInteger("0xff"), 255);
  for (const std::string_view text : {"", "4x", " 4", "0x", "0x-1", "1.0", "99999999999999999999"}) {
    EXPECT_EQ(ParseInteger(text), std::nullopt) << text;
  }
}

TEST(ParseBool, TakesTheWordsOfYaml) {
  EXPECT_EQ(ParseBool("True"), true);
  EXPECT_EQ(ParseBool("off"), false);
  EXPECT_EQ(ParseBool("1"), std::nullopt);
}

TEST(ParseDecimal, RefusesWhatIsNotFinite) {
  EXPECT_EQ(ParseDecimal("1.5"), 1.5);
  EXPECT_EQ(ParseDecimal("inf"), std::nullopt);
  EXPECT_EQ(ParseDecimal("nan"), std::nullopt);
}

TEST(ParseDuration, ReadsGosForm) {
  EXPECT_EQ(ParseDuration("500ms"), base::TimeDelta::Millis(500));
  EXPECT_EQ(ParseDuration("1h30m"), base::TimeDelta::Seconds(5400));
  EXPECT_EQ(ParseDuration("1.5s"), base::TimeDelta::Millis(1500));
  EXPECT_EQ(ParseDuration("3\xc2\xb5s"), base::TimeDelta::Micros(3));
  EXPECT_EQ(ParseDuration("2000000"), base::TimeDelta::Millis(2));
  for (const std::string_view text : {"", "s", "5x", "1.2.3s", "-1s", "5s3", "9999999999999h", "-5"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

TEST(IsJsonNumber, KnowsTheGrammar) {
  for (const std::string_view text : {"0", "-1", "10", "1.5", "1e9", "1.0E-2"}) {
    EXPECT_TRUE(IsJsonNumber(text)) << text;
  }
  for (const std::string_view text : {"", "-", "01", ".5", "1.", "1e", "+1", "nan", "inf", "0x1", "1 "}) {
    EXPECT_FALSE(IsJsonNumber(text)) << text;
  }
}

TEST(AppendJsonString, EscapesControlsAndRepairsUtf8) {
  EXPECT_EQ(Json("a\"\\\n\t\x01\x7f"), R"("a\"\\\n\t\u0001\u007f")");
  EXPECT_EQ(Json("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
  EXPECT_EQ(Json("\xc2\x9b"), R"("\u009b")");
  for (const std::string_view broken :
       {"\xff", "\x80", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80"}) {
    EXPECT_THAT(Json(broken), StartsWith("\"\xef\xbf\xbd")) << broken;
  }
}

TEST(PortRange, IsOnePortOrTwo) {
  EXPECT_EQ(ParsePortRange("7882"), (PortRange{7882, 7882}));
  EXPECT_EQ(ParsePortRange("10-12")->count(), 3u);
  EXPECT_EQ(ParsePortRange("0")->count(), 0u);
  for (const std::string_view text : {"", "-", "1-", "-1", "2-1", "0-5", "1-65536", "a-b", "1-2-3"}) {
    EXPECT_EQ(ParsePortRange(text), std::nullopt) << text;
  }
}

TEST(Cidr, ContainsItsAddresses) {
  const auto ip = [](std::string_view text) { return *net::IpAddress::Parse(text); };
  EXPECT_TRUE(Cidr::Parse("10.128.0.0/9")->Contains(ip("10.200.1.1")));
  EXPECT_FALSE(Cidr::Parse("10.128.0.0/9")->Contains(ip("10.1.1.1")));
  EXPECT_TRUE(Cidr::Parse("0.0.0.0/0")->Contains(ip("8.8.8.8")));
  EXPECT_FALSE(Cidr::Parse("0.0.0.0/0")->Contains(ip("::1")));
  EXPECT_TRUE(Cidr::Parse("fd00::/8")->Contains(ip("fdab::1")));
  EXPECT_TRUE(Cidr::Parse("1.2.3.4")->Contains(ip("1.2.3.4")));
  EXPECT_FALSE(Cidr::Parse("1.2.3.4")->Contains(ip("1.2.3.5")));
  for (const std::string_view text : {"", "/8", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/x"}) {
    EXPECT_FALSE(Cidr::Parse(text)) << text;
  }
}

TEST(Nearest, FindsSlips) {
  const std::vector<std::string> names = {"udp_port", "tcp_port", "node_ip"};
  EXPECT_EQ(Nearest("udp_prot", names), "udp_port");
  EXPECT_EQ(Nearest("nodeip", names), "node_ip");
  EXPECT_EQ(Nearest("elephant", names), std::nullopt);
  EXPECT_EQ(Nearest(std::string(1000, 'x'), names), std::nullopt);
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("abcd", "acbd"), 1u);
}

TEST(ParseYaml, KeepsLinesOrderAndQuotes) {
  const auto tree = ParseYaml("b: 1\na: \"2\"\nc:\n", "f");
  ASSERT_TRUE(tree);
  ASSERT_EQ(tree->entries.size(), 3u);
  EXPECT_EQ(tree->entries[0].key, "b");
  EXPECT_FALSE(tree->entries[0].value.quoted);
  EXPECT_EQ(tree->entries[1].line, 2);
  EXPECT_TRUE(tree->entries[1].value.quoted);
  EXPECT_EQ(tree->entries[2].value.kind, YamlNode::Kind::kNull);
}

TEST(ParseYaml, FollowsAliasesWithinItsLimits) {
  const auto tree = ParseYaml("a: &x {k: [1, two, null]}\nb: *x\n", "f");
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->ToJson(), R"({"a":{"k":[1,"two",null]},"b":{"k":[1,"two",null]}})");
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last + ", " + last + ", " + last +
            "]\n";
  }
  EXPECT_THAT(YamlError(bomb), HasSubstr("more than"));
  EXPECT_THAT(YamlError("a: &x [*x]\n"), StartsWith("f:1: "));
}

TEST(ParseYaml, RefusesDepthDocumentsAndOddKeys) {
  EXPECT_THAT(YamlError(std::string(kMaxYamlDepth + 5, '[') + std::string(kMaxYamlDepth + 5, ']')),
              HasSubstr("nested deeper"));
  EXPECT_THAT(YamlError("a: 1\n---\nb: 2\n"), HasSubstr("more than one"));
  EXPECT_THAT(YamlError("? [a]\n: 1\n"), HasSubstr("a key has to be text"));
  EXPECT_THAT(YamlError("a: 1\na: 2\n"), StartsWith("f:2: "));
  EXPECT_THAT(YamlError("a: [1\n"), StartsWith("f:"));
  EXPECT_EQ(ParseYaml("", "f")->kind, YamlNode::Kind::kNull);
}

TEST(YamlNode, KnowsWhatIsAsGoodAsNotWritten) {
  EXPECT_TRUE(ParseYaml("{a: 0, b: false, c: '', d: [], e: {f: null}, g: 0s, h: 0.0}", "f")->IsZero());
  for (const std::string_view text : {"{a: 1}", "[true]", "x", "{a: {b: 5ms}}"}) {
    EXPECT_FALSE(ParseYaml(text, "f")->IsZero()) << text;
  }
}

TEST(ExpandPath, KnowsHomeAndVariables) {
  const std::map<std::string, std::string> environment = {{"HOME", "/h"}, {"A_1", "x"}};
  EXPECT_EQ(ExpandPath("~/k", environment), "/h/k");
  EXPECT_EQ(ExpandPath("~other/k", environment), "~other/k");
  EXPECT_EQ(ExpandPath("/a/$A_1/${A_1}b$", environment), "/a/x/xb");
  EXPECT_EQ(ExpandPath("$NONE/k", environment), "/k");
  EXPECT_EQ(ExpandPath("${A_1", environment), "x");
}

}  // namespace
}  // namespace weir::config
