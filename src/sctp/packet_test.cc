#include "sctp/packet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "sctp/cookie.h"
#include "sctp/crc32c.h"
#include "sctp/rto.h"

namespace weir::sctp {
namespace {

using base::Buffer;
using base::ParseError;
using base::TimeDelta;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

TEST(Crc32c, MatchesThePublishedVectors) {
  EXPECT_EQ(Crc32c(base::AsBytes("123456789")), 0xe3069283u);
  EXPECT_EQ(Crc32c(Buffer(32, 0)), 0x8a9136aau);     // RFC 3720 appendix B.4.
  EXPECT_EQ(Crc32c(Buffer(32, 0xff)), 0x62a8ab43u);  // The same.
}

TEST(Crc32c, ContinuesOverPieces) {
  const Buffer bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const base::ConstBytes view(bytes);
    EXPECT_EQ(Crc32c(view.subspan(cut), Crc32c(view.first(cut))), Crc32c(bytes));
  }
}

Buffer PacketOf(base::ConstBytes chunk) {
  PacketBuilder builder(5000, 5001, 0x01020304, 1180);
  builder.Add(chunk);
  return builder.Finish();
}

TEST(Packet, WritesWhatItReads) {
  PacketBuilder builder(5000, 5001, 0x01020304, 1180);
  EXPECT_TRUE(builder.Add(EncodeChunk(ChunkType::kCookieAck, 0, {})));
  const Buffer payload = {9, 8, 7};
  EXPECT_TRUE(builder.AddData(Data{.flags = Data::kBegin | Data::kUnordered,
                                   .tsn = 77,
                                   .stream = 5,
                                   .ssn = 6,
                                   .ppid = 51,
                                   .payload = payload}));
  EXPECT_TRUE(builder.AddSack(100, 2000, {{{2, 3}, {5, 5}}}, {{98u}}));
  const Buffer bytes = builder.Finish();
  const auto packet = ParsePacket(bytes);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->source_port, 5000);
  EXPECT_EQ(packet->destination_port, 5001);
  EXPECT_EQ(packet->tag, 0x01020304u);
  ASSERT_THAT(packet->chunks, SizeIs(3));
  const auto data = ParseData(packet->chunks[1]);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->tsn, 77u);
  EXPECT_EQ(data->stream, 5);
  EXPECT_EQ(data->ssn, 6);
  EXPECT_EQ(data->ppid, 51u);
  EXPECT_EQ(data->flags, Data::kBegin | Data::kUnordered);
  EXPECT_THAT(data->payload, ElementsAre(9, 8, 7));
  const auto sack = ParseSack(packet->chunks[2]);
  ASSERT_TRUE(sack);
  EXPECT_EQ(sack->cumulative_tsn, 100u);
  EXPECT_EQ(sack->window, 2000u);
  EXPECT_THAT(sack->gaps, ElementsAre(Pair(2, 3), Pair(5, 5)));
  EXPECT_THAT(sack->duplicates, ElementsAre(98u));
}

TEST(Packet, RefusesEveryFlippedBitAndEveryTruncation) {
  const Buffer bytes = PacketOf(EncodeChunk(ChunkType::kHeartbeat, 0, Buffer(13, 1)));
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Buffer flipped = bytes;
    flipped[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    EXPECT_FALSE(ParsePacket(flipped)) << bit;
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ParsePacket(base::ConstBytes(bytes).first(size)));
  }
}

TEST(Packet, RefusesChunkLengthsThatLie) {
  for (const int length : {0, 3, 200}) {
    Buffer bytes = PacketOf(EncodeChunk(ChunkType::kHeartbeat, 0, Buffer(12, 1)));
    bytes[15] = static_cast<uint8_t>(length);
    EXPECT_FALSE(ParsePacket(bytes, Checksum::kIgnore)) << length;
  }
}

TEST(Packet, NeverExceedsItsSize) {
  PacketBuilder builder(1, 2, 3, 100);
  EXPECT_EQ(builder.space(), 88u);
  EXPECT_FALSE(builder.AddData(Data{.payload = Buffer(73, 1)}));
  EXPECT_TRUE(builder.AddData(Data{.payload = Buffer(49, 1)}));
  EXPECT_EQ(builder.space(), 20u);
  const std::vector<std::pair<uint16_t, uint16_t>> gaps(50, {1, 1});
  EXPECT_TRUE(builder.AddSack(1, 1, gaps, {}));
  EXPECT_EQ(builder.space(), 0u);
  EXPECT_EQ(builder.Finish().size(), 100u);
}

