#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sctp/association.h"
#include "sctp/association_pair_for_test.h"

namespace weir::sctp {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

TEST(Transfer, CarriesMessagesOfEverySizeBothWays) {
  Pair pair;
  pair.Connect();
  std::vector<size_t> sizes = {1, 2, 3, 4, 1151, 1152, 1153, 1154, 5000, 65535, 262144};
  for (size_t i = 0; i < sizes.size(); ++i) {
    const auto salt = static_cast<uint8_t>(i);
    EXPECT_EQ(pair.a.Send(pair.wire.now(), 3, kPpid, Pattern(sizes[i], salt)), SendStatus::kOk);
    EXPECT_EQ(pair.b.Send(pair.wire.now(), 4, 51, Pattern(sizes[i], salt), {.ordered = false}),
              SendStatus::kOk);
  }
  pair.wire.RunFor(TimeDelta::Seconds(10));
  for (const int end : {0, 1}) {
    const auto messages = Of<Association::Message>(pair.wire.events(end));
    ASSERT_THAT(messages, SizeIs(sizes.size()));
    for (size_t i = 0; i < sizes.size(); ++i) {
      EXPECT_EQ(messages[i].bytes, Pattern(sizes[i], static_cast<uint8_t>(i)));
      EXPECT_EQ(messages[i].stream, end == 1 ? 3 : 4);
      EXPECT_EQ(messages[i].ppid, end == 1 ? kPpid : 51);
    }
  }
  EXPECT_EQ(pair.a.buffered_amount(), 0u);
  EXPECT_EQ(pair.a.counters().data_retransmitted, 0u);
}

TEST(Transfer, DeliversEverythingInOrderOverABadLine) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Pair pair({.jitter = TimeDelta::Millis(20), .loss = 0.1, .seed = seed});
    pair.Connect();
    for (uint32_t i = 0; i < 300; ++i) {
      ASSERT_EQ(pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(i, 100 + i * 13)), SendStatus::kOk);
    }
    ASSERT_TRUE(
        pair.wire.RunUntilDone(TimeDelta::Seconds(120), [&] { return pair.wire.events(1).size() == 300; }))
        << "seed " << seed;
    EXPECT_EQ(pair.NumbersAtB(), UpTo(300));
    pair.wire.RunFor(TimeDelta::Seconds(10));
    EXPECT_EQ(pair.a.buffered_amount(), 0u);
    EXPECT_GT(pair.a.counters().fast_recoveries, 0u);
  }
}

TEST(Transfer, DeliversEveryUnorderedMessageOnceOverABadLine) {
  Pair pair({.jitter = TimeDelta::Millis(20), .loss = 0.1, .seed = 3});
  pair.Connect();
  for (uint32_t i = 0; i < 300; ++i) {
    pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(i, 100 + i * 13), {.ordered = false});
  }
  pair.wire.RunFor(TimeDelta::Seconds(100));
  auto numbers = pair.NumbersAtB();
  EXPECT_FALSE(std::ranges::is_sorted(numbers)) << "a lost message must not hold back the others";
  std::ranges::sort(numbers);
  EXPECT_EQ(numbers, UpTo(300));
}

TEST(Transfer, GivesUpLossyMessagesAndKeepsTheRestInOrder) {
  for (const bool ordered : {true, false}) {
    Pair pair({.loss = 0.1, .seed = 5});
    pair.Connect();
    for (uint32_t i = 0; i < 1000; ++i) {
      pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(i), {.ordered = ordered, .max_retransmits = 0});
      pair.wire.RunFor(TimeDelta::Millis(5));
    }
    pair.wire.RunFor(TimeDelta::Seconds(10));
    const auto numbers = pair.NumbersAtB();
    EXPECT_TRUE(std::ranges::is_sorted(numbers) || !ordered);
    EXPECT_THAT(numbers, SizeIs(testing::AllOf(testing::Gt(850), testing::Lt(950))));
    EXPECT_EQ(pair.a.counters().data_retransmitted, 0u);
    EXPECT_EQ(pair.a.counters().messages_abandoned, 1000 - numbers.size());
    EXPECT_EQ(pair.a.buffered_amount(), 0u);
    // The line works on, reliably too.
    pair.wire.set_loss(0);
    pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(5000));
    pair.wire.RunFor(TimeDelta::Seconds(2));
    EXPECT_EQ(pair.NumbersAtB().back(), 5000u);
  }
}

