#include "net/address.h"

#include <gtest/gtest.h>

namespace weir::net {
namespace {

TEST(IpAddress, ParsesAndPrintsBothFamilies) {
  EXPECT_EQ(IpAddress::Parse("10.1.2.3")->ToString(), "10.1.2.3");
  EXPECT_EQ(IpAddress::Parse("2001:db8::1")->ToString(), "2001:db8::1");
  EXPECT_FALSE(IpAddress::Parse("localhost"));
  EXPECT_FALSE(IpAddress::Parse("1.2.3"));
  EXPECT_FALSE(IpAddress::Parse(""));
}

TEST(IpAddress, AMappedAddressIsTheIpv4Host) {
  EXPECT_EQ(*IpAddress::Parse("::ffff:10.0.0.1"), IpAddress::V4(10, 0, 0, 1));
}

TEST(IpAddress, KnowsItsScope) {
  EXPECT_TRUE(IpAddress::V4(127, 0, 0, 1).is_loopback());
  EXPECT_TRUE(IpAddress::Parse("::1")->is_loopback());
  EXPECT_TRUE(IpAddress::V4(172, 31, 0, 1).is_private());
  EXPECT_FALSE(IpAddress::V4(172, 32, 0, 1).is_private());
  EXPECT_TRUE(IpAddress::Parse("fe80::1")->is_link_local());
  EXPECT_TRUE(IpAddress::Parse("::")->is_any());
  EXPECT_FALSE(IpAddress().is_any());
}

TEST(SocketAddress, ParsesWhatItPrints) {
  for (const char* text : {"1.2.3.4:80", "[::1]:443"}) {
    EXPECT_EQ(SocketAddress::Parse(text)->ToString(), text);
  }
  for (const char* text : {"1.2.3.4", "::1:80", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:8x"}) {
    EXPECT_FALSE(SocketAddress::Parse(text)) << text;
  }
}

TEST(FiveTuple, HashSeparatesPorts) {
  FiveTuple a{Protocol::kUdp, {IpAddress::V4(1, 1, 1, 1), 1}, {IpAddress::V4(2, 2, 2, 2), 2}};
  FiveTuple b = a;
  b.remote.port = 3;
  EXPECT_NE(std::hash<FiveTuple>()(a), std::hash<FiveTuple>()(b));
  EXPECT_EQ(std::hash<FiveTuple>()(a), std::hash<FiveTuple>()(FiveTuple(a)));
}

}  // namespace
}  // namespace weir::net
