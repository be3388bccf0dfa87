#include "sctp/association.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sctp/association_pair_for_test.h"

namespace weir::sctp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Association, ConnectsWhenOneSideAnswers) {
  Pair pair;
  pair.a.Connect(pair.wire.now());
  pair.wire.RunFor(TimeDelta::Millis(50));
  EXPECT_TRUE(pair.a.connected());
  EXPECT_TRUE(pair.b.connected());
  EXPECT_THAT(Of<Association::Connected>(pair.wire.events(0)), SizeIs(1));
  EXPECT_THAT(Of<Association::Connected>(pair.wire.events(1)), SizeIs(1));
  EXPECT_TRUE(pair.a.peer_supports_reset());
  EXPECT_TRUE(pair.b.peer_supports_partial_reliability());
}

TEST(Association, ConnectsOnceWhenBothOpen) {
  Pair pair;
  pair.a.Connect(pair.wire.now());
  pair.b.Connect(pair.wire.now());
  pair.wire.RunFor(TimeDelta::Seconds(5));
  EXPECT_TRUE(pair.a.connected());
  EXPECT_TRUE(pair.b.connected());
  EXPECT_THAT(Of<Association::Connected>(pair.wire.events(0)), SizeIs(1));
  EXPECT_THAT(Of<Association::Connected>(pair.wire.events(1)), SizeIs(1));
}

TEST(Association, ConnectsOverAVeryBadLine) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Pair pair({.jitter = TimeDelta::Millis(30), .loss = 0.3, .seed = seed});
    pair.a.Connect(pair.wire.now());
    if (seed % 2 == 0) {
      pair.b.Connect(pair.wire.now());
    }
    pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(7));
    EXPECT_TRUE(pair.wire.RunUntilDone(TimeDelta::Seconds(25),
                                       [&] {
                                         return pair.a.connected() && pair.b.connected() &&
                                                !Of<Association::Message>(pair.wire.events(1)).empty();
                                       }))
        << "seed " << seed;
  }
}

// Which of the four handshake packets is lost must not matter for more than one time-out.
class LostHandshakePacket : public testing::TestWithParam<ChunkType> {};
TEST_P(LostHandshakePacket, CostsOneTimeout) {
  Pair pair;
  bool lost = false;
  pair.wire.set_filter([&](int, const Buffer& packet) {
    const bool lose = !lost && IsType(packet, GetParam());
    lost |= lose;
    return lose;
  });
  pair.a.Connect(pair.wire.now());
  EXPECT_TRUE(pair.wire.RunUntilDone(TimeDelta::Millis(600),
                                     [&] { return pair.a.connected() && pair.b.connected(); }));
  EXPECT_TRUE(lost);
}
INSTANTIATE_TEST_SUITE_P(Each, LostHandshakePacket,
                         testing::Values(ChunkType::kInit, ChunkType::kInitAck, ChunkType::kCookieEcho,
                                         ChunkType::kCookieAck));

TEST(Association, DataStandsInForALostCookieAck) {
  Pair pair;
  pair.wire.set_filter([&](int, const Buffer& packet) { return IsType(packet, ChunkType::kCookieAck); });
  pair.a.Connect(pair.wire.now());
  pair.wire.RunUntilDone(TimeDelta::Seconds(1), [&] { return pair.b.connected(); });
  pair.wire.RunFor(TimeDelta::Millis(1));
  pair.b.Send(pair.wire.now(), 0, kPpid, Numbered(1));
  EXPECT_TRUE(pair.wire.RunUntilDone(TimeDelta::Millis(20), [&] { return pair.a.connected(); }));
}

TEST(Association, GivesUpConnectingAfterTheLastFailure) {
  Pair pair({.loss = 1.0});
  pair.a.Connect(pair.wire.now());
  pair.wire.RunFor(TimeDelta::Seconds(60));
  EXPECT_EQ(pair.a.state(), Association::State::kClosed);
  EXPECT_EQ(Of<Association::Closed>(pair.wire.events(0)).at(0).reason, "the peer does not answer");
  EXPECT_EQ(pair.wire.sent(0), 11u) << "one INIT and ten retransmissions";
}

TEST(Association, RefusesAForgedOrForeignCookie) {
  Pair pair;
  pair.wire.set_filter([&](int, const Buffer& packet) { return IsType(packet, ChunkType::kCookieEcho); });
  pair.a.Connect(pair.wire.now());
  pair.wire.RunFor(TimeDelta::Millis(100));
  PacketBuilder builder(5000, 5000, 1, 1180);
  builder.Add(EncodeChunk(ChunkType::kCookieEcho, 0, Buffer(73, 5)));
  pair.b.OnPacket(pair.wire.now(), builder.Finish());
  EXPECT_FALSE(pair.b.connected());
  EXPECT_EQ(pair.b.counters().packets_wrong_tag, 1u);
}

