#include "rtp/packet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace weir::rtp {
namespace {

using base::Buffer;
using base::ConstBytes;
using base::ParseError;
using testing::ElementsAre;

// Marker, payload type 96, sequence 0x1234, timestamp 0x01020304, SSRC 0xaabbccdd.
Buffer FixedHeader(uint8_t first = 0x80) {
  return {first, 0xe0, 0x12, 0x34, 0x01, 0x02, 0x03, 0x04, 0xaa, 0xbb, 0xcc, 0xdd};
}
Buffer Join(Buffer head, const Buffer& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}
// A packet with this extension block and the payload {9, 8, 7}.
Buffer WithBlock(uint16_t profile, const Buffer& block) {
  Buffer packet = FixedHeader(0x90);
  packet.resize(16);
  base::StoreU16(&packet[12], profile);
  base::StoreU16(&packet[14], static_cast<uint16_t>(block.size() / 4));
  return Join(Join(packet, block), {9, 8, 7});
}

TEST(ParseHeader, ReadsTheFixedFields) {
  const Buffer packet = Join(FixedHeader(), {1, 2, 3});
  const auto header = ParseHeader(packet);
  ASSERT_TRUE(header.has_value());
  EXPECT_TRUE(header->marker);
  EXPECT_EQ(header->payload_type, 96);
  EXPECT_EQ(header->sequence, 0x1234);
  EXPECT_EQ(header->timestamp, 0x01020304u);
  EXPECT_EQ(header->ssrc, Ssrc(0xaabbccdd));
  EXPECT_EQ(header->header_size, 12u);
  EXPECT_EQ(header->payload_size, 3u);
  EXPECT_EQ(header->padding_size, 0u);
  EXPECT_THAT(header->Payload(packet), ElementsAre(1, 2, 3));
}

TEST(ParseHeader, RefusesOtherVersions) {
  EXPECT_EQ(ParseHeader(FixedHeader(0x40)).error(), ParseError::kBadVersion);
  EXPECT_EQ(ParseHeader(FixedHeader(0xc0)).error(), ParseError::kBadVersion);
}

TEST(ParseHeader, KeepsTheContributingSources) {
  const Buffer packet = Join(FixedHeader(0x82), {0, 0, 0, 1, 0, 0, 0, 2, 5});
  const auto header = ParseHeader(packet);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->csrc_count, 2);
  EXPECT_EQ(header->header_size, 20u);
  EXPECT_THAT(header->Csrcs(packet), ElementsAre(0, 0, 0, 1, 0, 0, 0, 2));
  EXPECT_EQ(header->payload_size, 1u);
}

TEST(ParseHeader, FindsOneByteElements) {
  const Buffer packet = WithBlock(0xbede, {0x10, 0xa1, 0x00, 0x22, 'm', 'i', 'd', 0x00});
  const auto header = ParseHeader(packet);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->element_count, 2);
  EXPECT_THAT(header->Find(packet, 1), ElementsAre(0xa1));
  EXPECT_THAT(header->Find(packet, 2), ElementsAre('m', 'i', 'd'));
  EXPECT_TRUE(header->Find(packet, 3).empty());
  EXPECT_TRUE(header->Find(packet, 0).empty()) << "padding is not an element";
  EXPECT_THAT(header->Payload(packet), ElementsAre(9, 8, 7));
}

TEST(ParseHeader, FindsTwoByteElements) {
  const Buffer packet = WithBlock(0x1005, {0x00, 20, 2, 5, 6, 15, 0, 0xff, 1, 4, 0, 0});
  const auto header = ParseHeader(packet);
  ASSERT_TRUE(header.has_value());
  EXPECT_THAT(header->Find(packet, 20), ElementsAre(5, 6));
  ASSERT_NE(header->FindElement(15), nullptr) << "id 15 is ordinary here, and no data is allowed";
  EXPECT_EQ(header->FindElement(15)->length, 0);
  EXPECT_THAT(header->Find(packet, 255), ElementsAre(4));
}

TEST(ParseHeader, OtherProfilesAreSkippedWhole) {
  const Buffer packet = WithBlock(0xabcd, {0x10, 0xa1, 0x00, 0x00});
  const auto header = ParseHeader(packet);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->element_count, 0);
  EXPECT_THAT(header->Payload(packet), ElementsAre(9, 8, 7));
}

TEST(ParseHeader, Id15EndsTheOneByteList) {
  const Buffer packet = WithBlock(0xbede, {0x10, 0xa1, 0xf0, 0x00, 0x20, 0xb1, 0x00, 0x00});
  EXPECT_EQ(ParseHeader(packet)->element_count, 1);
}

TEST(ParseHeader, Id0WithALengthEndsTheOneByteList) {
  const Buffer packet = WithBlock(0xbede, {0x10, 0xa1, 0x01, 0x00, 0x00, 0x20, 0xb1, 0x00});
  EXPECT_EQ(ParseHeader(packet)->element_count, 1);
}

