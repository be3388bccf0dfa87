#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sdp/session_description.h"
#include "sdp/test_offers.h"

namespace weir::sdp {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

void ExpectRoundTrip(const SessionDescription& description) {
  const std::string text = Write(description);
  const auto again = Parse(text);
  ASSERT_TRUE(again) << again.error().message << "\n" << text;
  EXPECT_EQ(*again, description) << text;
  EXPECT_EQ(Write(*again), text);
}

MediaSection DownstreamVideo() {
  MediaSection section;
  section.kind = MediaSection::Kind::kVideo;
  section.mid = "1";
  section.protocol = "UDP/TLS/RTP/SAVPF";
  section.direction = Direction::kSendOnly;
  section.codecs = {
      {.payload_type = 96, .name = "VP8", .clock_rate = 90000, .feedback = {"nack", "nack pli", "ccm fir"}},
      {.payload_type = 97, .name = "rtx", .clock_rate = 90000, .fmtp = "apt=96"}};
  section.extensions = {{.id = 2, .uri = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"}};
  section.rtcp_mux = section.rtcp_rsize = true;
  section.msids = {{"PA_x|TR_y", "TR_y"}};
  section.ssrcs = {{11, "PA_x", "PA_x|TR_y TR_y"}, {12, "PA_x", "PA_x|TR_y TR_y"}};
  section.ssrc_groups = {{"FID", {11, 12}}};
  section.ice_ufrag = "ufrag";
  section.ice_pwd = "0123456789abcdef01234567";
  section.fingerprints = {{"sha-256", "00:11"}};
  section.setup = Setup::kActpass;
  return section;
}

MediaSection DataSection() {
  MediaSection section;
  section.kind = MediaSection::Kind::kApplication;
  section.mid = "0";
  section.protocol = "UDP/DTLS/SCTP";
  section.format_list_raw = "webrtc-datachannel";
  section.sctp_port = 5000;
  section.max_message_size = 262144;
  section.setup = Setup::kActpass;
  return section;
}

SessionDescription ServerOffer() {
  SessionDescription offer;
  offer.session_id = 1234567890123456789;
  offer.session_version = 3;
  offer.bundle = {"0", "1"};
  offer.msid_semantic = "WMS *";
  offer.media = {DataSection(), DownstreamVideo()};
  return offer;
}

TEST(Write, ReturnsWhatParseReadFromEachEndpoint) {
  for (const std::string& text :
       {ChromiumSimulcastOffer(), ChromiumSingleConnectionOffer(), FirefoxOffer(), PionOffer()}) {
    const auto parsed = Parse(text);
    ASSERT_TRUE(parsed);
    ExpectRoundTrip(*parsed);
  }
}

TEST(Write, ReturnsWhatParseReadFromOddDescriptions) {
  for (const std::string_view text :
       {"v=0\na=ice-lite\na=setup:passive\na=recvonly\nm=application 9 DTLS/SCTP 5000\na=sendrecv\n",
        "v=0\na=inactive\nm=application 9 DTLS/SCTP 5000\n", "v=0\nm=text 0 TCP/MSRP *\n",
        "v=0\nm=video 0 UDP/TLS/RTP/SAVPF 100 x\na=msid:one\n",
        "v=0\nm=audio 9/2 X 0\na=simulcast:recv a;b send c\na=extmap:200/inactive urn:x y\n"}) {
    const auto parsed = Parse(text);
    ASSERT_TRUE(parsed) << parsed.error().message;
    ExpectRoundTrip(*parsed);
  }
}

TEST(Write, BeginsAsLibwebrtcExpects) {
  EXPECT_THAT(Write(ServerOffer()), StartsWith("v=0\r\no=- 1234567890123456789 3 IN IP4 0.0.0.0\r\ns=-\r\n"
                                               "t=0 0\r\na=group:BUNDLE 0 1\r\na=msid-semantic:WMS *\r\n"));
}

TEST(Write, WritesADataSection) {
  EXPECT_THAT(Write(ServerOffer()),
              HasSubstr("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n"
                        "a=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n"));
}

TEST(Write, WritesASectionThatSends) {
  const std::string text = Write(ServerOffer());
  EXPECT_THAT(text, HasSubstr("m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\n"
                              "a=rtcp:9 IN IP4 0.0.0.0\r\n"));
  EXPECT_THAT(text, HasSubstr("a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"
                              "a=rtcp-fb:96 ccm fir\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"));
  EXPECT_THAT(text, HasSubstr("a=msid:PA_x|TR_y TR_y\r\na=ssrc-group:FID 11 12\r\na=ssrc:11 cname:PA_x\r\n"
                              "a=ssrc:11 msid:PA_x|TR_y TR_y\r\n"));
  ExpectRoundTrip(ServerOffer());
}

TEST(Write, GivesARejectedSectionAPortOfZeroAndAFormat) {
  SessionDescription answer = ServerOffer();
  answer.media[1] = MediaSection{.kind = MediaSection::Kind::kVideo,
                                 .mid = "1",
                                 .port = 0,
                                 .protocol = "UDP/TLS/RTP/SAVPF",
                                 .direction = Direction::kInactive};
  EXPECT_TRUE(answer.media[1].rejected());
  EXPECT_THAT(Write(answer), HasSubstr("m=video 0 UDP/TLS/RTP/SAVPF 0\r\n"));
}

TEST(Write, LetsNoValueAddALine) {
  SessionDescription offer = ServerOffer();
  offer.media[1].msids = {{"evil\r\na=setup:active", "TR_y"}};
  const std::string text = Write(offer);
  EXPECT_THAT(text, Not(HasSubstr("\r\na=setup:active")));
  EXPECT_TRUE(Parse(text));
}

TEST(Direction, ReversesToTheOtherSidesView) {
  EXPECT_EQ(Reverse(Direction::kSendOnly), Direction::kRecvOnly);
  EXPECT_EQ(Reverse(Direction::kRecvOnly), Direction::kSendOnly);
  EXPECT_EQ(Reverse(Direction::kSendRecv), Direction::kSendRecv);
  EXPECT_EQ(Reverse(Direction::kInactive), Direction::kInactive);
}

}  // namespace
}  // namespace weir::sdp
