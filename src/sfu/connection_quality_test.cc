#include "sfu/connection_quality.h"

#include <gtest/gtest.h>

namespace weir::sfu {
namespace {

using base::TimeDelta;

constexpr TimeDelta kNear = TimeDelta::Millis(20);

class QualityMeterTest : public testing::Test {
 protected:
  // One window of 250 packets, of which so many were lost and repaired.
  void Window(uint64_t lost, uint64_t repaired = 0, TimeDelta rtt = kNear) {
    totals_.received += 250 - lost;
    totals_.lost += lost;
    totals_.repaired += repaired;
    meter.Update(totals_, rtt, TimeDelta::Millis(2), true);
  }
  QualityMeter meter{QualityMeter::kOpusWeight};
  QualityMeter::Totals totals_;
};

TEST_F(QualityMeterTest, ACleanStreamIsExcellent) {
  for (int i = 0; i < 10; ++i) {
    Window(0);
  }
  EXPECT_GT(meter.score(), 98);
  EXPECT_EQ(QualityOf(meter.score()), ConnectionQuality::kExcellent);
}

TEST_F(QualityMeterTest, LossCostsAndRepairGivesItBack) {
  Window(25, 25);
  EXPECT_EQ(QualityOf(meter.score()), ConnectionQuality::kExcellent);
  Window(25);  // A tenth: 53 points.
  EXPECT_EQ(QualityOf(meter.score()), ConnectionQuality::kGood);
  Window(75);
  Window(75);
  EXPECT_EQ(QualityOf(meter.score()), ConnectionQuality::kPoor);
}

TEST_F(QualityMeterTest, RecoversMoreSlowlyThanItFalls) {
  Window(50);
  const double low = meter.score();
  Window(0);
  EXPECT_GT(meter.score(), low);
  EXPECT_LT(meter.score(), 80);
  for (int i = 0; i < 6; ++i) {
    Window(0);
  }
  EXPECT_EQ(QualityOf(meter.score()), ConnectionQuality::kExcellent);
}

TEST_F(QualityMeterTest, ALongWayCosts) {
  for (int i = 0; i < 6; ++i) {
    Window(0, 0, TimeDelta::Millis(900));
  }
  EXPECT_EQ(QualityOf(meter.score()), ConnectionQuality::kGood);
}

TEST_F(QualityMeterTest, WhatWasNotExpectedTellsNothing) {
  Window(0);
  totals_.lost += 200;
  meter.Update(totals_, kNear, kNear, /*active=*/false);
  EXPECT_GT(meter.score(), 98);
  Window(0);  // Nor does it count afterwards.
  EXPECT_GT(meter.score(), 98);
}

TEST_F(QualityMeterTest, ARestartOfTheTotalsIsNoLoss) {
  Window(100);
  totals_ = {};
  Window(0);
  const double score = meter.score();
  Window(0);
  EXPECT_GT(meter.score(), score);
}

TEST_F(QualityMeterTest, StarvingIsPoorOrLost) {
  meter.Starve(false);
  EXPECT_EQ(QualityOf(meter.score()), ConnectionQuality::kPoor);
  meter.Starve(true);
  EXPECT_EQ(QualityOf(meter.score()), ConnectionQuality::kLost);
}

TEST(MosTest, StaysOnItsScale) {
  EXPECT_NEAR(MosOf(100), 4.5, 0.01);
  EXPECT_GE(MosOf(0), 1.0);
  EXPECT_GT(MosOf(80), MosOf(50));
}

}  // namespace
}  // namespace weir::sfu
