#include "sfu/speaker_observer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sfu/test_kit.h"

namespace weir::sfu {
namespace {

using base::TimeDelta;
using test::At;
using testing::ElementsAre;
using testing::IsEmpty;

class SpeakerTest : public testing::Test {
 protected:
  // `owner` sends 20 ms frames of `level` from `begin` to `end` milliseconds.
  void Speak(uint64_t owner, uint8_t level, int64_t begin, int64_t end) {
    for (int64_t millis = begin; millis < end; millis += 20) {
      observer_.OnLevel(owner, level, TimeDelta::Millis(20), At(millis).mono);
    }
  }
  SpeakerObserver observer_;
};

TEST_F(SpeakerTest, SomebodyLoudIsReportedAfterOneInterval) {
  Speak(7, 5, 0, 400);
  EXPECT_EQ(observer_.NextTimeout(), At(400).mono);
  EXPECT_THAT(observer_.Update(At(399).mono), IsEmpty());
  const auto changed = observer_.Update(At(400).mono);
  ASSERT_EQ(changed.size(), 1u);
  EXPECT_EQ(changed[0].owner, 7u);
  EXPECT_TRUE(changed[0].active);
  EXPECT_FLOAT_EQ(changed[0].level, 0.375f);  // 10^(-5/20) * 2/3 of the smoothing is 0.3749.
}

TEST_F(SpeakerTest, QuietOrRareSoundIsNoSpeaker) {
  Speak(1, 40, 0, 400);  // Too quiet.
  Speak(2, 10, 0, 140);  // 35 % of the interval.
  EXPECT_THAT(observer_.Update(At(400).mono), IsEmpty());
}

TEST_F(SpeakerTest, TellsOfSilenceOnceWithLevelZero) {
  Speak(1, 10, 0, 400);
  EXPECT_EQ(observer_.Update(At(400).mono).size(), 1u);
  std::vector<SpeakerLevel> last;
  for (int64_t millis = 800; millis < 8000; millis += 400) {
    Speak(1, 127, millis - 400, millis);
    const auto changed = observer_.Update(At(millis).mono);
    if (!changed.empty()) {
      last = changed;
    }
  }
  EXPECT_THAT(last, ElementsAre(SpeakerLevel{.owner = 1, .level = 0, .active = false}));
}

TEST_F(SpeakerTest, APublisherThatVanishesFallsSilentAndIsForgotten) {
  Speak(1, 0, 0, 400);
  observer_.Update(At(400).mono);
  EXPECT_THAT(observer_.Update(At(800).mono), IsEmpty());
  EXPECT_THAT(observer_.Update(At(1200).mono), ElementsAre(SpeakerLevel{.owner = 1}));
  observer_.Update(At(1600).mono);
  EXPECT_TRUE(observer_.NextTimeout().infinite());
}

TEST_F(SpeakerTest, SortsByLevelAndReportsOnlyChanges) {
  Speak(1, 25, 0, 400);
  Speak(2, 0, 0, 400);
  const auto changed = observer_.Update(At(400).mono);
  ASSERT_EQ(changed.size(), 2u);
  EXPECT_EQ(changed[0].owner, 2u);
  EXPECT_EQ(observer_.Active(), changed);
  for (int64_t i = 1; i <= 20; ++i) {
    Speak(1, 25, i * 400, i * 400 + 400);
    Speak(2, 0, i * 400, i * 400 + 400);
    const auto later = observer_.Update(At(i * 400 + 400).mono);
    if (i == 20) {
      EXPECT_THAT(later, IsEmpty());
    }
  }
}

TEST_F(SpeakerTest, ARemovedSpeakerIsReportedSilent) {
  Speak(1, 0, 0, 400);
  observer_.Update(At(400).mono);
  observer_.Remove(1);
  EXPECT_THAT(observer_.Update(At(800).mono), ElementsAre(SpeakerLevel{.owner = 1}));
}

TEST_F(SpeakerTest, ASpeakerThatComesBackBeforeTheReportIsReportedOnce) {
  Speak(1, 0, 0, 400);
  observer_.Update(At(400).mono);
  observer_.Remove(1);
  Speak(1, 127, 400, 800);
  const auto changed = observer_.Update(At(800).mono);
  EXPECT_THAT(changed, ElementsAre(SpeakerLevel{.owner = 1}));
  EXPECT_THAT(observer_.Active(), IsEmpty());
}

TEST_F(SpeakerTest, RefusesMoreOwnersThanItMayKnow) {
  SpeakerObserver::Config config;
  config.max_owners = 2;
  SpeakerObserver observer(config);
  for (uint64_t owner = 1; owner <= 3; ++owner) {
    observer.OnLevel(owner, 0, TimeDelta::Millis(20), At(0).mono);
  }
  EXPECT_EQ(observer.counters().owners_refused, 1);
}

}  // namespace
}  // namespace weir::sfu
