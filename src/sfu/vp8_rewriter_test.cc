#include "sfu/vp8_rewriter.h"

#include <gtest/gtest.h>

namespace weir::sfu {
namespace {

codec::Vp8Descriptor Picture(int32_t id, int tl0 = 0, int keyidx = 0, bool long_id = true) {
  codec::Vp8Descriptor descriptor;
  descriptor.picture_id = id;
  descriptor.picture_id_15bit = long_id;
  descriptor.tl0picidx = tl0;
  descriptor.keyidx = keyidx;
  descriptor.tid = 0;
  return descriptor;
}

class Vp8Test : public testing::Test {
 protected:
  Vp8Rewriter rewriter_{99};
};

TEST_F(Vp8Test, CountsOnFromItsOwnStartAndThroughTheWrap) {
  EXPECT_EQ(rewriter_.Rewrite(Picture(32'766, 254, 7), 1000)->picture_id, 100);
  EXPECT_EQ(rewriter_.Rewrite(Picture(32'767, 255, 7), 2000)->picture_id, 101);
  EXPECT_EQ(rewriter_.Rewrite(Picture(32'767, 255, 7), 2000)->picture_id, 101);
  const auto fields = rewriter_.Rewrite(Picture(0, 0, 7), 3000);
  EXPECT_EQ(*fields, (Vp8Fields{.picture_id = 102, .tl0picidx = 0, .keyidx = 7}));
}

TEST_F(Vp8Test, ContinuesAllThreeCountersAtASwitch) {
  rewriter_.Rewrite(Picture(500, 20, 30), 1000);
  rewriter_.Switch();
  const auto fields = rewriter_.Rewrite(Picture(3, 200, 9), 777);
  EXPECT_EQ(*fields, (Vp8Fields{.picture_id = 101, .tl0picidx = 21, .keyidx = 31}));
  EXPECT_EQ(rewriter_.Rewrite(Picture(4, 201, 9), 888)->picture_id, 102);
  rewriter_.Switch();
  EXPECT_EQ(rewriter_.Rewrite(Picture(9, 1, 1), 5)->keyidx, 0);  // Five bits.
}

TEST_F(Vp8Test, DroppedPicturesLeaveNoGapButLostOnesDo) {
  rewriter_.Rewrite(Picture(10), 1000);
  rewriter_.Drop(Picture(11), 2000);
  rewriter_.Drop(Picture(11), 2000);  // Its second packet.
  EXPECT_EQ(rewriter_.Rewrite(Picture(12), 3000)->picture_id, 101);
  EXPECT_EQ(rewriter_.Rewrite(Picture(14), 5000)->picture_id, 103);
}

TEST_F(Vp8Test, LatePacketsGetWhatTheirPictureGot) {
  rewriter_.Rewrite(Picture(10), 1000);
  rewriter_.Drop(Picture(11), 2000);
  rewriter_.Rewrite(Picture(12), 3000);
  rewriter_.Rewrite(Picture(14), 5000);
  EXPECT_EQ(rewriter_.Rewrite(Picture(10), 1000)->picture_id, 100);
  EXPECT_EQ(rewriter_.Rewrite(Picture(11), 2000), std::nullopt);
  EXPECT_EQ(rewriter_.Rewrite(Picture(13), 4000)->picture_id, 102);  // Never seen before.
  EXPECT_EQ(rewriter_.Rewrite(Picture(9), 500), std::nullopt);       // Before the source began.
}

TEST_F(Vp8Test, ALatePictureDoesNotFindItselfInTheSourceBefore) {
  rewriter_.Rewrite(Picture(10), 1000);
  rewriter_.Switch();
  rewriter_.Rewrite(Picture(70), 9000);
  EXPECT_EQ(rewriter_.Rewrite(Picture(10), 1000), std::nullopt);
}

TEST_F(Vp8Test, UnwrapsShortIdsAndInventsMissingOnes) {
  rewriter_.Rewrite(Picture(127, 0, 0, false), 1000);
  EXPECT_EQ(rewriter_.Rewrite(Picture(1, 0, 0, false), 3000)->picture_id, 102);
  rewriter_.Switch();
  EXPECT_EQ(rewriter_.Rewrite(Picture(-1), 4000)->picture_id, 103);
  EXPECT_EQ(rewriter_.Rewrite(Picture(-1), 4000)->picture_id, 103);
  EXPECT_EQ(rewriter_.Rewrite(Picture(-1), 5000)->picture_id, 104);
}

}  // namespace
}  // namespace weir::sfu
