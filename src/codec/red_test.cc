#include "codec/red.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/bits_for_test.h"

namespace weir::codec {
namespace {

using base::Buffer;
using base::ParseError;
using testing::ElementsAre;

// Two redundant blocks, 1920 and 960 ticks back with 2 and 1 bytes, and a primary of 3.
const Buffer kPacket = {0x80 | 111, 0x1e, 0x00, 0x02, 0x80 | 111, 0x0f, 0x00, 0x01, 111, 1, 2, 3, 4, 5, 6};

TEST(ParseRed, ReadsBlocksOldestFirst) {
  const auto red = ParseRed(kPacket);
  ASSERT_TRUE(red.has_value());
  ASSERT_EQ(red->count, 3u);
  EXPECT_EQ(red->blocks[0].payload_type, 111);
  EXPECT_EQ(red->blocks[0].timestamp_offset, 1920u);
  EXPECT_THAT(red->blocks[0].data, ElementsAre(1, 2));
  EXPECT_EQ(red->blocks[1].timestamp_offset, 960u);
  EXPECT_THAT(red->blocks[1].data, ElementsAre(3));
  EXPECT_EQ(red->primary().timestamp_offset, 0u);
  EXPECT_THAT(red->primary().data, ElementsAre(4, 5, 6));
  EXPECT_EQ(red->redundant().size(), 2u);
}

TEST(ParseRed, APrimaryAloneIsFine) {
  const Buffer packet = {111, 9};
  const auto red = ParseRed(packet);
  ASSERT_TRUE(red.has_value());
  EXPECT_TRUE(red->redundant().empty());
  EXPECT_THAT(red->primary().data, ElementsAre(9));
  EXPECT_TRUE(ParseRed(Buffer{111})->primary().data.empty());
}

TEST(ParseRed, BlocksMayBeEmpty) {
  const Buffer packet = {0x80 | 111, 0x0f, 0x00, 0x00, 111, 7};
  const auto red = ParseRed(packet);
  ASSERT_TRUE(red.has_value());
  EXPECT_TRUE(red->blocks[0].data.empty());
  EXPECT_THAT(red->primary().data, ElementsAre(7));
}

TEST(ParseRed, PrefixesAreErrorsOrHaveAShorterPrimary) {
  ForEachPrefix(kPacket, [](const Buffer& prefix) {
    const auto red = ParseRed(prefix);
    if (prefix.size() < 9) {
      EXPECT_EQ(red.error(), ParseError::kTruncated) << prefix.size();
    } else if (prefix.size() < 12) {
      EXPECT_EQ(red.error(), ParseError::kWrongLength) << prefix.size();
    } else {
      EXPECT_EQ(red->primary().data.size(), prefix.size() - 12);
    }
  });
}

TEST(ParseRed, TakesNoMoreBlocksThanTheLimit) {
  Buffer packet;
  for (size_t i = 0; i + 1 < kMaxRedBlocks; ++i) {
    packet.insert(packet.end(), {0x80 | 111, 0, 0, 0});
  }
  Buffer full = packet;
  full.push_back(111);
  EXPECT_EQ(ParseRed(full)->count, kMaxRedBlocks);
  packet.insert(packet.end(), {0x80 | 111, 0, 0, 0, 111});
  EXPECT_EQ(ParseRed(packet).error(), ParseError::kTooLarge);
}

TEST(WriteRed, WritesWhatWasParsed) {
  const auto red = ParseRed(kPacket);
  Buffer out(64);
  out.resize(WriteRed(std::span(red->blocks).first(red->count), out));
  EXPECT_EQ(out, kPacket);
}

TEST(WriteRed, RefusesWhatTheFormatCannotSay) {
  Buffer out(4096);
  const Buffer large(1024);
  const RedBlock primary{.payload_type = 111, .timestamp_offset = 0, .data = large};
  EXPECT_EQ(WriteRed({}, out), 0u);
  EXPECT_EQ(WriteRed(std::vector<RedBlock>{primary}, out), 1025u);
  EXPECT_EQ(WriteRed(std::vector<RedBlock>{primary, primary}, out), 0u)
      << "a redundant block has ten bits of length";
  EXPECT_EQ(WriteRed(std::vector<RedBlock>{{.payload_type = 111, .timestamp_offset = 16'384}, primary}, out),
            0u);
  EXPECT_EQ(WriteRed(std::vector<RedBlock>{{.payload_type = 128}, primary}, out), 0u);
  EXPECT_EQ(WriteRed(std::vector<RedBlock>{{.payload_type = 128}}, out), 0u);
  EXPECT_EQ(WriteRed(std::vector<RedBlock>(9), out), 0u);
  EXPECT_EQ(WriteRed(std::vector<RedBlock>{primary}, base::MutableBytes(out).first(1024)), 0u);
}

TEST(WriteRed, AnyPacketComesBack) {
  base::SeededRandom random(6);
  for (int round = 0; round < 2000; ++round) {
    std::vector<Buffer> payloads;
    std::vector<RedBlock> blocks;
    for (uint32_t i = 1 + random.Below(8); i > 0; --i) {
      payloads.emplace_back(random.Below(100));
      random.Fill(payloads.back());
    }
    for (size_t i = 0; i < payloads.size(); ++i) {
      blocks.push_back({.payload_type = static_cast<uint8_t>(random.Below(128)),
                        .timestamp_offset = i + 1 < payloads.size() ? random.Below(16'384) : 0,
                        .data = payloads[i]});
    }
    Buffer out(1500);
    out.resize(WriteRed(blocks, out));
    const auto red = ParseRed(out);
    ASSERT_TRUE(red.has_value());
    ASSERT_EQ(red->count, blocks.size());
    for (size_t i = 0; i < blocks.size(); ++i) {
      EXPECT_EQ(red->blocks[i].payload_type, blocks[i].payload_type);
      EXPECT_EQ(red->blocks[i].timestamp_offset, blocks[i].timestamp_offset);
      EXPECT_THAT(red->blocks[i].data, testing::ElementsAreArray(payloads[i]));
    }
  }
}

}  // namespace
}  // namespace weir::codec
