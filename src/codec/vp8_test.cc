#include "codec/vp8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/bits_for_test.h"

namespace weir::codec {
namespace {

using base::Buffer;
using base::ParseError;
using testing::ElementsAre;

// Everything there: picture id 0x1234, TL0PICIDX 0x56, TID 2 with Y, KEYIDX 9; a key frame of 640x360.
const Buffer kFull = {0x90, 0xf0, 0x92, 0x34, 0x56, 0xa9, 0x10, 0x02,
                      0x00, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0x68, 0x81};

TEST(ParseVp8, ReadsEveryField) {
  const auto vp8 = ParseVp8(kFull);
  ASSERT_TRUE(vp8.has_value());
  EXPECT_EQ(vp8->descriptor_size, 6u);
  EXPECT_EQ(vp8->picture_id, 0x1234);
  EXPECT_TRUE(vp8->picture_id_15bit);
  EXPECT_EQ(vp8->tl0picidx, 0x56);
  EXPECT_EQ(vp8->tid, 2);
  EXPECT_TRUE(vp8->y);
  EXPECT_EQ(vp8->keyidx, 9);
  EXPECT_TRUE(vp8->start_of_frame);
  EXPECT_FALSE(vp8->non_reference);
  EXPECT_TRUE(vp8->keyframe);
  EXPECT_EQ(vp8->width, 640) << "the upper two bits are a scale";
  EXPECT_EQ(vp8->height, 360);
}

TEST(ParseVp8, ReadsABareDescriptor) {
  const auto vp8 = ParseVp8(Buffer{0x10, 0x01});
  ASSERT_TRUE(vp8.has_value());
  EXPECT_EQ(vp8->descriptor_size, 1u);
  EXPECT_EQ(vp8->picture_id, -1);
  EXPECT_EQ(vp8->tl0picidx, -1);
  EXPECT_EQ(vp8->tid, -1);
  EXPECT_EQ(vp8->keyidx, -1);
  EXPECT_TRUE(vp8->start_of_frame);
  EXPECT_FALSE(vp8->keyframe) << "bit 0 of the frame says inter frame";
}

TEST(ParseVp8, ReadsAShortPictureId) {
  const auto vp8 = ParseVp8(Buffer{0x80, 0x80, 0x7f, 0x01});
  ASSERT_TRUE(vp8.has_value());
  EXPECT_EQ(vp8->picture_id, 127);
  EXPECT_FALSE(vp8->picture_id_15bit);
  EXPECT_EQ(vp8->descriptor_size, 3u);
}

TEST(ParseVp8, TheLayerByteMayHoldOnlyOneOfItsFields) {
  const auto key_only = ParseVp8(Buffer{0x80, 0x10, 0xff, 0x01});
  EXPECT_EQ(key_only->tid, -1);
  EXPECT_FALSE(key_only->y);
  EXPECT_EQ(key_only->keyidx, 31);
  const auto tid_only = ParseVp8(Buffer{0x80, 0x20, 0x5f, 0x01});
  EXPECT_EQ(tid_only->tid, 1);
  EXPECT_EQ(tid_only->keyidx, -1);
}

TEST(ParseVp8, AFrameBeginsWithItsFirstPartitionOnly) {
  EXPECT_FALSE(ParseVp8(Buffer{0x11, 0x00})->start_of_frame) << "partition 1 begins";
  EXPECT_FALSE(ParseVp8(Buffer{0x11, 0x00})->keyframe);
  EXPECT_FALSE(ParseVp8(Buffer{0x00, 0x00})->keyframe) << "a later packet of the first partition";
  EXPECT_TRUE(ParseVp8(Buffer{0x30, 0x01})->non_reference);
}

TEST(ParseVp8, AKeyFrameWithoutItsStartCodeHasNoSize) {
  Buffer bytes = kFull;
  bytes[9] = 0;
  EXPECT_TRUE(ParseVp8(bytes)->keyframe);
  EXPECT_EQ(ParseVp8(bytes)->width, 0);
}

TEST(ParseVp8, APrefixIsTruncatedUntilDataFollows) {
  ForEachPrefix(kFull, [](const Buffer& prefix) {
    const auto vp8 = ParseVp8(prefix);
    if (prefix.size() <= 6) {
      EXPECT_EQ(vp8.error(), ParseError::kTruncated) << prefix.size();
    } else {
      EXPECT_TRUE(vp8->keyframe);
      EXPECT_EQ(vp8->width, 0);
    }
  });
}

TEST(WriteVp8, RewritesTheFullDescriptor) {
  Vp8Descriptor vp8 = *ParseVp8(kFull);
  vp8.picture_id = 0x8000 + 5;
  vp8.tl0picidx = 256 + 7;
  Buffer out(6);
  ASSERT_EQ(WriteVp8(vp8, out), 6u);
  EXPECT_THAT(out, ElementsAre(0x90, 0xf0, 0x80, 0x05, 0x07, 0xa9));
}

TEST(WriteVp8, WidensAShortPictureId) {
  const Vp8Descriptor vp8 = *ParseVp8(Buffer{0x80, 0x80, 0x7f, 0x01});
  Buffer out(kMaxVp8DescriptorSize);
  ASSERT_EQ(WriteVp8(vp8, out), 4u);
  EXPECT_THAT(Buffer(out.begin(), out.begin() + 4), ElementsAre(0x80, 0x80, 0x80, 0x7f));
}

TEST(WriteVp8, NoBufferSizeIsOverrun) {
  const Vp8Descriptor vp8 = *ParseVp8(kFull);
  for (size_t size = 0; size < 6; ++size) {
    Buffer out(size);
    EXPECT_EQ(WriteVp8(vp8, out), 0u);
  }
}

TEST(WriteVp8, AnyDescriptorParsesBack) {
  base::SeededRandom random(4);
  for (int i = 0; i < 5000; ++i) {
    Buffer payload(1 + random.Below(16));
    random.Fill(payload);
    const auto vp8 = ParseVp8(payload);
    if (!vp8) {
      continue;
    }
    Buffer out(kMaxVp8DescriptorSize);
    out.resize(WriteVp8(*vp8, out));
    ASSERT_GT(out.size(), 0u);
    ASSERT_GE(out.size() + 1, vp8->descriptor_size) << "an empty extension byte may go";
    out.insert(out.end(), payload.begin() + static_cast<ptrdiff_t>(vp8->descriptor_size), payload.end());
    const auto again = ParseVp8(out);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->picture_id, vp8->picture_id);
    EXPECT_EQ(again->tl0picidx, vp8->tl0picidx);
    EXPECT_EQ(again->tid, vp8->tid);
    EXPECT_EQ(again->y, vp8->y);
    EXPECT_EQ(again->keyidx, vp8->keyidx);
    EXPECT_EQ(again->partition, vp8->partition);
    EXPECT_EQ(again->start_of_partition, vp8->start_of_partition);
    EXPECT_EQ(again->non_reference, vp8->non_reference);
    EXPECT_EQ(again->keyframe, vp8->keyframe);
    EXPECT_EQ(again->width, vp8->width);
  }
}

}  // namespace
}  // namespace weir::codec