TEST(Transfer, LimitedRetransmissionsLoseLess) {
  Pair pair({.loss = 0.2, .seed = 8});
  pair.Connect();
  for (uint32_t i = 0; i < 500; ++i) {
    pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(i), {.max_retransmits = 2});
    pair.wire.RunFor(TimeDelta::Millis(5));
  }
  pair.wire.RunFor(TimeDelta::Seconds(20));
  EXPECT_THAT(pair.NumbersAtB(), SizeIs(testing::Gt(485)));
}

TEST(Transfer, ForgetsMessagesPastTheirLifetime) {
  Pair pair;
  pair.Connect();
  pair.wire.set_loss(1.0);
  for (uint32_t i = 0; i < 400; ++i) {
    pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(i, 1000), {.lifetime = TimeDelta::Millis(100)});
  }
  pair.wire.RunFor(TimeDelta::Millis(1000));
  pair.wire.set_loss(0);
  pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(9999), {.lifetime = TimeDelta::Seconds(100)});
  pair.wire.RunFor(TimeDelta::Seconds(5));
  EXPECT_THAT(pair.NumbersAtB(), ElementsAre(9999u));
  EXPECT_EQ(pair.a.counters().messages_abandoned, 400u);
  EXPECT_EQ(pair.a.buffered_amount(), 0u);
}

TEST(Transfer, AbandonsABigMessageHalfwayAndGoesOn) {
  for (const bool ordered : {true, false}) {
    Pair pair;
    pair.Connect();
    pair.a.Send(pair.wire.now(), 1, kPpid, Pattern(200'000),
                {.ordered = ordered, .lifetime = TimeDelta::Millis(45)});
    pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(1), {.ordered = ordered});
    pair.wire.RunFor(TimeDelta::Seconds(5));
    EXPECT_THAT(pair.NumbersAtB(), ElementsAre(1u));
    EXPECT_EQ(pair.a.counters().messages_abandoned, 1u);
    EXPECT_EQ(pair.a.buffered_amount(), 0u);
    EXPECT_EQ(pair.b.state(), Association::State::kEstablished);
  }
}

TEST(Transfer, SkipsAtOnceEvenWhenForwardTsnIsLost) {
  Pair pair;
  pair.Connect();
  int forwards = 0;
  pair.wire.set_filter([&](int from, const Buffer& packet) {
    const bool forward = IsType(packet, ChunkType::kForwardTsn);
    forwards += forward ? 1 : 0;
    return from == 0 && (forward ? forwards <= 2 : IsType(packet, ChunkType::kData) && forwards == 0);
  });
  pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(1), {.max_retransmits = 0});
  pair.wire.RunFor(TimeDelta::Seconds(5));
  pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(2));
  pair.wire.RunFor(TimeDelta::Seconds(2));
  EXPECT_EQ(forwards, 3);
  EXPECT_THAT(pair.NumbersAtB(), ElementsAre(2u));
}

TEST(Transfer, ResetsAStreamAfterItsDataAndStartsItAnew) {
  Pair pair;
  pair.Connect();
  for (uint32_t i = 0; i < 50; ++i) {
    pair.a.Send(pair.wire.now(), 7, kPpid, Numbered(i, 3000));
  }
  EXPECT_TRUE(pair.a.ResetStream(pair.wire.now(), 7));
  pair.a.Send(pair.wire.now(), 7, kPpid, Numbered(50));  // Belongs to the stream's next life.
  pair.wire.RunFor(TimeDelta::Seconds(5));
  EXPECT_EQ(pair.NumbersAtB(), UpTo(51));
  const auto& events = pair.wire.events(1);
  ASSERT_THAT(events, SizeIs(52));
  EXPECT_TRUE(std::holds_alternative<Association::StreamReset>(events[50])) << "between old and new";
  const auto resets = Of<Association::OutgoingReset>(pair.wire.events(0));
  ASSERT_THAT(resets, SizeIs(1));
  EXPECT_EQ(resets[0].stream, 7);
  EXPECT_TRUE(resets[0].performed);
}

