#include "sfu/twcc_responder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtcp/compound.h"
#include "sfu/test_kit.h"

namespace weir::sfu {
namespace {

using rtp::Ssrc;
using test::At;

rtcp::TransportFeedback Parse(const base::Buffer& bytes) {
  std::vector<rtcp::Packet> packets;
  EXPECT_TRUE(rtcp::ParseCompound(bytes, packets).has_value());
  return packets.size() == 1 ? std::get<rtcp::TransportFeedback>(packets[0]) : rtcp::TransportFeedback();
}

std::vector<uint16_t> Received(const rtcp::TransportFeedback& feedback) {
  std::vector<uint16_t> received;
  for (size_t i = 0; i < feedback.statuses.size(); ++i) {
    if (feedback.statuses[i].received) {
      received.push_back(static_cast<uint16_t>(feedback.base_sequence + i));
    }
  }
  return received;
}

TEST(TwccResponder, ReportsAHundredMillisecondsAfterTheFirstArrivalAlsoOfAnIdleStream) {
  TwccResponder responder;
  EXPECT_TRUE(responder.NextTimeout().infinite());
  responder.OnPacket(At(0).mono, 65'535, Ssrc(5));
  responder.OnPacket(At(20).mono, 1, Ssrc(6));
  EXPECT_EQ(responder.NextTimeout(), At(100).mono);
  EXPECT_FALSE(responder.Build(At(99).mono, Ssrc(1)).has_value());
  const auto bytes = responder.Build(At(100).mono, Ssrc(1));
  ASSERT_TRUE(bytes.has_value());
  const auto feedback = Parse(*bytes);
  EXPECT_EQ(feedback.sender, Ssrc(1));
  EXPECT_EQ(feedback.media, Ssrc(6));
  EXPECT_THAT(Received(feedback), testing::ElementsAre(65'535, 1));
  ASSERT_EQ(feedback.statuses.size(), 3u);
  EXPECT_EQ(feedback.statuses[2].delta, 80);  // 20 ms.
  EXPECT_TRUE(responder.NextTimeout().infinite());
}

TEST(TwccResponder, FlushesAtOnceWhenAHundredPacketsAreHeld) {
  TwccResponder responder;
  for (uint16_t i = 0; i < 100; ++i) {
    responder.OnPacket(At(i / 10).mono, i, Ssrc(5));
  }
  EXPECT_LE(responder.NextTimeout(), At(9).mono);
  EXPECT_TRUE(responder.Build(At(9).mono, Ssrc(1)).has_value());
  EXPECT_FALSE(responder.Build(At(9).mono, Ssrc(1)).has_value());
}

TEST(TwccResponder, TellsWhatWasLostBetweenTwoReports) {
  TwccResponder responder;
  responder.OnPacket(At(0).mono, 10, Ssrc(5));
  responder.Build(At(100).mono, Ssrc(1));
  responder.OnPacket(At(110).mono, 13, Ssrc(5));
  const auto feedback = Parse(*responder.Build(At(300).mono, Ssrc(1)));
  EXPECT_EQ(feedback.base_sequence, 11);
  EXPECT_EQ(feedback.feedback_count, 1);
  EXPECT_THAT(Received(feedback), testing::ElementsAre(13));
}

TEST(TwccResponder, ToleratesReorderingDuplicatesAndJumps) {
  TwccResponder responder;
  responder.OnPacket(At(0).mono, 12, Ssrc(5));
  responder.OnPacket(At(1).mono, 11, Ssrc(5));
  responder.OnPacket(At(1).mono, 11, Ssrc(5));
  EXPECT_EQ(responder.counters().duplicates, 1);
  EXPECT_THAT(Received(Parse(*responder.Build(At(200).mono, Ssrc(1)))), testing::ElementsAre(11, 12));
  responder.OnPacket(At(300).mono, 30'000, Ssrc(5));
  EXPECT_THAT(Received(Parse(*responder.Build(At(500).mono, Ssrc(1)))), testing::ElementsAre(30'000));
}

TEST(TwccResponder, ForgetsTheOldestWhenNobodyTakesReports) {
  TwccResponder::Config config;
  config.max_packets = 50;
  TwccResponder responder(config);
  for (uint16_t i = 0; i < 80; ++i) {
    responder.OnPacket(At(i).mono, i, Ssrc(5));
  }
  EXPECT_EQ(responder.counters().overflow, 30);
  const auto received = Received(Parse(*responder.Build(At(1000).mono, Ssrc(1))));
  EXPECT_EQ(received.size(), 50u);
  EXPECT_EQ(received.front(), 30);
}

}  // namespace
}  // namespace weir::sfu
