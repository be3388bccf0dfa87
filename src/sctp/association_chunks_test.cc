// What one association answers to single chunks, made by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sctp/association.h"
#include "sctp/association_pair_for_test.h"

namespace weir::sctp {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// b is the one that is tested; the test speaks for a.
class Chunks : public testing::Test {
 protected:
  Chunks() {
    pair.a.Connect(pair.wire.now());
    Buffer last;
    pair.wire.set_filter([&](int from, const Buffer& packet) {
      if (from == 0) {
        last = packet;
      } else if (IsType(packet, ChunkType::kInitAck)) {
        initial_tsn = base::LoadU32(packet.data() + kPacketHeaderSize + kChunkHeaderSize + 12);
      } else if (IsType(packet, ChunkType::kInit)) {
        ADD_FAILURE();
      }
      return false;
    });
    pair.wire.RunFor(TimeDelta::Millis(100));
    EXPECT_TRUE(pair.b.connected());
    tag = base::LoadU32(last.data() + 4);
    pair.wire.set_filter([](int, const Buffer&) { return true; });
    // One message tells the next TSN of a.
    pair.a.Send(pair.wire.now(), 0, kPpid, Numbered(0));
    const auto packet = pair.a.PollTransmit(pair.wire.now());
    const auto parsed = ParsePacket(*packet);
    for (const Chunk& chunk : parsed->chunks) {
      if (const auto data = ParseData(chunk); data && chunk.type == 0) {
        next_tsn = data->tsn;
      }
    }
    pair.wire.Flush();
    pair.wire.events(1).clear();
  }

  // Chunks of b's answers, in order.
  std::vector<Chunk> Inject(const std::vector<Buffer>& chunks) {
    PacketBuilder builder(5000, 5000, tag, 1180);
    for (const Buffer& chunk : chunks) {
      EXPECT_TRUE(builder.Add(chunk));
    }
    pair.b.OnPacket(pair.wire.now(), builder.Finish());
    return Answers();
  }
  std::vector<Chunk> Answers() {
    std::vector<Chunk> answers;
    while (auto packet = pair.b.PollTransmit(pair.wire.now())) {
      storage.push_back(*std::move(packet));
      for (const Chunk& chunk : ParsePacket(storage.back())->chunks) {
        answers.push_back(chunk);
      }
    }
    pair.wire.Flush();
    return answers;
  }
  static std::vector<int> Types(const std::vector<Chunk>& chunks) {
    std::vector<int> types;
    for (const Chunk& chunk : chunks) {
      types.push_back(chunk.type);
    }
    return types;
  }
  Buffer DataChunk(uint32_t tsn, uint16_t stream, uint8_t flags = Data::kBegin | Data::kEnd) {
    Buffer value(13, 'x');
    base::StoreU32(value.data(), tsn);
    base::StoreU16(value.data() + 4, stream);
    base::StoreU16(value.data() + 6, 0);
    base::StoreU32(value.data() + 8, kPpid);
    return EncodeChunk(ChunkType::kData, flags, value);
  }
  Buffer RequestChunk(uint16_t type, uint32_t request, std::vector<uint16_t> rest) {
    Buffer value(8 + 2 * rest.size());
    base::ByteWriter writer(value);
    writer.WriteU16(type);
    writer.WriteU16(static_cast<uint16_t>(value.size()));
    writer.WriteU32(request);
    for (const uint16_t word : rest) {
      writer.WriteU16(word);
    }
    return EncodeChunk(ChunkType::kReconfig, 0, value);
  }
  static ReconfigResult ResultOf(const std::vector<Chunk>& answers) {
    for (const Chunk& chunk : answers) {
      if (chunk.type == static_cast<uint8_t>(ChunkType::kReconfig)) {
        const auto reconfig = ParseReconfig(chunk);
        if (reconfig && reconfig->response) {
          return reconfig->response->result;
        }
      }
    }
    ADD_FAILURE() << "no response";
    return ReconfigResult::kDenied;
  }

