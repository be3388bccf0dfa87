#include "codec/h264.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/bits_for_test.h"

namespace weir::codec {
namespace {

using base::Buffer;
using base::ParseError;

// 176x144, the example of RFC 6184 section 8.3 (Z0IACpZTBYmI).
const Buffer kSps = {0x67, 0x42, 0x00, 0x0a, 0x96, 0x53, 0x05, 0x89, 0x88};

Buffer Join(Buffer head, const Buffer& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}
// With its size in front, as in STAP-A.
Buffer Sized(const Buffer& nal) {
  return Join({static_cast<uint8_t>(nal.size() >> 8), static_cast<uint8_t>(nal.size())}, nal);
}

TEST(ParseH264, ReadsSingleUnits) {
  const auto idr = ParseH264(Buffer{0x65, 0x88, 0x00});
  ASSERT_TRUE(idr.has_value());
  EXPECT_EQ(idr->nal_type, 5);
  EXPECT_TRUE(idr->keyframe);
  EXPECT_TRUE(idr->has_idr);
  EXPECT_TRUE(idr->start_of_frame);
  EXPECT_TRUE(idr->starts_nal);
  EXPECT_TRUE(idr->ends_nal);
  EXPECT_FALSE(idr->non_reference);
  const auto slice = ParseH264(Buffer{0x01, 0x9a});
  EXPECT_FALSE(slice->keyframe);
  EXPECT_TRUE(slice->start_of_frame);
  EXPECT_TRUE(slice->non_reference) << "nal_ref_idc 0";
}

TEST(ParseH264, ALaterSliceBeginsNothing) {
  const auto slice = ParseH264(Buffer{0x65, 0x40});  // first_mb_in_slice 1.
  EXPECT_TRUE(slice->has_idr);
  EXPECT_FALSE(slice->keyframe);
  EXPECT_FALSE(slice->start_of_frame);
}

TEST(ParseH264, ParameterSetsBeginAFrame) {
  const auto sps = ParseH264(kSps);
  EXPECT_TRUE(sps->has_sps);
  EXPECT_TRUE(sps->keyframe) << "so that it is not cut off from its IDR";
  EXPECT_EQ(sps->width, 176);
  EXPECT_EQ(sps->height, 144);
  const auto pps = ParseH264(Buffer{0x68, 0xce});
  EXPECT_TRUE(pps->has_pps);
  EXPECT_TRUE(pps->start_of_frame);
  EXPECT_FALSE(pps->keyframe);
  EXPECT_TRUE(ParseH264(Buffer{0x06, 0x05})->start_of_frame);
  EXPECT_TRUE(ParseH264(Buffer{0x09, 0x10})->start_of_frame);
  EXPECT_FALSE(ParseH264(Buffer{0x0c, 0xff})->start_of_frame) << "filler";
}

TEST(ParseH264, LooksThroughStapA) {
  const Buffer stap = Join(Join(Join({0x78}, Sized(kSps)), Sized({0x68, 0xce})), Sized({0x65, 0x88}));
  const auto info = ParseH264(stap);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->nal_type, 7);
  EXPECT_TRUE(info->has_sps);
  EXPECT_TRUE(info->has_pps);
  EXPECT_TRUE(info->has_idr);
  EXPECT_TRUE(info->keyframe);
  EXPECT_EQ(info->width, 176);
  EXPECT_FALSE(info->non_reference);
}

TEST(ParseH264, StapAPrefixesAreTruncatedOrShorter) {
  const Buffer stap = Join(Join({0x78}, Sized({0x68, 0xce})), Sized({0x65, 0x88}));
  ForEachPrefix(stap, [](const Buffer& prefix) {
    const auto info = ParseH264(prefix);
    if (prefix.size() == 5) {
      EXPECT_FALSE(info->has_idr);
    } else {
      EXPECT_EQ(info.error(), ParseError::kTruncated) << prefix.size();
    }
  });
}

TEST(ParseH264, RefusesDamagedStapA) {
  EXPECT_EQ(ParseH264(Buffer{0x78, 0, 0}).error(), ParseError::kTruncated) << "empty unit";
  EXPECT_EQ(ParseH264(Buffer{0x78, 0, 1, 0x78}).error(), ParseError::kBadValue) << "nested";
  EXPECT_EQ(ParseH264(Buffer{0x78, 0, 1, 0xe5}).error(), ParseError::kBadValue) << "forbidden bit";
}

TEST(ParseH264, LooksAtNoMoreUnitsThanTheLimit) {
  Buffer stap = {0x78};
  for (size_t i = 0; i < kMaxNalUnitsPerPacket; ++i) {
    stap = Join(stap, Sized({0x06, 0x05}));
  }
  EXPECT_FALSE(ParseH264(Join(stap, Sized({0x65, 0x88})))->has_idr);
}

TEST(ParseH264, ReadsFragments) {
  const auto first = ParseH264(Buffer{0x7c, 0x85, 0x88});
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->nal_type, 5);
  EXPECT_TRUE(first->keyframe);
  EXPECT_TRUE(first->starts_nal);
  EXPECT_FALSE(first->ends_nal);
  const auto middle = ParseH264(Buffer{0x7c, 0x05, 0x88});
  EXPECT_FALSE(middle->keyframe);
  EXPECT_FALSE(middle->start_of_frame);
  EXPECT_TRUE(middle->has_idr);
  const auto last = ParseH264(Buffer{0x1c, 0x41, 0x88});
  EXPECT_TRUE(last->ends_nal);
  EXPECT_TRUE(last->non_reference);
  EXPECT_FALSE(last->has_idr);
  EXPECT_EQ(ParseH264(Buffer{0x7c, 0x85}).error(), ParseError::kTruncated);
  EXPECT_EQ(ParseH264(Buffer{0x7c, 0x9c, 0x00}).error(), ParseError::kBadValue) << "a fragment of a fragment";
}

