#include "rtcp/transport_feedback.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "rtcp/compound.h"
#include "rtcp/writer.h"

namespace weir::rtcp {
namespace {

using base::Buffer;
using base::ByteWriter;
using base::ParseError;
using base::TimeDelta;
using base::Timestamp;
using testing::ElementsAre;

const Timestamp kStart = Timestamp::Millis(64 * 1000);

TransportFeedback ParseWritten(base::ConstBytes bytes) {
  std::vector<Packet> packets;
  const auto result = ParseCompound(bytes, packets);
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(packets.size(), 1u);
  return packets.empty() ? TransportFeedback() : std::get<TransportFeedback>(packets[0]);
}

// Writes all arrivals in as many packets of `size` as it takes, and gives back what a receiver of them
// learns.
std::vector<PacketArrival> ThroughTheWire(const std::vector<PacketArrival>& arrivals, size_t size,
                                          int* packets) {
  TransportFeedbackWriter writer(Ssrc(1), Ssrc(2));
  std::vector<PacketArrival> received;
  std::span<const PacketArrival> rest(arrivals);
  int64_t base = arrivals.front().sequence;
  *packets = 0;
  while (!rest.empty()) {
    Buffer bytes(size);
    ByteWriter out(bytes);
    const size_t covered = writer.Write(base, rest, out);
    EXPECT_GT(covered, 0u);
    if (covered == 0) {
      break;
    }
    const TransportFeedback feedback = ParseWritten(out.written());
    EXPECT_EQ(feedback.feedback_count, static_cast<uint8_t>(*packets));
    EXPECT_EQ(feedback.base_sequence, static_cast<uint16_t>(base));
    const auto times = Arrivals(feedback);
    for (size_t i = 0; i < times.size(); ++i) {
      if (times[i]) {
        received.push_back({.sequence = base + static_cast<int64_t>(i), .arrival = *times[i]});
      }
    }
    base = rest[covered - 1].sequence + 1;
    rest = rest.subspan(covered);
    ++*packets;
    if (!rest.empty() && rest.front().sequence - base >= static_cast<int64_t>(kMaxPacketStatuses)) {
      base = rest.front().sequence;
    }
  }
  return received;
}

TEST(TransportFeedbackWriter, WritesTheBytesOfTheDraft) {
  TransportFeedbackWriter writer(Ssrc(1), Ssrc(2));
  Buffer bytes(64);
  ByteWriter out(bytes);
  const std::vector<PacketArrival> arrivals = {{65535, kStart}, {65537, kStart + TimeDelta::Millis(1)}};
  EXPECT_EQ(writer.Write(65535, arrivals, out), 2u);
  EXPECT_THAT(out.written(), ElementsAre(0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2,  //
                                         0xff, 0xff, 0, 3,                         // Base, count.
                                         0, 0x03, 0xe8, 0,  // Reference 1000, first feedback.
                                         0xa8, 0x00,        // One-bit vector 1 0 1.
                                         0, 4));            // Deltas 0 and 1 ms, no padding needed.
}

TEST(TransportFeedbackWriter, SaysWhatIsMissingBeforeTheFirst) {
  TransportFeedbackWriter writer(Ssrc(1), Ssrc(2));
  Buffer bytes(64);
  ByteWriter out(bytes);
  EXPECT_EQ(writer.Write(10, std::vector<PacketArrival>{{13, kStart}}, out), 1u);
  const TransportFeedback feedback = ParseWritten(out.written());
  EXPECT_EQ(feedback.base_sequence, 10);
  EXPECT_THAT(feedback.statuses,
              ElementsAre(PacketStatus{}, PacketStatus{}, PacketStatus{}, PacketStatus{true, 0}));
}

TEST(TransportFeedbackWriter, ALongSilenceIsARun) {
  TransportFeedbackWriter writer(Ssrc(1), Ssrc(2));
  Buffer bytes(28);
  ByteWriter out(bytes);
  EXPECT_EQ(writer.Write(0, std::vector<PacketArrival>{{5000, kStart}}, out), 1u) << "a run takes two bytes";
  EXPECT_EQ(ParseWritten(out.written()).statuses.size(), 5001u);
}

TEST(TransportFeedbackWriter, ABaseTooFarBackMovesUp) {
  TransportFeedbackWriter writer(Ssrc(1), Ssrc(2));
  Buffer bytes(64);
  ByteWriter out(bytes);
  EXPECT_EQ(writer.Write(0, std::vector<PacketArrival>{{100'000, kStart}}, out), 1u);
  const TransportFeedback feedback = ParseWritten(out.written());
  EXPECT_EQ(feedback.base_sequence, static_cast<uint16_t>(100'000));
  EXPECT_EQ(feedback.statuses.size(), 1u);
}

TEST(TransportFeedbackWriter, SplitsWhereATimeDifferenceOverflows) {
  int packets = 0;
  const std::vector<PacketArrival> arrivals = {
      {1, kStart},
      {2, kStart + TimeDelta::Seconds(8)},       // 32000 units: still one large delta.
      {3, kStart + TimeDelta::Seconds(8 + 9)}};  // 36000 units.
  EXPECT_EQ(ThroughTheWire(arrivals, 200, &packets), arrivals);
  EXPECT_EQ(packets, 2);
}

TEST(TransportFeedbackWriter, SplitsWhereSequencesJump) {
  int packets = 0;
  const std::vector<PacketArrival> arrivals = {{1, kStart}, {20'000, kStart}};
  EXPECT_EQ(ThroughTheWire(arrivals, 200, &packets), arrivals);
  EXPECT_EQ(packets, 2);
}

TEST(TransportFeedbackWriter, ReorderedArrivalsHaveNegativeDeltas) {
  int packets = 0;
  const std::vector<PacketArrival> arrivals = {{1, kStart + TimeDelta::Millis(10)}, {2, kStart}};
  EXPECT_EQ(ThroughTheWire(arrivals, 200, &packets), arrivals);
  EXPECT_EQ(packets, 1);
}

TEST(TransportFeedbackWriter, WritesNothingWhereNothingFits) {
  TransportFeedbackWriter writer(Ssrc(1), Ssrc(2));
  Buffer bytes(23);
  ByteWriter out(bytes);
  EXPECT_EQ(writer.Write(1, std::vector<PacketArrival>{{1, kStart}}, out), 0u);
  EXPECT_EQ(out.position(), 0u);
  EXPECT_EQ(writer.Write(1, {}, out), 0u);
}

TEST(TransportFeedbackWriter, TakesTimesBeforeTheEpoch) {
  int packets = 0;
  const std::vector<PacketArrival> arrivals = {{-3, Timestamp::Micros(-250)}, {0, Timestamp::Micros(500)}};
  EXPECT_EQ(ThroughTheWire(arrivals, 200, &packets), arrivals);
}

TEST(TransportFeedbackWriter, AnyTrafficComesBackWithinARoundingStep) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    base::SeededRandom random(seed);
    std::vector<PacketArrival> arrivals;
    int64_t sequence = random.Below(70'000);
    Timestamp now = Timestamp::Micros(random.Below(1'000'000'000));
    const uint32_t loss = random.Below(40);
    const uint32_t spread = 1 + random.Below(200'000);
    for (int i = 0; i < 600; ++i) {
      now += TimeDelta::Micros(static_cast<int64_t>(random.Below(spread)));
      if (random.Below(100) >= loss) {
        const auto jitter = TimeDelta::Micros(static_cast<int64_t>(random.Below(30'000)));
        arrivals.push_back({.sequence = sequence, .arrival = now + jitter});
      }
      sequence += random.Below(50) == 0 ? 1 + random.Below(300) : 1;
    }
    int packets = 0;
    const auto received = ThroughTheWire(arrivals, 100 + random.Below(1100), &packets);
    ASSERT_EQ(received.size(), arrivals.size()) << "seed " << seed;
    for (size_t i = 0; i < arrivals.size(); ++i) {
      ASSERT_EQ(received[i].sequence, arrivals[i].sequence);
      const TimeDelta error = arrivals[i].arrival - received[i].arrival;
      ASSERT_GE(error, TimeDelta()) << "seed " << seed;
      ASSERT_LT(error, kFeedbackDeltaUnit) << "rounding must not add up; seed " << seed;
    }
  }
}

TEST(TransportFeedback, ReadsEveryKindOfChunk) {
  const Buffer body = {0,    100,  0, 26, 0xff, 0xff, 0xfe, 9,  // Base 100, 26 packets, reference -2.
                       0x20, 0x03,                              // Run of three small.
                       0xa0, 0x00,                              // One bit: 1 and thirteen lost.
                       0xd8, 0x00,                              // Two bits: 1, 2, 0, 0, 0, 0, 0.
                       0x00, 0x02,                              // Run of two lost.
                       1,    2,    3, 4,  5,    0xff, 0xfe};
  const auto feedback = ParseTransportFeedbackBody(body);
  ASSERT_TRUE(feedback.has_value());
  EXPECT_EQ(feedback->reference_time, -2);
  EXPECT_EQ(feedback->feedback_count, 9);
  ASSERT_EQ(feedback->statuses.size(), 26u);
  EXPECT_EQ(feedback->statuses[2], (PacketStatus{true, 3}));
  EXPECT_EQ(feedback->statuses[3], (PacketStatus{true, 4}));
  EXPECT_EQ(feedback->statuses[4], PacketStatus{});
  EXPECT_EQ(feedback->statuses[17], (PacketStatus{true, 5}));
  EXPECT_EQ(feedback->statuses[18], (PacketStatus{true, -2}));
  EXPECT_EQ(feedback->statuses[25], PacketStatus{});
}

TEST(TransportFeedback, ARunLongerThanTheCountIsCut) {
  const Buffer body = {0, 1, 0, 2, 0, 0, 0, 0, 0x3f, 0xff, 7, 8};
  ASSERT_TRUE(ParseTransportFeedbackBody(body).has_value());
  EXPECT_EQ(ParseTransportFeedbackBody(body)->statuses.size(), 2u);
}

TEST(TransportFeedback, RefusesWhatIsBroken) {
  EXPECT_EQ(ParseTransportFeedbackBody(Buffer{0, 1, 0, 0, 0, 0, 0, 0}).error(), ParseError::kBadValue)
      << "count 0";
  EXPECT_EQ(ParseTransportFeedbackBody(Buffer{0, 1, 0xff, 0xff, 0, 0, 0, 0, 0x1f, 0xff}).error(),
            ParseError::kTooLarge);
  EXPECT_EQ(ParseTransportFeedbackBody(Buffer{0, 1, 0, 1, 0, 0, 0, 0, 0xf0, 0}).error(),
            ParseError::kBadValue)
      << "reserved symbol";
  EXPECT_EQ(ParseTransportFeedbackBody(Buffer{0, 1, 0, 2, 0, 0, 0, 0, 0x20, 0x02, 7}).error(),
            ParseError::kTruncated);
  EXPECT_EQ(ParseTransportFeedbackBody(Buffer{0, 1, 0, 2, 0, 0, 0, 0}).error(), ParseError::kTruncated);
}

}  // namespace
}  // namespace weir::rtcp
