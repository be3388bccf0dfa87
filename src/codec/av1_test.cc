#include "codec/av1.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/bits_for_test.h"

namespace weir::codec {
namespace {

using base::Buffer;
using base::ParseError;

Buffer Join(Buffer head, const Buffer& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}
// An OBU header without size, and its body.
Buffer Obu(int type, const Buffer& body) { return Join({static_cast<uint8_t>(type << 3)}, body); }

std::string SizeFields(uint32_t width, uint32_t height) {
  return U(15, 4) + U(15, 4) + U(width - 1, 16) + U(height - 1, 16);
}
// Profile 0 with one operating point.
Buffer SequenceHeader(uint32_t width, uint32_t height) {
  return FromBits("000 0 0 0 0 " + U(0, 5) + U(0, 12) + U(5, 5) + SizeFields(width, height));
}

TEST(ParseAv1, ANewSequenceIsAKeyFrame) {
  const Buffer sequence = Obu(1, SequenceHeader(1280, 720));
  Buffer packet = {0x28, static_cast<uint8_t>(sequence.size())};  // W 2, N.
  packet = Join(Join(packet, sequence), Obu(6, {0x10}));
  const auto info = ParseAv1(packet);
  ASSERT_TRUE(info.has_value());
  EXPECT_TRUE(info->new_sequence);
  EXPECT_TRUE(info->has_sequence_header);
  EXPECT_TRUE(info->keyframe);
  EXPECT_EQ(info->element_count, 2);
  EXPECT_EQ(info->width, 1280);
  EXPECT_EQ(info->height, 720);
  EXPECT_FALSE(info->continues_previous);
  EXPECT_FALSE(info->continues_next);
  EXPECT_EQ(info->tid, -1);
}

TEST(ParseAv1, AFrameHeaderTellsToo) {
  EXPECT_TRUE(ParseAv1(Join({0x10}, Obu(6, {0x10})))->keyframe);
  EXPECT_TRUE(ParseAv1(Join({0x10}, Obu(3, {0x10})))->keyframe);
  EXPECT_FALSE(ParseAv1(Join({0x10}, Obu(6, {0x30})))->keyframe) << "inter frame";
  EXPECT_FALSE(ParseAv1(Join({0x10}, Obu(6, {0x80})))->keyframe) << "shows an existing frame";
  EXPECT_FALSE(ParseAv1(Join({0x10}, Obu(4, {0x00})))->keyframe) << "a tile group";
}

TEST(ParseAv1, AContinuedElementIsNotRead) {
  const auto info = ParseAv1(Join({0xd0}, Obu(6, {0x10})));
  EXPECT_TRUE(info->continues_previous);
  EXPECT_TRUE(info->continues_next);
  EXPECT_FALSE(info->keyframe);
}

TEST(ParseAv1, ReadsLayersAndSizedUnits) {
  // Extension: TID 2, SID 1; has_size with a useless size.
  const auto info = ParseAv1(Buffer{0x10, 6 << 3 | 0x06, 2 << 5 | 1 << 3, 0x01, 0x10});
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->tid, 2);
  EXPECT_EQ(info->sid, 1);
  EXPECT_TRUE(info->keyframe);
}

TEST(ParseAv1, WithoutACountEveryElementHasALength) {
  const Buffer packet = {0x00, 0x02, 6 << 3, 0x30, 0x00, 0x82, 0x00, 6 << 3, 0x10};
  const auto info = ParseAv1(packet);  // The third length takes two bytes.
  ASSERT_TRUE(info.has_value());
  EXPECT_TRUE(info->keyframe);
  ForEachPrefix(packet, [](const Buffer& prefix) {
    const auto shorter = ParseAv1(prefix);
    EXPECT_TRUE(!shorter || !shorter->keyframe) << prefix.size();
  });
}

TEST(ParseAv1, RefusesWhatIsBroken) {
  EXPECT_EQ(ParseAv1({}).error(), ParseError::kTruncated);
  EXPECT_EQ(ParseAv1(Buffer{0x10}).error(), ParseError::kTruncated);
  EXPECT_EQ(ParseAv1(Buffer{0x98, 0x30, 0x10}).error(), ParseError::kBadValue) << "N and Z";
  EXPECT_EQ(ParseAv1(Buffer{0x10, 0xb0, 0x10}).error(), ParseError::kBadValue) << "forbidden bit";
  EXPECT_EQ(ParseAv1(Buffer{0x00, 0x03, 0x30, 0x10}).error(), ParseError::kWrongLength);
  EXPECT_EQ(ParseAv1(Buffer{0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x30}).error(),
            ParseError::kWrongLength);
  EXPECT_EQ(ParseAv1(Buffer{0x00, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}).error(),
            ParseError::kWrongLength)
      << "a length of more than eight bytes";
}

TEST(ParseAv1, LooksAtNoMoreElementsThanTheLimit) {
  Buffer packet = {0x00};
  for (size_t i = 0; i < kMaxObusPerPacket; ++i) {
    packet = Join(packet, {0x02, 6 << 3, 0x30});
  }
  EXPECT_FALSE(ParseAv1(Join(packet, {0x02, 6 << 3, 0x10}))->keyframe);
}

TEST(ParseAv1SequenceHeader, ReadsTheReducedForm) {
  EXPECT_EQ(ParseAv1SequenceHeader(FromBits("000 1 1 " + U(5, 5) + SizeFields(64, 48))), (VideoSize{64, 48}));
}

TEST(ParseAv1SequenceHeader, ReadsTimingModelsAndOperatingPoints) {
  const std::string timing = U(1, 32) + U(60, 32) + "1 " + Ue(0);
  const std::string model = "1 " + U(9, 5) + U(1, 32) + U(9, 5) + U(9, 5);
  const std::string point =
      U(0x101, 12) + U(9, 5) + "0 " + "1 " + U(5, 10) + U(6, 10) + "0 " + "1 " + U(3, 4);
  const std::string low_point = U(0x100, 12) + U(5, 5) + "0 " + "0 ";
  const Buffer header =
      FromBits("000 0 0 1 " + timing + model + "1 " + U(1, 5) + point + low_point + SizeFields(1920, 1080));
  EXPECT_EQ(ParseAv1SequenceHeader(header), (VideoSize{1920, 1080}));
  ForEachPrefix(header, [](const Buffer& prefix) {
    EXPECT_EQ(ParseAv1SequenceHeader(prefix), std::nullopt) << prefix.size();
  });
}

TEST(ParseAv1SequenceHeader, ASizeOverSixteenBitsIsNone) {
  EXPECT_EQ(ParseAv1SequenceHeader(FromBits("000 1 1 " + U(5, 5) + SizeFields(65'536, 48))), std::nullopt);
}

TEST(ParseAv1, SurvivesAnyBytes) {
  base::SeededRandom random(14);
  for (int i = 0; i < 30'000; ++i) {
    Buffer payload(2 + random.Below(50));
    random.Fill(payload);
    payload[0] &= 0x7f;
    if (random.Below(2) == 0) {
      payload[1] = 1 << 3;
    }
    const auto info = ParseAv1(payload);
    ASSERT_TRUE(!info || info->sid <= 3);
  }
}

}  // namespace
}  // namespace weir::codec
