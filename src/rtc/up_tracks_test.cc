#include "rtc/up_tracks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "rtc/test_negotiation.h"

namespace weir::rtc::test {
namespace {

using codec::Codec;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;
using Refusal = livekit::RequestResponse;
using Response = livekit::SignalResponse;

class UpTracksTest : public testing::Test, public UpTracks::Owner {
 protected:
  static livekit::AddTrackRequest Request(const std::string& cid, livekit::TrackType type = livekit::AUDIO) {
    livekit::AddTrackRequest request;
    request.set_cid(cid);
    request.set_type(type);
    request.set_source(type == livekit::AUDIO ? livekit::MICROPHONE : livekit::CAMERA);
    return request;
  }
  // A section of the client's offer, as FindOfferedTracks sees it.
  OfferedTrack Offered(const std::string& mid, const std::string& cid, bool audio = true) {
    ClientSection section;
    section.kind = audio ? Kind::kAudio : Kind::kVideo;
    section.mid = mid;
    section.direction = sdp::Direction::kSendOnly;
    section.stream = "stream";
    section.track = cid;
    section.ssrcs = {{static_cast<uint32_t>(100 + mid.size() + mid[0]), 0}};
    if (!audio) {
      section.rids = {"q", "h", "f"};
    }
    return FindOfferedTracks(MakeClientOffer({section}, {}), engine_)[0];
  }
  void AddTrack(const livekit::AddTrackRequest& request) { tracks_.AddTrack(world_.now(), request); }
  void Negotiate(std::vector<OfferedTrack> offered) {
    preferences_ = tracks_.PreferencesFor(offered);
    tracks_.OnTracksNegotiated(world_.now(), std::move(offered));
  }
  const livekit::TrackInfo& PublishedInfo(const std::string& cid) const {
    for (auto message = messages_.rbegin(); message != messages_.rend(); ++message) {
      if (message->has_track_published() && message->track_published().cid() == cid) {
        return message->track_published().track();
      }
    }
    ADD_FAILURE() << "no track_published for " << cid;
    static const livekit::TrackInfo kNone;
    return kNone;
  }
  Refusal::Reason LastRefusal() const {
    return messages_.empty() || !messages_.back().has_request_response()
               ? Refusal::OK
               : messages_.back().request_response().reason();
  }
  const livekit::TrackInfo& InfoOf(const std::string& mid) { return tracks_.published().at(mid)->info(); }

  // UpTracks::Owner
  void Send(const Response& message) override { messages_.push_back(message); }
  bool MayPublish(livekit::TrackSource source) const override { return source != forbidden_; }
  bool IgnoresCodecOrder() const override { return false; }
  Transport& PublisherTransport() override { return transport_; }
  void OnTrackPublished(Now, PublishedTrack& track) override { events_.push_back("+" + track.mid()); }
  void OnTrackUnpublished(Now, PublishedTrack& track) override { events_.push_back("-" + track.mid()); }
  void OnTrackChanged(Now, PublishedTrack& track) override { events_.push_back("~" + track.mid()); }

