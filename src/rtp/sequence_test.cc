#include "rtp/sequence.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace weir::rtp {
namespace {

using base::TimeDelta;
using base::Timestamp;

TEST(SeqNewer, FollowsTheCircle) {
  EXPECT_TRUE(SeqNewer(1, 0));
  EXPECT_TRUE(SeqNewer(0, 65535));
  EXPECT_FALSE(SeqNewer(65535, 0));
  EXPECT_FALSE(SeqNewer(7, 7));
  EXPECT_FALSE(SeqNewer(32768, 0)) << "the antipode counts as older";
  EXPECT_EQ(SeqDistance(3, 65533), 6);
}

TEST(SeqUnwrapper, CountsThroughTheWrap) {
  SeqUnwrapper unwrapper;
  EXPECT_EQ(unwrapper.Unwrap(65534), 65534);
  EXPECT_EQ(unwrapper.Unwrap(65535), 65535);
  EXPECT_EQ(unwrapper.Unwrap(0), 65536);
  EXPECT_EQ(unwrapper.Unwrap(65535), 65535) << "late packets keep their number";
  EXPECT_EQ(unwrapper.highest(), 65536);
}

TEST(SeqUnwrapper, ValuesBeforeTheFirstAreNegative) {
  SeqUnwrapper unwrapper;
  EXPECT_EQ(unwrapper.Unwrap(0), 0);
  EXPECT_EQ(unwrapper.Unwrap(65535), -1);
  EXPECT_EQ(unwrapper.Unwrap(1), 1);
}

TEST(SeqUnwrapper, MeasuresFromTheHighestNotTheLast) {
  SeqUnwrapper unwrapper;
  unwrapper.Unwrap(30000);
  unwrapper.Unwrap(0);  // 30000 back.
  EXPECT_EQ(unwrapper.Unwrap(60000), 60000) << "from the late packet this would be 5536 back";
}

TEST(SeqUnwrapper, PeekRemembersNothing) {
  SeqUnwrapper unwrapper;
  EXPECT_EQ(unwrapper.Peek(9), 9);
  EXPECT_FALSE(unwrapper.highest().has_value());
  unwrapper.Unwrap(10);
  EXPECT_EQ(unwrapper.Peek(20), 20);
  EXPECT_EQ(unwrapper.highest(), 10);
}

TEST(SeqUnwrapper, ResetForgets) {
  SeqUnwrapper unwrapper;
  unwrapper.Unwrap(65535);
  unwrapper.Unwrap(3);
  unwrapper.Reset();
  EXPECT_EQ(unwrapper.Unwrap(3), 3);
}

TEST(SeqUnwrapper, RecoversAnyWalkThatStaysWithinHalfTheRange) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    base::SeededRandom random(seed);
    SeqUnwrapper unwrapper;
    int64_t highest = random.Below(65536);
    ASSERT_EQ(unwrapper.Unwrap(static_cast<uint16_t>(highest)), highest);
    for (int i = 0; i < 2000; ++i) {
      const int64_t value = highest - 32768 + random.Below(65536);
      ASSERT_EQ(unwrapper.Unwrap(static_cast<uint16_t>(value)), value) << "seed " << seed;
      highest = std::max(highest, value);
    }
  }
}

TEST(TimestampUnwrapper, CountsThroughTheWrap) {
  TimestampUnwrapper unwrapper;
  EXPECT_EQ(unwrapper.Unwrap(0xfffffff0), 0xfffffff0);
  EXPECT_EQ(unwrapper.Unwrap(0x10), 0x100000010);
  EXPECT_EQ(unwrapper.Unwrap(0xfffffff8), 0xfffffff8);
  EXPECT_EQ(unwrapper.highest(), 0x100000010);
}

TEST(TimestampUnwrapper, AfterALongSilenceTheClockDecides) {
  constexpr uint32_t kClock = 90'000;
  TimestampUnwrapper unwrapper(kClock);
  const Timestamp start = Timestamp::Seconds(5);
  int64_t sent = 1'000'000;
  ASSERT_EQ(unwrapper.Unwrap(static_cast<uint32_t>(sent), start), sent);
  // Eight hours at 90 kHz are 2.59e9 ticks: past half of the circle, where the half-range rule would step
  // back.
  sent += int64_t{8} * 3600 * kClock;
  EXPECT_EQ(unwrapper.Unwrap(static_cast<uint32_t>(sent), start + TimeDelta::Seconds(8 * 3600)), sent);
  // Three days, several wraps; the sender's clock is 100 ppm fast.
  const int64_t three_days = 3 * 86'400;
  sent += three_days * kClock + three_days * kClock / 10'000;
  EXPECT_EQ(unwrapper.Unwrap(static_cast<uint32_t>(sent), start + TimeDelta::Seconds(8 * 3600 + three_days)),
            sent);
  EXPECT_EQ(unwrapper.highest(), sent);
}

TEST(TimestampUnwrapper, ShortSilenceLeavesTheHalfRangeRule) {
  TimestampUnwrapper unwrapper(48'000);
  ASSERT_EQ(unwrapper.Unwrap(5'000, Timestamp::Seconds(1)), 5'000);
  // A sender whose timestamps stood still during an hour of mute is taken at its word.
  EXPECT_EQ(unwrapper.Unwrap(5'960, Timestamp::Seconds(3601)), 5'960);
  EXPECT_EQ(unwrapper.Unwrap(5'000, Timestamp::Seconds(3602)), 5'000);
}

TEST(TimestampUnwrapper, EveryAnswerIsCongruentAndTheHighestNeverFalls) {
  base::SeededRandom random(11);
  TimestampUnwrapper unwrapper(90'000);
  Timestamp now = Timestamp::Seconds(0);
  int64_t highest = unwrapper.Unwrap(0x80000000, now);
  for (int i = 0; i < 2000; ++i) {
    now += TimeDelta::Seconds(random.Below(20'000));
    const uint32_t wire = random.Next32();
    const int64_t extended = unwrapper.Unwrap(wire, now);
    ASSERT_EQ(static_cast<uint32_t>(extended), wire);
    ASSERT_EQ(unwrapper.highest(), std::max(highest, extended));
    highest = *unwrapper.highest();
  }
}

TEST(TimestampUnwrapper, ResetForgetsTheClockToo) {
  TimestampUnwrapper unwrapper(90'000);
  unwrapper.Unwrap(7, Timestamp::Seconds(0));
  unwrapper.Reset();
  EXPECT_EQ(unwrapper.Unwrap(9, Timestamp::Seconds(90'000)), 9);
}

}  // namespace
}  // namespace weir::rtp
