#include "rtc/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "rtc/test_offer.h"

namespace weir::rtc::test {
namespace {

using codec::Codec;
using sdp::Direction;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Optional;
using testing::StartsWith;

const MediaEngine& Engine() {
  static const MediaEngine engine({Codec::kPcmu, Codec::kPcma, Codec::kOpus, Codec::kRed, Codec::kVp8,
                                   Codec::kH264, Codec::kVp9, Codec::kAv1, Codec::kH265});
  return engine;
}

ClientSection Microphone(const std::string& mid) {
  ClientSection section;
  section.mid = mid;
  section.direction = Direction::kSendOnly;
  section.stream = "stream";
  section.track = "mic-id";
  section.ssrcs = {{1111, 0}};
  return section;
}
ClientSection Camera(const std::string& mid) {
  ClientSection section;
  section.kind = Kind::kVideo;
  section.mid = mid;
  section.direction = Direction::kSendOnly;
  section.stream = "stream";
  section.track = "cam-id";
  section.rids = {"q", "h", "f"};
  return section;
}
sdp::SessionDescription PublishOffer() {
  return MakeClientOffer({Microphone("0"), Camera("1"), {.kind = Kind::kApplication, .mid = "2"}}, {});
}

AnswerPlan Plan() {
  AnswerPlan plan;
  plan.transport.ice = {"serverfrag", "serverpasswordserverpass"};
  plan.transport.fingerprint = "CC:DD";
  plan.transport.setup = sdp::Setup::kPassive;
  plan.transport.session_id = 5;
  plan.transport.session_version = 2;
  return plan;
}
OutgoingTrack Outgoing() {
  return {.msid = {"PA_p|TR_t", "TR_t"}, .cname = "PA_p", .ssrc = rtp::Ssrc(77), .rtx = rtp::Ssrc(78)};
}

std::vector<std::string> Names(const sdp::MediaSection& section) {
  std::vector<std::string> names;
  for (const sdp::Codec& codec : section.codecs) {
    names.push_back(codec.name);
  }
  return names;
}
const sdp::Codec& CodecNamed(const sdp::MediaSection& section, const std::string& name) {
  for (const sdp::Codec& codec : section.codecs) {
    if (codec.name == name) {
      return codec;
    }
  }
  ADD_FAILURE() << name;
  return section.codecs.front();
}

TEST(FindOfferedTracks, SeesWhatTheClientSends) {
  const std::vector<OfferedTrack> tracks = FindOfferedTracks(PublishOffer(), Engine());
  ASSERT_EQ(tracks.size(), 2u);
  EXPECT_TRUE(tracks[0].audio);
  EXPECT_EQ(tracks[0].mid, "0");
  EXPECT_EQ(tracks[0].cid, "mic-id");
  ASSERT_EQ(tracks[0].ssrcs.size(), 1u);
  EXPECT_EQ(tracks[0].ssrcs[0].first, rtp::Ssrc(1111));
  EXPECT_EQ(tracks[0].ssrcs[0].second, std::nullopt);
  EXPECT_FALSE(tracks[1].audio);
  EXPECT_THAT(tracks[1].rids, ElementsAre("q", "h", "f"));
  EXPECT_THAT(tracks[1].ssrcs, IsEmpty());  // RIDs name the streams.
  EXPECT_EQ(tracks[1].codecs[0].codec, Codec::kVp8);
  EXPECT_THAT(tracks[1].codecs[0].rtx_payload_type, Optional(97));
  EXPECT_EQ(tracks[1].extensions.id(rtp::Extension::kRid), 10);
  EXPECT_EQ(tracks[1].extensions.id(rtp::Extension::kRepairedRid), 11);
}

TEST(FindOfferedTracks, SkipsSectionsThatCarryNothingOfTheClients) {
  ClientSection receiving = Microphone("0");
  receiving.direction = Direction::kRecvOnly;
  ClientSection stopped = Camera("1");
  stopped.direction = Direction::kInactive;
  sdp::SessionDescription offer = MakeClientOffer({receiving, stopped, Camera("2"), Microphone("3")}, {});
  offer.media[2].port = 0;                                 // Rejected.
  offer.media[3].codecs = {{9, "G722", 8000, 1, "", {}}};  // Nothing that we forward.
  EXPECT_THAT(FindOfferedTracks(offer, Engine()), IsEmpty());
}

TEST(FindOfferedTracks, PairsAPrimaryStreamWithItsRtx) {
  ClientSection camera = Camera("0");
  camera.rids.clear();
  camera.ssrcs = {{10, 11}, {20, 21}};
  const std::vector<OfferedTrack> tracks = FindOfferedTracks(MakeClientOffer({camera}, {}), Engine());
  ASSERT_EQ(tracks.size(), 1u);
  ASSERT_EQ(tracks[0].ssrcs.size(), 2u);
  EXPECT_EQ(tracks[0].ssrcs[1].first, rtp::Ssrc(20));
  EXPECT_THAT(tracks[0].ssrcs[1].second, Optional(rtp::Ssrc(21)));
}

TEST(FindOfferedTracks, FallsBackToTheStreamOfAnMsidWithoutATrack) {
  sdp::SessionDescription offer = MakeClientOffer({Microphone("0")}, {});
  offer.media[0].msids = {{"only-stream", ""}};
  EXPECT_EQ(FindOfferedTracks(offer, Engine())[0].cid, "only-stream");
  offer.media[0].msids.clear();
  EXPECT_EQ(FindOfferedTracks(offer, Engine())[0].cid, "");
}

TEST(OrderRids, PutsKnownNamesIntoTheOrderOfTheirLayers) {
  EXPECT_THAT(OrderRids({"f", "h", "q"}), ElementsAre("q", "h", "f"));
  EXPECT_THAT(OrderRids({"0", "1", "2"}), ElementsAre("2", "1", "0"));
  EXPECT_THAT(OrderRids({"f", "q"}), ElementsAre("q", "f"));
  EXPECT_THAT(OrderRids({"high", "low", "q"}), ElementsAre("high", "low", "q"));
}

TEST(MakeAnswer, AnswersEverySectionInOrderAndReadsBack) {
  const sdp::SessionDescription offer = PublishOffer();
  const sdp::SessionDescription answer = MakeAnswer(offer, Engine(), Plan());
  ASSERT_EQ(answer.media.size(), 3u);
  EXPECT_THAT(answer.bundle, ElementsAre("0", "1", "2"));
  EXPECT_EQ(answer.media[0].direction, Direction::kRecvOnly);
  EXPECT_EQ(answer.media[1].direction, Direction::kRecvOnly);
  EXPECT_EQ(answer.media[2].sctp_port, 5000);
  EXPECT_EQ(answer.media[2].max_message_size, kMaxInboundMessage);
  for (const sdp::MediaSection& section : answer.media) {
    EXPECT_EQ(section.ice_ufrag, "serverfrag");
    EXPECT_EQ(section.ice_pwd, "serverpasswordserverpass");
    EXPECT_EQ(section.setup, sdp::Setup::kPassive);
    ASSERT_EQ(section.fingerprints.size(), 1u);
    EXPECT_EQ(section.fingerprints[0].value, "CC:DD");
  }
  EXPECT_TRUE(answer.media[0].rtcp_mux);
  const auto again = sdp::Parse(sdp::Write(answer));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(sdp::Write(*again), sdp::Write(answer));
}

TEST(MakeAnswer, KeepsOfferedPayloadTypesAndDropsWhatWeDoNotForward) {
  const sdp::SessionDescription answer = MakeAnswer(PublishOffer(), Engine(), Plan());
  EXPECT_THAT(Names(answer.media[0]), ElementsAre("opus", "red", "PCMU", "PCMA"));
  EXPECT_THAT(Names(answer.media[1]), ElementsAre("VP8", "rtx", "H264", "rtx", "VP9", "rtx", "AV1", "rtx"));
  EXPECT_EQ(CodecNamed(answer.media[1], "H264").payload_type, 103);  // Baseline; the high profile is 107.
  EXPECT_EQ(CodecNamed(answer.media[1], "AV1").payload_type, 45);
  EXPECT_THAT(CodecNamed(answer.media[1], "rtx").apt(), Optional(96));
  EXPECT_EQ(CodecNamed(answer.media[1], "VP8").fmtp, "");  // x-google-start-bitrate steers the offerer.
}

TEST(MakeAnswer, PutsThePreferredCodecFirst) {
  AnswerPlan plan = Plan();
  plan.preferences["1"].codec = Codec::kVp9;
  sdp::SessionDescription answer = MakeAnswer(PublishOffer(), Engine(), plan);
  EXPECT_EQ(Names(answer.media[1])[0], "VP9");
  EXPECT_EQ(Names(answer.media[1]).size(), 8u);
  plan.preferences["1"].only_codec = true;
  answer = MakeAnswer(PublishOffer(), Engine(), plan);
  EXPECT_THAT(Names(answer.media[1]), ElementsAre("VP9", "rtx"));
  plan.preferences["1"].codec = Codec::kH265;  // Not offered.
  EXPECT_EQ(Names(MakeAnswer(PublishOffer(), Engine(), plan).media[1]).size(), 8u);
}

TEST(MakeAnswer, PutsRedundancyFirstWhenItIsWished) {
  AnswerPlan plan = Plan();
  plan.preferences["0"].red = true;
  const sdp::MediaSection section = MakeAnswer(PublishOffer(), Engine(), plan).media[0];
  EXPECT_THAT(Names(section), ElementsAre("red", "opus", "PCMU", "PCMA"));
  EXPECT_EQ(section.codecs[0].fmtp, "111/111");
}

TEST(MakeAnswer, TellsOpusOfStereoAndDtxOnlyForKnownTracks) {
  AnswerPlan plan = Plan();
  EXPECT_EQ(CodecNamed(MakeAnswer(PublishOffer(), Engine(), plan).media[0], "opus").fmtp,
            "minptime=10;useinbandfec=1");
  plan.preferences["0"];
  EXPECT_EQ(CodecNamed(MakeAnswer(PublishOffer(), Engine(), plan).media[0], "opus").fmtp,
            "minptime=10;useinbandfec=1;usedtx=1");
  plan.preferences["0"].dtx = false;
  plan.preferences["0"].stereo = true;
  EXPECT_EQ(CodecNamed(MakeAnswer(PublishOffer(), Engine(), plan).media[0], "opus").fmtp,
            "minptime=10;useinbandfec=1;stereo=1;maxaveragebitrate=510000");
}

TEST(MakeAnswer, StripsStereoThatWasNotAskedFor) {
  sdp::SessionDescription offer = PublishOffer();
  offer.media[0].codecs[0].fmtp = "minptime=10;stereo=1;useinbandfec=1";
  AnswerPlan plan = Plan();
  plan.preferences["0"];
  EXPECT_THAT(CodecNamed(MakeAnswer(offer, Engine(), plan).media[0], "opus").fmtp, Not(HasSubstr("stereo")));
}

TEST(MakeAnswer, TakesTheFeedbackThatWeSpeak) {
  const sdp::SessionDescription answer = MakeAnswer(PublishOffer(), Engine(), Plan());
  EXPECT_THAT(CodecNamed(answer.media[1], "VP8").feedback,
              testing::UnorderedElementsAre("transport-cc", "ccm fir", "nack", "nack pli", "goog-remb"));
  EXPECT_THAT(CodecNamed(answer.media[0], "opus").feedback, Contains("nack"));
  EXPECT_THAT(CodecNamed(answer.media[1], "rtx").feedback, IsEmpty());
}

TEST(MakeAnswer, LeavesTransportFeedbackOutWithoutItsExtension) {
  sdp::SessionDescription offer = PublishOffer();
  for (sdp::MediaSection& section : offer.media) {
    std::erase_if(section.extensions, [](const sdp::ExtMap& extension) {
      return rtp::ExtensionFromUri(extension.uri) == rtp::Extension::kTransportCc;
    });
  }
  const sdp::SessionDescription answer = MakeAnswer(offer, Engine(), Plan());
  EXPECT_THAT(CodecNamed(answer.media[0], "opus").feedback, ElementsAre("nack"));
  EXPECT_THAT(CodecNamed(answer.media[1], "VP8").feedback, Not(Contains("transport-cc")));
}

TEST(MakeAnswer, KeepsTheIdsOfTheExtensionsThatWeKnow) {
  const sdp::MediaSection video = MakeAnswer(PublishOffer(), Engine(), Plan()).media[1];
  const rtp::ExtensionMap map = MediaEngine::ToMap(video.extensions);
  EXPECT_EQ(map.id(rtp::Extension::kMid), 4);
  EXPECT_EQ(map.id(rtp::Extension::kRid), 10);
  EXPECT_EQ(map.id(rtp::Extension::kDependencyDescriptor), 12);
  EXPECT_EQ(video.FindExtension("urn:ietf:params:rtp-hdrext:toffset"), nullptr);
}

TEST(MakeAnswer, AnswersSimulcastStreamByStream) {
  const sdp::MediaSection video = MakeAnswer(PublishOffer(), Engine(), Plan()).media[1];
  EXPECT_THAT(video.simulcast.recv, ElementsAre("q", "h", "f"));
  EXPECT_THAT(video.simulcast.send, IsEmpty());
  ASSERT_EQ(video.rids.size(), 3u);
  EXPECT_FALSE(video.rids[0].send);
}

TEST(MakeAnswer, RefusesWhatItCannotCarryAndKeepsTheSectionsPlace) {
  sdp::SessionDescription offer = PublishOffer();
  offer.media[1].codecs = {{100, "theora", 90000, 1, "", {}}};
  sdp::MediaSection text;
  text.kind = Kind::kOther;
  text.kind_name = "text";
  text.mid = "3";
  text.protocol = "RTP/AVP";
  text.format_list_raw = "98";
  offer.media.push_back(text);
  const sdp::SessionDescription answer = MakeAnswer(offer, Engine(), Plan());
  ASSERT_EQ(answer.media.size(), 4u);
  EXPECT_TRUE(answer.media[1].rejected());
  EXPECT_TRUE(answer.media[3].rejected());
  EXPECT_THAT(answer.bundle, ElementsAre("0", "2"));
  EXPECT_THAT(sdp::Write(answer), HasSubstr("m=text 0 RTP/AVP 98\r\n"));
  EXPECT_THAT(sdp::Write(answer), HasSubstr("m=video 0 UDP/TLS/RTP/SAVPF 100\r\n"));
}

TEST(MakeAnswer, LeavesARejectedSectionRejected) {
  sdp::SessionDescription offer = PublishOffer();
  offer.media[0].port = 0;
  const sdp::SessionDescription answer = MakeAnswer(offer, Engine(), Plan());
  EXPECT_TRUE(answer.media[0].rejected());
  EXPECT_THAT(answer.bundle, ElementsAre("1", "2"));
}

TEST(MakeAnswer, SendsATrackInASectionThatTheClientReceivesIn) {
  const sdp::SessionDescription offer = MakeClientOffer(SingleConnectionSections(1, 2), {});
  AnswerPlan plan = Plan();
  plan.outgoing.emplace("2", Outgoing());
  const sdp::SessionDescription answer = MakeAnswer(offer, Engine(), plan);
  EXPECT_EQ(answer.media[1].direction, Direction::kInactive);
  EXPECT_THAT(answer.media[1].msids, IsEmpty());
  const sdp::MediaSection& section = answer.media[2];
  EXPECT_EQ(section.direction, Direction::kSendOnly);
  ASSERT_EQ(section.msids.size(), 1u);
  EXPECT_EQ(section.msids[0].stream, "PA_p|TR_t");
  EXPECT_EQ(section.msids[0].track, "TR_t");
  ASSERT_EQ(section.ssrcs.size(), 2u);
  EXPECT_EQ(section.ssrcs[0].ssrc, 77u);
  EXPECT_EQ(section.ssrcs[0].cname, "PA_p");
  ASSERT_EQ(section.ssrc_groups.size(), 1u);
  EXPECT_EQ(section.ssrc_groups[0].semantics, "FID");
  EXPECT_THAT(section.ssrc_groups[0].ssrcs, ElementsAre(77u, 78u));
  EXPECT_EQ(answer.media[3].direction, Direction::kInactive);
}

TEST(MakeAnswer, DoesNotSendWhereTheClientDoesNotReceive) {
  AnswerPlan plan = Plan();
  plan.outgoing.emplace("1", Outgoing());
  const sdp::MediaSection section = MakeAnswer(PublishOffer(), Engine(), plan).media[1];
  EXPECT_EQ(section.direction, Direction::kRecvOnly);
  EXPECT_THAT(section.ssrcs, IsEmpty());
}

TEST(MakeAnswer, CarriesBothDirectionsInOneSection) {
  ClientSection both = Microphone("0");
  both.direction = Direction::kSendRecv;
  AnswerPlan plan = Plan();
  plan.outgoing.emplace("0", Outgoing());
  EXPECT_EQ(MakeAnswer(MakeClientOffer({both}, {}), Engine(), plan).media[0].direction, Direction::kSendRecv);
}

}  // namespace
}  // namespace weir::rtc::test
