#include "codec/payload_info.h"

#include <gtest/gtest.h>

namespace weir::codec {
namespace {

using base::Buffer;
using base::ParseError;

TEST(ParsePayload, EveryAudioPacketIsAWholeFrame) {
  for (const Codec codec : {Codec::kOpus, Codec::kRed, Codec::kPcmu, Codec::kPcma}) {
    const auto info = ParsePayload(codec, Buffer{1}, false);
    ASSERT_TRUE(info.has_value());
    EXPECT_TRUE(info->start_of_frame && info->end_of_frame && info->keyframe);
  }
}

TEST(ParsePayload, Vp8) {
  const auto info = ParsePayload(Codec::kVp8, Buffer{0xb0, 0xa0, 0x05, 0x60, 0x01}, true);
  ASSERT_TRUE(info.has_value());
  EXPECT_TRUE(info->start_of_frame);
  EXPECT_TRUE(info->end_of_frame);
  EXPECT_FALSE(info->keyframe);
  EXPECT_TRUE(info->discardable);
  EXPECT_TRUE(info->switch_up);
  EXPECT_EQ(info->temporal, 1);
  EXPECT_EQ(info->spatial, -1);
  EXPECT_EQ(info->picture_id, 5);
}

TEST(ParsePayload, Vp9EndsItsFramesItself) {
  const auto info = ParsePayload(Codec::kVp9, Buffer{0xfc, 0x05, 0x33, 0x02, 0xff}, false);
  ASSERT_TRUE(info.has_value());
  EXPECT_TRUE(info->start_of_frame);
  EXPECT_TRUE(info->end_of_frame);
  EXPECT_EQ(info->spatial, 1);
  EXPECT_EQ(info->temporal, 1);
  EXPECT_TRUE(info->switch_up);
  EXPECT_TRUE(info->inter_layer);
  EXPECT_FALSE(info->keyframe);
  EXPECT_FALSE(ParsePayload(Codec::kVp9, Buffer{0xf8, 0x05, 0x33, 0x02, 0xff}, true)->end_of_frame);
}

TEST(ParsePayload, H264AndH265AndAv1) {
  const auto h264 = ParsePayload(Codec::kH264, Buffer{0x65, 0x80}, true);
  EXPECT_TRUE(h264->keyframe && h264->start_of_frame && h264->end_of_frame);
  EXPECT_EQ(h264->temporal, -1);
  const auto h265 = ParsePayload(Codec::kH265, Buffer{2 << 1, 2, 0x80}, false);
  EXPECT_TRUE(h265->discardable && h265->switch_up && !h265->keyframe && !h265->end_of_frame);
  EXPECT_EQ(h265->temporal, 1);
  const auto av1 = ParsePayload(Codec::kAv1, Buffer{0x10, 0x34, 0x28, 0x10}, true);
  EXPECT_TRUE(av1->keyframe && av1->start_of_frame);
  EXPECT_EQ(av1->temporal, 1);
  EXPECT_EQ(av1->spatial, 1);
}

TEST(ParsePayload, PassesErrorsOn) {
  EXPECT_EQ(ParsePayload(Codec::kUnknown, Buffer{1}, false).error(), ParseError::kUnsupported);
  for (const Codec codec : {Codec::kVp8, Codec::kVp9, Codec::kH264, Codec::kH265, Codec::kAv1}) {
    EXPECT_EQ(ParsePayload(codec, {}, false).error(), ParseError::kTruncated);
  }
}

}  // namespace
}  // namespace weir::codec
