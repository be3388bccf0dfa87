#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "sdp/session_description.h"
#include "sdp/test_offers.h"

namespace weir::sdp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

SessionDescription MustParse(const std::string& text) {
  auto parsed = Parse(text);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed ? *std::move(parsed) : SessionDescription();
}

// A description with one video section and these lines in it.
std::string WithVideoLines(std::string_view lines) {
  return "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:v\r\na=rtpmap:96 VP8/90000\r\n" +
         std::string(lines);
}
MediaSection VideoSection(std::string_view lines) {
  const SessionDescription description = MustParse(WithVideoLines(lines));
  return description.media.empty() ? MediaSection() : description.media[0];
}
std::string ErrorOf(const std::string& text) {
  const auto parsed = Parse(text);
  EXPECT_FALSE(parsed);
  return parsed ? "" : parsed.error().message;
}
std::string Repeat(size_t count, const std::function<std::string(size_t)>& line) {
  std::string lines;
  for (size_t i = 0; i < count; ++i) {
    lines += line(i);
  }
  return lines;
}

TEST(Parse, ReadsTheSessionOfAChromiumOffer) {
  const SessionDescription offer = MustParse(ChromiumSimulcastOffer());
  EXPECT_EQ(offer.session_id, 7434539829374829384u);
  EXPECT_EQ(offer.session_version, 2u);
  EXPECT_THAT(offer.bundle, ElementsAre("0", "1", "2"));
  EXPECT_TRUE(offer.extmap_allow_mixed);
  EXPECT_FALSE(offer.ice_lite);
  EXPECT_EQ(offer.msid_semantic, "WMS 5d9c3f6e-1a2b-4c3d-8e4f-5a6b7c8d9e0f");
  EXPECT_THAT(offer.media, SizeIs(3));
}

TEST(Parse, ReadsTheAudioOfAChromiumOffer) {
  const SessionDescription offer = MustParse(ChromiumSimulcastOffer());
  const MediaSection* const audio = offer.Find("0");
  ASSERT_NE(audio, nullptr);
  EXPECT_EQ(audio->kind, MediaSection::Kind::kAudio);
  EXPECT_EQ(audio->direction, Direction::kSendOnly);
  EXPECT_FALSE(audio->rejected());
  EXPECT_TRUE(audio->rtcp_mux);
  EXPECT_TRUE(audio->rtcp_rsize);
  EXPECT_EQ(audio->setup, Setup::kActpass);
  EXPECT_EQ(audio->ice_ufrag, "Xk4f");
  EXPECT_THAT(audio->ice_options, ElementsAre("trickle"));
  EXPECT_EQ(audio->format_list_raw, "");
  ASSERT_THAT(audio->codecs, SizeIs(8));
  const Codec& opus = audio->codecs[0];
  EXPECT_EQ(opus.name, "opus");
  EXPECT_EQ(opus.clock_rate, 48000u);
  EXPECT_EQ(opus.channels, 2);
  EXPECT_THAT(opus.feedback, ElementsAre("transport-cc", "nack"));
  EXPECT_EQ(opus.FmtpParameter("useinbandfec"), "1");
  EXPECT_EQ(opus.FmtpParameter("STEREO"), "1");
  EXPECT_EQ(opus.FmtpParameter("usedtx"), std::nullopt);
  EXPECT_EQ(audio->FindCodec(63)->fmtp, "111/111");
  EXPECT_THAT(audio->msids, ElementsAre(Msid{"5d9c3f6e-1a2b-4c3d-8e4f-5a6b7c8d9e0f",
                                             "a1b2c3d4-0000-4000-8000-000000000001"}));
  ASSERT_THAT(audio->ssrcs, SizeIs(1));
  EXPECT_EQ(audio->ssrcs[0].ssrc, 1376254981u);
  EXPECT_EQ(audio->ssrcs[0].cname, "Pq8sT2uV4wX6yZ0a");
  EXPECT_THAT(audio->ssrcs[0].msid, StartsWith("5d9c3f6e"));
}

TEST(Parse, ReadsTheSimulcastOfAChromiumOffer) {
  const SessionDescription offer = MustParse(ChromiumSimulcastOffer());
  const MediaSection* const video = offer.Find("1");
  ASSERT_NE(video, nullptr);
  EXPECT_THAT(video->rids, ElementsAre(Rid{"q", true, ""}, Rid{"h", true, ""}, Rid{"f", true, ""}));
  EXPECT_THAT(video->simulcast.send, ElementsAre("q", "h", "f"));
  EXPECT_THAT(video->simulcast.recv, IsEmpty());
  EXPECT_EQ(video->FindCodec(97)->apt(), 96);
  EXPECT_EQ(video->FindCodec(96)->apt(), std::nullopt);
  EXPECT_EQ(video->FindExtension("urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id")->id, 10);
  EXPECT_EQ(video->FindExtension("urn:nobody"), nullptr);
}

