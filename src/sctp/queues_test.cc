#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "base/random.h"
#include "sctp/congestion_window.h"
#include "sctp/reassembly.h"
#include "sctp/received_tsns.h"
#include "sctp/retransmission_queue.h"
#include "sctp/send_queue.h"
#include "sctp/stream_reset.h"

namespace weir::sctp {
namespace {

using base::Buffer;
using base::TimeDelta;
using base::Timestamp;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using Verdict = ReceivedTsns::Verdict;

TEST(Tsn, UnwrapsToTheNearest) {
  EXPECT_EQ(UnwrapTsn(FirstTsn(0xffffffff), 1), FirstTsn(0xffffffff) + 2);
  EXPECT_EQ(UnwrapTsn(FirstTsn(1), 0xffffffff), FirstTsn(1) - 2);
  EXPECT_EQ(UnwrapSsn(65535, 0), 65536);
  EXPECT_EQ(UnwrapSsn(0, 0xffff), -1);
}

TEST(ReceivedTsns, ReportsIslandsAndJoinsThem) {
  ReceivedTsns received(100);
  const Tsn first = FirstTsn(100);
  for (const int offset : {0, 2, 4, 5, 7}) {
    ASSERT_EQ(received.Classify(first + offset), Verdict::kNew);
    received.Add(first + offset);
  }
  EXPECT_EQ(received.cumulative(), first);
  EXPECT_THAT(received.Gaps(), ElementsAre(Pair(2, 2), Pair(4, 5), Pair(7, 7)));
  EXPECT_EQ(received.Classify(first + 5), Verdict::kDuplicate);
  received.Add(first + 6);
  received.Add(first + 3);
  EXPECT_THAT(received.Gaps(), ElementsAre(Pair(2, 7)));
  received.Add(first + 1);
  EXPECT_EQ(received.cumulative(), first + 7);
  EXPECT_FALSE(received.has_gaps());
}

TEST(ReceivedTsns, SkipsForwardOverIslands) {
  ReceivedTsns received(100);
  const Tsn first = FirstTsn(100);
  received.Add(first + 3);
  received.Add(first + 5);
  EXPECT_TRUE(received.SkipTo(first + 2));
  EXPECT_EQ(received.cumulative(), first + 3);
  EXPECT_THAT(received.Gaps(), ElementsAre(Pair(2, 2)));
  EXPECT_FALSE(received.SkipTo(first + 3));
}

TEST(ReceivedTsns, BoundsIslandsAndReach) {
  ReceivedTsns received(0);
  const Tsn base = FirstTsn(0) - 1;
  Tsn offset = 2;
  for (size_t i = 0; i < ReceivedTsns::kMaxIslands; ++i, offset += 2) {
    ASSERT_EQ(received.Classify(base + offset), Verdict::kNew);
    received.Add(base + offset);
  }
  EXPECT_EQ(received.Classify(base + offset), Verdict::kOutOfWindow) << "would make one island too many";
  EXPECT_EQ(received.Classify(base + offset - 1), Verdict::kNew) << "extends the last island";
  EXPECT_EQ(received.Classify(base + 1), Verdict::kNew);
  EXPECT_EQ(received.Classify(base + 65'536), Verdict::kOutOfWindow);
  for (int i = 0; i < 100; ++i) {
    received.AddDuplicate(base);
  }
  EXPECT_EQ(received.TakeDuplicates().size(), ReceivedTsns::kMaxDuplicates);
  EXPECT_THAT(received.TakeDuplicates(), IsEmpty());
}

// A sender's view: numbers fragments as SCTP does.
struct Piece {
  Tsn tsn;
  Data data;
};
class Pieces {
 public:
  void Add(uint16_t stream, bool ordered, const std::string& text, size_t piece_size = 1) {
    const uint16_t ssn = ordered ? next_ssn_[stream]++ : uint16_t{0};
    for (size_t at = 0; at < text.size(); at += piece_size) {
      storage_.push_back(text.substr(at, piece_size));
      const bool last = at + piece_size >= text.size();
      pieces.push_back(Piece{
          tsn_, Data{.flags = static_cast<uint8_t>((at == 0 ? Data::kBegin : 0) | (last ? Data::kEnd : 0) |
                                                   (ordered ? 0 : Data::kUnordered)),
                     .tsn = WireTsn(tsn_),
                     .stream = stream,
                     .ssn = ssn,
                     .payload = base::AsBytes(storage_.back())}});
      ++tsn_;
    }
  }
  std::vector<Piece> pieces;

 private:
  std::deque<std::string> storage_;
  std::map<uint16_t, uint16_t> next_ssn_;
  Tsn tsn_ = FirstTsn(0);
};

std::vector<std::string> Drain(Reassembly& reassembly) {
  std::vector<std::string> texts;
  while (auto message = reassembly.Poll()) {
    texts.emplace_back(base::AsText(message->bytes));
  }
  return texts;
}

TEST(Reassembly, RestoresMessagesFromAnyOrderOfArrival) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Pieces sent;
    sent.Add(1, true, "alpha");
    sent.Add(1, true, "b");
    sent.Add(2, true, "gamma");
    sent.Add(1, true, "delta", 2);
    sent.Add(2, true, "epsilon", 3);
    base::SeededRandom random(seed);
    for (size_t i = sent.pieces.size(); i > 1; --i) {
      std::swap(sent.pieces[i - 1], sent.pieces[random.Below(static_cast<uint32_t>(i))]);
    }
    Reassembly reassembly(1000);
    std::vector<std::string> one;
    std::vector<std::string> two;
    for (const Piece& piece : sent.pieces) {
      ASSERT_EQ(reassembly.Add(piece.tsn, piece.data), Reassembly::Outcome::kOk);
      while (auto message = reassembly.Poll()) {
        (message->stream == 1 ? one : two).emplace_back(base::AsText(message->bytes));
      }
    }
    EXPECT_THAT(one, ElementsAre("alpha", "b", "delta"));
    EXPECT_THAT(two, ElementsAre("gamma", "epsilon"));
    EXPECT_EQ(reassembly.buffered(), 0u);
  }
}

TEST(Reassembly, UnorderedMessagesDoNotWait) {
  Pieces sent;
  sent.Add(1, true, "lost");
  sent.Add(1, true, "waits");
  sent.Add(1, false, "now");
  Reassembly reassembly(1000);
  for (const Piece& piece : sent.pieces) {
    if (piece.tsn != FirstTsn(1)) {
      reassembly.Add(piece.tsn, piece.data);
    }
  }
  EXPECT_THAT(Drain(reassembly), ElementsAre("now"));
  reassembly.Add(sent.pieces[1].tsn, sent.pieces[1].data);
  EXPECT_THAT(Drain(reassembly), ElementsAre("lost", "waits"));
}

TEST(Reassembly, SkippingDropsPartsAndReleasesWhatWaited) {
  Pieces sent;
  sent.Add(1, true, "gone");
  sent.Add(1, true, "kept", 4);
  sent.Add(1, true, "next", 4);
  Reassembly reassembly(1000);
  for (const Piece& piece : sent.pieces) {
    if (piece.tsn != FirstTsn(2)) {
      reassembly.Add(piece.tsn, piece.data);
    }
  }
  EXPECT_THAT(Drain(reassembly), IsEmpty());
  const std::pair<uint16_t, uint16_t> skipped[] = {{1, 0}};
  reassembly.Skip(FirstTsn(3), skipped);
  EXPECT_THAT(Drain(reassembly), ElementsAre("kept", "next"));
  EXPECT_EQ(reassembly.buffered(), 0u);
}

TEST(Reassembly, ForgetsTheTailOfAMessageSkippedInItsMiddle) {
  Pieces sent;
  sent.Add(1, true, "abcdef");
  sent.Add(1, true, "next", 4);
  Reassembly reassembly(1000);
  const std::pair<uint16_t, uint16_t> skipped[] = {{1, 0}};
  reassembly.Add(sent.pieces[0].tsn, sent.pieces[0].data);
  reassembly.Add(sent.pieces[5].tsn, sent.pieces[5].data);
  reassembly.Skip(FirstTsn(2), skipped);
  for (const size_t i : {4u, 3u, 6u}) {
    reassembly.Add(sent.pieces[i].tsn, sent.pieces[i].data);
  }
  EXPECT_THAT(Drain(reassembly), ElementsAre("next"));
  EXPECT_EQ(reassembly.buffered(), 0u);
}

TEST(Reassembly, RefusesWhatDoesNotFitTogether) {
  Pieces sent;
  sent.Add(1, true, "ab");
  Reassembly reassembly(1000);
  reassembly.Add(sent.pieces[0].tsn, sent.pieces[0].data);
  Data other = sent.pieces[1].data;
  other.stream = 2;
  EXPECT_EQ(reassembly.Add(sent.pieces[1].tsn, other), Reassembly::Outcome::kInconsistent);
}

TEST(Reassembly, RefusesAMessageOverTheLimit) {
  Pieces sent;
  sent.Add(1, true, "0123456789a");
  Reassembly reassembly(10);
  for (size_t i = 0; i < 10; ++i) {
    ASSERT_EQ(reassembly.Add(sent.pieces[i].tsn, sent.pieces[i].data), Reassembly::Outcome::kOk);
  }
  EXPECT_EQ(reassembly.Add(sent.pieces[10].tsn, sent.pieces[10].data), Reassembly::Outcome::kTooLarge);
}

TEST(Reassembly, ResettingAStreamStartsItsNumbersAnew) {
  Pieces sent;
  sent.Add(1, true, "a");
  Reassembly reassembly(10);
  reassembly.Add(sent.pieces[0].tsn, sent.pieces[0].data);
  EXPECT_THAT(Drain(reassembly), ElementsAre("a"));
  reassembly.Add(FirstTsn(1), sent.pieces[0].data);
  EXPECT_EQ(reassembly.stale_messages(), 1u) << "number 0 has been";
  const uint16_t streams[] = {1};
  reassembly.ResetStreams(streams);
  reassembly.Add(FirstTsn(2), sent.pieces[0].data);
  EXPECT_THAT(Drain(reassembly), ElementsAre("a"));
}

std::shared_ptr<const Buffer> Bytes(size_t size) { return std::make_shared<const Buffer>(size, uint8_t{7}); }
constexpr Timestamp kNow = Timestamp::Seconds(10);

TEST(SendQueue, StreamsTakeTurnsByMessage) {
  SendQueue queue(10'000, 100);
  for (int i = 0; i < 2; ++i) {
    queue.Add(kNow, 1, 0, Bytes(150), {});
    queue.Add(kNow, 2, 0, Bytes(100), {});
  }
  std::vector<std::pair<uint16_t, size_t>> produced;
  while (queue.HasData(kNow)) {
    const Fragment fragment = queue.Produce(100);
    produced.emplace_back(fragment.stream, fragment.size);
  }
  EXPECT_THAT(produced,
              ElementsAre(Pair(1, 100), Pair(1, 50), Pair(2, 100), Pair(1, 100), Pair(1, 50), Pair(2, 100)));
  EXPECT_EQ(queue.buffered(), 500u) << "until acknowledged";
}

TEST(SendQueue, LimitsBytesAndMessages) {
  SendQueue queue(1000, 3);
  EXPECT_EQ(queue.Add(kNow, 1, 0, Bytes(1001), {}), SendStatus::kBufferFull);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(queue.Add(kNow, 1, 0, Bytes(10), {}), SendStatus::kOk);
  }
  EXPECT_EQ(queue.Add(kNow, 1, 0, Bytes(10), {}), SendStatus::kBufferFull);
}

TEST(SendQueue, HoldsBackWhatFollowsAReset) {
  SendQueue queue(1000, 10);
  queue.Add(kNow, 1, 0, Bytes(10), {});
  queue.RequestReset(1);
  queue.Add(kNow, 1, 0, Bytes(20), {});
  EXPECT_THAT(queue.ReadyToReset(), IsEmpty());
  ASSERT_TRUE(queue.HasData(kNow));
  EXPECT_EQ(queue.Produce(100).ssn, 0);
  EXPECT_THAT(queue.ReadyToReset(), ElementsAre(1));
  EXPECT_FALSE(queue.HasData(kNow));
  queue.FinishReset(1, true);
  ASSERT_TRUE(queue.HasData(kNow));
  EXPECT_EQ(queue.Produce(100).ssn, 0) << "numbering starts anew";
}

TEST(CongestionWindow, GrowsSlowlyAndHalvesOnLoss) {
  CongestionWindow window(1000, 4);
  EXPECT_EQ(window.bytes(), 10'000u);
  window.OnAcked(5000, 9500);
  EXPECT_EQ(window.bytes(), 11'000u) << "slow start: one packet for each SACK";
  window.OnAcked(5000, 1000);
  EXPECT_EQ(window.bytes(), 11'000u) << "was not in use";
  window.OnFastRetransmit();
  EXPECT_EQ(window.bytes(), 5500u);
  window.OnAcked(1000, 5500);
  window.OnAcked(4600, 5500);
  window.OnAcked(1000, 5500);
  EXPECT_LE(window.bytes(), 7500u) << "congestion avoidance: one packet for each window";
  window.OnTimeout();
  EXPECT_EQ(window.bytes(), 1000u);
  window.LimitBurst(0);
  EXPECT_TRUE(window.Allows(0));
  EXPECT_FALSE(window.Allows(1000));
}

struct Sender {
  SendQueue queue{1'000'000, 1000};
  Rto rto{TimeDelta::Millis(500), TimeDelta::Millis(200), TimeDelta::Seconds(3), TimeDelta::Millis(220)};
  RetransmissionQueue outstanding{1028, 4, queue, rto};  // 1000 bytes of payload a packet.

  Sender() { outstanding.Start(1, 1'000'000, true); }
  std::vector<uint32_t> Transmit(Timestamp now) {
    std::vector<uint32_t> tsns;
    for (;;) {
      const auto data = outstanding.Next(now, 1016);
      outstanding.EndPacket();
      if (!data) {
        return tsns;
      }
      tsns.push_back(data->tsn);
    }
  }
  RetransmissionQueue::SackOutcome Acknowledge(Timestamp now, uint32_t cumulative,
                                               std::vector<std::pair<uint16_t, uint16_t>> gaps = {},
                                               uint32_t window = 1'000'000) {
    return outstanding.OnSack(now, Sack{cumulative, window, std::move(gaps), {}});
  }
};

TEST(RetransmissionQueue, IgnoresAcknowledgementsOfTheUnsentAndTheOld) {
  Sender sender;
  sender.queue.Add(kNow, 1, 0, Bytes(3000), {});
  EXPECT_THAT(sender.Transmit(kNow), ElementsAre(1u, 2u, 3u));
  EXPECT_EQ(sender.Acknowledge(kNow, 4), RetransmissionQueue::SackOutcome::kInvalid);
  EXPECT_EQ(sender.Acknowledge(kNow, 1, {{2, 3}}), RetransmissionQueue::SackOutcome::kInvalid);
  EXPECT_EQ(sender.outstanding.in_flight(), 3000u);
  EXPECT_EQ(sender.Acknowledge(kNow, 2), RetransmissionQueue::SackOutcome::kProgress);
  EXPECT_EQ(sender.Acknowledge(kNow, 1), RetransmissionQueue::SackOutcome::kStale);
  EXPECT_EQ(sender.outstanding.in_flight(), 1000u);
}

TEST(RetransmissionQueue, RetransmitsAfterThreeReportsAndAgainWhenThatIsLost) {
  Sender sender;
  sender.queue.Add(kNow, 1, 0, Bytes(20'000), {});
  Timestamp now = kNow;
  EXPECT_EQ(sender.Transmit(now).size(), 10u);  // 1..10, of which 1 is lost.
  now += TimeDelta::Millis(50);
  sender.Acknowledge(now, 0, {{2, 2}});
  sender.Acknowledge(now, 0, {{2, 3}});
  EXPECT_EQ(sender.outstanding.counters().fast_recoveries, 0u);
  sender.Acknowledge(now, 0, {{2, 4}});
  EXPECT_EQ(sender.outstanding.counters().fast_recoveries, 1u);
  const auto again = sender.Transmit(now);
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again[0], 1u);
  // Reports of what was sent before the retransmission say nothing about it.
  for (uint16_t last = 5; last <= 10; ++last) {
    sender.Acknowledge(now, 0, {{2, last}});
  }
  EXPECT_EQ(sender.outstanding.counters().retransmitted, 1u);
  const auto fresh = sender.Transmit(now);
  ASSERT_GE(fresh.size(), 3u);
  for (uint16_t i = 0; i < 3; ++i) {
    sender.Acknowledge(now, 0, {{2, static_cast<uint16_t>(fresh[0] + i)}});
  }
  const auto third = sender.Transmit(now);
  ASSERT_FALSE(third.empty());
  EXPECT_EQ(third[0], 1u);
  EXPECT_EQ(sender.outstanding.counters().fast_recoveries, 1u) << "still the same recovery";
}

TEST(RetransmissionQueue, TakesBackWhatTheReceiverDropped) {
  Sender sender;
  sender.queue.Add(kNow, 1, 0, Bytes(3000), {});
  sender.Transmit(kNow);
  sender.Acknowledge(kNow, 0, {{2, 3}});
  EXPECT_EQ(sender.outstanding.in_flight(), 1000u);
  sender.Acknowledge(kNow, 0, {{2, 2}});
  EXPECT_EQ(sender.outstanding.in_flight(), 2000u);
  sender.outstanding.OnTimeout(sender.outstanding.deadline());
  EXPECT_THAT(sender.Transmit(kNow + TimeDelta::Seconds(1)), ElementsAre(1u))
      << "one packet after a time-out";
}

TEST(RetransmissionQueue, ProbesAClosedWindowWithOneChunk) {
  Sender sender;
  sender.queue.Add(kNow, 1, 0, Bytes(5000), {});
  EXPECT_EQ(sender.Transmit(kNow).size(), 5u);
  sender.queue.Add(kNow, 1, 0, Bytes(5000), {});
  sender.Acknowledge(kNow, 5, {}, 0);
  EXPECT_THAT(sender.Transmit(kNow), ElementsAre(6u));
  EXPECT_EQ(sender.Acknowledge(kNow, 5, {}, 0), RetransmissionQueue::SackOutcome::kAlive);
  EXPECT_THAT(sender.Transmit(kNow), IsEmpty());
  EXPECT_FALSE(sender.outstanding.deadline().infinite());
}

TEST(RetransmissionQueue, NamesTheSkippedOfEveryStream) {
  Sender sender;
  for (uint16_t stream = 1; stream <= 3; ++stream) {
    sender.queue.Add(kNow, stream, 0, Bytes(1000), {.ordered = stream != 2, .max_retransmits = 0});
  }
  sender.Transmit(kNow);
  sender.outstanding.OnTimeout(sender.outstanding.deadline());
  const auto forward = sender.outstanding.NextForwardTsn(kNow);
  ASSERT_TRUE(forward);
  EXPECT_EQ(forward->new_cumulative_tsn, 3u);
  EXPECT_THAT(forward->skipped, ElementsAre(Pair(1, 0), Pair(3, 0)));
  EXPECT_EQ(sender.queue.buffered(), 0u);
  EXPECT_FALSE(sender.outstanding.NextForwardTsn(kNow)) << "not twice for one reason";
  EXPECT_FALSE(sender.outstanding.deadline().infinite()) << "until it is acknowledged";
  sender.Acknowledge(kNow, 3);
  EXPECT_TRUE(sender.outstanding.deadline().infinite());
}

TEST(StreamResets, AsksAgainUnderANewNumberWhenToldToWait) {
  StreamResets resets;
  resets.Start(100, 200);
  resets.Begin({1}, 50);
  EXPECT_EQ(resets.Take(kNow, TimeDelta::Seconds(1))->request, 100u);
  EXPECT_FALSE(resets.Take(kNow, TimeDelta::Seconds(1)));
  EXPECT_FALSE(resets.OnResponse({100, ReconfigResult::kInProgress}, kNow, TimeDelta::Seconds(1)));
  resets.OnTimeout();
  EXPECT_EQ(resets.Take(kNow, TimeDelta::Seconds(1))->request, 101u);
  EXPECT_FALSE(resets.OnResponse({100, ReconfigResult::kPerformed}, kNow, TimeDelta::Seconds(1)));
  EXPECT_TRUE(resets.OnResponse({101, ReconfigResult::kPerformed}, kNow, TimeDelta::Seconds(1))->performed);
  EXPECT_FALSE(resets.busy());
}

TEST(StreamResets, RepeatsItsLastAnswerAndRefusesOtherNumbers) {
  StreamResets resets;
  resets.Start(100, 200);
  EXPECT_EQ(resets.Check(201), ReconfigResult::kBadSequenceNumber);
  EXPECT_EQ(resets.Check(200), std::nullopt);
  resets.Answer(200, ReconfigResult::kInProgress);
  EXPECT_EQ(resets.Check(200), std::nullopt) << "asked again: look again";
  resets.Answer(200, ReconfigResult::kPerformed);
  EXPECT_EQ(resets.Check(200), ReconfigResult::kPerformed);
  EXPECT_EQ(resets.Check(199), ReconfigResult::kBadSequenceNumber);
}

}  // namespace
}  // namespace weir::sctp
