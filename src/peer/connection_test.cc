#include "peer/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "peer/test_pair.h"
#include "rtp/header_writer.h"

namespace weir::peer::test {
namespace {

using base::Buffer;
using base::TimeDelta;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

Buffer RtpHeader(uint16_t sequence) {
  Buffer header(12);
  rtp::HeaderWriter writer(header);
  writer.Begin(96, false, sequence, 1000, rtp::Ssrc(7));
  writer.Finish();
  return header;
}
size_t SendRtp(TestEnd& end, uint16_t sequence, const Buffer& payload = {1, 2, 3, 4}) {
  return end.connection.SendRtp(end, RtpHeader(sequence), {}, payload, 0, 0);
}
Buffer ReceiverReport() { return {0x80, 201, 0, 1, 0, 0, 0, 7}; }
sim::Link::Config LossyLink() {
  sim::Link::Config link;
  link.delay = TimeDelta::Millis(20);
  link.jitter = TimeDelta::Millis(30);
  link.loss = 0.2;
  link.reorder = true;
  return link;
}

class LossyConnection : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Seeds, LossyConnection, testing::Range(1, 11));

TEST_P(LossyConnection, ComesUpAndCarriesMediaAndData) {
  TestPair pair(static_cast<uint64_t>(GetParam()), LossyLink());
  pair.client.connection.OpenChannel(pair.now(), {.label = "_reliable"});
  pair.client.connection.EnableData(pair.now());
  pair.server.connection.EnableData(pair.now());
  ASSERT_TRUE(pair.Connect());
  EXPECT_EQ(pair.client.connected, 1);
  EXPECT_EQ(pair.server.connected, 1);
  ASSERT_TRUE(pair.network.RunUntilDone(TimeDelta::Seconds(10), [&] {
    return !pair.client.channels.empty() && !pair.server.channels.empty();
  }));
  EXPECT_EQ(pair.client.channels[0].second, "_reliable");
  EXPECT_EQ(pair.server.channels[0].first, pair.client.channels[0].first);

  for (uint16_t i = 0; i < 200; ++i) {
    EXPECT_GT(SendRtp(pair.client, i), 0u);
    EXPECT_GT(SendRtp(pair.server, i), 0u);
    const std::string text = std::to_string(i);
    auto message = std::make_shared<const Buffer>(text.begin(), text.end());
    EXPECT_TRUE(pair.client.connection.SendData(pair.now(), pair.client.channels[0].first, message));
    pair.RunMillis(10);
  }
  ASSERT_TRUE(
      pair.network.RunUntilDone(TimeDelta::Seconds(20), [&] { return pair.server.messages.size() == 200; }));
  for (size_t i = 0; i < 200; ++i) {
    EXPECT_EQ(pair.server.messages[i].second, std::to_string(i));
  }
  EXPECT_GT(pair.client.rtp.size(), 120u);
  EXPECT_GT(pair.server.rtp.size(), 120u);
  EXPECT_EQ(pair.server.rtp[0].size(), 16u);
  EXPECT_THAT(pair.client.failures, IsEmpty());
}

TEST(Connection, RtcpGoesBothWays) {
  TestPair pair;
  ASSERT_TRUE(pair.Connect());
  EXPECT_TRUE(pair.client.connection.SendRtcp(pair.client, ReceiverReport()));
  EXPECT_TRUE(pair.server.connection.SendRtcp(pair.server, ReceiverReport()));
  pair.RunMillis(50);
  EXPECT_THAT(pair.server.rtcp, ElementsAre(ReceiverReport()));
  EXPECT_THAT(pair.client.rtcp, ElementsAre(ReceiverReport()));
}

TEST(Connection, TheServerWaitsForItsClientsHelloWhateverComesFirst) {
  TestPair pair;
  // The client knows everything at once; the server gets the description 300 ms later.
  pair.client.SetRemote(pair.server);
  pair.client.connection.SetDtlsRole(pair.now(), dtls::Role::kClient);
  pair.RunMillis(300);
  pair.server.SetRemote(pair.client);
  pair.server.connection.SetDtlsRole(pair.now(), dtls::Role::kServer);
  EXPECT_TRUE(pair.network.RunUntilDone(TimeDelta::Seconds(3), [&] {
    return pair.server.connection.connected() && pair.client.connection.connected();
  }));
}

// The first bytes of a ClientHello record, as far as routing looks.
Buffer LooksLikeHello() {
  Buffer hello(60, 0);
  hello[0] = 22;
  hello[1] = 0xfe;
  hello[2] = 0xfd;
  return hello;
}

TEST(Connection, HellosThatOvertakeTheirCheckWaitUpToALimit) {
  TestPair pair;
  pair.server.connection.SetDtlsRole(pair.now(), dtls::Role::kServer);
  for (int i = 0; i < 20; ++i) {
    pair.server.Receive(LooksLikeHello(), pair.client.address);
  }
  EXPECT_EQ(pair.server.connection.counters().early_overflow, 12u);
  EXPECT_EQ(pair.server.pool.in_use(), 8u);
  EXPECT_TRUE(pair.Connect());  // And what waited was no obstacle.
  EXPECT_EQ(pair.server.pool.in_use(), 0u);
}

TEST(Connection, MediaFromAPathThatIceHasNotProvedIsDropped) {
  TestPair pair;
  ASSERT_TRUE(pair.Connect());
  ASSERT_GT(SendRtp(pair.client, 1), 0u);
  pair.RunMillis(50);
  ASSERT_EQ(pair.server.rtp.size(), 1u);
  const net::SocketAddress stranger{net::IpAddress::V4(203, 0, 113, 9), 999};
  Buffer packet = RtpHeader(2);
  packet.resize(60);
  pair.server.Receive(packet, stranger);
  EXPECT_EQ(pair.server.connection.counters().unproved_path, 1u);
  EXPECT_EQ(pair.server.rtp.size(), 1u);
  EXPECT_EQ(pair.server.connection.ice().selected_path()->remote, pair.client.address);
}

TEST(Connection, AFloodOfGarbageIsCountedAndDisturbsNothing) {
  TestPair pair;
  ASSERT_TRUE(pair.Connect());
  base::SeededRandom random(3);
  for (int i = 0; i < 3000; ++i) {
    Buffer garbage(1 + random.Below(200));
    random.Fill(garbage);
    pair.server.Receive(garbage, pair.client.address);
  }
  pair.server.Flush(pair.now(), pair.network);
  const Connection::Counters& counters = pair.server.connection.counters();
  EXPECT_GT(counters.unknown_protocol, 1000u);
  EXPECT_GT(counters.srtp_unauthentic + counters.srtp_malformed, 300u);
  EXPECT_GT(pair.server.connection.ice().counters().malformed + counters.unknown_protocol, 1000u);
  EXPECT_THAT(pair.server.failures, IsEmpty());
  EXPECT_THAT(pair.server.rtp, IsEmpty());
  EXPECT_GT(SendRtp(pair.client, 1), 0u);
  pair.RunMillis(50);
  EXPECT_EQ(pair.server.rtp.size(), 1u);
}

TEST(Connection, ARepeatedPacketIsCountedOnce) {
  sim::Link::Config link = SmoothLink();
  link.duplicate = 1;
  TestPair pair(1, link);
  ASSERT_TRUE(pair.Connect());
  for (uint16_t i = 0; i < 10; ++i) {
    SendRtp(pair.client, i);
    pair.RunMillis(5);
  }
  pair.RunMillis(50);
  EXPECT_EQ(pair.server.rtp.size(), 10u);
  EXPECT_EQ(pair.server.connection.counters().srtp_replayed, 10u);
}

TEST(Connection, NothingIsSentBeforeThereIsAPathAndAKey) {
  TestPair pair;
  EXPECT_EQ(SendRtp(pair.client, 1), 0u);
  EXPECT_FALSE(pair.client.connection.SendRtcp(pair.client, ReceiverReport()));
  EXPECT_EQ(pair.client.connection.counters().no_path, 2u);
  EXPECT_THAT(pair.client.sent_sizes, IsEmpty());
}

TEST(Connection, AFullOutputIsCounted) {
  TestPair pair;
  ASSERT_TRUE(pair.Connect());
  pair.client.full = true;
  EXPECT_EQ(SendRtp(pair.client, 1), 0u);
  EXPECT_FALSE(pair.client.connection.SendRtcp(pair.client, ReceiverReport()));
  EXPECT_EQ(pair.client.connection.counters().no_space, 2u);
  pair.client.full = false;
  EXPECT_GT(SendRtp(pair.client, 2), 0u);
}

TEST(Connection, AnotherCertificateThanTheOneAnnouncedEndsIt) {
  TestPair pair;
  pair.Describe();
  std::string wrong = TestCertificate().fingerprint();
  wrong[0] = wrong[0] == 'A' ? 'B' : 'A';
  pair.server.connection.SetRemoteFingerprint("sha-256", wrong);
  pair.RunMillis(3000);
  EXPECT_EQ(pair.server.failures.size(), 1u);
  EXPECT_FALSE(pair.server.connection.connected());
  EXPECT_EQ(pair.server.connected, 0);
}

TEST(Connection, MediaWaitsForTheFingerprint) {
  TestPair pair;
  pair.client.SetRemote(pair.server);
  pair.client.connection.SetDtlsRole(pair.now(), dtls::Role::kClient);
  const base::Now now = pair.now();
  pair.server.connection.ice().SetRemoteCredentials(pair.client.connection.ice().local_credentials(),
                                                    now.mono);
  pair.server.connection.SetDtlsRole(now, dtls::Role::kServer);
  pair.RunMillis(2000);
  EXPECT_FALSE(pair.server.connection.connected());
  pair.server.connection.SetRemoteFingerprint("sha-256", TestCertificate().fingerprint());
  pair.RunMillis(500);
  EXPECT_TRUE(pair.server.connection.connected());
}

TEST(Connection, ChannelsOpenFromBothSidesWithIdsOfTheirOwn) {
  TestPair pair;
  for (TestEnd* end : {&pair.client, &pair.server}) {
    end->connection.OpenChannel(pair.now(), {.label = "one"});
    end->connection.OpenChannel(pair.now(), {.label = "two"});
    end->connection.EnableData(pair.now());
  }
  ASSERT_TRUE(pair.Connect());
  pair.RunMillis(500);
  EXPECT_EQ(pair.client.channels.size(), 4u);
  EXPECT_EQ(pair.server.channels.size(), 4u);
  std::set<uint16_t> ids;
  for (const auto& [id, label] : pair.server.channels) {
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 4u);
  EXPECT_THAT(pair.server.channels, Contains(Pair(0, "one")));  // Even: the DTLS client's.
  EXPECT_THAT(pair.client.channels, Contains(Pair(1, "one")));
}

TEST(Connection, ChannelsBeyondTheLimitAreNotOpened) {
  Connection::Config config;
  config.data.max_channels = 3;
  TestPair pair(1, SmoothLink(), config);
  for (int i = 0; i < 10; ++i) {
    pair.client.connection.OpenChannel(pair.now(), {.label = std::to_string(i)});
  }
  pair.client.connection.EnableData(pair.now());
  pair.server.connection.EnableData(pair.now());
  ASSERT_TRUE(pair.Connect());
  pair.RunMillis(500);
  EXPECT_EQ(pair.server.channels.size(), 3u);
}

TEST(Connection, DataIsRefusedWithoutAChannel) {
  TestPair pair;
  pair.client.connection.EnableData(pair.now());
  ASSERT_TRUE(pair.Connect());
  const auto message = std::make_shared<const Buffer>(Buffer{1});
  EXPECT_FALSE(pair.client.connection.SendData(pair.now(), 4, message));
  EXPECT_EQ(pair.client.connection.buffered_amount(4), 0u);
}

TEST(Connection, ItsCloseIsSaidAndThenNothingMore) {
  TestPair pair;
  ASSERT_TRUE(pair.Connect());
  const size_t before = pair.server.sent_sizes.size();
  pair.server.connection.Close(pair.now(), pair.server);
  EXPECT_GT(pair.server.sent_sizes.size(), before);
  const size_t after = pair.server.sent_sizes.size();
  pair.RunMillis(60'000);
  EXPECT_EQ(SendRtp(pair.server, 1), 0u);
  EXPECT_EQ(pair.server.sent_sizes.size(), after);
  EXPECT_TRUE(pair.server.connection.NextTimeout().infinite());
}

TEST(Connection, APathThatDiesIsReported) {
  TestPair pair;
  ASSERT_TRUE(pair.Connect());
  pair.network.RemoveAddress(pair.client.address);
  pair.RunMillis(17'000);
  EXPECT_THAT(pair.server.ice_states, Contains(ice::State::kDisconnected));
  EXPECT_EQ(pair.server.ice_states.back(), ice::State::kFailed);
}

}  // namespace
}  // namespace weir::peer::test