TEST(Parse, ReadsADataSection) {
  const SessionDescription offer = MustParse(ChromiumSimulcastOffer());
  const MediaSection* const data = offer.Find("2");
  ASSERT_NE(data, nullptr);
  EXPECT_EQ(data->kind, MediaSection::Kind::kApplication);
  EXPECT_EQ(data->protocol, "UDP/DTLS/SCTP");
  EXPECT_EQ(data->format_list_raw, "webrtc-datachannel");
  EXPECT_EQ(data->sctp_port, 5000);
  EXPECT_EQ(data->max_message_size, 262144u);
}

TEST(Parse, ReadsTheReceiveSectionsOfAJoinWithOneConnection) {
  const SessionDescription offer = MustParse(ChromiumSingleConnectionOffer());
  ASSERT_THAT(offer.media, SizeIs(7));
  EXPECT_EQ(offer.msid_semantic, "WMS");
  for (size_t i = 1; i < 7; ++i) {
    EXPECT_EQ(offer.media[i].kind, i < 4 ? MediaSection::Kind::kAudio : MediaSection::Kind::kVideo);
    EXPECT_EQ(offer.media[i].direction, Direction::kRecvOnly);
    EXPECT_EQ(offer.media[i].mid, std::to_string(i));
    EXPECT_THAT(offer.media[i].msids, IsEmpty());
  }
}

TEST(Parse, ReadsAFirefoxOffer) {
  const SessionDescription offer = MustParse(FirefoxOffer());
  const MediaSection* const audio = offer.Find("0");
  ASSERT_NE(audio, nullptr);
  EXPECT_EQ(audio->port, 49203);
  EXPECT_THAT(audio->candidates, SizeIs(3));
  EXPECT_THAT(audio->candidates[0], StartsWith("candidate:0 1 UDP 2122252543 2f1c9a34-"));
  EXPECT_TRUE(audio->end_of_candidates);
  EXPECT_EQ(audio->extensions[1].direction, Direction::kRecvOnly);
  EXPECT_EQ(audio->FindCodec(9)->channels, 1);
  EXPECT_THAT(audio->msids, ElementsAre(Msid{"{7b1e4d2c-1111-4222-8333-944455566677}",
                                             "{0c9d8e7f-aaaa-4bbb-8ccc-9dddeeefff00}"}));
  const MediaSection* const video = offer.Find("1");
  ASSERT_NE(video, nullptr);
  EXPECT_TRUE(video->bundle_only);
  EXPECT_FALSE(video->rejected());
  EXPECT_EQ(video->rids[1].restrictions, "max-width=640;max-height=360");
  EXPECT_THAT(video->simulcast.send, ElementsAre("q", "h", "f"));
  EXPECT_THAT(video->ssrc_groups, ElementsAre(SsrcGroup{"FID", {286331153, 572662306}}));
  EXPECT_EQ(offer.Find("2")->max_message_size, 1073741823u);
}

TEST(Parse, GivesSectionsTheValuesOfTheSession) {
  const SessionDescription offer = MustParse(FirefoxOffer());
  for (const MediaSection& section : offer.media) {
    EXPECT_EQ(section.fingerprints, offer.fingerprints);
    EXPECT_THAT(section.ice_options, ElementsAre("trickle"));
  }
}

TEST(Parse, PrefersTheValuesOfTheSection) {
  const SessionDescription description = MustParse(
      "v=0\na=ice-ufrag:sess\na=ice-pwd:session-password\na=setup:actpass\na=recvonly\n"
      "m=audio 9 RTP/SAVPF 0\na=ice-ufrag:mine\na=setup:active\na=sendonly\nm=audio 9 RTP/SAVPF 0\n");
  EXPECT_EQ(description.media[0].ice_ufrag, "mine");
  EXPECT_EQ(description.media[0].ice_pwd, "session-password");
  EXPECT_EQ(description.media[0].setup, Setup::kActive);
  EXPECT_EQ(description.media[0].direction, Direction::kSendOnly);
  EXPECT_EQ(description.media[1].setup, Setup::kActpass);
  EXPECT_EQ(description.media[1].direction, Direction::kRecvOnly);
}

TEST(Parse, ReadsAPionOffer) {
  const SessionDescription offer = MustParse(PionOffer());
  const MediaSection* const video = offer.Find("0");
  ASSERT_NE(video, nullptr);
  EXPECT_THAT(video->FindCodec(96)->feedback, ElementsAre("ccm fir", "nack", "nack pli"));
  EXPECT_THAT(video->msids, ElementsAre(Msid{"camera", "TR_video"}));
  EXPECT_THAT(video->ssrcs, ElementsAre(SsrcLine{1111111111, "camera", "camera TR_video"},
                                        SsrcLine{2222222222, "camera", "camera TR_video"}));
}