TEST(Association, RespectsAPeerWithFewStreams) {
  Association::Config few;
  few.streams = 4;
  Pair pair({}, {}, few);
  EXPECT_EQ(pair.a.Send(pair.wire.now(), 9, kPpid, Numbered(9)), SendStatus::kOk) << "not known yet";
  pair.Connect();
  EXPECT_EQ(pair.a.outgoing_streams(), 4);
  EXPECT_EQ(pair.a.Send(pair.wire.now(), 4, kPpid, Numbered(4)), SendStatus::kInvalidStream);
  EXPECT_EQ(pair.a.Send(pair.wire.now(), 3, kPpid, Numbered(3)), SendStatus::kOk);
  pair.wire.RunFor(TimeDelta::Seconds(1));
  EXPECT_THAT(pair.NumbersAtB(), ElementsAre(3u));
  EXPECT_EQ(pair.a.buffered_amount(), 0u);
  EXPECT_EQ(pair.b.counters().data_invalid_stream, 0u);
}

TEST(Association, EndsAfterTenUnansweredRetransmissions) {
  Pair pair;
  pair.Connect();
  pair.wire.set_loss(1.0);
  pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(1));
  const Timestamp start = pair.wire.now();
  EXPECT_TRUE(pair.wire.RunUntilDone(TimeDelta::Seconds(60),
                                     [&] { return pair.a.state() == Association::State::kClosed; }));
  EXPECT_GT(pair.wire.now() - start, TimeDelta::Seconds(15));
  EXPECT_LT(pair.wire.now() - start, TimeDelta::Seconds(35));
  EXPECT_TRUE(pair.a.NextTimeout().infinite());
  EXPECT_EQ(pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(1)), SendStatus::kClosed);
}

TEST(Association, KeepsAnIdleLineAliveAndNoticesItsDeath) {
  Pair pair;
  pair.Connect();
  pair.wire.RunFor(TimeDelta::Seconds(300));
  EXPECT_TRUE(pair.a.connected());
  EXPECT_TRUE(pair.a.rtt().has_value());
  EXPECT_LE(pair.wire.sent(0), 40u);
  pair.wire.set_loss(1.0);
  pair.wire.RunFor(TimeDelta::Seconds(90));
  EXPECT_EQ(pair.a.state(), Association::State::kClosed);
}

TEST(Association, TellsThePeerWhenItCloses) {
  Pair pair;
  pair.Connect();
  pair.a.Close();
  pair.wire.RunFor(TimeDelta::Millis(20));
  EXPECT_THAT(pair.wire.events(0), IsEmpty());
  EXPECT_EQ(Of<Association::Closed>(pair.wire.events(1)).at(0).reason,
            "aborted by the peer: user initiated abort");
}

TEST(Association, IgnoresPacketsOfOthers) {
  Pair pair;
  pair.Connect();
  PacketBuilder builder(5000, 5000, 12345, 1180);
  builder.Add(EncodeError(ChunkType::kAbort, cause::kUserInitiated, {}));
  const Buffer packet = builder.Finish();
  pair.a.OnPacket(pair.wire.now(), packet);
  EXPECT_TRUE(pair.a.connected());
  EXPECT_EQ(pair.a.counters().packets_wrong_tag, 1u);
  Buffer broken = packet;
  broken.back() ^= 1;
  pair.a.OnPacket(pair.wire.now(), broken);
  EXPECT_EQ(pair.a.counters().packets_malformed, 1u);
}

TEST(Association, ALateInitDoesNoHarm) {
  Pair pair;
  Buffer init;
  pair.wire.set_filter([&](int from, const Buffer& packet) {
    if (from == 0 && IsType(packet, ChunkType::kInit)) {
      init = packet;
    }
    return false;
  });
  pair.a.Connect(pair.wire.now());
  pair.wire.RunFor(TimeDelta::Seconds(1));
  pair.b.OnPacket(pair.wire.now(), init);
  pair.wire.RunFor(TimeDelta::Seconds(1));
  EXPECT_TRUE(pair.a.connected());
  EXPECT_TRUE(pair.b.connected());
  pair.a.Send(pair.wire.now(), 1, kPpid, Numbered(1));
  pair.wire.RunFor(TimeDelta::Seconds(1));
  EXPECT_THAT(pair.NumbersAtB(), ElementsAre(1u));
}

TEST(Association, ARestartedPeerEndsIt) {
  Pair pair;
  pair.Connect();
  base::SeededRandom random(77);
  Association again({}, random);
  Wire wire(again, pair.b);
  again.Connect(pair.wire.now());
  wire.RunFor(TimeDelta::Seconds(1));
  EXPECT_EQ(pair.b.state(), Association::State::kClosed);
  EXPECT_EQ(Of<Association::Closed>(wire.events(1)).at(0).reason, "the peer restarted the association");
}

TEST(Association, BoundsItsControlQueue) {
  Pair pair;
  pair.Connect();
  base::SeededRandom random(1);
  // Nobody polls b, while INITs arrive.
  for (int i = 0; i < 100; ++i) {
    Association other({}, random);
    other.Connect(pair.wire.now());
    pair.b.OnPacket(pair.wire.now(), *other.PollTransmit(pair.wire.now()));
  }
  EXPECT_EQ(pair.b.counters().control_dropped_full, 100u - Association::Config().max_control);
}

}  // namespace
}  // namespace weir::sctp