TEST(Packet, ReadsDataOnlyWithData) {
  const Buffer twelve(12, 0);
  EXPECT_EQ(ParseData(Chunk{.value = twelve}).error(), ParseError::kWrongLength);
  EXPECT_EQ(ParseData(Chunk{.value = base::ConstBytes(twelve).first(11)}).error(), ParseError::kTruncated);
}

Init SomeInit() {
  return Init{.tag = 1, .window = 2, .outgoing_streams = 3, .incoming_streams = 4, .initial_tsn = 5};
}

TEST(Packet, InitCarriesCapabilitiesAndCookie) {
  Init init = SomeInit();
  const Buffer cookie = {1, 2, 3, 4, 5};
  init.cookie = cookie;
  const Buffer bytes = PacketOf(EncodeInit(ChunkType::kInitAck, init));
  const auto packet = ParsePacket(bytes);
  ASSERT_TRUE(packet);
  const auto parsed = ParseInit(packet->chunks[0]);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->tag, 1u);
  EXPECT_EQ(parsed->window, 2u);
  EXPECT_EQ(parsed->outgoing_streams, 3);
  EXPECT_EQ(parsed->incoming_streams, 4);
  EXPECT_EQ(parsed->initial_tsn, 5u);
  EXPECT_EQ(parsed->capabilities, (Capabilities{true, true}));
  EXPECT_THAT(parsed->cookie, ElementsAre(1, 2, 3, 4, 5));
}

TEST(Packet, InitReportsUnknownParametersAsTheirTypeAsks) {
  Buffer value(16);
  base::ByteWriter writer(value);
  writer.WriteU32(1);
  writer.WriteU32(1);
  writer.WriteU16(1);
  writer.WriteU16(1);
  writer.WriteU32(1);
  const auto append = [&](uint16_t type, uint8_t filler) {
    value.insert(value.end(),
                 {static_cast<uint8_t>(type >> 8), static_cast<uint8_t>(type), 0, 6, filler, filler, 0, 0});
  };
  append(0xc123, 1);  // Skip and report.
  append(0x8123, 2);  // Skip silently.
  append(0x4123, 3);  // Stop and report.
  append(0xc124, 4);  // Not reached.
  const auto init = ParseInit(Chunk{.value = value});
  ASSERT_TRUE(init);
  EXPECT_THAT(init->unrecognized, ElementsAre(0xc1, 0x23, 0, 6, 1, 1, 0, 0, 0x41, 0x23, 0, 6, 3, 3, 0, 0));
}

TEST(Packet, InitRefusesZeroes) {
  for (int field = 0; field < 3; ++field) {
    Init init = SomeInit();
    (field == 0 ? init.tag : init.window) = 0;
    init.outgoing_streams = field == 1 ? 0 : 1;
    init.incoming_streams = field == 2 ? 0 : 1;
    const Buffer chunk = EncodeInit(ChunkType::kInit, init);
    EXPECT_EQ(ParseInit(Chunk{.value = base::ConstBytes(chunk).subspan(4)}).error(), ParseError::kBadValue);
  }
}

TEST(Packet, SackRefusesWrongCountsAndEmptyGaps) {
  Buffer value(16);
  value[9] = 2;  // Two gaps announced, room for one.
  EXPECT_EQ(ParseSack(Chunk{.value = value}).error(), ParseError::kWrongLength);
  value[9] = 1;
  EXPECT_EQ(ParseSack(Chunk{.value = value}).error(), ParseError::kBadValue);
  value[13] = 1;
  value[15] = 1;
  EXPECT_TRUE(ParseSack(Chunk{.value = value}));
}

