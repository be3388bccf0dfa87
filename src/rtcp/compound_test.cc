#include "rtcp/compound.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/overloaded.h"
#include "base/random.h"
#include "rtcp/writer.h"

namespace weir::rtcp {
namespace {

using base::Buffer;
using base::ParseError;
using testing::ElementsAre;

Buffer Join(std::initializer_list<Buffer> parts) {
  Buffer all;
  for (const Buffer& part : parts) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

// The packets of `bytes`, which must parse.
std::vector<Packet> Parse(const Buffer& bytes) {
  std::vector<Packet> packets;
  const auto result = ParseCompound(bytes, packets);
  EXPECT_TRUE(result.has_value()) << base::ToString(result.error());
  return packets;
}
template <typename T>
T ParseOne(const Buffer& bytes) {
  const std::vector<Packet> packets = Parse(bytes);
  EXPECT_EQ(packets.size(), 1u);
  return packets.empty() || !std::holds_alternative<T>(packets[0]) ? T() : std::get<T>(packets[0]);
}
ParseError ErrorOf(const Buffer& bytes) {
  std::vector<Packet> packets;
  const auto result = ParseCompound(bytes, packets);
  EXPECT_FALSE(result.has_value());
  return result.has_value() ? ParseError::kUnsupported : result.error();
}

const Buffer kPli = {0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2};

TEST(ParseCompound, ReadsASenderReport) {
  const Buffer bytes = {0x81, 200,  0,    12,                // One block.
                        0,    0,    0,    1,                 // Sender.
                        1,    2,    3,    4,    5, 6, 7, 8,  // NTP.
                        0,    0,    1,    0,                 // RTP.
                        0,    0,    0,    7,                 // Packets.
                        0,    0,    0,    9,                 // Octets.
                        0,    0,    0,    2,                 // Block: SSRC.
                        0x80, 0xff, 0xff, 0xfe,              // Fraction lost, cumulative -2.
                        0,    1,    0,    5,                 // Highest sequence.
                        0,    0,    0,    3,                 // Jitter.
                        0xaa, 0xbb, 0xcc, 0xdd,              // LSR.
                        0,    1,    0,    0};                // DLSR.
  const auto report = ParseOne<SenderReport>(bytes);
  EXPECT_EQ(report.sender, Ssrc(1));
  EXPECT_EQ(report.ntp, 0x0102030405060708u);
  EXPECT_EQ(report.rtp, 256u);
  EXPECT_EQ(report.packets, 7u);
  EXPECT_EQ(report.octets, 9u);
  EXPECT_THAT(report.blocks, ElementsAre(ReportBlock{.ssrc = Ssrc(2),
                                                     .fraction_lost = 128,
                                                     .cumulative_lost = -2,
                                                     .highest_seq = 0x10005,
                                                     .jitter = 3,
                                                     .last_sr = 0xaabbccdd,
                                                     .delay_since_last_sr = 0x10000}));
}

TEST(ParseCompound, AReportMayCarryAProfileExtension) {
  const Buffer bytes = {0x80, 201, 0, 2, 0, 0, 0, 1, 9, 9, 9, 9};
  EXPECT_EQ(ParseOne<ReceiverReport>(bytes), (ReceiverReport{.sender = Ssrc(1), .blocks = {}}));
}

TEST(ParseCompound, AReportShorterThanItsCountIsTruncated) {
  EXPECT_EQ(ErrorOf({0x81, 201, 0, 1, 0, 0, 0, 1}), ParseError::kTruncated);
}

TEST(ParseCompound, ReadsCnamesAmongOtherItems) {
  const Buffer bytes = {0x82, 202, 0, 6,                                    //
                        0,    0,   0, 1, 2, 1, 'n', 1,   2,   'c', 'n', 0,  // NAME, CNAME, end.
                        0,    0,   0, 2, 1, 3, 'a', 'b', 'c', 0,   0,   0};
  EXPECT_EQ(ParseOne<Sdes>(bytes), (Sdes{{{Ssrc(1), "cn"}, {Ssrc(2), "abc"}}}));
}

TEST(ParseCompound, AnSdesItemPastTheEndIsTruncated) {
  EXPECT_EQ(ErrorOf({0x81, 202, 0, 2, 0, 0, 0, 1, 1, 3, 'a', 'b'}), ParseError::kTruncated);
  EXPECT_EQ(ErrorOf({0x81, 202, 0, 2, 0, 0, 0, 1, 1, 2, 'a', 'b'}), ParseError::kTruncated) << "no null item";
}

TEST(ParseCompound, ReadsAByeWithItsReason) {
  const Buffer bytes = {0x81, 203, 0, 2, 0, 0, 0, 1, 2, 'o', 'k', 0};
  EXPECT_EQ(ParseOne<Bye>(bytes), (Bye{.ssrcs = {Ssrc(1)}, .reason = "ok"}));
  EXPECT_EQ(ParseOne<Bye>({0x80, 203, 0, 0}), Bye{});
  EXPECT_EQ(ErrorOf({0x81, 203, 0, 2, 0, 0, 0, 1, 4, 'o', 'k', 0}), ParseError::kTruncated);
}

TEST(ParseCompound, ReadsANackAcrossTheWrap) {
  const Buffer bytes = {0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0x80, 0x01, 0, 9, 0, 0};
  const auto nack = ParseOne<Nack>(bytes);
  EXPECT_EQ(nack.sender, Ssrc(1));
  EXPECT_EQ(nack.media, Ssrc(2));
  EXPECT_THAT(nack.sequences, ElementsAre(65535, 0, 15, 9));
}

TEST(ParseCompound, ANackNeedsAnItem) {
  EXPECT_EQ(ErrorOf({0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2}), ParseError::kTruncated);
}

TEST(ParseCompound, ANackOverTheLimitIsRefused) {
  Buffer bytes(12 + 500 * 4, 0xff);
  bytes[0] = 0x81;
  bytes[1] = 205;
  base::StoreU16(&bytes[2], static_cast<uint16_t>(bytes.size() / 4 - 1));
  EXPECT_EQ(ErrorOf(bytes), ParseError::kTooLarge);
}

TEST(ParseCompound, ReadsPliAndFir) {
  EXPECT_EQ(ParseOne<Pli>(kPli), (Pli{Ssrc(1), Ssrc(2)}));
  const Buffer fir = {0x84, 206, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
                      0,    7,   3, 0, 0, 0, 0, 0, 0, 8, 4, 0, 0, 0};
  EXPECT_EQ(ParseOne<Fir>(fir), (Fir{.sender = Ssrc(1), .entries = {{Ssrc(7), 3}, {Ssrc(8), 4}}}))
      << "the target stands in the entries, RFC 5104";
  EXPECT_EQ(ErrorOf({0x84, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0}), ParseError::kTruncated);
  EXPECT_EQ(ErrorOf({0x84, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 3, 0, 0, 0, 0, 0, 0, 8}),
            ParseError::kWrongLength);
}

TEST(ParseCompound, ReadsRemb) {
  const Buffer bytes = {0x8f, 206, 0,   5,   0, 0,    0,    1,    0, 0, 0, 0,
                        'R',  'E', 'M', 'B', 1, 0x0b, 0xd0, 0x90, 0, 0, 0, 9};
  const auto remb = ParseOne<Remb>(bytes);
  EXPECT_EQ(remb.bitrate, uint64_t{0x3d090} << 2);  // 1 Mbit/s.
  EXPECT_THAT(remb.ssrcs, ElementsAre(Ssrc(9)));
}

TEST(ParseCompound, RefusesARembThatLies) {
  Buffer bytes = {0x8f, 206, 0,   5,   0, 0,    0,    1,    0, 0, 0, 0,
                  'R',  'E', 'M', 'B', 2, 0x0b, 0xd0, 0x90, 0, 0, 0, 9};
  EXPECT_EQ(ErrorOf(bytes), ParseError::kWrongLength);
  bytes[16] = 1;
  bytes[17] = 0xff;  // Exponent 63: over 64 bits.
  EXPECT_EQ(ErrorOf(bytes), ParseError::kBadValue);
}

TEST(ParseCompound, ReadsExtendedReportBlocks) {
  const Buffer bytes = {0x80, 207, 0, 9, 0, 0, 0, 1,                           //
                        4,    0,   0, 2, 1, 2, 3, 4, 5, 6, 7, 8,               // RRTR.
                        99,   0,   0, 0,                                       // Unknown, empty.
                        5,    0,   0, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4};  // DLRR.
  EXPECT_THAT(Parse(bytes), ElementsAre(Packet(XrRrtr{Ssrc(1), 0x0102030405060708}),
                                        Packet(XrDlrr{Ssrc(1), {{Ssrc(2), 3, 4}}})));
}

TEST(ParseCompound, RefusesBrokenExtendedReportBlocks) {
  EXPECT_EQ(ErrorOf({0x80, 207, 0, 3, 0, 0, 0, 1, 4, 0, 0, 1, 0, 0, 0, 0}), ParseError::kWrongLength);
  EXPECT_EQ(ErrorOf({0x80, 207, 0, 3, 0, 0, 0, 1, 5, 0, 0, 1, 0, 0, 0, 0}), ParseError::kWrongLength);
  EXPECT_EQ(ErrorOf({0x80, 207, 0, 2, 0, 0, 0, 1, 4, 0, 0, 2}), ParseError::kTruncated);
  EXPECT_EQ(ErrorOf({0x80, 207, 0, 0}), ParseError::kTruncated);
}

TEST(ParseCompound, TakesReducedSizeAndCompoundAlike) {
  const Buffer report = {0x80, 201, 0, 1, 0, 0, 0, 1};
  EXPECT_EQ(Parse(kPli).size(), 1u);
  EXPECT_EQ(Parse(Join({report, kPli, kPli})).size(), 3u);
}

TEST(ParseCompound, SkipsWhatItDoesNotSpeak) {
  const Buffer app = {0x80, 204, 0, 2, 0, 0, 0, 1, 'n', 'a', 'm', 'e'};
  const Buffer congestion = {0x8b, 205, 0, 1, 0, 0, 0, 1};
  const Buffer slice_loss = {0x82, 206, 0, 1, 0, 0, 0, 1};
  const Buffer other_application = {0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 'A', 'B', 'C', 'D'};
  const Buffer unassigned = {0x80, 220, 0, 0};
  EXPECT_THAT(Parse(Join({app, congestion, slice_loss, other_application, unassigned, kPli})),
              ElementsAre(Packet(Pli{Ssrc(1), Ssrc(2)})));
}

TEST(ParseCompound, DeliversWhatCameBeforeTheBrokenOne) {
  const Buffer broken = {0x81, 205, 0, 9, 0, 0, 0, 1};
  std::vector<Packet> packets;
  EXPECT_EQ(ParseCompound(Join({kPli, broken}), packets).error(), ParseError::kTruncated);
  EXPECT_EQ(packets.size(), 1u);
}

TEST(ParseCompound, AppendsToWhatIsThere) {
  std::vector<Packet> packets = {XrRrtr{}};
  EXPECT_TRUE(ParseCompound(kPli, packets).has_value());
  EXPECT_EQ(packets.size(), 2u);
}

TEST(ParseCompound, TakesPaddingOff) {
  const Buffer padded = {0xa1, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4};
  EXPECT_EQ(ParseOne<Pli>(padded), (Pli{Ssrc(1), Ssrc(2)}));
  Buffer bad = padded;
  for (const int count : {0, 13, 255}) {
    bad.back() = static_cast<uint8_t>(count);
    EXPECT_EQ(ErrorOf(bad), ParseError::kBadValue) << count;
  }
  EXPECT_EQ(ErrorOf({0xa1, 206, 0, 0}), ParseError::kBadValue);
}

TEST(ParseCompound, PaddingNeedNotBeWholeWords) {
  // Transport-wide feedback is padded by one to three bytes, against RFC 3550.
  const Buffer padded = {0xaf, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 9, 0, 1, 0, 0, 0, 0, 0x20, 0x01, 7, 1};
  EXPECT_THAT(ParseOne<TransportFeedback>(padded).statuses, ElementsAre(PacketStatus{true, 7}));
}

TEST(ParseCompound, RefusesOtherVersionsAndEmptyDatagrams) {
  EXPECT_EQ(ErrorOf({0x41, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2}), ParseError::kBadVersion);
  EXPECT_EQ(ErrorOf({}), ParseError::kTruncated);
}

TEST(ParseCompound, ReadsNoMorePacketsThanTheLimit) {
  Buffer bytes;
  for (size_t i = 0; i < kMaxPacketsPerCompound; ++i) {
    bytes = Join({bytes, kPli});
  }
  EXPECT_EQ(Parse(bytes).size(), kMaxPacketsPerCompound);
  EXPECT_EQ(ErrorOf(Join({bytes, kPli})), ParseError::kTooLarge);
}

TEST(ParseCompound, ExtendedReportBlocksCountAgainstTheLimitToo) {
  Buffer bytes = {0x80, 207, 0, 0, 0, 0, 0, 1};
  for (size_t i = 0; i <= kMaxPacketsPerCompound; ++i) {
    bytes = Join({bytes, {4, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0}});
  }
  base::StoreU16(&bytes[2], static_cast<uint16_t>(bytes.size() / 4 - 1));
  EXPECT_EQ(ErrorOf(bytes), ParseError::kTooLarge);
}

TEST(VisitCompound, CallsTheVisitorPerPacket) {
  int pictures = 0;
  int others = 0;
  const auto result = VisitCompound(Join({kPli, {0x80, 203, 0, 0}}), base::Overloaded{
                                                                         [&](const Pli&) { ++pictures; },
                                                                         [&](const auto&) { ++others; },
                                                                     });
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(pictures, 1);
  EXPECT_EQ(others, 1);
}

// One of everything.
Buffer FullCompound() {
  Buffer bytes(1500);
  base::ByteWriter out(bytes);
  EXPECT_TRUE(Write(SenderReport{.sender = Ssrc(1), .blocks = {ReportBlock{.ssrc = Ssrc(2)}}}, out));
  EXPECT_TRUE(Write(Sdes{{{Ssrc(1), "cname"}}}, out));
  EXPECT_TRUE(Write(Nack{Ssrc(1), Ssrc(2), {1, 2, 50}}, out));
  EXPECT_TRUE(Write(Fir{Ssrc(1), {{Ssrc(2), 1}}}, out));
  EXPECT_TRUE(Write(Remb{Ssrc(1), 1'000'000, {Ssrc(2)}}, out));
  EXPECT_TRUE(Write(XrRrtr{Ssrc(1), 5}, out));
  EXPECT_TRUE(Write(XrDlrr{Ssrc(1), {{Ssrc(2), 3, 4}}}, out));
  TransportFeedback feedback{.sender = Ssrc(1), .statuses = {{true, 3}, {false, 0}, {true, 300}}};
  EXPECT_TRUE(Write(feedback, out));
  EXPECT_TRUE(Write(Bye{{Ssrc(1)}, "bye"}, out));
  bytes.resize(out.position());
  return bytes;
}

TEST(ParseCompound, EveryPrefixIsAShorterAnswerOrAnError) {
  const Buffer bytes = FullCompound();
  ASSERT_EQ(Parse(bytes).size(), 9u);
  for (size_t size = 0; size < bytes.size(); ++size) {
    const Buffer prefix(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    std::vector<Packet> packets;
    const auto result = ParseCompound(prefix, packets);
    EXPECT_LT(packets.size(), 9u) << size;
    EXPECT_TRUE(!result || (size > 0 && !packets.empty())) << size;
  }
}

TEST(ParseCompound, SurvivesFlippedBits) {
  const Buffer good = FullCompound();
  base::SeededRandom random(17);
  for (int i = 0; i < 20'000; ++i) {
    Buffer bytes = good;
    for (uint32_t flips = 1 + random.Below(8); flips > 0; --flips) {
      bytes[random.Below(static_cast<uint32_t>(bytes.size()))] ^= static_cast<uint8_t>(1 << random.Below(8));
    }
    std::vector<Packet> packets;
    (void)ParseCompound(bytes, packets);
    ASSERT_LE(packets.size(), kMaxPacketsPerCompound);
  }
}

}  // namespace
}  // namespace weir::rtcp
