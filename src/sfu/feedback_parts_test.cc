// The small parts that decide on feedback: NACK list, key frame arbiter, receive buffer, retransmission gate.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sfu/keyframe_arbiter.h"
#include "sfu/nack_tracker.h"
#include "sfu/receive_buffer.h"
#include "sfu/retransmission_gate.h"
#include "sfu/test_kit.h"

namespace weir::sfu {
namespace {

using base::TimeDelta;
using base::Timestamp;
using test::At;
using testing::ElementsAre;
using testing::IsEmpty;

class NackTest : public testing::Test {
 protected:
  std::vector<uint16_t> TakeDue(int64_t millis, int64_t rtt = 50) {
    std::vector<uint16_t> due;
    tracker_.TakeDue(At(millis).mono, TimeDelta::Millis(rtt), due);
    return due;
  }
  base::SeededRandom random_{1};
  NackTracker tracker_{NackTracker::Config(), random_};
};

TEST_F(NackTest, AsksForWhatIsMissingOnceTheReorderTimeIsOver) {
  tracker_.OnGap(At(0).mono, 3, 3);
  tracker_.OnGap(At(5).mono, 7, 8);
  EXPECT_EQ(tracker_.NextTimeout(), At(10).mono);
  EXPECT_THAT(TakeDue(9), IsEmpty());
  EXPECT_THAT(TakeDue(15), ElementsAre(3, 7, 8));
  EXPECT_THAT(TakeDue(16), IsEmpty());
}

TEST_F(NackTest, ForgetsAPacketThatArrivesLate) {
  tracker_.OnGap(At(0).mono, 3, 4);
  EXPECT_TRUE(tracker_.OnLate(At(5).mono, 3, false));
  EXPECT_FALSE(tracker_.OnLate(At(5).mono, 3, false));
  EXPECT_THAT(TakeDue(10), ElementsAre(4));
  EXPECT_EQ(tracker_.counters().reordered, 1);
}

TEST_F(NackTest, RepeatsAfterARoundTripThatGrowsAndGivesUp) {
  tracker_.OnGap(At(0).mono, 3, 3);
  std::vector<int64_t> times;
  for (int64_t millis = 0; millis < 3000; ++millis) {
    if (!TakeDue(millis, 100).empty()) {
      times.push_back(millis);
    }
  }
  ASSERT_GE(times.size(), 3u);
  EXPECT_EQ(times[0], 10);
  EXPECT_NEAR(static_cast<double>(times[1] - times[0]), 110, 12);
  EXPECT_GT(times[2] - times[1], times[1] - times[0] - 5);
  EXPECT_LT(times.back(), 501);  // Entries live 500 ms.
  EXPECT_EQ(tracker_.missing(), 0u);
  EXPECT_TRUE(tracker_.NextTimeout().infinite());
  EXPECT_EQ(tracker_.counters().abandoned, 1);
}

TEST_F(NackTest, AnOverfullListIsClearedAndReported) {
  tracker_.OnGap(At(0).mono, 0, 899);
  EXPECT_FALSE(tracker_.TakeOverflow());
  tracker_.OnGap(At(0).mono, 1000, 1200);
  EXPECT_TRUE(tracker_.TakeOverflow());
  EXPECT_FALSE(tracker_.TakeOverflow());
  EXPECT_EQ(tracker_.missing(), 0u);
  EXPECT_EQ(tracker_.counters().overflows, 1);
  EXPECT_EQ(tracker_.counters().abandoned, 1101);
}

TEST_F(NackTest, WaitsLongerWhereReorderingWasSeen) {
  for (int64_t seq = 0; seq < 20; ++seq) {
    tracker_.OnGap(At(seq * 100).mono, seq * 10, seq * 10);
    tracker_.OnLate(At(seq * 100 + 25).mono, seq * 10, false);
  }
  tracker_.OnGap(At(3000).mono, 1000, 1000);
  EXPECT_GE(tracker_.NextTimeout(), At(3025).mono);
  EXPECT_LE(tracker_.NextTimeout(), At(3040).mono);
}

TEST_F(NackTest, WritesWrappedNumbers) {
  tracker_.OnGap(At(0).mono, 65'535, 65'536);
  EXPECT_THAT(TakeDue(10), ElementsAre(65'535, 0));
}

class ArbiterTest : public testing::Test {
 protected:
  bool Due(int64_t millis) { return arbiter_.TakeDue(At(millis).mono, TimeDelta::Millis(50)); }
  KeyframeArbiter arbiter_{KeyframeArbiter::Config()};
};

TEST_F(ArbiterTest, SendsOneForManyRequestsAndNoneOnceTheKeyFrameCame) {
  for (int i = 0; i < 10; ++i) {
    arbiter_.Request(At(i).mono);
  }
  EXPECT_TRUE(Due(10));
  EXPECT_FALSE(Due(11));
  arbiter_.OnKeyframe(At(100).mono);
  EXPECT_TRUE(arbiter_.NextTimeout().infinite());
  EXPECT_FALSE(Due(10'000));
  EXPECT_EQ(arbiter_.counters().sent, 1);
}

TEST_F(ArbiterTest, KeepsHalfASecondBetweenTwo) {
  arbiter_.Request(At(0).mono);
  EXPECT_TRUE(Due(0));
  arbiter_.OnKeyframe(At(50).mono);
  arbiter_.Request(At(100).mono);
  EXPECT_EQ(arbiter_.NextTimeout(), At(500).mono);
  EXPECT_FALSE(Due(499));
  EXPECT_TRUE(Due(500));
}

TEST_F(ArbiterTest, RepeatsWithGrowingPausesAndGivesUp) {
  arbiter_.Request(At(0).mono);
  std::vector<int64_t> times;
  for (int64_t millis = 0; millis < 60'000; millis += 10) {
    if (Due(millis)) {
      times.push_back(millis);
    }
  }
  ASSERT_EQ(times.size(), 8u);
  EXPECT_EQ(times[1], 500);
  EXPECT_EQ(times[7] - times[6], 2000);
  EXPECT_FALSE(arbiter_.waiting());
}

class BufferTest : public testing::Test {
 protected:
  void Insert(ReceiveBuffer& buffer, int64_t seq, int64_t millis) {
    buffer.Insert(seq, pool_.Copy(base::Buffer(10), At(millis).mono), 0, 10, At(millis).mono);
  }
  base::PacketPool pool_;
};

TEST_F(BufferTest, FindsPacketsUntilTheyAreTooOld) {
  ReceiveBuffer buffer{ReceiveBuffer::Config()};
  for (int64_t i = 0; i < 50; ++i) {
    Insert(buffer, 65'500 + i, i * 100);
  }
  EXPECT_NE(buffer.Find(65'500), nullptr);
  EXPECT_NE(buffer.FindLow(65'549), nullptr);
  buffer.Expire(At(4900).mono);
  EXPECT_EQ(buffer.Find(65'528), nullptr);
  EXPECT_NE(buffer.Find(65'530), nullptr);
  EXPECT_EQ(buffer.size(), pool_.in_use());
  buffer.Expire(At(100'000).mono);
  EXPECT_EQ(buffer.size(), 0u);
  EXPECT_EQ(pool_.in_use(), 0u);
}

TEST_F(BufferTest, GrowsForAFastStreamAndThenOverwritesTheOldest) {
  ReceiveBuffer::Config config;
  config.max_packets = 256;
  ReceiveBuffer buffer(config);
  for (int64_t i = 0; i < 1000; ++i) {
    Insert(buffer, i, i / 10);
  }
  EXPECT_EQ(buffer.capacity(), 256u);
  EXPECT_EQ(buffer.size(), 256u);
  EXPECT_EQ(buffer.evicted(), 744u);
  EXPECT_EQ(buffer.Find(743), nullptr);
  EXPECT_NE(buffer.Find(744), nullptr);
}

TEST_F(BufferTest, StaysSmallForASlowStream) {
  ReceiveBuffer buffer{ReceiveBuffer::Config()};
  for (int64_t i = 0; i < 1000; ++i) {
    Insert(buffer, i, i * 50);
  }
  EXPECT_EQ(buffer.capacity(), 64u);
}

class GateTest : public testing::Test {
 protected:
  bool Admit(SentPacket& packet, int64_t millis, size_t bytes = 1000) {
    return gate_.Admit(packet, bytes, At(millis).mono);
  }
  RetransmissionGate gate_{RetransmissionGate::Config()};
};

TEST_F(GateTest, TenRequestsForOnePacketBringOneRepair) {
  SentPacket packet;
  int admitted = 0;
  for (int i = 0; i < 10; ++i) {
    admitted += Admit(packet, i) ? 1 : 0;
  }
  EXPECT_EQ(admitted, 1);
}

TEST_F(GateTest, RepeatsAfterTheLeastRoundTripUpToALimit) {
  gate_.OnRtt(TimeDelta::Millis(60), At(0).mono);
  gate_.OnRtt(TimeDelta::Millis(200), At(1).mono);
  SentPacket packet;
  EXPECT_TRUE(Admit(packet, 10));
  EXPECT_FALSE(Admit(packet, 10 + 53));
  EXPECT_TRUE(Admit(packet, 10 + 54));
  int more = 0;
  for (int64_t millis = 200; millis < 5000; millis += 100) {
    more += Admit(packet, millis, 10) ? 1 : 0;
  }
  EXPECT_EQ(more, 3);  // Five in all.
}

TEST_F(GateTest, TheBudgetStopsRepeatsButNotFirstAnswers) {
  SentPacket repeated;
  EXPECT_TRUE(Admit(repeated, 0, 40'000));
  SentPacket first;
  EXPECT_TRUE(Admit(first, 1, 1000));
  EXPECT_FALSE(Admit(repeated, 200, 1000));
  for (int i = 0; i < 100; ++i) {
    gate_.OnMediaSent(1000);
  }
  EXPECT_TRUE(Admit(repeated, 200, 1000));
}

}  // namespace
}  // namespace weir::sfu