TEST(ParseH264, ReadsTheTemporalIdOfSvcUnits) {
  EXPECT_EQ(ParseH264(Buffer{0x6e, 0xc0, 0x80, 0x4f})->tid, 2);
  EXPECT_EQ(ParseH264(Buffer{0x6e, 0xc0})->tid, -1) << "cut off";
}

TEST(ParseH264, RefusesWhatItCannotRead) {
  EXPECT_EQ(ParseH264({}).error(), ParseError::kTruncated);
  EXPECT_EQ(ParseH264(Buffer{0xe5, 0x88}).error(), ParseError::kBadValue);
  for (const uint8_t type : {uint8_t{0}, uint8_t{25}, uint8_t{26}, uint8_t{27}, uint8_t{29}, uint8_t{31}}) {
    EXPECT_EQ(ParseH264(Buffer{type, 0, 0, 0}).error(), ParseError::kUnsupported) << int{type};
  }
}

// A baseline SPS of these macroblocks, with the fields that follow them.
Buffer MakeSps(uint32_t width_mbs, uint32_t height_units, const std::string& rest) {
  return Join({0x67, 66, 0, 30}, FromBits(Ue(0) + Ue(0) + Ue(2) + Ue(1) + "0 " + Ue(width_mbs - 1) +
                                          Ue(height_units - 1) + rest + "1"));
}

TEST(ParseH264Sps, CropsInUnitsOfChroma) {
  // 1920x1088 less 8 lines: 4 units of 2.
  const Buffer sps = MakeSps(120, 68, "1 1 1 " + Ue(0) + Ue(0) + Ue(0) + Ue(4));
  EXPECT_EQ(ParseH264Sps(sps), (VideoSize{1920, 1080}));
}

