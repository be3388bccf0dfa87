#include "rtc/publisher_negotiation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "rtc/test_negotiation.h"

namespace weir::rtc::test {
namespace {

using sdp::Direction;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

class PublisherNegotiationTest : public testing::Test, public PublisherNegotiation::Owner {
 protected:
  void Make(bool single) { negotiation_.emplace(world_.environment, engine_, transport_, single, *this); }
  base::Result<void> Offer(const std::vector<ClientSection>& sections, uint32_t id = 1,
                           const ClientTransport& transport = {}) {
    livekit::SessionDescription message;
    message.set_type("offer");
    message.set_sdp(sdp::Write(MakeClientOffer(sections, transport)));
    message.set_id(id);
    return negotiation_->OnOffer(world_.now(), message);
  }
  sdp::SessionDescription LastAnswer() const { return sdp::Parse(answers_.back().sdp()).value(); }
  void RunMillis(int64_t millis) {
    const Timestamp end = world_.now().mono + TimeDelta::Millis(millis);
    while (negotiation_->NextTimeout() <= end) {
      world_.network.RunUntil(negotiation_->NextTimeout());
      negotiation_->OnTimeout(world_.now());
    }
    world_.network.RunUntil(end);
  }

  // PublisherNegotiation::Owner
  std::map<std::string, PublishPreference, std::less<>> PreferencesFor(
      const std::vector<OfferedTrack>&) override {
    return preferences_;
  }
  void OnTracksNegotiated(Now, std::vector<OfferedTrack> tracks) override {
    answers_before_tracks_ = answers_.size();
    tracks_ = std::move(tracks);
  }
  void SendAnswer(livekit::SessionDescription answer) override { answers_.push_back(std::move(answer)); }
  void SendSectionsRequirement(uint32_t audios, uint32_t videos) override {
    requirements_.emplace_back(audios, videos);
  }

