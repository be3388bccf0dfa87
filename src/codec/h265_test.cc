#include "codec/h265.h"

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
Buffer Header(int type, int tid = 0) {
  return {static_cast<uint8_t>(type << 1), static_cast<uint8_t>(tid + 1)};
}
Buffer Unit(int type, const Buffer& body, int tid = 0) { return Join(Header(type, tid), body); }
Buffer Sized(const Buffer& nal) {
  return Join({static_cast<uint8_t>(nal.size() >> 8), static_cast<uint8_t>(nal.size())}, nal);
}

// Main profile, `sub_layers` - 1 sub-layers that each have a profile and a level.
Buffer MakeSps(uint32_t width, uint32_t height, const std::string& rest, int sub_layers = 1) {
  std::string bits = U(0, 4) + U(static_cast<uint64_t>(sub_layers - 1), 3) + "1 ";
  const std::string profile = U(1, 8) + U(0xffffffff, 32) + U(0x9999, 48);
  bits += profile + U(93, 8);
  if (sub_layers > 1) {
    for (int i = 1; i < sub_layers; ++i) {
      bits += "1 1 ";
    }
    bits += U(0, (9 - sub_layers) * 2);
    for (int i = 1; i < sub_layers; ++i) {
      bits += profile + U(93, 8);
    }
  }
  return Unit(33, FromBits(bits + Ue(0) + Ue(1) + Ue(width) + Ue(height) + rest));
}

TEST(ParseH265, RandomAccessPicturesAreKeyFrames) {
  for (int type = 16; type <= 21; ++type) {
    const auto info = ParseH265(Unit(type, {0x80}));
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->nal_type, type);
    EXPECT_TRUE(info->keyframe);
    EXPECT_TRUE(info->has_irap);
    EXPECT_TRUE(info->switch_up);
    EXPECT_TRUE(info->start_of_frame);
    EXPECT_FALSE(info->non_reference);
  }
  EXPECT_FALSE(ParseH265(Unit(19, {0x40}))->keyframe) << "a later slice segment";
  EXPECT_FALSE(ParseH265(Unit(1, {0x80}))->keyframe);
  EXPECT_FALSE(ParseH265(Unit(22, {0x80}))->keyframe) << "reserved";
}

TEST(ParseH265, ReadsTheTemporalLayer) {
  const auto info = ParseH265(Unit(2, {0x80}, 2));
  EXPECT_EQ(info->tid, 2);
  EXPECT_TRUE(info->switch_up) << "TSA_N";
  EXPECT_TRUE(info->non_reference);
  EXPECT_FALSE(ParseH265(Unit(1, {0x80}, 1))->switch_up);
  EXPECT_FALSE(ParseH265(Unit(1, {0x80}, 1))->non_reference);
}

TEST(ParseH265, ParameterSetsBeginAKeyFrame) {
  for (int type = 32; type <= 34; ++type) {
    const auto info = ParseH265(Unit(type, {1, 2, 3}));
    EXPECT_TRUE(info->keyframe);
    EXPECT_TRUE(info->has_parameter_sets);
    EXPECT_TRUE(info->start_of_frame);
  }
  EXPECT_TRUE(ParseH265(Unit(35, {1}))->start_of_frame);
  EXPECT_TRUE(ParseH265(Unit(39, {1}))->start_of_frame);
  EXPECT_FALSE(ParseH265(Unit(40, {1}))->start_of_frame) << "a suffix SEI ends a picture";
}

TEST(ParseH265, LooksThroughAggregation) {
  const Buffer packet = Join(Join(Header(48), Sized(MakeSps(1280, 720, "0 "))), Sized(Unit(19, {0x80})));
  const auto info = ParseH265(packet);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->nal_type, 33);
  EXPECT_TRUE(info->has_parameter_sets);
  EXPECT_TRUE(info->has_irap);
  EXPECT_EQ(info->width, 1280);
  EXPECT_EQ(info->height, 720);
  ForEachPrefix(packet, [&](const Buffer& prefix) {
    const auto shorter = ParseH265(prefix);
    EXPECT_TRUE(!shorter || !shorter->has_irap) << prefix.size();
  });
}