TEST(Transfer, ResetSurvivesLossAndOtherTraffic) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Pair pair({.jitter = TimeDelta::Millis(20), .loss = 0.2, .seed = seed});
    pair.Connect();
    for (uint32_t i = 0; i < 100; ++i) {
      pair.a.Send(pair.wire.now(), static_cast<uint16_t>(i % 3), kPpid, Numbered(i, 2000));
    }
    for (uint16_t stream = 0; stream < 3; ++stream) {
      pair.a.ResetStream(pair.wire.now(), stream);
    }
    for (uint32_t i = 100; i < 200; ++i) {
      pair.a.Send(pair.wire.now(), static_cast<uint16_t>(i % 3), kPpid, Numbered(i, 2000));
    }
    pair.wire.RunFor(TimeDelta::Seconds(120));
    auto numbers = pair.NumbersAtB();
    std::ranges::sort(numbers);
    EXPECT_EQ(numbers, UpTo(200)) << "seed " << seed;
    EXPECT_THAT(Of<Association::OutgoingReset>(pair.wire.events(0)), SizeIs(3));
    EXPECT_THAT(Of<Association::StreamReset>(pair.wire.events(1)), SizeIs(3));
  }
}

TEST(Transfer, FillsItsSendBufferAndCountsTheRest) {
  Association::Config config;
  config.max_send_buffer = 10'000;
  Pair pair({}, config);
  int accepted = 0;
  for (int i = 0; i < 20; ++i) {
    accepted += pair.a.Send(pair.wire.now(), 1, kPpid, Pattern(1000)) == SendStatus::kOk ? 1 : 0;
  }
  EXPECT_EQ(accepted, 10);
  EXPECT_EQ(pair.a.counters().sends_refused_full, 10u);
  EXPECT_EQ(pair.a.buffered_amount(1), 10'000u);
  EXPECT_EQ(pair.a.buffered_amount(2), 0u);
  pair.Connect();
  pair.wire.RunFor(TimeDelta::Seconds(1));
  EXPECT_EQ(pair.a.buffered_amount(1), 0u);
  EXPECT_EQ(pair.a.Send(pair.wire.now(), 1, kPpid, Pattern(1000)), SendStatus::kOk);
}

TEST(Transfer, LimitsTheNumberOfQueuedMessages) {
  Association::Config config;
  config.max_queued_messages = 5;
  Pair pair({}, config);
  for (int i = 0; i < 8; ++i) {
    pair.a.Send(pair.wire.now(), 1, kPpid, Pattern(1));
  }
  EXPECT_EQ(pair.a.counters().sends_refused_full, 3u);
}

TEST(Transfer, RefusesMessagesThatAreTooLargeOrEmpty) {
  Pair pair;
  EXPECT_EQ(pair.a.Send(pair.wire.now(), 1, kPpid, Pattern(262'145)), SendStatus::kTooLarge);
  EXPECT_EQ(pair.a.Send(pair.wire.now(), 1, kPpid, Buffer()), SendStatus::kEmpty);
  EXPECT_EQ(pair.a.counters().sends_refused_other, 2u);
}

TEST(Transfer, EndsWhenThePeerSendsAMessageOverTheLimit) {
  Association::Config small;
  small.max_message_size = 10'000;
  Pair pair({}, {}, small);
  pair.Connect();
  pair.a.Send(pair.wire.now(), 1, kPpid, Pattern(20'000));
  pair.wire.RunFor(TimeDelta::Seconds(1));
  EXPECT_EQ(Of<Association::Closed>(pair.wire.events(1)).at(0).reason, "message over the size limit");
  EXPECT_THAT(Of<Association::Closed>(pair.wire.events(0)).at(0).reason,
              testing::HasSubstr("message over the size limit"));
}

TEST(Transfer, StopsForAReceiverThatDoesNotReadAndResumesWhenItDoes) {
  Association::Config small;
  small.max_receive_buffer = 50'000;
  Pair pair({}, {}, small);
  pair.Connect();
  pair.wire.set_polls(1, false);
  for (uint32_t i = 0; i < 200; ++i) {
    pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(i, 1000));
  }
  // Longer than ten failures would take: probes that are answered are no failures.
  pair.wire.RunFor(TimeDelta::Seconds(60));
  EXPECT_TRUE(pair.a.connected());
  EXPECT_GT(pair.a.buffered_amount(), 140'000u);
  EXPECT_LT(pair.wire.sent(0), 200u) << "probes are paced by the timer";
  pair.wire.set_polls(1, true);
  EXPECT_TRUE(pair.wire.RunUntilDone(TimeDelta::Seconds(3), [&] { return pair.NumbersAtB().size() == 200; }));
  EXPECT_EQ(pair.NumbersAtB(), UpTo(200));
}

TEST(Transfer, RecoversOneLostPacketWithoutWaitingForTheTimer) {
  Pair pair;
  pair.Connect();
  int data = 0;
  pair.wire.set_filter([&](int from, const Buffer& packet) {
    return from == 0 && IsType(packet, ChunkType::kData) && ++data == 3;
  });
  const Timestamp start = pair.wire.now();
  for (uint32_t i = 0; i < 10; ++i) {
    pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(i, 1100));
  }
  pair.wire.RunUntilDone(TimeDelta::Seconds(3), [&] { return pair.NumbersAtB().size() == 10; });
  EXPECT_LT(pair.wire.now() - start, TimeDelta::Millis(60));
  EXPECT_EQ(pair.a.counters().data_retransmitted, 1u);
  EXPECT_EQ(pair.a.counters().retransmission_timeouts, 0u);
}

TEST(Transfer, AcknowledgesEverySecondPacketAndLoneOnesLate) {
  Pair pair;
  pair.Connect();
  pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(0));  // The very first is acknowledged at once.
  pair.wire.RunFor(TimeDelta::Millis(100));
  const uint64_t before = pair.wire.sent(1);
  pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(1));
  pair.wire.RunFor(TimeDelta::Millis(205));
  EXPECT_EQ(pair.wire.sent(1), before) << "200 ms after arrival, which is at 210";
  pair.wire.RunFor(TimeDelta::Millis(10));
  EXPECT_EQ(pair.wire.sent(1), before + 1);
  for (uint32_t i = 2; i < 10; ++i) {
    pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(i, 1100));
  }
  pair.wire.RunFor(TimeDelta::Millis(100));
  EXPECT_EQ(pair.wire.sent(1), before + 1 + 4);
}

TEST(Transfer, WaitsForDelayedAcknowledgementsOfLoneMessages) {
  Pair pair;
  pair.Connect();
  for (uint32_t i = 0; i < 50; ++i) {
    pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(i), {.max_retransmits = 0});
    pair.wire.RunFor(TimeDelta::Millis(300));
  }
  EXPECT_EQ(pair.a.counters().retransmission_timeouts, 0u);
  EXPECT_EQ(pair.a.counters().messages_abandoned, 0u);
}

TEST(Transfer, NumbersWrapWithoutTrouble) {
  // 70 000 messages on one stream wrap the SSN; the TSN wraps with a start near the top.
  class HighRandom final : public base::Random {
   public:
    void Fill(base::MutableBytes out) override { std::ranges::fill(out, uint8_t{0xff}); }
  } high;
  base::SeededRandom random(1);
  Association a({}, high);
  Association b({}, random);
  Wire wire(a, b, {.delay = TimeDelta::Millis(1)});
  a.Connect(wire.now());
  wire.RunFor(TimeDelta::Seconds(1));
  wire.events(1).clear();
  uint32_t sent = 0;
  for (int round = 0; round < 70; ++round) {
    for (int i = 0; i < 1000; ++i) {
      ASSERT_EQ(a.Send(wire.now(), 1, kPpid, Numbered(sent++, 8)), SendStatus::kOk);
    }
    wire.RunFor(TimeDelta::Seconds(2));
  }
  const auto messages = Of<Association::Message>(wire.events(1));
  ASSERT_THAT(messages, SizeIs(70'000));
  for (uint32_t i = 0; i < 70'000; ++i) {
    ASSERT_EQ(NumberOf(messages[i]), i);
  }
}

TEST(Transfer, ReplaysIdenticallyFromTheSameSeed) {
  const auto run = [] {
    Pair pair({.jitter = TimeDelta::Millis(15), .loss = 0.1, .seed = 99});
    pair.Connect();
    for (uint32_t i = 0; i < 100; ++i) {
      pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(i, 5000), {.ordered = false, .max_retransmits = 1});
    }
    pair.wire.RunFor(TimeDelta::Seconds(20));
    return std::tuple(pair.NumbersAtB(), pair.wire.sent(0), pair.wire.sent(1), pair.wire.steps());
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace weir::sctp