TEST(Parse, AcceptsBareLineFeedsAndATailOfEmptyLines) {
  EXPECT_THAT(MustParse("v=0\nm=audio 9 RTP/SAVPF 0\n\n\r\n").media, SizeIs(1));
}

TEST(Parse, IgnoresWhatItDoesNotKnow) {
  const MediaSection video = VideoSection(
      "b=AS:2000\r\na=x-new-thing:1\r\na=rtpmap:99 VP9/90000\r\na=ssrc:5 mslabel:a\r\n"
      "a=extmap:4096 urn:later\r\n");
  EXPECT_THAT(video.codecs, SizeIs(1));
  EXPECT_THAT(video.ssrcs, IsEmpty());
  EXPECT_THAT(video.extensions, IsEmpty());
}

TEST(Parse, NamesTheStaticAudioPayloadTypes) {
  const SessionDescription description = MustParse("v=0\nm=audio 9 UDP/TLS/RTP/SAVPF 0 8 96\n");
  ASSERT_THAT(description.media[0].codecs, SizeIs(2));
  EXPECT_EQ(description.media[0].codecs[1].name, "PCMA");
  EXPECT_EQ(description.media[0].codecs[1].clock_rate, 8000u);
}

TEST(Parse, KeepsTheFormatsOfASectionItCannotRead) {
  const SessionDescription description =
      MustParse("v=0\nm=text 0 TCP/MSRP  a b\nm=video 0 UDP/TLS/RTP/SAVPF 100 101\n");
  EXPECT_EQ(description.media[0].kind, MediaSection::Kind::kOther);
  EXPECT_EQ(description.media[0].kind_name, "text");
  EXPECT_EQ(description.media[0].format_list_raw, "a b");
  EXPECT_TRUE(description.media[0].rejected());
  EXPECT_EQ(description.media[1].format_list_raw, "100 101");
}

TEST(Parse, AppliesWildcardFeedbackToEveryCodecOnce) {
  const MediaSection video = VideoSection(
      "a=rtcp-fb:* nack\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:* transport-cc\r\na=rtpmap:97 VP9/90000\r\n");
  EXPECT_THAT(video.codecs[0].feedback, ElementsAre("nack", "transport-cc"));
  EXPECT_THAT(video.codecs[1].feedback, ElementsAre("nack", "transport-cc"));
}

TEST(Parse, JoinsSeveralFmtpLines) {
  EXPECT_EQ(VideoSection("a=fmtp:96 a=1; b=2\r\na=fmtp:96 c=3\r\n").codecs[0].FmtpParameter("c"), "3");
}

TEST(Parse, TakesTheFirstAlternativeOfASimulcastStream) {
  const MediaSection video = VideoSection("a=simulcast: send rid=~1,2;3 recv ~4\r\n");
  EXPECT_THAT(video.simulcast.send, ElementsAre("1", "3"));
  EXPECT_THAT(video.simulcast.recv, ElementsAre("4"));
}

TEST(Parse, ReadsTheOldSctpMap) {
  const SessionDescription description =
      MustParse("v=0\nm=application 9 DTLS/SCTP 5000\na=sctpmap:5000 webrtc-datachannel 1024\n");
  EXPECT_EQ(description.media[0].sctp_port, 5000);
}

TEST(Parse, NamesTheLineAndTheFault) {
  EXPECT_EQ(ErrorOf("v=0\r\nm=audio x RTP/SAVPF 0\r\n"),
            "line 2 (m=audio): not a kind, a port, a protocol and formats");
  EXPECT_THAT(ErrorOf(WithVideoLines("a=setup:maybe\r\n")), StartsWith("line 5 (a=setup): "));
}

TEST(Parse, KeepsAPasswordOutOfItsErrors) {
  EXPECT_THAT(ErrorOf(WithVideoLines("a=ice-pwd:secret word\r\n")), Not(HasSubstr("secret")));
}

TEST(Parse, RefusesGarbledLinesItKnows) {
  for (const std::string_view line : {"a=mid:",
                                      "a=mid:a b",
                                      "a=rtpmap:96 VP8",
                                      "a=rtpmap:96 /90000",
                                      "a=rtpmap:96 VP8/x",
                                      "a=rtpmap:96 VP8/90000/0",
                                      "a=rtcp-fb:96",
                                      "a=extmap:0 urn:x",
                                      "a=extmap:x urn:x",
                                      "a=extmap:1",
                                      "a=extmap:1/sideways urn:x",
                                      "a=msid:",
                                      "a=ssrc:x cname:a",
                                      "a=ssrc-group:FID",
                                      "a=ssrc-group:FID x",
                                      "a=rid:q",
                                      "a=rid:q both",
                                      "a=simulcast:q;h",
                                      "a=simulcast:send",
                                      "a=simulcast:send ~;q",
                                      "a=candidate:",
                                      "a=sctp-port:70000",
                                      "a=max-message-size:-1",
                                      "a=fingerprint:sha-256",
                                      "a=ice-ufrag:",
                                      "a=ice-ufrag:a b",
                                      "a=setup:",
                                      "garbage",
                                      "a",
                                      "a=mid:a\x01z"}) {
    EXPECT_FALSE(Parse(WithVideoLines(std::string(line) + "\r\n"))) << line;
  }
}

