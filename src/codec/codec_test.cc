#include "codec/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/audio.h"
#include "codec/bit_reader.h"
#include "codec/bits_for_test.h"

namespace weir::codec {
namespace {

using base::Buffer;
using base::TimeDelta;

constexpr Codec kAll[] = {Codec::kOpus, Codec::kRed,  Codec::kPcmu, Codec::kPcma, Codec::kVp8,
                          Codec::kVp9,  Codec::kH264, Codec::kH265, Codec::kAv1};

TEST(Codec, EveryNameFindsItsCodec) {
  for (const Codec codec : kAll) {
    EXPECT_EQ(CodecFromMime(MimeType(codec)), codec);
    EXPECT_EQ(CodecFromMime(SdpName(codec)), codec);
    EXPECT_NE(IsVideo(codec), IsAudio(codec));
    EXPECT_GT(ClockRate(codec), 0u);
  }
}

TEST(Codec, NamesAreThoseOfTheProtocol) {
  EXPECT_EQ(MimeType(Codec::kVp8), "video/VP8");
  EXPECT_EQ(MimeType(Codec::kOpus), "audio/opus");
  EXPECT_EQ(SdpName(Codec::kPcmu), "PCMU");
  EXPECT_EQ(ClockRate(Codec::kPcma), 8000u);
  EXPECT_TRUE(IsVideo(Codec::kAv1));
  EXPECT_TRUE(IsAudio(Codec::kRed));
}

TEST(Codec, CaseDoesNotMatter) {
  EXPECT_EQ(CodecFromMime("VIDEO/h264"), Codec::kH264);
  EXPECT_EQ(CodecFromMime("OPUS"), Codec::kOpus);
  EXPECT_EQ(CodecFromMime("av1"), Codec::kAv1);
}

TEST(Codec, OthersAreUnknown) {
  for (const char* name :
       {"", "/", "rtx", "video/rtx", "video/opus", "audio/VP8", "VP80", "VP", "video/", "ulpfec"}) {
    EXPECT_EQ(CodecFromMime(name), Codec::kUnknown) << name;
  }
  EXPECT_EQ(MimeType(Codec::kUnknown), "");
  EXPECT_EQ(SdpName(Codec::kUnknown), "");
  EXPECT_EQ(ClockRate(Codec::kUnknown), 0u);
  EXPECT_FALSE(IsAudio(Codec::kUnknown));
  EXPECT_FALSE(IsVideo(Codec::kUnknown));
}

TEST(BitReader, ReadsAcrossBytesAndRemembersFailure) {
  const Buffer bytes = FromBits("101 00000 1111 0000 11");
  BitReader reader(bytes);
  EXPECT_EQ(reader.Read(3), 0b101u);
  EXPECT_EQ(reader.Read(9), 0b000001111u);
  EXPECT_EQ(reader.position(), 12u);
  EXPECT_EQ(reader.remaining(), 12u);
  EXPECT_EQ(reader.Read(13), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.Read(1), 0u) << "no field after a failure";
}

TEST(BitReader, ReadsWholeWords) {
  const Buffer bytes = {0xff, 0xff, 0xff, 0xff, 0x80};
  BitReader reader(bytes);
  reader.Skip(1);
  EXPECT_EQ(reader.Read(32), 0xffffffffu);
  EXPECT_TRUE(reader.ok());
}

TEST(BitReader, ReadsExpGolomb) {
  const Buffer bytes = FromBits(Ue(0) + Ue(1) + Ue(2) + Ue(7) + Ue(0xfffffffe));
  BitReader reader(bytes);
  for (const uint32_t expected : {0u, 1u, 2u, 7u}) {
    EXPECT_EQ(reader.ReadExpGolomb(), expected);
  }
  EXPECT_EQ(reader.ReadExpGolomb(), 0xfffffffeu) << "31 zeros are the most that 32 bits hold";
  EXPECT_TRUE(reader.ok());
  const Buffer zeros(12, 0);
  BitReader endless(zeros);
  EXPECT_EQ(endless.ReadExpGolomb(), 0u);
  EXPECT_FALSE(endless.ok());
}

TEST(BitReader, ReadsSignedExpGolomb) {
  const Buffer bytes = FromBits(Ue(0) + Ue(1) + Ue(2) + Ue(3) + Ue(4));
  BitReader reader(bytes);
  for (const int32_t expected : {0, 1, -1, 2, -2}) {
    EXPECT_EQ(reader.ReadSignedExpGolomb(), expected);
  }
}

TEST(BitWriter, WritesWhatTheReaderReads) {
  base::SeededRandom random(9);
  for (int round = 0; round < 500; ++round) {
    Buffer bytes(64, 0xff);  // Old contents must not shine through.
    BitWriter writer(bytes);
    std::vector<std::pair<uint32_t, int>> fields;
    std::vector<std::pair<uint32_t, uint32_t>> non_symmetric;
    for (int i = 0; i < 10; ++i) {
      const int width = static_cast<int>(random.Below(33));
      const uint32_t value = width == 0 ? 0 : random.Next32() >> (32 - width);
      fields.emplace_back(value, width);
      writer.Write(value, width);
      const uint32_t n = 1 + random.Below(33);
      non_symmetric.emplace_back(random.Below(n), n);
      writer.WriteNonSymmetric(non_symmetric.back().first, n);
    }
    ASSERT_TRUE(writer.ok());
    BitReader reader(base::ConstBytes(bytes).first(writer.size_bytes()));
    for (size_t i = 0; i < fields.size(); ++i) {
      ASSERT_EQ(reader.Read(fields[i].second), fields[i].first);
      ASSERT_EQ(reader.ReadNonSymmetric(non_symmetric[i].second), non_symmetric[i].first);
    }
    ASSERT_EQ(reader.position(), writer.position());
  }
}

TEST(BitWriter, NeverOverruns) {
  Buffer bytes(1, 0xff);
  BitWriter writer(bytes);
  writer.Write(0b101, 3);
  writer.Write(0, 6);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(bytes[0], 0b10100000);
}

TEST(BitWriter, CopiesRangesOfBits) {
  const Buffer source = FromBits("0101 1100 1010 0111 0000 1111 1010 1010 1100 1100 0011");
  Buffer bytes(8);
  BitWriter writer(bytes);
  writer.Write(1, 1);
  writer.Copy(source, 3, 40);
  EXPECT_EQ(writer.position(), 38u);
  bytes.resize(writer.size_bytes());
  EXPECT_EQ(bytes, FromBits("1 1 1100 1010 0111 0000 1111 1010 1010 1100 1100"));
}

TEST(Opus, TellsFrameDurations) {
  EXPECT_EQ(OpusFrameDuration(0 << 3), TimeDelta::Millis(10));
  EXPECT_EQ(OpusFrameDuration(11 << 3), TimeDelta::Millis(60));
  EXPECT_EQ(OpusFrameDuration(12 << 3), TimeDelta::Millis(10));
  EXPECT_EQ(OpusFrameDuration(15 << 3), TimeDelta::Millis(20));
  EXPECT_EQ(OpusFrameDuration(16 << 3), TimeDelta::Micros(2500));
  EXPECT_EQ(OpusFrameDuration(31 << 3), TimeDelta::Millis(20));
}

TEST(Opus, TellsPacketDurations) {
  EXPECT_EQ(OpusPacketDuration(kOpusSilence), TimeDelta::Millis(20));
  EXPECT_EQ(OpusPacketDuration(Buffer{31 << 3 | 1}), TimeDelta::Millis(40));
  EXPECT_EQ(OpusPacketDuration(Buffer{31 << 3 | 2}), TimeDelta::Millis(40));
  EXPECT_EQ(OpusPacketDuration(Buffer{31 << 3 | 3, 6}), TimeDelta::Millis(120));
  EXPECT_EQ(OpusPacketDuration(Buffer{31 << 3 | 3, 7}), std::nullopt) << "over 120 ms";
  EXPECT_EQ(OpusPacketDuration(Buffer{31 << 3 | 3, 0x40}), std::nullopt) << "no frames";
  EXPECT_EQ(OpusPacketDuration(Buffer{31 << 3 | 3}), std::nullopt);
  EXPECT_EQ(OpusPacketDuration({}), std::nullopt);
}

TEST(Opus, KnowsDtxAndStereo) {
  EXPECT_TRUE(IsOpusDtx(Buffer{0xf8}));
  EXPECT_TRUE(IsOpusDtx(Buffer{0xf8, 0xff}));
  EXPECT_FALSE(IsOpusDtx(kOpusSilence));
  EXPECT_TRUE(IsOpusStereo(0xfc));
  EXPECT_FALSE(IsOpusStereo(kOpusSilence[0]));
}

}  // namespace
}  // namespace weir::codec
