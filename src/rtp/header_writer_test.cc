#include "rtp/header_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"
#include "rtp/packet.h"

namespace weir::rtp {
namespace {

using base::Buffer;
using testing::ElementsAre;

TEST(HeaderWriter, WritesABareHeader) {
  Buffer out(12);
  HeaderWriter writer(out);
  writer.Begin(96, true, 0x1234, 0x01020304, Ssrc(0xaabbccdd));
  EXPECT_EQ(writer.Finish(), 12u);
  EXPECT_THAT(out, ElementsAre(0x80, 0xe0, 0x12, 0x34, 1, 2, 3, 4, 0xaa, 0xbb, 0xcc, 0xdd));
}

TEST(HeaderWriter, WritesOneByteElementsAndPadsTheBlock) {
  Buffer out(64, 0xff);
  HeaderWriter writer(out);
  writer.Begin(111, false, 1, 2, Ssrc(3));
  const Buffer mid = {'0'};
  EXPECT_EQ(writer.AddExtension(4, mid), 17u);
  EXPECT_EQ(writer.ReserveExtension(5, 3), 19u);
  const size_t size = writer.Finish();
  ASSERT_EQ(size, 24u);
  out.resize(size);
  EXPECT_THAT(Buffer(out.begin() + 12, out.end()),
              ElementsAre(0xbe, 0xde, 0, 2, 0x40, '0', 0x52, 0, 0, 0, 0, 0));
  const auto header = ParseHeader(out);
  ASSERT_TRUE(header.has_value());
  EXPECT_THAT(header->Find(out, 4), ElementsAre('0'));
  EXPECT_EQ(header->FindElement(5)->offset, 19);
}

TEST(HeaderWriter, TheTwoByteFormTakesLargeIdsAndLengths) {
  Buffer out(128);
  HeaderWriter writer(out);
  writer.Begin(96, false, 1, 2, Ssrc(3), ExtensionForm::kTwoByte);
  const Buffer data(40, 7);
  EXPECT_NE(writer.AddExtension(200, data), 0u);
  EXPECT_NE(writer.AddExtension(15, {}), 0u);
  out.resize(writer.Finish());
  const auto header = ParseHeader(out);
  ASSERT_TRUE(header.has_value());
  EXPECT_THAT(header->Find(out, 200), testing::ElementsAreArray(data));
  EXPECT_NE(header->FindElement(15), nullptr);
  EXPECT_EQ(header->payload_size, 0u);
}

TEST(HeaderWriter, CarriesContributingSourcesAndThePaddingBit) {
  Buffer out(64);
  HeaderWriter writer(out);
  writer.Begin(96, false, 1, 2, Ssrc(3));
  const Buffer csrcs = {0, 0, 0, 9, 0, 0, 0, 8};
  writer.AddCsrcs(csrcs);
  writer.AddExtension(1, Buffer{5});
  writer.SetPadding();
  out.resize(writer.Finish());
  EXPECT_EQ(out[0], 0x80 | 0x20 | 0x10 | 2);
  out.push_back(1);  // The padding that was announced.
  const auto header = ParseHeader(out);
  ASSERT_TRUE(header.has_value());
  EXPECT_THAT(header->Csrcs(out), testing::ElementsAreArray(csrcs));
  EXPECT_THAT(header->Find(out, 1), ElementsAre(5));
  EXPECT_EQ(header->padding_size, 1u);
}

TEST(HeaderWriter, RefusesWhatTheFormCannotSay) {
  const Buffer data(17);
  for (const auto& [id, length] : std::vector<std::pair<uint8_t, size_t>>{{0, 1}, {15, 1}, {1, 0}, {1, 17}}) {
    Buffer out(64);
    HeaderWriter writer(out);
    writer.Begin(96, false, 1, 2, Ssrc(3));
    EXPECT_EQ(writer.AddExtension(id, base::ConstBytes(data).first(length)), 0u) << int{id} << " " << length;
    EXPECT_EQ(writer.Finish(), 0u) << "one check at the end must be enough";
  }
  Buffer out(400);
  HeaderWriter writer(out);
  writer.Begin(96, false, 1, 2, Ssrc(3), ExtensionForm::kTwoByte);
  EXPECT_EQ(writer.ReserveExtension(1, 256), 0u);
  EXPECT_FALSE(writer.ok());
}

TEST(HeaderWriter, RefusesMisuse) {
  Buffer out(64);
  HeaderWriter unbegun(out);
  EXPECT_EQ(unbegun.Finish(), 0u);
  HeaderWriter bad_type(out);
  bad_type.Begin(128, false, 1, 2, Ssrc(3));
  EXPECT_EQ(bad_type.Finish(), 0u);
  HeaderWriter late_sources(out);
  late_sources.Begin(96, false, 1, 2, Ssrc(3));
  late_sources.AddExtension(1, Buffer{5});
  late_sources.AddCsrcs(Buffer(4));
  EXPECT_EQ(late_sources.Finish(), 0u);
}

TEST(HeaderWriter, NoBufferSizeIsOverrun) {
  const auto write = [](base::MutableBytes out) {
    HeaderWriter writer(out);
    writer.Begin(96, false, 1, 2, Ssrc(3));
    writer.AddCsrcs(Buffer(4));
    writer.AddExtension(1, Buffer{1, 2});
    writer.AddExtension(2, Buffer{1});
    return writer.Finish();
  };
  Buffer large(100);
  const size_t needed = write(large);
  ASSERT_EQ(needed, 28u);
  for (size_t size = 0; size < needed; ++size) {
    Buffer out(size);
    EXPECT_EQ(write(out), 0u) << size;
  }
  Buffer exact(needed);
  EXPECT_EQ(write(exact), needed);
}

TEST(HeaderWriter, ParsesBackToWhatWasWritten) {
  base::SeededRandom random(3);
  for (int round = 0; round < 3000; ++round) {
    Buffer out(800);
    HeaderWriter writer(out);
    const bool two_byte = random.Below(2) == 0;
    const auto payload_type = static_cast<uint8_t>(random.Below(128));
    const bool marker = random.Below(2) == 0;
    const auto sequence = static_cast<uint16_t>(random.Next32());
    const uint32_t timestamp = random.Next32();
    const Ssrc ssrc(random.Next32());
    writer.Begin(payload_type, marker, sequence, timestamp, ssrc,
                 two_byte ? ExtensionForm::kTwoByte : ExtensionForm::kOneByte);
    std::vector<Buffer> elements;
    for (uint32_t i = 0, count = random.Below(8); i < count; ++i) {
      Buffer data(two_byte ? random.Below(40) : 1 + random.Below(16));
      random.Fill(data);
      ASSERT_NE(writer.AddExtension(static_cast<uint8_t>(i + 1), data), 0u);
      elements.push_back(data);
    }
    out.resize(writer.Finish());
    const auto header = ParseHeader(out);
    ASSERT_TRUE(header.has_value());
    EXPECT_EQ(header->payload_type, payload_type);
    EXPECT_EQ(header->marker, marker);
    EXPECT_EQ(header->sequence, sequence);
    EXPECT_EQ(header->timestamp, timestamp);
    EXPECT_EQ(header->ssrc, ssrc);
    EXPECT_EQ(header->header_size, out.size());
    ASSERT_EQ(header->element_count, elements.size());
    for (size_t i = 0; i < elements.size(); ++i) {
      EXPECT_THAT(header->Find(out, static_cast<uint8_t>(i + 1)), testing::ElementsAreArray(elements[i]));
    }
  }
}

}  // namespace
}  // namespace weir::rtp