TEST(Parse, RefusesADescriptionWithoutAVersion) {
  EXPECT_FALSE(Parse(""));
  EXPECT_FALSE(Parse("o=- 1 2 IN IP4 0.0.0.0\r\n"));
  EXPECT_FALSE(Parse("v=1\r\n"));
}

TEST(Parse, RefusesAMidThatOccursTwice) {
  EXPECT_THAT(ErrorOf("v=0\nm=audio 9 X 0\na=mid:0\nm=audio 9 X 0\na=mid:0\n"), HasSubstr("mid"));
}

TEST(Parse, HoldsEveryLimit) {
  const auto number = [](size_t i) { return std::to_string(i); };
  const std::string too_many[] = {
      "v=0\r\n" + std::string(kMaxSize, '\n'),
      WithVideoLines("a=x:" + std::string(kMaxLineLength, 'x')),
      "v=0\r\n" + Repeat(kMaxSections + 1, [](size_t) { return "m=audio 9 X 0\r\n"; }),
      "v=0\r\nm=audio 9 X" + Repeat(kMaxCodecs + 1, [&](size_t i) { return " " + number(i); }),
      "v=0\r\na=group:BUNDLE" + Repeat(kMaxSections + 1, [&](size_t i) { return " " + number(i); }),
      WithVideoLines(Repeat(kMaxExtensions + 1, [](size_t) { return "a=extmap:1 urn:x\r\n"; })),
      WithVideoLines(Repeat(kMaxRids + 1, [&](size_t i) { return "a=rid:" + number(i) + " send\r\n"; })),
      WithVideoLines("a=simulcast:send " + Repeat(kMaxRids + 1, [](size_t) { return "a;"; })),
      WithVideoLines(Repeat(kMaxSsrcs + 1, [&](size_t i) { return "a=ssrc:" + number(i) + " cname:c\r\n"; })),
      WithVideoLines(Repeat(kMaxSsrcGroups + 1, [](size_t) { return "a=ssrc-group:FID 1 2\r\n"; })),
      WithVideoLines("a=ssrc-group:SIM" + Repeat(kMaxSsrcs + 1, [&](size_t i) { return " " + number(i); })),
      WithVideoLines(Repeat(kMaxMsids + 1, [](size_t) { return "a=msid:a b\r\n"; })),
      WithVideoLines(
          Repeat(kMaxFeedback + 1, [&](size_t i) { return "a=rtcp-fb:96 x" + number(i) + "\r\n"; })),
      WithVideoLines(
          Repeat(kMaxFeedback + 1, [&](size_t i) { return "a=rtcp-fb:* x" + number(i) + "\r\n"; })),
      WithVideoLines("a=fmtp:96 " + std::string(kMaxFmtpLength, 'x') + "\r\n"),
      WithVideoLines(Repeat(kMaxFingerprints + 1, [](size_t) { return "a=fingerprint:sha-256 A\r\n"; })),
      WithVideoLines("a=ice-options:" + Repeat(kMaxIceOptions + 1, [](size_t) { return " x"; })),
      WithVideoLines("a=ice-options:" + std::string(kMaxIceOptionLength + 1, 'x')),
      WithVideoLines(Repeat(kMaxCandidates + 1, [](size_t) { return "a=candidate:1\r\n"; })),
  };
  for (const std::string& text : too_many) {
    const auto parsed = Parse(text);
    ASSERT_FALSE(parsed) << text.substr(0, 200);
    EXPECT_EQ(parsed.error().code, base::ErrorCode::kResourceExhausted) << parsed.error().message;
  }
  EXPECT_FALSE(Parse(WithVideoLines("a=ice-ufrag:" + std::string(kMaxIceCredentialLength + 1, 'x'))));
  EXPECT_FALSE(Parse(WithVideoLines("a=rtcp-fb:96 " + std::string(kMaxFeedbackLength + 1, 'x'))));
  EXPECT_FALSE(Parse(WithVideoLines("a=fingerprint:x " + std::string(kMaxFingerprintLength, 'x'))));
}

}  // namespace
}  // namespace weir::sdp