TEST(Packet, ForwardTsnAndReconfigSurviveTheirWay) {
  const Buffer forward = EncodeForwardTsn({.new_cumulative_tsn = 9, .skipped = {{1, 2}, {3, 4}}});
  const auto parsed = ParseForwardTsn(Chunk{.value = base::ConstBytes(forward).subspan(4)});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->new_cumulative_tsn, 9u);
  EXPECT_THAT(parsed->skipped, ElementsAre(Pair(1, 2), Pair(3, 4)));

  Buffer both = EncodeReconfig(OutgoingResetRequest{1, 2, 3, {4, 5, 6}});
  both.resize(both.size() + 2);  // The padding of the first parameter.
  const Buffer response = EncodeReconfig(ReconfigResponse{7, ReconfigResult::kInProgress});
  both.insert(both.end(), response.begin() + 4, response.end());
  const auto reconfig = ParseReconfig(Chunk{.value = base::ConstBytes(both).subspan(4)});
  ASSERT_TRUE(reconfig);
  ASSERT_TRUE(reconfig->outgoing_reset);
  EXPECT_EQ(reconfig->outgoing_reset->request, 1u);
  EXPECT_EQ(reconfig->outgoing_reset->response, 2u);
  EXPECT_EQ(reconfig->outgoing_reset->last_tsn, 3u);
  EXPECT_THAT(reconfig->outgoing_reset->streams, ElementsAre(4, 5, 6));
  ASSERT_TRUE(reconfig->response);
  EXPECT_EQ(reconfig->response->request, 7u);
  EXPECT_EQ(reconfig->response->result, ReconfigResult::kInProgress);
}

TEST(Packet, DescribesCausesWithoutTrustingTheirText) {
  const Buffer chunk = EncodeError(ChunkType::kAbort, cause::kUserInitiated, base::AsBytes("bye\n\x01"));
  EXPECT_EQ(DescribeCauses(base::ConstBytes(chunk).subspan(4)), "user initiated abort: bye??");
  EXPECT_EQ(DescribeCauses({}), "no cause given");
}

TEST(Cookie, OpensItsOwnAndNothingElse) {
  base::SeededRandom random(1);
  const CookieJar jar(random);
  const CookieJar other(random);
  const Cookie cookie{.made = base::Timestamp::Millis(5),
                      .local_tag = 1,
                      .peer_tag = 2,
                      .local_initial_tsn = 3,
                      .peer_initial_tsn = 4,
                      .peer_window = 5,
                      .outgoing_streams = 6,
                      .incoming_streams = 7,
                      .peer_capabilities = {true, false},
                      .local_tie_tag = 8,
                      .peer_tie_tag = 9};
  const Buffer sealed = jar.Seal(cookie);
  EXPECT_EQ(jar.Open(sealed), cookie);
  EXPECT_EQ(other.Open(sealed), std::nullopt);
  for (size_t i = 0; i < sealed.size(); ++i) {
    Buffer forged = sealed;
    forged[i] ^= 0x10;
    EXPECT_EQ(jar.Open(forged), std::nullopt);
  }
  EXPECT_EQ(jar.Open({}), std::nullopt);
}

TEST(Rto, FollowsTheRoundTripsWithinItsBounds) {
  Rto rto(TimeDelta::Millis(500), TimeDelta::Millis(200), TimeDelta::Seconds(3), TimeDelta());
  EXPECT_EQ(rto.rto(), TimeDelta::Millis(500));
  rto.OnSample(TimeDelta::Millis(100));
  EXPECT_EQ(rto.rto(), TimeDelta::Millis(300));  // 100 + 4 * 50.
  rto.OnSample(TimeDelta::Millis(100));
  EXPECT_EQ(rto.rto(), TimeDelta::Millis(250));  // 100 + 4 * 37.5.
  for (int i = 0; i < 50; ++i) {
    rto.OnSample(TimeDelta::Millis(1));
  }
  EXPECT_EQ(rto.rto(), TimeDelta::Millis(200));
  for (int i = 0; i < 10; ++i) {
    rto.BackOff();
  }
  EXPECT_EQ(rto.rto(), TimeDelta::Seconds(3));
}

TEST(Rto, StaysAboveThePeersDelayOfAcknowledgements) {
  Rto rto(TimeDelta::Millis(500), TimeDelta::Millis(200), TimeDelta::Seconds(3), TimeDelta::Millis(220));
  for (int i = 0; i < 50; ++i) {
    rto.OnSample(TimeDelta::Millis(20));
  }
  EXPECT_EQ(rto.rto(), TimeDelta::Millis(240));
}

}  // namespace
}  // namespace weir::sctp