TEST(ParseHeader, AnElementPastItsBlockEndsTheListButNotThePacket) {
  const Buffer one_byte = WithBlock(0xbede, {0x10, 0xa1, 0x2f, 0x00});
  ASSERT_TRUE(ParseHeader(one_byte).has_value());
  EXPECT_EQ(ParseHeader(one_byte)->element_count, 1);
  EXPECT_THAT(ParseHeader(one_byte)->Payload(one_byte), ElementsAre(9, 8, 7));
  const Buffer two_byte = WithBlock(0x1000, {1, 1, 5, 2});
  EXPECT_EQ(ParseHeader(two_byte)->element_count, 1);
  const Buffer overlong = WithBlock(0x1000, {1, 3, 5, 2});
  EXPECT_EQ(ParseHeader(overlong)->element_count, 0);
}

TEST(ParseHeader, KeepsNoMoreElementsThanItHasRoomFor) {
  Buffer block;
  for (int i = 0; i < 20; ++i) {
    block.insert(block.end(), {static_cast<uint8_t>(i + 1), 0});
  }
  const auto header = ParseHeader(WithBlock(0x1000, block));
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->element_count, kMaxExtensionElements);
  EXPECT_NE(header->FindElement(16), nullptr);
  EXPECT_EQ(header->FindElement(17), nullptr);
}

TEST(ParseHeader, TakesPaddingOffThePayload) {
  const Buffer packet = Join(FixedHeader(0xa0), {1, 2, 0, 0, 3});
  const auto header = ParseHeader(packet);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->payload_size, 2u);
  EXPECT_EQ(header->padding_size, 3u);
}

TEST(ParseHeader, APacketMayBeAllPadding) {
  const Buffer packet = Join(FixedHeader(0xa0), {0, 0, 3});
  const auto header = ParseHeader(packet);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->payload_size, 0u);
  EXPECT_EQ(header->padding_size, 3u);
}

TEST(ParseHeader, RefusesPaddingThatCannotBe) {
  EXPECT_EQ(ParseHeader(Join(FixedHeader(0xa0), {1, 2, 0})).error(), ParseError::kBadValue) << "count 0";
  EXPECT_EQ(ParseHeader(Join(FixedHeader(0xa0), {1, 2, 4})).error(), ParseError::kBadValue)
      << "over the payload";
  EXPECT_EQ(ParseHeader(FixedHeader(0xa0)).error(), ParseError::kBadValue) << "no room for a count";
}

TEST(ParseHeader, RefusesWhatOffsetsCannotHold) {
  Buffer packet = FixedHeader();
  packet.resize(65536);
  EXPECT_EQ(ParseHeader(packet).error(), ParseError::kTooLarge);
}

TEST(ParseHeader, EveryPrefixOfTheHeaderIsTruncated) {
  const Buffer packet = Join(Join(FixedHeader(0x91), {0, 0, 0, 1}), {0xbe, 0xde, 0, 1, 0x10, 0xa1, 0, 0, 42});
  ASSERT_EQ(ParseHeader(packet)->header_size, 24u);
  for (size_t size = 0; size < 24; ++size) {
    // A copy of exactly this size, so that AddressSanitizer sees a read past the end.
    const Buffer prefix(packet.begin(), packet.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_EQ(ParseHeader(prefix).error(), ParseError::kTruncated) << size;
  }
}

TEST(ParseHeader, SurvivesAnyBytesAndItsPartsAddUp) {
  base::SeededRandom random(5);
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    Buffer packet(random.Below(80));
    random.Fill(packet);
    if (packet.size() > 16) {
      packet[0] = static_cast<uint8_t>(0x80 | (packet[0] & 0x31));
      base::StoreU16(&packet[12], random.Below(2) == 0 ? 0xbede : 0x1000);
      base::StoreU16(&packet[14], static_cast<uint16_t>(random.Below(12)));
    }
    const auto header = ParseHeader(packet);
    if (!header) {
      continue;
    }
    ++accepted;
    ASSERT_EQ(header->header_size + header->payload_size + header->padding_size, packet.size());
    for (size_t k = 0; k < header->element_count; ++k) {
      ASSERT_LE(header->elements[k].offset + size_t{header->elements[k].length}, header->header_size);
      ASSERT_NE(header->elements[k].id, 0);
    }
  }
  EXPECT_GT(accepted, 5000);
}

TEST(LooksLikeRtp, TellsMediaFromControl) {
  EXPECT_TRUE(LooksLikeRtpOrRtcp(Buffer{0x80, 96}));
  EXPECT_TRUE(LooksLikeRtpOrRtcp(Buffer{191, 0}));
  EXPECT_FALSE(LooksLikeRtpOrRtcp(Buffer{192, 0}));
  EXPECT_FALSE(LooksLikeRtpOrRtcp(Buffer{127, 0}));
  EXPECT_FALSE(LooksLikeRtpOrRtcp(Buffer{0x80}));
  EXPECT_TRUE(LooksLikeRtcp(Buffer{0x81, 200}));
  EXPECT_TRUE(LooksLikeRtcp(Buffer{0x81, 223}));
  EXPECT_FALSE(LooksLikeRtcp(Buffer{0x81, 224})) << "marker and payload type 96";
  EXPECT_FALSE(LooksLikeRtcp(Buffer{0x81, 191}));
  EXPECT_FALSE(LooksLikeRtcp({}));
}

}  // namespace
}  // namespace weir::rtp
