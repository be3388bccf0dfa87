#include "telemetry/exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace weir::telemetry {
namespace {

constexpr double kBounds[] = {1, 2.5, 10};

TEST(Exposition, WritesAFamilyWithItsHelpAndTypeOnce) {
  Exposition series;
  series.Counter("weir_drops_total", "Drops.", 3, {{"why", "full"}});
  series.Counter("weir_drops_total", "Drops.", 1, {{"why", "broken"}});
  series.Gauge("weir_rooms", "Rooms.", 2);
  EXPECT_EQ(series.Text(),
            "# HELP weir_drops_total Drops.\n"
            "# TYPE weir_drops_total counter\n"
            "weir_drops_total{why=\"broken\"} 1\n"
            "weir_drops_total{why=\"full\"} 3\n"
            "# HELP weir_rooms Rooms.\n"
            "# TYPE weir_rooms gauge\n"
            "weir_rooms 2\n");
}

TEST(Exposition, PutsTheConstantLabelsFirst) {
  Exposition series({{"node_id", "ND_1"}, {"node_type", "SERVER"}});
  series.Gauge("rooms", "", 1);
  series.Gauge("tracks", "", 1, {{"kind", "AUDIO"}});
  EXPECT_THAT(series.Text(), testing::HasSubstr("rooms{node_id=\"ND_1\",node_type=\"SERVER\"} 1\n"));
  EXPECT_THAT(series.Text(),
              testing::HasSubstr("tracks{node_id=\"ND_1\",node_type=\"SERVER\",kind=\"AUDIO\"} 1\n"));
}

TEST(Exposition, AddsUpWhatSeveralHave) {
  Exposition series;
  series.Counter("packets_total", "", 5);
  series.Counter("packets_total", "", 7);
  EXPECT_THAT(series.Text(), testing::HasSubstr("\npackets_total 12\n"));
}

TEST(Exposition, EscapesWhatWouldEndALineOrALabel) {
  Exposition series;
  series.Gauge("a", "one\\two\nthree \"four\"", 1, {{"l", "a\"b\\c\nd\xc3\xa4"}});
  EXPECT_EQ(series.Text(),
            "# HELP a one\\\\two\\nthree \"four\"\n"
            "# TYPE a gauge\n"
            "a{l=\"a\\\"b\\\\c\\nd\xc3\xa4\"} 1\n");
}

TEST(Exposition, WritesCumulativeBucketsWithSumAndCount) {
  Histogram histogram(kBounds);
  for (const double value : {0.5, 1.0, 2.0, 99.0}) {
    histogram.Observe(value);
  }
  Exposition series;
  series.Add("wait_ms", "Waits.", histogram, {{"method", "m"}});
  series.Add("wait_ms", "Waits.", histogram, {{"method", "m"}});
  EXPECT_EQ(series.Text(),
            "# HELP wait_ms Waits.\n"
            "# TYPE wait_ms histogram\n"
            "wait_ms_bucket{method=\"m\",le=\"1\"} 4\n"
            "wait_ms_bucket{method=\"m\",le=\"2.5\"} 6\n"
            "wait_ms_bucket{method=\"m\",le=\"10\"} 6\n"
            "wait_ms_bucket{method=\"m\",le=\"+Inf\"} 8\n"
            "wait_ms_sum{method=\"m\"} 205\n"
            "wait_ms_count{method=\"m\"} 8\n");
}

TEST(Exposition, AValueReadsBackAsItWas) {
  EXPECT_EQ(FormatValue(0), "0");
  EXPECT_EQ(FormatValue(-3), "-3");
  EXPECT_EQ(FormatValue(1234567890123456.0), "1234567890123456");
  EXPECT_EQ(FormatValue(0.25), "0.25");
  EXPECT_EQ(FormatValue(0.0001), "0.0001");
  EXPECT_EQ(FormatValue(1700000000.5), "1700000000.5");
  EXPECT_EQ(FormatValue(123456789012345.67), "123456789012345.67");
  EXPECT_EQ(FormatValue(1.5e-9), "1.5e-09");
  EXPECT_EQ(FormatValue(1e300), "1e+300");
  EXPECT_EQ(FormatValue(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(FormatValue(-std::numeric_limits<double>::infinity()), "-Inf");
  EXPECT_EQ(FormatValue(std::nan("")), "NaN");
}

TEST(Exposition, KnowsANameFromSomethingElse) {
  EXPECT_TRUE(IsMetricName("livekit_room_total"));
  EXPECT_TRUE(IsMetricName("a:b"));
  for (const char* bad : {"", "1a", "a-b", "a b", "\xc3\xa4"}) {
    EXPECT_FALSE(IsMetricName(bad)) << bad;
  }
  EXPECT_TRUE(IsLabelName("node_id"));
  for (const char* bad : {"", "1a", "a:b", "__name__"}) {
    EXPECT_FALSE(IsLabelName(bad)) << bad;
  }
}

#ifdef NDEBUG
TEST(Exposition, LeavesOutWhatHasNoProperNameOrTwoTypes) {
  Exposition series;
  series.Counter("bad name", "", 1);
  series.Counter("ok", "", 1, {{"bad label", "x"}});
  series.Counter("ok", "", 1);
  series.Gauge("ok", "", 1);
  EXPECT_EQ(series.Text(), "# HELP ok \n# TYPE ok counter\nok 1\n");
}
#endif

TEST(Histogram, ABoundBelongsToItsOwnBucket) {
  Histogram histogram(kBounds);
  histogram.Observe(1);
  histogram.Observe(2.5);
  histogram.Observe(10.1);
  EXPECT_THAT(histogram.buckets(), testing::ElementsAre(1, 1, 0, 1));
  EXPECT_EQ(histogram.count(), 3U);
}

}  // namespace
}  // namespace weir::telemetry