  TestWorld world_{1};
  QuietTransportOwner transport_owner_;
  MediaEngine engine_{TestSettings().enabled_codecs};
  Transport transport_{world_.environment, Transport::Config(), transport_owner_};
  livekit::TrackSource forbidden_ = livekit::UNKNOWN;
  std::vector<Response> messages_;
  std::vector<std::string> events_;
  std::map<std::string, PublishPreference, std::less<>> preferences_;
  UpTracks tracks_{world_.environment, engine_, *this};
};

TEST_F(UpTracksTest, AnAddTrackIsAnsweredBeforeThereIsAnyMedia) {
  AddTrack(Request("mic"));
  EXPECT_THAT(PublishedInfo("mic").sid(), StartsWith("TR_AM"));
  EXPECT_THAT(tracks_.published(), IsEmpty());
  EXPECT_TRUE(tracks_.Knows(PublishedInfo("mic").sid()));
  Negotiate({Offered("0", "mic")});
  EXPECT_THAT(events_, ElementsAre("+0"));
  EXPECT_EQ(InfoOf("0").sid(), PublishedInfo("mic").sid());
  EXPECT_EQ(InfoOf("0").mid(), "0");
  EXPECT_EQ(InfoOf("0").mime_type(), "audio/red");
}

TEST_F(UpTracksTest, AnOfferMayComeBeforeItsAddTrack) {
  Negotiate({Offered("0", "mic")});
  EXPECT_THAT(events_, IsEmpty());
  AddTrack(Request("mic"));
  EXPECT_THAT(events_, ElementsAre("+0"));
  EXPECT_EQ(InfoOf("0").sid(), PublishedInfo("mic").sid());
}

TEST_F(UpTracksTest, TracksFindTheirSectionsByIdWhateverTheOrder) {
  AddTrack(Request("a"));
  AddTrack(Request("b"));
  Negotiate({Offered("0", "b"), Offered("1", "a")});
  EXPECT_EQ(InfoOf("0").sid(), PublishedInfo("b").sid());
  EXPECT_EQ(InfoOf("1").sid(), PublishedInfo("a").sid());
}

TEST_F(UpTracksTest, AnIdThatTheBrowserMadeUpFallsBackToTheKind) {
  AddTrack(Request("mic"));
  AddTrack(Request("cam", livekit::VIDEO));
  Negotiate({Offered("0", "{made-up}", false), Offered("1", "{another}")});
  EXPECT_EQ(InfoOf("0").sid(), PublishedInfo("cam").sid());
  EXPECT_EQ(InfoOf("1").sid(), PublishedInfo("mic").sid());
  EXPECT_EQ(InfoOf("1").codecs(0).sdp_cid(), "{another}");
}

TEST_F(UpTracksTest, ACodecsOwnIdIsKnownAsWell) {
  livekit::AddTrackRequest request = Request("cam", livekit::VIDEO);
  livekit::SimulcastCodec& codec = *request.add_simulcast_codecs();
  codec.set_codec("vp8");
  codec.set_cid("cam-vp8");
  AddTrack(Request("other", livekit::VIDEO));
  AddTrack(request);
  Negotiate({Offered("0", "cam-vp8", false)});
  EXPECT_EQ(InfoOf("0").sid(), PublishedInfo("cam").sid());
}

livekit::AddTrackRequest WithBackup() {
  livekit::AddTrackRequest request;
  request.set_cid("cam");
  request.set_type(livekit::VIDEO);
  request.set_source(livekit::CAMERA);
  for (const char* name : {"vp9", "vp8"}) {
    livekit::SimulcastCodec& codec = *request.add_simulcast_codecs();
    codec.set_codec(name);
    codec.set_cid(name == std::string("vp9") ? "cam" : "");
  }
  return request;
}

TEST_F(UpTracksTest, ABackupCodecArrivesInASectionOfItsOwn) {
  AddTrack(WithBackup());
  const OfferedTrack primary = Offered("0", "cam", false);
  Negotiate({primary});
  const std::string sid = PublishedInfo("cam").sid();
  PublishedTrack& track = *tracks_.published().at("0");
  EXPECT_EQ(track.backup_codec(), Codec::kVp8);
  EXPECT_EQ(track.backup(), nullptr);
  livekit::AddTrackRequest more;
  more.set_cid("cam-vp8");
  more.set_sid(sid);
  more.set_type(livekit::VIDEO);
  more.set_source(livekit::CAMERA);
  more.add_simulcast_codecs()->set_codec("vp8");
  more.mutable_simulcast_codecs(0)->set_cid("cam-vp8");
  AddTrack(more);
  EXPECT_EQ(PublishedInfo("cam-vp8").sid(), sid);
  const OfferedTrack backup = Offered("1", "cam-vp8", false);
  Negotiate({primary, backup});
  EXPECT_THAT(events_, ElementsAre("+0", "~0"));
  EXPECT_EQ(preferences_.at("1").codec, Codec::kVp8);
  ASSERT_NE(track.backup(), nullptr);
  EXPECT_EQ(track.backup()->codecs().front().codec, Codec::kVp8);
  EXPECT_EQ(InfoOf("0").codecs(1).mid(), "1");
  EXPECT_EQ(InfoOf("0").codecs(1).mime_type(), "video/VP8");
  Negotiate({primary, backup});
  EXPECT_NE(track.backup(), nullptr) << "the same offer again changes nothing";
  EXPECT_THAT(events_, ElementsAre("+0", "~0"));
  Negotiate({primary});
  EXPECT_EQ(track.backup(), nullptr);
  EXPECT_THAT(tracks_.published(), SizeIs(1));
}

TEST_F(UpTracksTest, ASectionOfTheBackupMayComeBeforeItsAddTrack) {
  AddTrack(WithBackup());
  const OfferedTrack primary = Offered("0", "cam", false);
  const OfferedTrack backup = Offered("1", "cam-vp8", false);
  Negotiate({primary, backup});
  EXPECT_EQ(tracks_.published().at("0")->backup(), nullptr);
  livekit::AddTrackRequest more = WithBackup();
  more.set_cid("cam-vp8");
  more.set_sid(PublishedInfo("cam").sid());
  more.mutable_simulcast_codecs(1)->set_cid("cam-vp8");
  AddTrack(more);
  EXPECT_NE(tracks_.published().at("0")->backup(), nullptr);
}

TEST_F(UpTracksTest, ASectionOfTheOtherKindIsNoMatch) {
  AddTrack(Request("mic"));
  Negotiate({Offered("0", "mic", false)});
  EXPECT_THAT(events_, IsEmpty());
}

TEST_F(UpTracksTest, WhatThePreferenceWasMadeForIsWhatIsPublished) {
  AddTrack(Request("first"));
  tracks_.PreferencesFor({Offered("0", "made-up")});  // Reserved for this section.
  AddTrack(Request("second"));
  tracks_.OnTracksNegotiated(world_.now(), {Offered("0", "made-up")});
  EXPECT_EQ(InfoOf("0").sid(), PublishedInfo("first").sid());
}

TEST_F(UpTracksTest, InfoSaysWhatTheRequestSaid) {
  livekit::AddTrackRequest request = Request("cam", livekit::VIDEO);
  request.set_name("camera");
  request.set_width(1280);
  request.set_height(720);
  request.set_muted(true);
  for (const livekit::VideoQuality quality : {livekit::HIGH, livekit::LOW, livekit::MEDIUM}) {
    request.add_layers()->set_quality(quality);
  }
  AddTrack(request);
  const livekit::TrackInfo& announced = PublishedInfo("cam");
  EXPECT_EQ(announced.name(), "camera");
  EXPECT_EQ(announced.stream(), "camera");
  EXPECT_TRUE(announced.muted());
  EXPECT_TRUE(announced.simulcast());
  ASSERT_EQ(announced.layers_size(), 3);
  EXPECT_EQ(announced.layers(0).quality(), livekit::LOW);
  EXPECT_EQ(announced.layers(2).quality(), livekit::HIGH);
  Negotiate({Offered("3", "cam", false)});
  EXPECT_EQ(InfoOf("3").mime_type(), "video/VP8");
  EXPECT_EQ(InfoOf("3").layers(1).rid(), "h");
  EXPECT_EQ(InfoOf("3").layers(1).spatial_layer(), 1);
  EXPECT_EQ(InfoOf("3").codecs(0).mid(), "3");
}

TEST_F(UpTracksTest, SidsTellTypeAndSource) {
  const auto sid_of = [&](livekit::TrackType type, livekit::TrackSource source) {
    livekit::AddTrackRequest request = Request("x" + std::to_string(messages_.size()), type);
    request.set_source(source);
    AddTrack(request);
    return PublishedInfo(request.cid());
  };
  EXPECT_THAT(sid_of(livekit::VIDEO, livekit::CAMERA).sid(), StartsWith("TR_VC"));
  EXPECT_THAT(sid_of(livekit::VIDEO, livekit::SCREEN_SHARE).sid(), StartsWith("TR_VS"));
  EXPECT_THAT(sid_of(livekit::AUDIO, livekit::SCREEN_SHARE_AUDIO).sid(), StartsWith("TR_As"));
  EXPECT_EQ(sid_of(livekit::AUDIO, livekit::SCREEN_SHARE_AUDIO).stream(), "screen");
}

TEST_F(UpTracksTest, ACodecThatIsNotEnabledIsReplacedAndTheClientToldWhich) {
  MediaEngine only_vp8({Codec::kOpus, Codec::kVp8});
  UpTracks tracks(world_.environment, only_vp8, *this);
  livekit::AddTrackRequest request = Request("cam", livekit::VIDEO);
  request.add_simulcast_codecs()->set_codec("av1");
  request.add_simulcast_codecs()->set_codec("vp8");  // Now the same: left out.
  tracks.AddTrack(world_.now(), request);
  ASSERT_EQ(PublishedInfo("cam").codecs_size(), 1);
  EXPECT_EQ(PublishedInfo("cam").codecs(0).mime_type(), "video/VP8");
}

TEST_F(UpTracksTest, PreferencesFollowTheRequest) {
  livekit::AddTrackRequest camera = Request("cam", livekit::VIDEO);
  livekit::SimulcastCodec& codec = *camera.add_simulcast_codecs();
  codec.set_codec("vp9");
  codec.set_cid("cam");
  AddTrack(camera);
  livekit::AddTrackRequest microphone = Request("mic");
  microphone.set_stereo(true);
  microphone.set_disable_dtx(true);
  microphone.set_disable_red(true);
  AddTrack(microphone);
  AddTrack(Request("mic2"));
  Negotiate({Offered("0", "cam", false), Offered("1", "mic"), Offered("2", "mic2")});
  EXPECT_EQ(preferences_["0"].codec, Codec::kVp9);
  EXPECT_EQ(InfoOf("0").mime_type(), "video/VP9");
  EXPECT_TRUE(preferences_["1"].stereo);
  EXPECT_FALSE(preferences_["1"].dtx);
  EXPECT_FALSE(preferences_["1"].red);
  EXPECT_EQ(InfoOf("1").mime_type(), "audio/opus");
  EXPECT_TRUE(preferences_["2"].red);
  EXPECT_THAT(InfoOf("1").audio_features(), ElementsAre(livekit::TF_STEREO, livekit::TF_NO_DTX));
  // A later offer keeps them.
  Negotiate({Offered("0", "cam", false), Offered("1", "mic"), Offered("2", "mic2")});
  EXPECT_EQ(preferences_["0"].codec, Codec::kVp9);
  EXPECT_TRUE(preferences_["1"].stereo);
  EXPECT_THAT(events_, ElementsAre("+0", "+1", "+2"));
}

TEST_F(UpTracksTest, ATrackEndsWithItsSection) {
  AddTrack(Request("a"));
  AddTrack(Request("b"));
  Negotiate({Offered("0", "a"), Offered("1", "b")});
  events_.clear();
  Negotiate({Offered("1", "b")});
  EXPECT_THAT(events_, ElementsAre("-0"));
  EXPECT_THAT(tracks_.published(), SizeIs(1));
  EXPECT_FALSE(tracks_.Knows(PublishedInfo("a").sid()));
}

TEST_F(UpTracksTest, AnotherTrackInTheSameSectionReplacesTheOld) {
  AddTrack(Request("a"));
  Negotiate({Offered("0", "a")});
  AddTrack(Request("b"));
  events_.clear();
  Negotiate({Offered("0", "b")});
  EXPECT_THAT(events_, ElementsAre("-0", "+0"));
  EXPECT_EQ(InfoOf("0").sid(), PublishedInfo("b").sid());
}

TEST_F(UpTracksTest, RefusesWhatItsOwnerMayNotPublish) {
  forbidden_ = livekit::CAMERA;
  AddTrack(Request("cam", livekit::VIDEO));
  EXPECT_EQ(LastRefusal(), Refusal::NOT_ALLOWED);
  EXPECT_EQ(messages_.back().request_response().add_track().cid(), "cam");
  ASSERT_EQ(messages_.size(), 1u);
}

TEST_F(UpTracksTest, RefusesDataTracksAndUnknownSids) {
  AddTrack(Request("data", livekit::DATA));
  EXPECT_EQ(LastRefusal(), Refusal::UNSUPPORTED_TYPE);
  livekit::AddTrackRequest backup = Request("cam", livekit::VIDEO);
  backup.set_sid("TR_VCnobody");
  AddTrack(backup);
  EXPECT_EQ(LastRefusal(), Refusal::NOT_FOUND);
}

TEST_F(UpTracksTest, AcknowledgesAFurtherCodecOfAKnownTrack) {
  AddTrack(Request("cam", livekit::VIDEO));
  const std::string sid = PublishedInfo("cam").sid();
  livekit::AddTrackRequest backup = Request("cam-backup", livekit::VIDEO);
  backup.set_sid(sid);
  AddTrack(backup);
  EXPECT_EQ(PublishedInfo("cam-backup").sid(), sid);
}

TEST_F(UpTracksTest, PendingTracksAreBounded) {
  for (int i = 0; i < 20; ++i) {
    AddTrack(Request("t" + std::to_string(i)));
    EXPECT_EQ(LastRefusal(), Refusal::OK);
  }
  AddTrack(Request("one too many"));
  EXPECT_EQ(LastRefusal(), Refusal::LIMIT_EXCEEDED);
  Negotiate({Offered("0", "t0")});
  AddTrack(Request("now"));
  EXPECT_EQ(LastRefusal(), Refusal::OK);
}

TEST_F(UpTracksTest, TracksOfOneParticipantAreBounded) {
  world_.settings.limits.max_tracks_per_participant = 2;
  AddTrack(Request("a"));
  AddTrack(Request("b"));
  AddTrack(Request("c"));
  EXPECT_EQ(LastRefusal(), Refusal::LIMIT_EXCEEDED);
}

TEST_F(UpTracksTest, NamesAreBounded) {
  livekit::AddTrackRequest request = Request("a");
  request.set_name(std::string(257, 'x'));
  AddTrack(request);
  EXPECT_EQ(LastRefusal(), Refusal::LIMIT_EXCEEDED);
  AddTrack(Request(std::string(257, 'x')));
  EXPECT_EQ(LastRefusal(), Refusal::LIMIT_EXCEEDED);
}

TEST_F(UpTracksTest, TheSameIdWaitsBehindTheTrackThatHasIt) {
  AddTrack(Request("mic"));
  Negotiate({Offered("0", "mic")});
  const std::string first = PublishedInfo("mic").sid();
  for (int i = 0; i < 3; ++i) {
    AddTrack(Request("mic"));
    EXPECT_EQ(LastRefusal(), Refusal::QUEUED);
  }
  AddTrack(Request("mic"));
  EXPECT_EQ(LastRefusal(), Refusal::LIMIT_EXCEEDED);
  EXPECT_EQ(PublishedInfo("mic").sid(), first);
  Negotiate({});
  EXPECT_NE(PublishedInfo("mic").sid(), first);  // The next in line is told.
  Negotiate({Offered("0", "mic")});
  EXPECT_EQ(InfoOf("0").sid(), PublishedInfo("mic").sid());
}

TEST_F(UpTracksTest, MutesPendingAndPublishedTracks) {
  AddTrack(Request("mic"));
  livekit::MuteTrackRequest mute;
  mute.set_sid(PublishedInfo("mic").sid());
  mute.set_muted(true);
  tracks_.Mute(world_.now(), mute);
  Negotiate({Offered("0", "mic")});
  EXPECT_TRUE(InfoOf("0").muted());
  EXPECT_TRUE(tracks_.published().at("0")->receiver().muted());
  mute.set_muted(false);
  tracks_.Mute(world_.now(), mute);
  tracks_.Mute(world_.now(), mute);
  EXPECT_FALSE(InfoOf("0").muted());
  EXPECT_THAT(events_, ElementsAre("+0", "~0"));
  mute.set_sid("TR_AMnobody");
  tracks_.Mute(world_.now(), mute);
  EXPECT_EQ(LastRefusal(), Refusal::NOT_FOUND);
}

TEST_F(UpTracksTest, UpdatesOfFeaturesAndSizesAreSeen) {
  AddTrack(Request("mic"));
  AddTrack(Request("cam", livekit::VIDEO));
  Negotiate({Offered("0", "mic"), Offered("1", "cam", false)});
  livekit::UpdateLocalAudioTrack audio;
  audio.set_track_sid(PublishedInfo("mic").sid());
  audio.add_features(livekit::TF_STEREO);
  tracks_.UpdateAudio(world_.now(), audio);
  EXPECT_TRUE(InfoOf("0").stereo());
  livekit::UpdateLocalVideoTrack video;
  video.set_track_sid(PublishedInfo("cam").sid());
  video.set_width(640);
  video.set_height(360);
  tracks_.UpdateVideo(world_.now(), video);
  EXPECT_EQ(InfoOf("1").width(), 640u);
  EXPECT_THAT(events_, ElementsAre("+0", "+1", "~0", "~1"));
  audio.set_track_sid("TR_AMnobody");
  tracks_.UpdateAudio(world_.now(), audio);
  EXPECT_EQ(LastRefusal(), Refusal::NOT_FOUND);
}

TEST_F(UpTracksTest, WhatTheServerEndsIsToldToItsOwner) {
  AddTrack(Request("mic"));
  AddTrack(Request("cam", livekit::VIDEO));
  Negotiate({Offered("0", "mic"), Offered("1", "cam", false)});
  const std::string sid = InfoOf("1").sid();
  tracks_.UnpublishIf(world_.now(), [](const PublishedTrack& track) { return !track.audio(); });
  ASSERT_TRUE(messages_.back().has_track_unpublished());
  EXPECT_EQ(messages_.back().track_unpublished().track_sid(), sid);
  EXPECT_THAT(tracks_.published(), SizeIs(1));
}

TEST_F(UpTracksTest, QualityAndSizeChooseTheLayer) {
  livekit::AddTrackRequest request = Request("cam", livekit::VIDEO);
  for (int i = 0; i < 3; ++i) {
    livekit::VideoLayer& layer = *request.add_layers();
    layer.set_quality(static_cast<livekit::VideoQuality>(i));
    layer.set_width(320u << i);
    layer.set_height(180u << i);
  }
  AddTrack(request);
  AddTrack(Request("plain", livekit::VIDEO));
  Negotiate({Offered("0", "cam", false), Offered("1", "plain", false)});
  const PublishedTrack& sized = *tracks_.published().at("0");
  EXPECT_EQ(sized.LayerFor(livekit::LOW), 0);
  EXPECT_EQ(sized.LayerFor(livekit::HIGH), 2);
  EXPECT_EQ(sized.LayerFor(320, 180), 0);
  EXPECT_EQ(sized.LayerFor(350, 197), 0);  // Within a tenth.
  EXPECT_EQ(sized.LayerFor(400, 225), 1);
  EXPECT_EQ(sized.LayerFor(4000, 3000), 2);
  const PublishedTrack& plain = *tracks_.published().at("1");
  EXPECT_EQ(plain.LayerFor(livekit::MEDIUM), 1);
  EXPECT_EQ(plain.LayerFor(320, 180), 0);
  EXPECT_EQ(plain.LayerFor(640, 360), 1);
  EXPECT_EQ(plain.LayerFor(1280, 720), 2);
  EXPECT_EQ(PublishedTrack::TemporalLayerFor(0), sfu::kMaxLayers - 1);
  EXPECT_EQ(PublishedTrack::TemporalLayerFor(15), 1);
  EXPECT_EQ(PublishedTrack::TemporalLayerFor(7), 0);
}

}  // namespace
}  // namespace weir::rtc::test
