#include "rtcp/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "rtcp/compound.h"

namespace weir::rtcp {
namespace {

using base::Buffer;
using base::ByteWriter;
using testing::ElementsAre;

std::vector<Packet> Samples() {
  ReportBlock block{.ssrc = Ssrc(0xfffffff0),
                    .fraction_lost = 200,
                    .cumulative_lost = -1,
                    .highest_seq = 0x12345678,
                    .jitter = 77,
                    .last_sr = 0xdeadbeef,
                    .delay_since_last_sr = 5};
  return {
      SenderReport{
          .sender = Ssrc(1), .ntp = ~0ull, .rtp = 2, .packets = 3, .octets = 4, .blocks = {block, block}},
      SenderReport{.sender = Ssrc(1)},
      ReceiverReport{.sender = Ssrc(1), .blocks = std::vector<ReportBlock>(31, block)},
      ReceiverReport{.sender = Ssrc(1)},
      Sdes{{{Ssrc(1), ""}, {Ssrc(2), "a"}, {Ssrc(3), "ab"}, {Ssrc(4), "abc"}, {Ssrc(5), "abcd"}}},
      Sdes{{{Ssrc(1), std::string(255, 'x')}}},
      Bye{.ssrcs = {Ssrc(1), Ssrc(2)}, .reason = ""},
      Bye{.ssrcs = {Ssrc(1)}, .reason = "leaving"},
      Bye{.ssrcs = {}, .reason = std::string(255, 'r')},
      Nack{.sender = Ssrc(1), .media = Ssrc(2), .sequences = {3, 7, 8}},
      Nack{.sender = Ssrc(1), .media = Ssrc(2), .sequences = {65530, 65535, 0, 10, 11, 1000}},
      Pli{Ssrc(1), Ssrc(2)},
      Fir{.sender = Ssrc(1), .entries = {{Ssrc(3), 255}, {Ssrc(4), 0}}},
      Remb{.sender = Ssrc(1), .bitrate = 0, .ssrcs = {}},
      Remb{.sender = Ssrc(1), .bitrate = 0x3ffff, .ssrcs = {Ssrc(2)}},
      Remb{.sender = Ssrc(1), .bitrate = uint64_t{0x3ffff} << 46, .ssrcs = std::vector<Ssrc>(255, Ssrc(9))},
      TransportFeedback{.sender = Ssrc(1),
                        .media = Ssrc(2),
                        .base_sequence = 65535,
                        .feedback_count = 200,
                        .reference_time = -1,
                        .statuses = {{true, 0}, {false, 0}, {true, 255}, {true, 256}, {true, -1}}},
      XrRrtr{Ssrc(1), 0x1122334455667788},
      XrDlrr{Ssrc(1), {{Ssrc(2), 3, 4}, {Ssrc(5), 6, 7}}},
      XrDlrr{Ssrc(1), {}},
  };
}

TEST(Write, EverythingParsesBackToItself) {
  for (const Packet& sample : Samples()) {
    Buffer bytes(2048);
    ByteWriter out(bytes);
    ASSERT_TRUE(Write(sample, out)) << sample.index();
    EXPECT_EQ(out.position() % 4, 0u);
    std::vector<Packet> packets;
    ASSERT_TRUE(ParseCompound(out.written(), packets).has_value()) << sample.index();
    EXPECT_THAT(packets, ElementsAre(sample)) << sample.index();
  }
}

TEST(Write, WhatDoesNotFitLeavesNothingBehind) {
  for (const Packet& sample : Samples()) {
    Buffer large(2048);
    ByteWriter measure(large);
    ASSERT_TRUE(Write(sample, measure));
    for (size_t size = 0; size < measure.position(); ++size) {
      Buffer bytes(size);
      ByteWriter out(bytes);
      ASSERT_FALSE(Write(sample, out)) << sample.index() << " in " << size;
      ASSERT_EQ(out.position(), 0u);
      ASSERT_TRUE(out.ok()) << "the writer must stay usable for a smaller packet";
    }
  }
}

TEST(Write, RefusesMoreThanTheFormatCanCount) {
  Buffer bytes(20'000);
  ByteWriter out(bytes);
  EXPECT_FALSE(Write(SenderReport{.blocks = std::vector<ReportBlock>(32)}, out));
  EXPECT_FALSE(Write(ReceiverReport{.blocks = std::vector<ReportBlock>(32)}, out));
  EXPECT_FALSE(Write(Sdes{std::vector<SdesItem>(32)}, out));
  EXPECT_FALSE(Write(Sdes{{{Ssrc(1), std::string(256, 'x')}}}, out));
  EXPECT_FALSE(Write(Bye{.ssrcs = std::vector<Ssrc>(32), .reason = ""}, out));
  EXPECT_FALSE(Write(Bye{.ssrcs = {}, .reason = std::string(256, 'x')}, out));
  EXPECT_FALSE(Write(Nack{}, out));
  EXPECT_FALSE(Write(Nack{.sequences = std::vector<uint16_t>(kMaxNackSequences + 1)}, out));
  EXPECT_FALSE(Write(Fir{}, out));
  EXPECT_FALSE(Write(Fir{.entries = std::vector<FirEntry>(256)}, out));
  EXPECT_FALSE(Write(Remb{.ssrcs = std::vector<Ssrc>(256)}, out));
  EXPECT_FALSE(Write(XrDlrr{.items = std::vector<DlrrItem>(256)}, out));
  EXPECT_FALSE(Write(TransportFeedback{}, out));
  EXPECT_FALSE(Write(TransportFeedback{.statuses = std::vector<PacketStatus>(kMaxPacketStatuses + 1)}, out));
  EXPECT_EQ(out.position(), 0u);
}

TEST(Write, ClampsTheCumulativeLoss) {
  for (const auto& [given, expected] :
       std::vector<std::pair<int32_t, int32_t>>{{0x7fffffff, 0x7fffff}, {-0x7fffffff, -0x800000}, {5, 5}}) {
    Buffer bytes(64);
    ByteWriter out(bytes);
    ASSERT_TRUE(Write(ReceiverReport{.blocks = {ReportBlock{.cumulative_lost = given}}}, out));
    std::vector<Packet> packets;
    ASSERT_TRUE(ParseCompound(out.written(), packets).has_value());
    EXPECT_EQ(std::get<ReceiverReport>(packets[0]).blocks[0].cumulative_lost, expected);
  }
}

TEST(Write, RembRoundsDownToItsMantissa) {
  Buffer bytes(64);
  ByteWriter out(bytes);
  ASSERT_TRUE(Write(Remb{.bitrate = 0x7ffff}, out));
  std::vector<Packet> packets;
  ASSERT_TRUE(ParseCompound(out.written(), packets).has_value());
  EXPECT_EQ(std::get<Remb>(packets[0]).bitrate, 0x7fffeu);
}

TEST(Write, FirNamesItsTargetInTheEntryOnly) {
  Buffer bytes(64);
  ByteWriter out(bytes);
  ASSERT_TRUE(Write(Fir{.sender = Ssrc(1), .entries = {{Ssrc(9), 2}}}, out));
  EXPECT_THAT(out.written(), ElementsAre(0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 2, 0, 0, 0));
}

TEST(PackNack, PutsNeighboursIntoOneItem) {
  const std::vector<uint16_t> sequences = {3, 7, 8};
  EXPECT_THAT(PackNack(sequences), ElementsAre(NackItem{3, 0b11000}));
}

TEST(PackNack, ReachesSixteenAheadAndNotFurther) {
  EXPECT_THAT(PackNack(std::vector<uint16_t>{10, 26}), ElementsAre(NackItem{10, 0x8000}));
  EXPECT_THAT(PackNack(std::vector<uint16_t>{10, 27}), ElementsAre(NackItem{10, 0}, NackItem{27, 0}));
}

TEST(PackNack, CrossesTheWrapAndIgnoresRepeats) {
  EXPECT_THAT(PackNack(std::vector<uint16_t>{65535, 65535, 0, 1}), ElementsAre(NackItem{65535, 0b11}));
  EXPECT_THAT(PackNack({}), ElementsAre());
}

TEST(WriteNack, WritesWhatFitsAndSaysHowMuch) {
  const std::vector<uint16_t> sequences = {1, 2, 100, 101, 200, 300};
  Buffer bytes(12 + 8);  // Two items.
  ByteWriter out(bytes);
  EXPECT_EQ(WriteNack(Ssrc(1), Ssrc(2), sequences, out), 4u);
  std::vector<Packet> packets;
  ASSERT_TRUE(ParseCompound(out.written(), packets).has_value());
  EXPECT_THAT(std::get<Nack>(packets[0]).sequences, ElementsAre(1, 2, 100, 101));
}

TEST(WriteNack, WritesAllWhenThereIsRoomAndNothingWhenThereIsNone) {
  const std::vector<uint16_t> sequences = {1, 2, 100};
  Buffer bytes(64);
  ByteWriter out(bytes);
  EXPECT_EQ(WriteNack(Ssrc(1), Ssrc(2), sequences, out), 3u);
  EXPECT_EQ(WriteNack(Ssrc(1), Ssrc(2), {}, out), 0u);
  Buffer small(15);
  ByteWriter none(small);
  EXPECT_EQ(WriteNack(Ssrc(1), Ssrc(2), sequences, none), 0u);
}

TEST(PackNack, AnySortedListComesBack) {
  base::SeededRandom random(23);
  for (int round = 0; round < 2000; ++round) {
    std::vector<uint16_t> sequences;
    auto next = static_cast<uint16_t>(random.Next32());
    for (uint32_t i = 1 + random.Below(60); i > 0; --i) {
      sequences.push_back(next);
      next = static_cast<uint16_t>(next + 1 + random.Below(20));
    }
    Buffer bytes(1500);
    ByteWriter out(bytes);
    ASSERT_TRUE(Write(Nack{.sequences = sequences}, out));
    std::vector<Packet> packets;
    ASSERT_TRUE(ParseCompound(out.written(), packets).has_value());
    ASSERT_EQ(std::get<Nack>(packets[0]).sequences, sequences);
  }
}

}  // namespace
}  // namespace weir::rtcp