  Pair pair;
  uint32_t tag = 0;
  uint32_t next_tsn = 0;
  uint32_t initial_tsn = 0;  // Of b.
  std::deque<Buffer> storage;
};

TEST_F(Chunks, HeartbeatComesBackWithItsContent) {
  const Buffer info = {0, 1, 0, 8, 1, 2, 3, 4};
  const auto answers = Inject({EncodeChunk(ChunkType::kHeartbeat, 0, info)});
  ASSERT_THAT(Types(answers), ElementsAre(5));
  EXPECT_TRUE(std::ranges::equal(answers[0].value, info));
}

TEST_F(Chunks, UnknownOnesAreReportedAndSkippedAsTheirTypeAsks) {
  const Buffer heartbeat = EncodeChunk(ChunkType::kHeartbeat, 0, Buffer{0, 1, 0, 4});
  const auto unknown = [](uint8_t type) { return EncodeChunk(static_cast<ChunkType>(type), 0, Buffer(4)); };
  EXPECT_THAT(Types(Inject({unknown(0x3f), heartbeat})), IsEmpty());
  EXPECT_THAT(Types(Inject({unknown(0x7f), heartbeat})), ElementsAre(9));
  EXPECT_THAT(Types(Inject({unknown(0xbf), heartbeat})), ElementsAre(5));
  EXPECT_THAT(Types(Inject({unknown(0xff), heartbeat})), ElementsAre(9, 5));
  EXPECT_EQ(pair.b.counters().chunks_unknown, 4u);
}

TEST_F(Chunks, DataOnAStreamThatDoesNotExistIsAnErrorButAcknowledged) {
  const auto answers = Inject({DataChunk(next_tsn, 5000, Data::kBegin | Data::kEnd | Data::kImmediate)});
  EXPECT_THAT(Types(answers), Contains(9));
  EXPECT_EQ(pair.b.counters().data_invalid_stream, 1u);
  const auto sack = Inject({DataChunk(next_tsn, 0)});  // Again: a duplicate.
  ASSERT_THAT(Types(sack), ElementsAre(3));
  EXPECT_EQ(ParseSack(sack[0])->cumulative_tsn, next_tsn);
  EXPECT_THAT(ParseSack(sack[0])->duplicates, ElementsAre(next_tsn));
}

TEST_F(Chunks, DataWithoutDataEndsTheAssociation) {
  const auto answers = Inject({EncodeChunk(ChunkType::kData, 3, Buffer(12))});
  EXPECT_THAT(Types(answers), ElementsAre(6));
  EXPECT_EQ(pair.b.state(), Association::State::kClosed);
}

TEST_F(Chunks, GapsAreReportedAtOnce) {
  const auto answers = Inject({DataChunk(next_tsn + 1, 0), DataChunk(next_tsn + 3, 0)});
  ASSERT_THAT(Types(answers), ElementsAre(3));
  const auto sack = ParseSack(answers[0]);
  EXPECT_EQ(sack->cumulative_tsn, next_tsn - 1);
  EXPECT_THAT(sack->gaps, ElementsAre(testing::Pair(2, 2), testing::Pair(4, 4)));
}

TEST_F(Chunks, ForwardTsnIsAcknowledgedAtOnceEvenWhenOld) {
  const auto answers = Inject({EncodeForwardTsn({.new_cumulative_tsn = next_tsn + 4, .skipped = {}})});
  ASSERT_THAT(Types(answers), ElementsAre(3));
  EXPECT_EQ(ParseSack(answers[0])->cumulative_tsn, next_tsn + 4);
  EXPECT_THAT(Types(Inject({EncodeForwardTsn({.new_cumulative_tsn = next_tsn, .skipped = {}})})),
              ElementsAre(3));
  const auto far = Inject({EncodeForwardTsn({.new_cumulative_tsn = next_tsn + 70'004, .skipped = {}})});
  ASSERT_THAT(Types(far), ElementsAre(3));
  EXPECT_EQ(ParseSack(far[0])->cumulative_tsn, next_tsn + 4) << "further than any sender can be";
}

TEST_F(Chunks, AResetWaitsForTheDataBeforeIt) {
  const OutgoingResetRequest request{next_tsn, 0, next_tsn + 1, {0}};
  EXPECT_EQ(ResultOf(Inject({EncodeReconfig(request)})), ReconfigResult::kInProgress);
  EXPECT_THAT(Of<Association::StreamReset>(pair.wire.events(1)), IsEmpty());
  Inject({DataChunk(next_tsn, 0), DataChunk(next_tsn + 1, 1)});
  EXPECT_EQ(ResultOf(Inject({EncodeReconfig(request)})), ReconfigResult::kPerformed);
  EXPECT_EQ(ResultOf(Inject({EncodeReconfig(request)})), ReconfigResult::kPerformed)
      << "said, not done, again";
  EXPECT_THAT(Of<Association::StreamReset>(pair.wire.events(1)), SizeIs(1));
}

TEST_F(Chunks, AResetOfAllStreamsNamesEachAndAWrongOneNone) {
  EXPECT_EQ(ResultOf(Inject({EncodeReconfig(OutgoingResetRequest{next_tsn, 0, next_tsn - 1, {2000}})})),
            ReconfigResult::kWrongSsn);
  EXPECT_EQ(ResultOf(Inject({EncodeReconfig(OutgoingResetRequest{next_tsn + 1, 0, next_tsn - 1, {}})})),
            ReconfigResult::kPerformed);
  EXPECT_THAT(Of<Association::StreamReset>(pair.wire.events(1)), SizeIs(1024));
}

TEST_F(Chunks, ThePeerMayAskForOurReset) {
  const auto answers = Inject({RequestChunk(14, next_tsn, {7})});
  EXPECT_EQ(ResultOf(answers), ReconfigResult::kPerformed);
  bool requested = false;
  for (const Chunk& chunk : answers) {
    const auto reconfig = ParseReconfig(chunk);
    requested |= chunk.type == 130 && reconfig && reconfig->outgoing_reset &&
                 reconfig->outgoing_reset->streams == std::vector<uint16_t>{7};
  }
  EXPECT_TRUE(requested);
}

TEST_F(Chunks, OtherReconfigurationsAreDenied) {
  EXPECT_EQ(ResultOf(Inject({RequestChunk(17, next_tsn, {100, 0})})), ReconfigResult::kDenied)
      << "1024 streams are all there are";
  EXPECT_EQ(ResultOf(Inject({RequestChunk(18, next_tsn + 1, {1, 0})})), ReconfigResult::kDenied);
  EXPECT_EQ(ResultOf(Inject({RequestChunk(15, next_tsn + 2, {})})), ReconfigResult::kDenied);
  EXPECT_EQ(ResultOf(Inject({RequestChunk(15, next_tsn + 9, {})})), ReconfigResult::kBadSequenceNumber);
}

TEST_F(Chunks, ShutdownWaitsForOurDataAndIsRepeatedUntilAnswered) {
  pair.b.Send(pair.wire.now(), 1, kPpid, Numbered(1));
  Answers();
  EXPECT_THAT(Types(Inject({EncodeChunk(ChunkType::kShutdown, 0, Buffer(4))})), IsEmpty());
  EXPECT_EQ(pair.b.state(), Association::State::kShutdownReceived);
  EXPECT_EQ(pair.b.Send(pair.wire.now(), 1, kPpid, Numbered(2)), SendStatus::kClosed);
  Buffer sack(12);
  base::StoreU32(sack.data(), initial_tsn);
  base::StoreU32(sack.data() + 4, 100'000);
  EXPECT_THAT(Types(Inject({EncodeChunk(ChunkType::kSack, 0, sack)})), ElementsAre(8));
  pair.b.OnTimeout(pair.b.NextTimeout());
  EXPECT_THAT(Types(Answers()), ElementsAre(8));
  Inject({EncodeChunk(ChunkType::kShutdownComplete, 0, {})});
  EXPECT_EQ(Of<Association::Closed>(pair.wire.events(1)).at(0).reason, "shut down by the peer");
}

TEST_F(Chunks, AbortWithTheReflectedTagIsBelieved) {
  // The T bit: the sender knows only the tag that b itself uses to it.
  const Buffer heartbeat = EncodeChunk(ChunkType::kHeartbeat, 0, Buffer{0, 1, 0, 4});
  Inject({heartbeat});
  const uint32_t reflected = base::LoadU32(storage.back().data() + 4);
  PacketBuilder builder(5000, 5000, reflected, 1180);
  builder.Add(EncodeChunk(ChunkType::kAbort, 1, {}));
  pair.b.OnPacket(pair.wire.now(), builder.Finish());
  EXPECT_EQ(pair.b.state(), Association::State::kClosed);
}

TEST_F(Chunks, FragmentsThatDoNotFitTogetherEndTheAssociation) {
  Inject({DataChunk(next_tsn, 0, Data::kBegin), DataChunk(next_tsn + 1, 1, Data::kEnd)});
  EXPECT_EQ(Of<Association::Closed>(pair.wire.events(1)).at(0).reason, "fragments that do not fit together");
}

}  // namespace
}  // namespace weir::sctp
