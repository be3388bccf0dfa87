#include "rtcp/ntp.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace weir::rtcp {
namespace {

using base::TimeDelta;
using base::WallTime;

TEST(Ntp, CountsFrom1900) {
  EXPECT_EQ(NtpFromWall({0}), uint64_t{2'208'988'800} << 32);
  EXPECT_EQ(NtpFromWall({500'000}), (uint64_t{2'208'988'800} << 32) + 0x80000000);
  EXPECT_EQ(CompactNtp(0x1122334455667788), 0x33445566u);
}

TEST(Ntp, EveryMicrosecondComesBack) {
  base::SeededRandom random(1);
  for (int i = 0; i < 10'000; ++i) {
    const WallTime time{1'700'000'000'000'000 + static_cast<int64_t>(random.Next64() % 100'000'000'000'000)};
    ASSERT_EQ(WallFromNtp(NtpFromWall(time)), time);
  }
}

TEST(CompactNtp, MeasuresIn65536ths) {
  EXPECT_EQ(CompactNtpFromDelta(TimeDelta::Seconds(1)), 65'536u);
  EXPECT_EQ(CompactNtpFromDelta(TimeDelta::Millis(500)), 32'768u);
  EXPECT_EQ(CompactNtpFromDelta(TimeDelta::Seconds(-1)), 0u);
  EXPECT_EQ(CompactNtpFromDelta(TimeDelta::Seconds(70'000)), 0xffffffffu);
  EXPECT_EQ(CompactNtpFromDelta(TimeDelta::Infinity()), 0xffffffffu);
  EXPECT_EQ(DeltaFromCompactNtp(65'536), TimeDelta::Seconds(1));
  EXPECT_EQ(DeltaFromCompactNtp(0xffffffff).millis(), 65'535'999);
}

TEST(RoundTripTime, SubtractsTheTimeThePeerHeldTheReport) {
  EXPECT_EQ(RoundTripTime(0x30000, 0x10000, 0x18000), TimeDelta::Millis(500));
}

TEST(RoundTripTime, WorksAcrossTheWrapOfTheClock) {
  EXPECT_EQ(RoundTripTime(0x00004000, 0xffffc000, 0x4000), TimeDelta::Millis(250));
}

TEST(RoundTripTime, NothingWithoutAReportAndNeverNegative) {
  EXPECT_EQ(RoundTripTime(5, 0, 0), std::nullopt);
  EXPECT_EQ(RoundTripTime(0x20000, 0x10000, 0x10001), TimeDelta());
}

}  // namespace
}  // namespace weir::rtcp
