#include "server/host_candidates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<io::InterfaceAddress> kInterfaces = {
    {*net::IpAddress::Parse("::1"), "lo", true},
    {*net::IpAddress::Parse("127.0.0.1"), "lo", true},
    {*net::IpAddress::Parse("fd00::5"), "eth0", false},
    {*net::IpAddress::Parse("10.0.0.5"), "eth0", false},
};
constexpr LocalPorts kPorts{.udp = 7882, .tcp = 7881};

std::vector<std::string> Texts(const std::vector<ice::Candidate>& candidates) {
  std::vector<std::string> texts;
  for (const ice::Candidate& candidate : candidates) {
    texts.push_back(std::string(net::ToString(candidate.protocol)) + " " + candidate.address.ToString());
  }
  return texts;
}

TEST(HostCandidates, OffersEveryInterfaceUdpBeforeTcpAndIpv4BeforeIpv6) {
  EXPECT_THAT(
      Texts(MakeHostCandidates(config::Config(), kInterfaces, kPorts)),
      ElementsAre("udp 10.0.0.5:7882", "udp [fd00::5]:7882", "tcp 10.0.0.5:7881", "tcp [fd00::5]:7881"));
}

TEST(HostCandidates, AddsLoopbackInDevelopment) {
  config::Config config;
  config.development = true;
  EXPECT_THAT(Texts(MakeHostCandidates(config, kInterfaces, {.udp = 7882})),
              ElementsAre("udp 10.0.0.5:7882", "udp 127.0.0.1:7882", "udp [fd00::5]:7882", "udp [::1]:7882"));
}

TEST(HostCandidates, TakesLoopbackWhenThereIsNothingElse) {
  const std::vector<io::InterfaceAddress> alone = {kInterfaces[1]};
  EXPECT_THAT(Texts(MakeHostCandidates(config::Config(), alone, {.udp = 7882})),
              ElementsAre("udp 127.0.0.1:7882"));
}

TEST(HostCandidates, ForceTcpLeavesOutUdp) {
  config::Config config;
  config.rtc.force_tcp = true;
  EXPECT_THAT(Texts(MakeHostCandidates(config, kInterfaces, kPorts)),
              ElementsAre("tcp 10.0.0.5:7881", "tcp [fd00::5]:7881"));
}

TEST(HostCandidates, AnAnnouncedAddressLeavesFromTheInterfaceBehindIt) {
  config::Config config;
  config.rtc.node_ips = {*net::IpAddress::Parse("203.0.113.7")};
  const auto candidates = MakeHostCandidates(config, kInterfaces, {.udp = 7882});
  ASSERT_EQ(candidates.size(), 1u);
  EXPECT_EQ(candidates[0].address.ToString(), "203.0.113.7:7882");
  EXPECT_EQ(candidates[0].related->ToString(), "10.0.0.5:7882");
}

TEST(HostCandidates, FiltersByInterfaceName) {
  config::Config config;
  config.rtc.interfaces.excludes = {"eth0"};
  EXPECT_THAT(Texts(MakeHostCandidates(config, kInterfaces, {.udp = 7882})),
              ElementsAre("udp 127.0.0.1:7882", "udp [::1]:7882"));
}

TEST(HostCandidates, NoPortsNoCandidates) {
  EXPECT_THAT(MakeHostCandidates(config::Config(), kInterfaces, {}), IsEmpty());
}

}  // namespace
}  // namespace weir::server
