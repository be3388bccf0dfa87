#include "rtp/extensions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace weir::rtp {
namespace {

using base::Buffer;
using base::TimeDelta;
using base::Timestamp;

TEST(ExtensionUri, EveryExtensionHasOneAndIsFoundByIt) {
  for (uint8_t i = 0; i < static_cast<uint8_t>(Extension::kCount); ++i) {
    const auto extension = static_cast<Extension>(i);
    ASSERT_FALSE(Uri(extension).empty());
    EXPECT_EQ(ExtensionFromUri(Uri(extension)), extension);
  }
  EXPECT_EQ(Uri(Extension::kCount), "");
}

TEST(ExtensionUri, KnowsTheNamesOnTheWire) {
  EXPECT_EQ(Uri(Extension::kMid), "urn:ietf:params:rtp-hdrext:sdes:mid");
  EXPECT_EQ(Uri(Extension::kAudioLevel), "urn:ietf:params:rtp-hdrext:ssrc-audio-level");
  EXPECT_EQ(ExtensionFromUri("urn:3gpp:video-orientation"), Extension::kVideoOrientation);
  EXPECT_EQ(ExtensionFromUri("urn:ietf:params:rtp-hdrext:csrc-audio-level"), std::nullopt);
  EXPECT_EQ(ExtensionFromUri(""), std::nullopt);
}

TEST(ExtensionMap, AnswersBothWays) {
  ExtensionMap map;
  EXPECT_EQ(map.id(Extension::kMid), 0);
  EXPECT_FALSE(map.has(Extension::kMid));
  EXPECT_EQ(map.at(0), std::nullopt) << "0 is nobody's id, though absent extensions store it";
  map.Set(Extension::kMid, 4);
  map.Set(Extension::kDependencyDescriptor, 255);
  EXPECT_EQ(map.id(Extension::kMid), 4);
  EXPECT_EQ(map.at(4), Extension::kMid);
  EXPECT_EQ(map.at(255), Extension::kDependencyDescriptor);
  EXPECT_EQ(map.at(5), std::nullopt);
}

TEST(ExtensionMap, AnIdBelongsToTheLastThatTookIt) {
  ExtensionMap map;
  map.Set(Extension::kMid, 4);
  map.Set(Extension::kRid, 4);
  EXPECT_EQ(map.id(Extension::kMid), 0);
  EXPECT_EQ(map.at(4), Extension::kRid);
  map.Set(Extension::kRid, 0);
  EXPECT_EQ(map.at(4), std::nullopt);
}

TEST(AudioLevel, ReadsVoiceAndLevel) {
  EXPECT_EQ(ReadAudioLevel(Buffer{0x80 | 30}), (AudioLevel{true, 30}));
  EXPECT_EQ(ReadAudioLevel(Buffer{127}), (AudioLevel{false, 127}));
  EXPECT_EQ(ReadAudioLevel({}), std::nullopt);
  EXPECT_EQ(ReadAudioLevel(Buffer{1, 2}), std::nullopt);
  EXPECT_EQ(EncodeAudioLevel({true, 30}), 0x80 | 30);
  EXPECT_EQ(EncodeAudioLevel({false, 200}), 127);
}

TEST(TransportSequence, ReadsBothVersions) {
  EXPECT_EQ(ReadTransportSequence(Buffer{0x12, 0x34}), 0x1234);
  EXPECT_EQ(ReadTransportSequence(Buffer{0x12, 0x34, 0x80, 0x01}), 0x1234);
  EXPECT_EQ(ReadTransportSequence(Buffer{0x12, 0x34, 0x80}), std::nullopt);
}

TEST(AbsSendTime, CountsSecondsIn18FractionBits) {
  EXPECT_EQ(EncodeAbsSendTime(Timestamp::Seconds(1)), 1u << 18);
  EXPECT_EQ(EncodeAbsSendTime(Timestamp::Millis(500)), 1u << 17);
  EXPECT_EQ(EncodeAbsSendTime(Timestamp::Seconds(64)), 0u) << "wraps after 64 s";
  EXPECT_EQ(EncodeAbsSendTime(Timestamp::Micros(63'999'999)), 0xffffffu);
  EXPECT_EQ(EncodeAbsSendTime(Timestamp::Seconds(64 * 1'000'000 + 3)), 3u << 18);
  EXPECT_EQ(ReadAbsSendTime(Buffer{0x04, 0x00, 0x01}), 0x040001u);
  EXPECT_EQ(ReadAbsSendTime(Buffer{0x04, 0x00}), std::nullopt);
}

TEST(AbsCaptureTime, RoundTripsBothLengths) {
  for (const AbsCaptureTime value : {AbsCaptureTime{.ntp = 0x0102030405060708, .clock_offset = std::nullopt},
                                     AbsCaptureTime{.ntp = 5, .clock_offset = -3}}) {
    Buffer bytes(16);
    bytes.resize(WriteAbsCaptureTime(value, bytes));
    EXPECT_EQ(bytes.size(), value.clock_offset ? 16u : 8u);
    EXPECT_EQ(ReadAbsCaptureTime(bytes), value);
  }
  EXPECT_EQ(ReadAbsCaptureTime(Buffer(9)), std::nullopt);
  Buffer small(15);
  EXPECT_EQ(WriteAbsCaptureTime({.ntp = 1, .clock_offset = 1}, small), 0u);
}

TEST(PlayoutDelay, CountsTensOfMilliseconds) {
  const auto bytes = EncodePlayoutDelay({TimeDelta::Millis(100), TimeDelta::Millis(2000)});
  EXPECT_THAT(bytes, testing::ElementsAre(0x00, 0xa0, 0xc8));
  EXPECT_EQ(ReadPlayoutDelay(bytes), (PlayoutDelay{TimeDelta::Millis(100), TimeDelta::Millis(2000)}));
  EXPECT_EQ(ReadPlayoutDelay(Buffer{1, 2}), std::nullopt);
}

TEST(PlayoutDelay, IsClampedAndOrdered) {
  EXPECT_EQ(ReadPlayoutDelay(EncodePlayoutDelay({TimeDelta::Seconds(-1), TimeDelta::Seconds(100)})),
            (PlayoutDelay{TimeDelta(), TimeDelta::Millis(40'950)}));
  EXPECT_EQ(ReadPlayoutDelay(EncodePlayoutDelay({TimeDelta::Seconds(2), TimeDelta::Seconds(1)})),
            (PlayoutDelay{TimeDelta::Seconds(2), TimeDelta::Seconds(2)}));
}

TEST(VideoOrientation, ReadsRotationAndFlags) {
  EXPECT_EQ(ReadVideoOrientation(Buffer{0x00}), (VideoOrientation{}));
  EXPECT_EQ(ReadVideoOrientation(Buffer{0x0d}), (VideoOrientation{true, true, 90}));
  EXPECT_EQ(ReadVideoOrientation(Buffer{0x03}), (VideoOrientation{false, false, 270}));
  EXPECT_EQ(ReadVideoOrientation({}), std::nullopt);
}

TEST(SdesText, TakesPrintableTextOnly) {
  const Buffer mid = {'a', '1'};
  EXPECT_EQ(ReadSdesText(mid), "a1");
  EXPECT_EQ(ReadSdesText({}), std::nullopt);
  EXPECT_EQ(ReadSdesText(Buffer{'a', 0}), std::nullopt);
  EXPECT_EQ(ReadSdesText(Buffer{0xc3, 0xa4}), std::nullopt);
  EXPECT_EQ(ReadSdesText(Buffer{'a', ' '}), std::nullopt);
}

}  // namespace
}  // namespace weir::rtp