TEST(ParseH264Sps, FieldsCountTwice) {
  const Buffer sps = MakeSps(45, 18, "0 0 1 1 " + Ue(1) + Ue(1) + Ue(0) + Ue(2));
  EXPECT_EQ(ParseH264Sps(sps), (VideoSize{720 - 4, 576 - 8}));
}

TEST(ParseH264Sps, HighProfileHasChromaAndScalingLists) {
  // High 4:4:4, all twelve lists flagged: one ends at once (next scale 0), one is sent whole, the rest are
  // not there.
  std::string lists = "1 1 " + Ue(16) + " 1 ";
  for (int i = 0; i < 16; ++i) {
    lists += Ue(0);
  }
  lists += "0000000000";
  const Buffer sps =
      Join({0x67, 244, 0, 30}, FromBits(Ue(0) + Ue(3) + "0 " + Ue(0) + Ue(0) + "0 " + lists + Ue(0) + Ue(1) +
                                        "0 " + Ue(0) + Ue(0) + Ue(2) + Ue(0) + Ue(0) + Ue(1) + "0 " + Ue(19) +
                                        Ue(14) + "1 1 1 " + Ue(1) + Ue(2) + Ue(0) + Ue(0) + "0 1"));
  EXPECT_EQ(ParseH264Sps(sps), (VideoSize{320 - 3, 240})) << "4:4:4 crops single samples";
}

TEST(ParseH264Sps, TakesEmulationPreventionOut) {
  // log2_max_frame_num 0, order type 0, with long zero runs that need escapes: level byte 0 before id.
  const Buffer plain = MakeSps(20, 15, "1 1 0 ");
  ASSERT_EQ(ParseH264Sps(plain), (VideoSize{320, 240}));
  // Constraint and level bytes as zeros, then an inserted 3.
  Buffer escaped = plain;
  escaped[2] = 0;
  escaped[3] = 0;
  escaped.insert(escaped.begin() + 4, 3);
  EXPECT_EQ(ParseH264Sps(escaped), (VideoSize{320, 240}));
}

TEST(ParseH264Sps, DamageIsNoSize) {
  ForEachPrefix(base::ConstBytes(kSps).first(7),
                [](const Buffer& prefix) { EXPECT_EQ(ParseH264Sps(prefix), std::nullopt) << prefix.size(); });
  EXPECT_EQ(ParseH264Sps(MakeSps(5000, 10, "1 1 0 ")), std::nullopt) << "80000 wide";
  EXPECT_EQ(ParseH264Sps(MakeSps(1, 1, "1 1 1 " + Ue(4) + Ue(4) + Ue(0) + Ue(0))), std::nullopt)
      << "cropped away";
  EXPECT_EQ(ParseH264Sps(MakeSps(1, 1, "1 1 1 " + Ue(0xfffffffe) + Ue(0xfffffffe) + Ue(0) + Ue(0))),
            std::nullopt);
  const Buffer cycle =
      Join({0x67, 66, 0, 30}, FromBits(Ue(0) + Ue(0) + Ue(1) + "0 " + Ue(0) + Ue(0) + Ue(256)));
  EXPECT_EQ(ParseH264Sps(cycle), std::nullopt) << "a cycle over 255";
}

TEST(ParseH264, SurvivesAnyBytes) {
  base::SeededRandom random(12);
  const uint8_t heads[] = {0x67, 0x78, 0x7c, 0x65, 0x6e};
  for (int i = 0; i < 30'000; ++i) {
    Buffer payload(1 + random.Below(60));
    random.Fill(payload);
    payload[0] = heads[random.Below(5)];
    if (payload[0] == 0x78 && payload.size() > 4) {
      payload[1] = 0;
      payload[2] %= 16;
    }
    if (payload[0] == 0x67 && payload.size() > 4) {
      payload[1] = 100;
    }
    const auto info = ParseH264(payload);
    ASSERT_TRUE(!info || info->nal_type <= 23);
  }
}

}  // namespace
}  // namespace weir::codec