  TestWorld world_{1};
  QuietTransportOwner transport_owner_;
  MediaEngine engine_{TestSettings().enabled_codecs};
  Transport transport_{world_.environment, Transport::Config(), transport_owner_};
  std::optional<PublisherNegotiation> negotiation_;
  std::map<std::string, PublishPreference, std::less<>> preferences_;
  std::vector<livekit::SessionDescription> answers_;
  std::vector<OfferedTrack> tracks_;
  size_t answers_before_tracks_ = 0;
  std::vector<std::pair<uint32_t, uint32_t>> requirements_;
};

ClientSection Microphone(const std::string& mid) {
  ClientSection section;
  section.mid = mid;
  section.direction = Direction::kSendOnly;
  section.stream = "stream";
  section.track = "mic-id";
  section.ssrcs = {{1111, 0}};
  return section;
}

TEST_F(PublisherNegotiationTest, AnswersAtOnceUnderTheOffersNumber) {
  Make(false);
  ASSERT_TRUE(Offer({Microphone("0")}, 7).has_value());
  ASSERT_TRUE(Offer({Microphone("0")}, 0).has_value());
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[0].id(), 7u);
  EXPECT_EQ(answers_[1].id(), 0u);  // Unnumbered stays unnumbered.
  EXPECT_EQ(answers_[0].type(), "answer");
  EXPECT_EQ(answers_before_tracks_, 2u);
  ASSERT_EQ(tracks_.size(), 1u);
  EXPECT_EQ(tracks_[0].cid, "mic-id");
  EXPECT_EQ(LastAnswer().media[0].setup, sdp::Setup::kPassive);
  EXPECT_EQ(LastAnswer().media[0].ice_ufrag, transport_.connection().ice().local_credentials().ufrag);
}

TEST_F(PublisherNegotiationTest, TakesTheClientRoleOfAPassiveOfferer) {
  Make(false);
  ClientTransport passive;
  passive.setup = sdp::Setup::kPassive;
  ASSERT_TRUE(Offer({Microphone("0")}, 1, passive).has_value());
  EXPECT_EQ(LastAnswer().media[0].setup, sdp::Setup::kActive);
}

TEST_F(PublisherNegotiationTest, RefusesOffersThatCannotConnect) {
  Make(true);
  livekit::SessionDescription garbage;
  garbage.set_sdp("v=0\r\nnonsense");
  EXPECT_FALSE(negotiation_->OnOffer(world_.now(), garbage).has_value());
  ClientTransport without_ice;
  without_ice.ice = {};
  EXPECT_FALSE(Offer({Microphone("0")}, 1, without_ice).has_value());
  EXPECT_FALSE(Offer({}).has_value());
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_FALSE(negotiation_->negotiated());
}

TEST_F(PublisherNegotiationTest, RefusesMoreSectionsThanTheLimit) {
  world_.settings.limits.max_media_sections = 3;
  Make(true);
  EXPECT_TRUE(Offer(SingleConnectionSections(1, 1)).has_value());
  EXPECT_FALSE(Offer(SingleConnectionSections(2, 1)).has_value());
}

TEST_F(PublisherNegotiationTest, RestartsIceWhenTheClientDoes) {
  Make(false);
  ASSERT_TRUE(Offer({Microphone("0")}).has_value());
  const std::string before = LastAnswer().media[0].ice_ufrag;
  ASSERT_TRUE(Offer({Microphone("0")}, 2).has_value());
  EXPECT_EQ(LastAnswer().media[0].ice_ufrag, before);
  ClientTransport restarted;
  restarted.ice = {"newfrag1", "newpasswordnewpasswordnew"};
  ASSERT_TRUE(Offer({Microphone("0")}, 3, restarted).has_value());
  EXPECT_NE(LastAnswer().media[0].ice_ufrag, before);
  EXPECT_EQ(world_.ufrags.size(), 2u);
}

TEST_F(PublisherNegotiationTest, PutsWaitingTracksIntoTheFirstOffersSections) {
  Make(true);
  FakeSender audio(true, "TR_A");
  FakeSender video(false, "TR_V");
  negotiation_->AddSender(world_.now(), audio);
  negotiation_->AddSender(world_.now(), video);
  RunMillis(1000);
  EXPECT_THAT(requirements_, IsEmpty());  // The first offer comes by itself.
  ASSERT_TRUE(Offer(SingleConnectionSections(3, 3)).has_value());
  const sdp::SessionDescription answer = LastAnswer();
  EXPECT_EQ(answer.media[1].direction, Direction::kSendOnly);
  EXPECT_EQ(answer.media[1].msids[0].track, "TR_A");
  EXPECT_EQ(answer.media[4].direction, Direction::kSendOnly);
  EXPECT_EQ(answer.media[2].direction, Direction::kInactive);
  EXPECT_THAT(answers_.back().mid_to_track_id(), UnorderedElementsAre(Pair("1", "TR_A"), Pair("4", "TR_V")));
  EXPECT_EQ(audio.bound, 1);
  EXPECT_EQ(video.bound, 1);
  EXPECT_EQ(video.codecs[0].codec, codec::Codec::kVp8);
  EXPECT_THAT(requirements_, IsEmpty());
  ASSERT_TRUE(Offer(SingleConnectionSections(3, 3), 2).has_value());
  EXPECT_EQ(audio.bound, 1);  // Once.
  EXPECT_EQ(answers_.back().mid_to_track_id().size(), 2u);
}

TEST_F(PublisherNegotiationTest, AsksForAnOfferWhenSectionsAreToSpare) {
  Make(true);
  ASSERT_TRUE(Offer(SingleConnectionSections(1, 1)).has_value());
  FakeSender audio(true, "TR_A");
  negotiation_->AddSender(world_.now(), audio);
  RunMillis(9);
  EXPECT_THAT(requirements_, IsEmpty());
  RunMillis(2);
  EXPECT_THAT(requirements_, ElementsAre(Pair(0u, 0u)));
  ASSERT_TRUE(Offer(SingleConnectionSections(1, 1), 2).has_value());
  EXPECT_EQ(audio.bound, 1);
}

TEST_F(PublisherNegotiationTest, AsksForTheSectionsThatAreMissingAndForNoneTwice) {
  Make(true);
  ASSERT_TRUE(Offer(SingleConnectionSections(1, 1)).has_value());
  FakeSender senders[] = {
      {true, "TR_A1"}, {true, "TR_A2"}, {true, "TR_A3"}, {false, "TR_V1"}, {false, "TR_V2"}};
  for (FakeSender& sender : senders) {
    negotiation_->AddSender(world_.now(), sender);
  }
  RunMillis(20);
  EXPECT_THAT(requirements_, ElementsAre(Pair(2u, 1u)));
  FakeSender late(true, "TR_A4");
  negotiation_->AddSender(world_.now(), late);
  RunMillis(200);
  EXPECT_THAT(requirements_, ElementsAre(Pair(2u, 1u), Pair(1u, 0u)));

  // The client reacts to the first message only; what is still missing is asked for after its answer.
  requirements_.clear();
  std::vector<ClientSection> sections = SingleConnectionSections(3, 2);
  ASSERT_TRUE(Offer(sections, 2).has_value());
  EXPECT_THAT(requirements_, ElementsAre(Pair(1u, 0u)));
  requirements_.clear();
  sections.push_back(SingleConnectionSections(1, 0).back());
  sections.back().mid = "10";
  ASSERT_TRUE(Offer(sections, 3).has_value());
  EXPECT_EQ(answers_.back().mid_to_track_id().size(), 6u);
  RunMillis(1000);
  EXPECT_THAT(requirements_, IsEmpty());
}

TEST_F(PublisherNegotiationTest, GivesTheSectionOfAnEndedTrackToTheNext) {
  Make(true);
  FakeSender first(true, "TR_A1");
  negotiation_->AddSender(world_.now(), first);
  ASSERT_TRUE(Offer(SingleConnectionSections(1, 0)).has_value());
  RunMillis(200);
  requirements_.clear();
  negotiation_->RemoveSender(world_.now(), first);
  RunMillis(200);
  EXPECT_THAT(requirements_, ElementsAre(Pair(0u, 0u)));
  ASSERT_TRUE(Offer(SingleConnectionSections(1, 0), 2).has_value());
  EXPECT_EQ(LastAnswer().media[1].direction, Direction::kInactive);
  EXPECT_THAT(answers_.back().mid_to_track_id(), IsEmpty());
  FakeSender second(true, "TR_A2");
  negotiation_->AddSender(world_.now(), second);
  ASSERT_TRUE(Offer(SingleConnectionSections(1, 0), 3).has_value());
  EXPECT_EQ(second.bound, 1);
  EXPECT_EQ(LastAnswer().media[1].msids[0].track, "TR_A2");
}

TEST_F(PublisherNegotiationTest, SpreadsRequestsThatFollowEachOther) {
  Make(true);
  ASSERT_TRUE(Offer(SingleConnectionSections(3, 3)).has_value());
  FakeSender a(true, "TR_A1");
  FakeSender b(true, "TR_A2");
  FakeSender c(true, "TR_A3");
  negotiation_->AddSender(world_.now(), a);
  RunMillis(15);
  negotiation_->AddSender(world_.now(), b);
  RunMillis(50);
  negotiation_->AddSender(world_.now(), c);
  EXPECT_EQ(requirements_.size(), 1u);
  RunMillis(120);
  EXPECT_EQ(requirements_.size(), 2u);
}

TEST_F(PublisherNegotiationTest, ForgetsATrackThatEndsBeforeItHadASection) {
  Make(true);
  {
    FakeSender brief(true, "TR_A1");
    negotiation_->AddSender(world_.now(), brief);
    negotiation_->RemoveSender(world_.now(), brief);
  }
  ASSERT_TRUE(Offer(SingleConnectionSections(1, 0)).has_value());
  EXPECT_THAT(answers_.back().mid_to_track_id(), IsEmpty());
}

TEST_F(PublisherNegotiationTest, SendsNothingOnAPublisherConnectionOfTwo) {
  Make(false);
  ASSERT_TRUE(Offer(SingleConnectionSections(1, 1)).has_value());
  EXPECT_EQ(LastAnswer().media[1].direction, Direction::kInactive);
  RunMillis(500);
  EXPECT_THAT(requirements_, IsEmpty());
}

TEST_F(PublisherNegotiationTest, KnowsTheRidsOfVideoWhateverSectionComesFirst) {
  Make(false);
  ClientSection camera;
  camera.kind = Kind::kVideo;
  camera.mid = "1";
  camera.direction = Direction::kSendOnly;
  camera.track = "cam-id";
  camera.rids = {"q", "h"};
  ASSERT_TRUE(Offer({Microphone("0"), camera}).has_value());
  ASSERT_EQ(tracks_.size(), 2u);
  EXPECT_EQ(tracks_[0].extensions.id(rtp::Extension::kRid), 0);
  EXPECT_EQ(tracks_[1].extensions.id(rtp::Extension::kRid), 10);
}

}  // namespace
}  // namespace weir::rtc::test
