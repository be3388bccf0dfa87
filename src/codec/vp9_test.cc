#include "codec/vp9.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/bits_for_test.h"

namespace weir::codec {
namespace {

using base::Buffer;
using base::ParseError;
using testing::ElementsAre;

// Non-flexible key picture: 15-bit id 0x1234, TID 0, SID 0, TL0PICIDX 7, two spatial layers with sizes, a
// group of two.
const Buffer kKey = {0xaa, 0x92, 0x34, 0x00, 0x07,                          //
                     0x38, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68,  // 320x180, 640x360.
                     0x02, 0x00, 0x34, 0x01,  // Pictures: TID 0; TID 1 with one reference.
                     0xff};

TEST(ParseVp9, ReadsANonFlexibleKeyPicture) {
  const auto vp9 = ParseVp9(kKey);
  ASSERT_TRUE(vp9.has_value());
  EXPECT_EQ(vp9->descriptor_size, kKey.size() - 1);
  EXPECT_EQ(vp9->picture_id, 0x1234);
  EXPECT_TRUE(vp9->picture_id_15bit);
  EXPECT_FALSE(vp9->inter_picture_predicted);
  EXPECT_FALSE(vp9->flexible);
  EXPECT_TRUE(vp9->start_of_frame);
  EXPECT_FALSE(vp9->end_of_frame);
  EXPECT_EQ(vp9->tid, 0);
  EXPECT_EQ(vp9->sid, 0);
  EXPECT_EQ(vp9->tl0picidx, 7);
  EXPECT_TRUE(vp9->keyframe);
  ASSERT_TRUE(vp9->has_structure);
  EXPECT_EQ(vp9->structure.spatial_layers, 2);
  EXPECT_EQ(vp9->structure.resolutions[0], (Vp9Resolution{320, 180}));
  EXPECT_EQ(vp9->structure.resolutions[1], (Vp9Resolution{640, 360}));
  EXPECT_EQ(vp9->structure.group_size, 2);
  EXPECT_EQ(vp9->structure.temporal_layers, 2);
  EXPECT_EQ(vp9->width, 640);
  EXPECT_EQ(vp9->height, 360);
}

TEST(ParseVp9, ReadsLayersAndReferencesInFlexibleMode) {
  // I P L F E Z; id 5; TID 2, U, SID 1, D; references 1 and 3.
  const Buffer bytes = {0xf5, 0x05, 0x53, 0x03, 0x06, 0xff};
  const auto vp9 = ParseVp9(bytes);
  ASSERT_TRUE(vp9.has_value());
  EXPECT_EQ(vp9->descriptor_size, 5u);
  EXPECT_EQ(vp9->picture_id, 5);
  EXPECT_FALSE(vp9->picture_id_15bit);
  EXPECT_TRUE(vp9->flexible);
  EXPECT_TRUE(vp9->end_of_frame);
  EXPECT_TRUE(vp9->not_inter_layer_reference);
  EXPECT_EQ(vp9->tid, 2);
  EXPECT_TRUE(vp9->switching_up);
  EXPECT_EQ(vp9->sid, 1);
  EXPECT_TRUE(vp9->inter_layer_dependency);
  EXPECT_EQ(vp9->tl0picidx, -1);
  EXPECT_EQ(vp9->reference_count, 2);
  EXPECT_EQ(vp9->references[0], 1);
  EXPECT_EQ(vp9->references[1], 3);
  EXPECT_FALSE(vp9->keyframe);
}

TEST(ParseVp9, AHigherLayerOfAKeyPictureIsNotWhereOneBegins) {
  const auto vp9 = ParseVp9(Buffer{0x28, 0x03, 0x07, 0xff});
  EXPECT_EQ(vp9->sid, 1);
  EXPECT_FALSE(vp9->inter_picture_predicted);
  EXPECT_FALSE(vp9->keyframe);
  EXPECT_TRUE(ParseVp9(Buffer{0x08, 0xff})->keyframe) << "without layer indices there is one layer";
  EXPECT_FALSE(ParseVp9(Buffer{0x00, 0xff})->keyframe) << "not the first packet";
  EXPECT_FALSE(ParseVp9(Buffer{0x48, 0xff})->keyframe) << "predicted";
}

TEST(ParseVp9, MoreThanThreeReferencesAreRefused) {
  EXPECT_TRUE(ParseVp9(Buffer{0x50, 0x03, 0x03, 0x02, 0xff}).has_value());
  EXPECT_EQ(ParseVp9(Buffer{0x50, 0x03, 0x03, 0x03, 0x02, 0xff}).error(), ParseError::kTooLarge);
}

TEST(ParseVp9, APictureGroupMayBeLarge) {
  Buffer bytes = {0x0a, 0x08, 0xff};
  for (int i = 0; i < 255; ++i) {
    bytes.insert(bytes.end(), {0x0c, 1, 2, 3});
  }
  bytes.push_back(0xff);
  const auto vp9 = ParseVp9(bytes);
  ASSERT_TRUE(vp9.has_value());
  EXPECT_EQ(vp9->structure.group_size, 255);
  EXPECT_EQ(vp9->structure.spatial_layers, 1);
  EXPECT_FALSE(vp9->structure.has_resolutions);
  EXPECT_EQ(vp9->width, 0);
}

TEST(ParseVp9, EveryPrefixIsTruncated) {
  ForEachPrefix(kKey, [](const Buffer& prefix) {
    EXPECT_EQ(ParseVp9(prefix).error(), ParseError::kTruncated) << prefix.size();
  });
  ForEachPrefix(Buffer{0xf5, 0x05, 0x53, 0x03, 0x06, 0xff}, [](const Buffer& prefix) {
    EXPECT_EQ(ParseVp9(prefix).error(), ParseError::kTruncated) << prefix.size();
  });
}

TEST(RewriteVp9, ReplacesIdsInPlace) {
  const Vp9Descriptor vp9 = *ParseVp9(kKey);
  Buffer out(vp9.descriptor_size);
  ASSERT_EQ(RewriteVp9(kKey, vp9, 0x8001, 0x109, out), vp9.descriptor_size);
  Buffer expected(kKey.begin(), kKey.end() - 1);
  expected[1] = 0x80;
  expected[2] = 0x01;
  expected[4] = 0x09;
  EXPECT_EQ(out, expected);
}

TEST(RewriteVp9, KeepsWidthsAndWhatIsNotAsked) {
  const Buffer short_id = {0xa0, 0x05, 0x00, 0x07, 0xff};
  Buffer out(4);
  ASSERT_EQ(RewriteVp9(short_id, *ParseVp9(short_id), 130, -1, out), 4u);
  EXPECT_THAT(out, ElementsAre(0xa0, 0x02, 0x00, 0x07));
  const Buffer none = {0x40, 0xff};
  Buffer one(1);
  ASSERT_EQ(RewriteVp9(none, *ParseVp9(none), 130, 9, one), 1u);
  EXPECT_THAT(one, ElementsAre(0x40));
  EXPECT_EQ(RewriteVp9(short_id, *ParseVp9(short_id), 1, 1, base::MutableBytes(out).first(3)), 0u);
}

TEST(RewriteVp9, AnyDescriptorParsesBack) {
  base::SeededRandom random(8);
  int parsed = 0;
  for (int i = 0; i < 20'000; ++i) {
    Buffer payload(1 + random.Below(40));
    random.Fill(payload);
    const auto vp9 = ParseVp9(payload);
    if (!vp9) {
      continue;
    }
    ++parsed;
    Buffer out = payload;
    ASSERT_EQ(RewriteVp9(payload, *vp9, 0x1abc, 0x77, out), vp9->descriptor_size);
    const auto again = ParseVp9(out);
    ASSERT_TRUE(again.has_value());
    ASSERT_EQ(again->descriptor_size, vp9->descriptor_size);
    ASSERT_EQ(again->picture_id, vp9->picture_id < 0 ? -1 : vp9->picture_id_15bit ? 0x1abc : 0x3c);
    ASSERT_EQ(again->tl0picidx, vp9->tl0picidx < 0 ? -1 : 0x77);
    ASSERT_EQ(again->tid, vp9->tid);
    ASSERT_EQ(again->keyframe, vp9->keyframe);
  }
  EXPECT_GT(parsed, 5000);
}

}  // namespace
}  // namespace weir::codec
