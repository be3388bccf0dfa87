#include "sfu/timestamp_aligner.h"

#include <gtest/gtest.h>

#include "sfu/test_kit.h"

namespace weir::sfu {
namespace {

using test::At;

// One simulcast layer: captured at the publisher's time, stamped with its own base, delayed on the way.
struct Layer {
  int layer;
  int64_t base;          // RTP time at capture time zero.
  int64_t delay_millis;  // On the way here.
  StreamTimeline timeline;

  int64_t Timestamp(int64_t capture_millis) const { return base + capture_millis * 90; }
  TimestampAligner::Source Packet(int64_t capture_millis) {
    timeline.OnPacket(Timestamp(capture_millis), Arrival(capture_millis));
    return {.layer = layer, .epoch = 0, .timestamp = Timestamp(capture_millis), .timeline = &timeline};
  }
  base::Timestamp Arrival(int64_t capture_millis) const { return At(capture_millis + delay_millis).mono; }
  void SenderReport(int64_t capture_millis) {
    timeline.OnSenderReport(NtpFromMicros(5'000'000'000 + capture_millis * 1000), Timestamp(capture_millis),
                            Arrival(capture_millis));
  }
};

class AlignerTest : public testing::Test {
 protected:
  // Plays frames of `layer` at 30 fps from `begin` to `end` (capture time).
  void Play(Layer& layer, int64_t begin, int64_t end, const StreamTimeline* reference = nullptr) {
    for (int64_t millis = begin; millis < end; millis += 33) {
      const auto packet = layer.Packet(millis);
      aligner_.OnFrame(packet.timestamp, layer.timeline, reference, layer.Arrival(millis));
      Sent(layer, millis);
    }
  }
  void Sent(Layer& layer, int64_t millis) {
    const int64_t out = aligner_.Map(layer.Timestamp(millis));
    EXPECT_GT(out, last_) << "at " << millis;
    last_ = out;
    aligner_.OnSent(out, layer.Arrival(millis));
  }
  void Start(Layer& layer) { aligner_.Start(layer.Packet(0), 90'000, layer.Arrival(0)); }
  // How far the outgoing time of a capture moment is off the line on which the first stream began, in ms.
  double Error(const Layer& layer, int64_t capture_millis) const {
    return static_cast<double>(aligner_.Map(layer.Timestamp(capture_millis)) - 90'000 - capture_millis * 90) /
           90.0;
  }

  TimestampAligner aligner_;
  int64_t last_ = INT64_MIN;
  Layer low_{.layer = 0, .base = 1'000'000, .delay_millis = 20};
  Layer high_{.layer = 2, .base = -77'000, .delay_millis = 30};
};

TEST_F(AlignerTest, SenderReportsPutTheNewStreamOnTheSameLine) {
  Start(low_);
  low_.SenderReport(0);
  high_.Packet(0);
  high_.SenderReport(500);
  Play(low_, 0, 990);
  ASSERT_TRUE(aligner_.Switch(high_.Packet(1000), &low_.timeline, high_.Arrival(1000)));
  EXPECT_EQ(aligner_.level(), TimestampAligner::Level::kSenderReports);
  EXPECT_NEAR(Error(high_, 1000), 0, 0.1);
}

TEST_F(AlignerTest, WithoutReportsTheLeastDelaysAreComparedAndLaterReportsConverge) {
  Start(low_);
  for (int64_t millis = 0; millis < 990; millis += 33) {
    high_.Packet(millis);
  }
  Play(low_, 0, 990);
  ASSERT_TRUE(aligner_.Switch(high_.Packet(1000), &low_.timeline, high_.Arrival(1000)));
  EXPECT_EQ(aligner_.level(), TimestampAligner::Level::kArrivals);
  EXPECT_NEAR(Error(high_, 1000), 10, 1);  // The difference of the delays.
  low_.SenderReport(1500);
  high_.SenderReport(1500);
  Play(high_, 1033, 4000, &low_.timeline);
  EXPECT_NEAR(Error(high_, 4000), 0, 0.2);
}

TEST_F(AlignerTest, SwitchingBackReturnsToTheOldLine) {
  Start(low_);
  for (int64_t millis = 0; millis < 990; millis += 33) {
    high_.Packet(millis);
  }
  Play(low_, 0, 990);
  for (int i = 0; i < 6; ++i) {
    const int64_t now = 1000 + i * 1000;
    ASSERT_TRUE(aligner_.Switch(high_.Packet(now), &low_.timeline, high_.Arrival(now)));
    Play(high_, now, now + 450);
    ASSERT_TRUE(aligner_.Switch(low_.Packet(now + 500), &high_.timeline, low_.Arrival(now + 500)));
    Play(low_, now + 500, now + 950);
  }
  EXPECT_NEAR(Error(low_, 8000), 0, 1);
}

TEST_F(AlignerTest, AStreamFarBehindIsRefusedOnceAndThenForced) {
  Start(low_);
  low_.SenderReport(0);
  high_.delay_millis = 120;
  high_.Packet(0);
  high_.SenderReport(0);
  Play(low_, 0, 1000);
  EXPECT_FALSE(aligner_.Switch(high_.Packet(900), &low_.timeline, high_.Arrival(900)));
  Play(low_, 1023, 1500);
  last_ = aligner_.last();
  ASSERT_TRUE(aligner_.Switch(high_.Packet(1400), &low_.timeline, high_.Arrival(1400)));
  EXPECT_EQ(aligner_.level(), TimestampAligner::Level::kElapsed);
  EXPECT_GT(Error(high_, 1400), 50);
  Play(high_, 1400, 14'000);
  EXPECT_NEAR(Error(high_, 14'000), 0, 0.5);  // Made good a hundredth at a time.
}

TEST_F(AlignerTest, NothingKnownMeansWallTime) {
  Start(low_);
  Play(low_, 0, 990);
  StreamTimeline unknown;
  const TimestampAligner::Source source{.layer = 0, .epoch = 1, .timestamp = 12, .timeline = &unknown};
  const int64_t last = aligner_.last();
  ASSERT_TRUE(aligner_.Switch(source, &unknown, aligner_.last_sent() + base::TimeDelta::Millis(500)));
  EXPECT_NEAR(static_cast<double>(aligner_.Map(12) - last), 45'000, 2);
}

TEST_F(AlignerTest, AfterAPauseTheStreamsOwnClockIsKeptWhereItWentOn) {
  Start(low_);
  Play(low_, 0, 990);
  aligner_.Resume(low_.Packet(9000), &low_.timeline, true, low_.Arrival(9000));
  EXPECT_NEAR(Error(low_, 9000), 0, 0.1);
}

TEST_F(AlignerTest, AfterAPauseWallTimeCountsWhereTheStreamsClockStoodStill) {
  Start(low_);
  Play(low_, 0, 990);
  // The publisher stopped its RTP clock for eight seconds.
  TimestampAligner::Source source = low_.Packet(9000);
  source.timestamp = low_.Timestamp(1023);
  aligner_.Resume(source, &low_.timeline, true, low_.Arrival(9000));
  EXPECT_NEAR(static_cast<double>(aligner_.Map(source.timestamp) - 90'000), 9000 * 90, 3 * 90);
}

TEST_F(AlignerTest, LipSyncHoldsThroughAnyMixOfSwitchesDelaysAndReports) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    base::SeededRandom random(seed);
    aligner_ = TimestampAligner();
    last_ = INT64_MIN;
    std::array<Layer, 3> layers;
    for (int i = 0; i < 3; ++i) {
      layers[static_cast<size_t>(i)] = {.layer = i, .base = random.Next32(), .delay_millis = i * 20};
      layers[static_cast<size_t>(i)].Packet(0);
    }
    size_t current = 0;
    Start(layers[0]);
    last_ = aligner_.last();
    for (int64_t millis = 33; millis < 25'000; millis += 33) {
      for (size_t i = 0; i < 3; ++i) {
        layers[i].Packet(millis);
        if (millis > 5000 && millis % 1000 < 33) {
          layers[i].SenderReport(millis);
        }
      }
      const size_t next = millis < 10'000 && random.Below(40) == 0 ? random.Below(3) : current;
      Layer& layer = layers[next];
      if (next != current) {
        if (!aligner_.Switch(layer.Packet(millis), &layers[current].timeline, layer.Arrival(millis))) {
          continue;
        }
        current = next;
      } else {
        const int reference = aligner_.reference_layer();
        aligner_.OnFrame(layer.Timestamp(millis), layer.timeline,
                         reference < 0 ? nullptr : &layers[static_cast<size_t>(reference)].timeline,
                         layer.Arrival(millis));
      }
      Sent(layer, millis);
    }
    EXPECT_LT(std::abs(Error(layers[current], 25'000)), 40) << "seed " << seed;
  }
}

}  // namespace
}  // namespace weir::sfu