TEST(ParseH265, RefusesDamagedAggregation) {
  EXPECT_EQ(ParseH265(Header(48)).error(), ParseError::kTruncated);
  EXPECT_EQ(ParseH265(Join(Header(48), {0, 1, 0x26})).error(), ParseError::kTruncated) << "half a header";
  EXPECT_EQ(ParseH265(Join(Header(48), Sized(Unit(48, {})))).error(), ParseError::kBadValue) << "nested";
}

TEST(ParseH265, ReadsFragments) {
  const auto first = ParseH265(Join(Header(49), {0x80 | 19, 0x80}));
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->nal_type, 19);
  EXPECT_TRUE(first->keyframe);
  EXPECT_FALSE(first->ends_nal);
  const auto last = ParseH265(Join(Header(49, 1), {0x40 | 0, 0x80}));
  EXPECT_TRUE(last->ends_nal);
  EXPECT_FALSE(last->starts_nal);
  EXPECT_FALSE(last->start_of_frame);
  EXPECT_TRUE(last->non_reference);
  EXPECT_EQ(last->tid, 1);
  EXPECT_TRUE(ParseH265(Join(Header(49), {19, 0x80}))->has_irap);
  EXPECT_EQ(ParseH265(Join(Header(49), {0x80 | 19})).error(), ParseError::kTruncated);
  EXPECT_EQ(ParseH265(Join(Header(49), {0x80 | 49, 0})).error(), ParseError::kBadValue);
}

TEST(ParseH265, RefusesWhatItCannotRead) {
  EXPECT_EQ(ParseH265(Buffer{0x02}).error(), ParseError::kTruncated);
  EXPECT_EQ(ParseH265(Buffer{0x82, 1, 0}).error(), ParseError::kBadValue);
  EXPECT_EQ(ParseH265(Buffer{0x02, 0, 0}).error(), ParseError::kBadValue) << "temporal id 0 is sent as 1";
  EXPECT_EQ(ParseH265(Unit(50, {0, 0, 0})).error(), ParseError::kUnsupported);
}

TEST(ParseH265Sps, ReadsSizesWithSubLayersAndWindow) {
  EXPECT_EQ(ParseH265Sps(MakeSps(1920, 1088, "1 " + Ue(0) + Ue(0) + Ue(0) + Ue(4))), (VideoSize{1920, 1080}));
  EXPECT_EQ(ParseH265Sps(MakeSps(640, 360, "0 ", 3)), (VideoSize{640, 360}));
  EXPECT_EQ(ParseH265Sps(MakeSps(640, 360, "0 ", 7)), (VideoSize{640, 360}));
}

TEST(ParseH265Sps, DamageIsNoSize) {
  const Buffer sps = MakeSps(640, 360, "0 ", 3);
  ForEachPrefix(base::ConstBytes(sps).first(sps.size() - 1),
                [](const Buffer& prefix) { EXPECT_EQ(ParseH265Sps(prefix), std::nullopt) << prefix.size(); });
  EXPECT_EQ(ParseH265Sps(MakeSps(70'000, 360, "0 ")), std::nullopt);
  EXPECT_EQ(ParseH265Sps(MakeSps(64, 64, "1 " + Ue(16) + Ue(16) + Ue(0) + Ue(0))), std::nullopt);
  EXPECT_EQ(ParseH265Sps(Unit(33, FromBits("0000 111 1"))), std::nullopt)
      << "seven sub-layers above the first";
}

TEST(ParseH265, SurvivesAnyBytes) {
  base::SeededRandom random(13);
  const uint8_t heads[] = {33 << 1, 48 << 1, 49 << 1, 19 << 1};
  for (int i = 0; i < 30'000; ++i) {
    Buffer payload(2 + random.Below(60));
    random.Fill(payload);
    payload[0] = heads[random.Below(4)];
    payload[1] |= 1;
    const auto info = ParseH265(payload);
    ASSERT_TRUE(!info || info->nal_type <= 47);
  }
}

}  // namespace
}  // namespace weir::codec
