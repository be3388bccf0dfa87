#include "rtc/media_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "rtc/test_offer.h"

namespace weir::rtc::test {
namespace {

using codec::Codec;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

sdp::MediaSection Section(bool audio, std::vector<sdp::Codec> codecs) {
  sdp::MediaSection section;
  section.kind = audio ? Kind::kAudio : Kind::kVideo;
  section.codecs = std::move(codecs);
  return section;
}

TEST(MediaEngine, OffersOurPayloadTypesWithRtxBesideEveryVideoCodec) {
  const MediaEngine engine({Codec::kOpus, Codec::kRed, Codec::kVp8, Codec::kVp9});
  const std::vector<sdp::Codec> audio = engine.Offer(true, /*nack=*/true);
  ASSERT_EQ(audio.size(), 2u);
  EXPECT_EQ(audio[0].payload_type, 111);
  EXPECT_EQ(audio[0].channels, 2);
  EXPECT_THAT(audio[0].feedback, ElementsAre("nack"));
  EXPECT_EQ(audio[1].payload_type, 63);
  EXPECT_EQ(audio[1].fmtp, "111/111");
  EXPECT_THAT(engine.Offer(true, /*nack=*/false)[0].feedback, IsEmpty());
  const std::vector<sdp::Codec> video = engine.Offer(false, true);
  std::set<uint8_t> types;
  for (size_t i = 0; i < video.size(); i += 2) {
    EXPECT_EQ(video[i + 1].name, "rtx");
    EXPECT_THAT(video[i + 1].apt(), Optional(video[i].payload_type));
    types.insert({video[i].payload_type, video[i + 1].payload_type});
  }
  EXPECT_EQ(types.size(), video.size());
  EXPECT_EQ(video[0].payload_type, 96);
}

TEST(MediaEngine, NumbersExtensionsAlikeInEverySectionOfABundle) {
  std::map<uint8_t, std::string> meaning;
  for (const bool audio : {true, false}) {
    for (const sdp::ExtMap& extension : MediaEngine::OfferExtensions(audio)) {
      EXPECT_GE(extension.id, 1);
      EXPECT_LE(extension.id, 14);
      EXPECT_EQ(meaning.try_emplace(extension.id, extension.uri).first->second, extension.uri);
    }
  }
}

TEST(MediaEngine, MatchesNamesWithoutCaseAndOnlyAtTheirClockRate) {
  const MediaEngine engine({Codec::kOpus, Codec::kPcmu, Codec::kVp8});
  const auto matched = engine.Match(Section(true, {{109, "OPUS", 48000, 2, "", {}},
                                                   {110, "opus", 16000, 2, "", {}},
                                                   {0, "pcmu", 8000, 1, "", {}},
                                                   {1, "VP8", 90000, 1, "", {}},
                                                   {8, "PCMA", 8000, 1, "", {}}}));
  ASSERT_EQ(matched.size(), 2u);
  EXPECT_EQ(matched[0].sdp.payload_type, 109);
  EXPECT_EQ(matched[1].codec, Codec::kPcmu);
}

TEST(MediaEngine, TakesOnlyBaselineOfH264) {
  const MediaEngine engine({Codec::kH264});
  const auto matched = engine.Match(
      Section(false, {{100, "H264", 90000, 1, "profile-level-id=640032", {}},
                      {101, "H264", 90000, 1, "profile-level-id=42e01f;packetization-mode=1", {}},
                      {102, "H264", 90000, 1, "", {}},
                      {103, "H264", 90000, 1, "profile-level-id=4d001f", {}}}));
  ASSERT_EQ(matched.size(), 2u);
  EXPECT_EQ(matched[0].sdp.payload_type, 101);
  EXPECT_EQ(matched[1].sdp.payload_type, 102);
}

TEST(MediaEngine, StreamsFitOnlyCodecsOfTheSameForm) {
  const auto negotiated = [](Codec codec, const char* fmtp) {
    return NegotiatedCodec{codec, {96, "x", 90000, 1, fmtp, {}}, std::nullopt};
  };
  EXPECT_TRUE(Compatible(negotiated(Codec::kVp8, ""), negotiated(Codec::kVp8, "")));
  EXPECT_FALSE(Compatible(negotiated(Codec::kVp8, ""), negotiated(Codec::kVp9, "")));
  EXPECT_TRUE(Compatible(negotiated(Codec::kVp9, ""), negotiated(Codec::kVp9, "profile-id=0")));
  EXPECT_FALSE(Compatible(negotiated(Codec::kVp9, "profile-id=2"), negotiated(Codec::kVp9, "profile-id=0")));
  EXPECT_FALSE(Compatible(negotiated(Codec::kH264, "packetization-mode=1"), negotiated(Codec::kH264, "")));
  EXPECT_TRUE(Compatible(negotiated(Codec::kH264, "packetization-mode=1;profile-level-id=42e01f"),
                         negotiated(Codec::kH264, "profile-level-id=42001f;packetization-mode=1")));
}

TEST(MediaEngine, FindsASubstituteForACodecThatIsNotEnabled) {
  const MediaEngine engine({Codec::kOpus, Codec::kVp9, Codec::kVp8});
  EXPECT_EQ(engine.FirstEnabled(true), Codec::kOpus);
  EXPECT_EQ(engine.FirstEnabled(false), Codec::kVp9);
  EXPECT_EQ(MediaEngine({Codec::kOpus}).FirstEnabled(false), Codec::kUnknown);
  EXPECT_FALSE(engine.Enabled(Codec::kAv1));
}

}  // namespace
}  // namespace weir::rtc::test
