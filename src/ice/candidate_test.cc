#include "ice/candidate.h"

#include <gtest/gtest.h>

#include <set>

namespace weir::ice {
namespace {

TEST(Candidate, ReadsWhatBrowsersSend) {
  const auto host = ParseCandidate(
      "candidate:842163049 1 udp 1677729535 203.0.113.7 45664 typ srflx raddr 10.0.0.5 rport 45664 "
      "generation 0 "
      "ufrag Xy/z network-id 1 network-cost 10");
  ASSERT_TRUE(host);
  EXPECT_EQ(host->foundation, "842163049");
  EXPECT_EQ(host->component, 1);
  EXPECT_EQ(host->protocol, net::Protocol::kUdp);
  EXPECT_EQ(host->priority, 1677729535u);
  EXPECT_EQ(host->address.ToString(), "203.0.113.7:45664");
  EXPECT_EQ(host->type, CandidateType::kServerReflexive);
  EXPECT_EQ(host->related->ToString(), "10.0.0.5:45664");
  EXPECT_EQ(host->ufrag, "Xy/z");

  const auto tcp = ParseCandidate("a=candidate:3 1 TCP 1518280447 2001:db8::5 9 typ host tcptype active\r\n");
  ASSERT_TRUE(tcp);
  EXPECT_EQ(tcp->protocol, net::Protocol::kTcp);
  EXPECT_EQ(tcp->tcp_type, TcpType::kActive);
  EXPECT_TRUE(tcp->address.ip.is_v6());
  EXPECT_TRUE(ParseCandidate("1 1 UDP 1 10.0.0.1 7882 typ relay raddr 0.0.0.0 rport 0"));
}

TEST(Candidate, AHiddenBaseIsNoError) {
  const auto candidate = ParseCandidate("1 1 udp 1 203.0.113.7 4 typ srflx raddr abc.local rport 9");
  ASSERT_TRUE(candidate);
  EXPECT_FALSE(candidate->related);
}

TEST(Candidate, AHostNameIsUnsupportedAndNonsenseIsAnError) {
  EXPECT_EQ(ParseCandidate("candidate:1 1 udp 1 4f7c.local 5000 typ host").error(), ParseError::kUnsupported);
  EXPECT_EQ(ParseCandidate("candidate:1 1 sctp 1 10.0.0.1 5000 typ host").error(), ParseError::kUnsupported);
  EXPECT_EQ(ParseCandidate("").error(), ParseError::kTruncated);
  EXPECT_EQ(ParseCandidate("candidate:1 1 udp 1 10.0.0.1 5000").error(), ParseError::kTruncated);
  for (const char* text : {
           "candidate:1 0 udp 1 10.0.0.1 5000 typ host",
           "candidate:1 1 udp x 10.0.0.1 5000 typ host",
           "candidate:1 1 udp 1 10.0.0.1 65536 typ host",
           "candidate:1 1 udp 1 10.0.0 5000 typ host",
           "candidate:1 1 udp 1 10.0.0.1 5000 typ hosts",
           "candidate:1 1 udp 1 10.0.0.1 5000 type host",
           "candidate:1 1 tcp 1 10.0.0.1 5000 typ host",
           "candidate:1 1 tcp 1 10.0.0.1 5000 typ host tcptype eager",
           "candidate:123456789012345678901234567890123 1 udp 1 10.0.0.1 5000 typ host",
       }) {
    EXPECT_EQ(ParseCandidate(text).error(), ParseError::kBadValue) << text;
  }
  EXPECT_EQ(ParseCandidate(std::string(kMaxCandidateText + 1, 'a')).error(), ParseError::kTooLarge);
}

TEST(Candidate, ReadsWhatItWrites) {
  Candidate candidate =
      MakeHostCandidate(net::Protocol::kTcp, *net::SocketAddress::Parse("[2001:db8::1]:7881"), 9);
  EXPECT_EQ(candidate.tcp_type, TcpType::kPassive);
  candidate.ufrag = "abcd";
  EXPECT_EQ(*ParseCandidate(candidate.ToString()), candidate);
  candidate.type = CandidateType::kServerReflexive;
  candidate.related = *net::SocketAddress::Parse("[2001:db8::2]:1");
  EXPECT_EQ(*ParseCandidate("a=" + candidate.ToString()), candidate);
}

TEST(Candidate, AHostOfOurOwnLooksAsBrowsersExpect) {
  const Candidate candidate =
      MakeHostCandidate(net::Protocol::kUdp, {net::IpAddress::V4(10, 0, 0, 1), 7882}, 65535);
  EXPECT_EQ(candidate.ToString(),
            "candidate:" + candidate.foundation + " 1 udp 2130706431 10.0.0.1 7882 typ host");
}

TEST(Candidate, AddressesOfOneHostShareAFoundationAndUdpIsPreferred) {
  const net::IpAddress ip = net::IpAddress::V4(10, 0, 0, 1);
  const auto udp = MakeHostCandidate(net::Protocol::kUdp, {ip, 1}, 0);
  const auto udp2 = MakeHostCandidate(net::Protocol::kUdp, {ip, 2}, 0);
  const auto tcp = MakeHostCandidate(net::Protocol::kTcp, {ip, 1}, 65535);
  EXPECT_EQ(udp.foundation, udp2.foundation);
  EXPECT_NE(udp.foundation, tcp.foundation);
  EXPECT_GT(udp.priority, tcp.priority);
  EXPECT_GT(PairPriority(udp.priority, udp.priority), PairPriority(tcp.priority, udp.priority));
}

TEST(Credentials, AreLongEnoughAndNeverTheSame) {
  base::SeededRandom random(1);
  std::set<std::string> fragments;
  for (int i = 0; i < 1000; ++i) {
    const Credentials credentials = MakeCredentials(random);
    EXPECT_GE(credentials.ufrag.size(), 4u);
    EXPECT_GE(credentials.pwd.size(), 22u);
    fragments.insert(credentials.ufrag);
  }
  EXPECT_EQ(fragments.size(), 1000u);
}

}  // namespace
}  // namespace weir::ice
