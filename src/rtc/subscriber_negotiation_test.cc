#include "rtc/subscriber_negotiation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "rtc/test_negotiation.h"
#include "rtc/test_room.h"

namespace weir::rtc::test {
namespace {

using sdp::Direction;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class SubscriberNegotiationTest : public testing::Test, public SubscriberNegotiation::Owner {
 protected:
  SubscriberNegotiationTest() { Make({}); }
  void Make(const SubscriberNegotiation::Config& config) {
    negotiation_ =
        std::make_unique<SubscriberNegotiation>(world_.environment, engine_, transport_, config, *this);
  }
  void RunMillis(int64_t millis) {
    const Timestamp end = world_.now().mono + TimeDelta::Millis(millis);
    while (negotiation_->NextTimeout() <= end) {
      world_.network.RunUntil(negotiation_->NextTimeout());
      negotiation_->OnTimeout(world_.now());
    }
    world_.network.RunUntil(end);
  }
  sdp::SessionDescription Parsed(size_t index) const { return sdp::Parse(offers_[index].sdp()).value(); }
  sdp::SessionDescription Last() const { return Parsed(offers_.size() - 1); }
  base::Result<void> Answer(size_t index) {
    return Answer(MakeClientAnswer(Parsed(index), client_), offers_[index].id());
  }
  base::Result<void> Answer(const sdp::SessionDescription& answer, uint32_t id) {
    livekit::SessionDescription message;
    message.set_type("answer");
    message.set_sdp(sdp::Write(answer));
    message.set_id(id);
    return negotiation_->OnAnswer(world_.now(), message);
  }
  void AnswerLast() { ASSERT_TRUE(Answer(offers_.size() - 1).has_value()); }
  // Started, and its first offer answered.
  void Establish() {
    negotiation_->Start(world_.now());
    negotiation_->OnClientReady(world_.now());
    AnswerLast();
  }

  void SendOffer(livekit::SessionDescription offer) override { offers_.push_back(std::move(offer)); }
  void OnNegotiationFailed(Now, const std::string& reason) override { failures_.push_back(reason); }

  TestWorld world_{1};
  QuietTransportOwner transport_owner_;
  MediaEngine engine_{TestSettings().enabled_codecs};
  Transport transport_{world_.environment,
                       {.target = Target::kSubscriber, .ice_role = ice::Role::kControlling},
                       transport_owner_};
  ClientTransport client_{.setup = sdp::Setup::kActive};
  std::unique_ptr<SubscriberNegotiation> negotiation_;
  std::vector<livekit::SessionDescription> offers_;
  std::vector<std::string> failures_;
};

TEST_F(SubscriberNegotiationTest, TheFirstOfferWaitsForTheClientToBeReady) {
  FakeSender audio(true, "TR_A");
  negotiation_->AddSender(world_.now(), audio);
  negotiation_->Start(world_.now());
  RunMillis(50);
  EXPECT_THAT(offers_, IsEmpty());
  negotiation_->OnClientReady(world_.now());
  ASSERT_EQ(offers_.size(), 1u);
  EXPECT_EQ(Last().media[0].kind, Kind::kApplication);
  EXPECT_EQ(Last().media[1].direction, Direction::kSendOnly);
  EXPECT_EQ(Last().media[1].setup, sdp::Setup::kActpass);
  EXPECT_THAT(offers_[0].mid_to_track_id(), ElementsAre(Pair("1", "TR_A")));
}

TEST_F(SubscriberNegotiationTest, TheFirstOfferWaitsAHundredMillisecondsAtMost) {
  negotiation_->Start(world_.now());
  RunMillis(99);
  EXPECT_THAT(offers_, IsEmpty());
  RunMillis(2);
  ASSERT_EQ(offers_.size(), 1u);
  EXPECT_EQ(Last().media.size(), 1u);  // Data only, and still an offer: it connects.
  negotiation_->OnClientReady(world_.now());
  EXPECT_EQ(offers_.size(), 1u);
}

TEST_F(SubscriberNegotiationTest, AnUnansweredFirstOfferIsRepeatedUnderNewNumbers) {
  negotiation_->Start(world_.now());
  negotiation_->OnClientReady(world_.now());
  RunMillis(10'000);
  ASSERT_EQ(offers_.size(), 4u);  // And then no more: the join has its own deadline.
  EXPECT_EQ(offers_[1].id(), offers_[0].id() + 1);
  ASSERT_TRUE(Answer(1).has_value());  // Late, to an offer that was replaced.
  FakeSender audio(true, "TR_A");
  negotiation_->AddSender(world_.now(), audio);
  RunMillis(200);
  EXPECT_EQ(offers_.size(), 4u);
  AnswerLast();
  EXPECT_EQ(offers_.size(), 5u);
}

TEST_F(SubscriberNegotiationTest, ChangesWaitForTheOutstandingAnswerAndGoTogether) {
  Establish();
  FakeSender a(true, "TR_A");
  FakeSender b(false, "TR_B");
  FakeSender c(true, "TR_C");
  negotiation_->AddSender(world_.now(), a);
  RunMillis(20);
  ASSERT_EQ(offers_.size(), 2u);
  negotiation_->AddSender(world_.now(), b);
  negotiation_->AddSender(world_.now(), c);
  RunMillis(500);
  EXPECT_EQ(offers_.size(), 2u);  // One outstanding.
  AnswerLast();
  ASSERT_EQ(offers_.size(), 3u);
  EXPECT_EQ(a.bound, 1);
  EXPECT_EQ(b.bound, 0);
  EXPECT_EQ(offers_[2].mid_to_track_id().size(), 3u);
  AnswerLast();
  EXPECT_EQ(a.bound, 1);
  EXPECT_EQ(b.bound, 1);
  EXPECT_EQ(c.bound, 1);
  EXPECT_EQ(b.codecs[0].codec, codec::Codec::kVp8);
  RunMillis(1000);
  EXPECT_EQ(offers_.size(), 3u);
}

TEST_F(SubscriberNegotiationTest, AddsWithinTheDebounceGoIntoOneOffer) {
  Establish();
  RunMillis(500);
  FakeSender a(true, "TR_A");
  FakeSender b(true, "TR_B");
  negotiation_->AddSender(world_.now(), a);
  RunMillis(5);
  negotiation_->AddSender(world_.now(), b);
  RunMillis(10);
  ASSERT_EQ(offers_.size(), 2u);
  EXPECT_EQ(offers_[1].mid_to_track_id().size(), 2u);
}

TEST_F(SubscriberNegotiationTest, ASectionIsReusedForTheNextTrackOfItsKind) {
  Establish();
  FakeSender a(true, "TR_A");
  negotiation_->AddSender(world_.now(), a);
  RunMillis(200);
  AnswerLast();
  negotiation_->RemoveSender(world_.now(), a);
  RunMillis(200);
  EXPECT_EQ(Last().media[1].direction, Direction::kInactive);
  EXPECT_THAT(Last().media[1].msids, IsEmpty());
  AnswerLast();
  FakeSender b(true, "TR_B");
  FakeSender video(false, "TR_V");
  negotiation_->AddSender(world_.now(), video);
  negotiation_->AddSender(world_.now(), b);
  RunMillis(200);
  AnswerLast();
  ASSERT_EQ(Last().media.size(), 3u);
  EXPECT_EQ(Last().media[1].msids[0].track, "TR_B");
  EXPECT_EQ(b.bound, 1);
  EXPECT_EQ(video.bound, 1);
}

TEST_F(SubscriberNegotiationTest, NothingIsReusedForThoseWhoWantFreshSections) {
  Make({.reuse_sections = false});
  Establish();
  FakeSender a(true, "TR_A");
  negotiation_->AddSender(world_.now(), a);
  RunMillis(200);
  AnswerLast();
  negotiation_->RemoveSender(world_.now(), a);
  FakeSender b(true, "TR_B");
  negotiation_->AddSender(world_.now(), b);
  RunMillis(200);
  ASSERT_EQ(Last().media.size(), 3u);
  EXPECT_EQ(Last().media[1].direction, Direction::kInactive);
  EXPECT_EQ(Last().media[2].msids[0].track, "TR_B");
}

// The answer speaks of the sections as they were offered, not of who has taken one since.
TEST_F(SubscriberNegotiationTest, ATrackThatTookASectionDuringAnOfferIsBoundByTheNextAnswer) {
  Establish();
  FakeSender a(true, "TR_A");
  negotiation_->AddSender(world_.now(), a);
  RunMillis(200);
  AnswerLast();
  negotiation_->RemoveSender(world_.now(), a);
  RunMillis(200);
  ASSERT_EQ(Last().media[1].direction, Direction::kInactive);
  FakeSender b(true, "TR_B");
  negotiation_->AddSender(world_.now(), b);
  RunMillis(200);
  AnswerLast();
  EXPECT_EQ(b.bound, 0);
  ASSERT_EQ(Last().media[1].direction, Direction::kSendOnly);
  AnswerLast();
  EXPECT_EQ(b.bound, 1);
  EXPECT_THAT(b.codecs, testing::Not(IsEmpty()));
}

TEST_F(SubscriberNegotiationTest, ATrackThatReplacedAnotherDuringAnOfferIsBoundByTheNextAnswer) {
  Establish();
  FakeSender a(true, "TR_A");
  negotiation_->AddSender(world_.now(), a);
  RunMillis(200);
  negotiation_->RemoveSender(world_.now(), a);
  FakeSender b(true, "TR_B");
  negotiation_->AddSender(world_.now(), b);
  AnswerLast();  // To the offer of TR_A.
  EXPECT_EQ(a.bound, 0);
  EXPECT_EQ(b.bound, 0);
  RunMillis(200);
  EXPECT_EQ(Last().media[1].msids[0].track, "TR_B");
  AnswerLast();
  EXPECT_EQ(b.bound, 1);
}

TEST_F(SubscriberNegotiationTest, ARefusedSectionBindsWithoutCodecs) {
  Establish();
  FakeSender a(true, "TR_A");
  negotiation_->AddSender(world_.now(), a);
  RunMillis(200);
  sdp::SessionDescription answer = MakeClientAnswer(Last(), client_);
  answer.media[1].port = 0;
  ASSERT_TRUE(Answer(answer, offers_.back().id()).has_value());
  EXPECT_EQ(a.bound, 1);
  EXPECT_THAT(a.codecs, IsEmpty());
}

TEST_F(SubscriberNegotiationTest, OnlyTheCodecsOfTheAnswerCount) {
  Establish();
  FakeSender video(false, "TR_V");
  negotiation_->AddSender(world_.now(), video);
  RunMillis(200);
  sdp::SessionDescription answer = MakeClientAnswer(Last(), client_);
  std::erase_if(answer.media[1].codecs,
                [](const sdp::Codec& codec) { return codec.payload_type != 98 && codec.payload_type != 99; });
  ASSERT_TRUE(Answer(answer, 0).has_value());  // Unnumbered: to whatever is outstanding.
  ASSERT_EQ(video.codecs.size(), 1u);
  EXPECT_EQ(video.codecs[0].codec, codec::Codec::kVp9);
  EXPECT_THAT(video.codecs[0].rtx_payload_type, testing::Optional(99));
}

TEST_F(SubscriberNegotiationTest, AnAnswerWithoutIceOrACertificateIsAnError) {
  negotiation_->Start(world_.now());
  negotiation_->OnClientReady(world_.now());
  sdp::SessionDescription answer = MakeClientAnswer(Last(), client_);
  answer.media[0].ice_ufrag.clear();
  EXPECT_FALSE(Answer(answer, offers_[0].id()).has_value());
  livekit::SessionDescription garbage;
  garbage.set_sdp("nonsense");
  EXPECT_FALSE(negotiation_->OnAnswer(world_.now(), garbage).has_value());
}

TEST_F(SubscriberNegotiationTest, AnAnswerThatNobodyAskedForIsIgnored) {
  Establish();
  const sdp::SessionDescription answer = MakeClientAnswer(Last(), client_);
  EXPECT_TRUE(Answer(answer, offers_[0].id()).has_value());
  EXPECT_EQ(offers_.size(), 1u);
}

TEST_F(SubscriberNegotiationTest, AResumeRestartsIceWhenTheClientIsBack) {
  Establish();
  const std::string ufrag = Last().media[0].ice_ufrag;
  FakeSender a(true, "TR_A");
  negotiation_->AddSender(world_.now(), a);
  RunMillis(200);
  ASSERT_EQ(offers_.size(), 2u);  // Outstanding when signalling breaks.
  negotiation_->OnResume(world_.now());
  RunMillis(50);
  EXPECT_EQ(offers_.size(), 2u);
  negotiation_->OnClientReady(world_.now());
  ASSERT_EQ(offers_.size(), 3u);
  EXPECT_NE(Last().media[0].ice_ufrag, ufrag);
  EXPECT_EQ(Last().media[1].msids[0].track, "TR_A");
  RunMillis(1100);
  EXPECT_EQ(offers_.size(), 4u);  // A restart matters: it is repeated.
  EXPECT_EQ(Last().media[0].ice_ufrag, Parsed(2).media[0].ice_ufrag);
  AnswerLast();
  EXPECT_EQ(a.bound, 1);
}

TEST_F(SubscriberNegotiationTest, AResumeBeforeAnyAnswerOffersAgainWithoutARestart) {
  negotiation_->Start(world_.now());
  negotiation_->OnClientReady(world_.now());
  negotiation_->OnResume(world_.now());
  RunMillis(150);
  ASSERT_EQ(offers_.size(), 2u);
  EXPECT_EQ(Last().media[0].ice_ufrag, Parsed(0).media[0].ice_ufrag);
}

TEST_F(SubscriberNegotiationTest, ARestartWaitsForTheOutstandingAnswer) {
  Establish();
  FakeSender a(true, "TR_A");
  negotiation_->AddSender(world_.now(), a);
  RunMillis(200);
  const std::string ufrag = Last().media[0].ice_ufrag;
  negotiation_->RestartIce(world_.now());
  EXPECT_EQ(offers_.size(), 2u);
  AnswerLast();
  ASSERT_EQ(offers_.size(), 3u);
  EXPECT_NE(Last().media[0].ice_ufrag, ufrag);
}

TEST_F(SubscriberNegotiationTest, SectionsAreBounded) {
  world_.settings.limits.max_media_sections = 2;
  Establish();
  FakeSender senders[] = {{true, "TR_A1"}, {true, "TR_A2"}, {true, "TR_A3"}};
  for (FakeSender& sender : senders) {
    negotiation_->AddSender(world_.now(), sender);
  }
  RunMillis(200);
  EXPECT_EQ(Last().media.size(), 3u);
  AnswerLast();
  EXPECT_EQ(senders[2].bound, 0);
}

// With a connection that is up, an offer that stays unanswered is the end.
TEST(SubscriberNegotiationInARoom, AClientThatStopsAnsweringHasToJoinAnew) {
  RoomSim sim;
  TestClient& a = sim.Add("a", false);
  TestClient& b = sim.Add("b", false);
  ASSERT_TRUE(sim.RunUntilConnected());
  sim.RunMillis(500);
  b.answers_offers = false;
  a.PublishAudio({.cid = "a-mic"});
  sim.Run(TimeDelta::Seconds(14));
  EXPECT_EQ(b.CountOf(Response::kLeave), 0u);
  sim.Run(TimeDelta::Seconds(3));
  ASSERT_EQ(b.CountOf(Response::kLeave), 1u);
  EXPECT_EQ(b.LastOf(Response::kLeave)->leave().action(), livekit::LeaveRequest::RECONNECT);
  EXPECT_EQ(b.LastOf(Response::kLeave)->leave().reason(), livekit::STATE_MISMATCH);
  EXPECT_EQ(sim.Find("b"), nullptr);
}

TEST_F(SubscriberNegotiationTest, AnAnswerDoesNotBindASenderThatCameAfterItsOffer) {
  FakeSender first(false, "TR_V1");
  negotiation_->AddSender(world_.now(), first);
  Establish();
  negotiation_->RemoveSender(world_.now(), first);
  RunMillis(200);  // The offer that makes the section inactive is on its way.
  FakeSender second(false, "TR_V2");
  negotiation_->AddSender(world_.now(), second);
  AnswerLast();
  EXPECT_EQ(second.bound, 0) << "the answer still speaks of the section's previous use";
  RunMillis(200);
  AnswerLast();
  EXPECT_EQ(second.bound, 1);
}

}  // namespace
}  // namespace weir::rtc::test
