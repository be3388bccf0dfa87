#include "rtc/dynacast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace weir::rtc {
namespace {

using base::Now;
using base::TimeDelta;
using base::Timestamp;
using codec::Codec;
using testing::ElementsAre;
using testing::IsEmpty;

// "vp8:LMH" for all on, "vp8:L" for low only, "vp8:" for none.
std::string InWords(const livekit::SubscribedQualityUpdate& update) {
  std::string words;
  for (const livekit::SubscribedCodec& codec : update.subscribed_codecs()) {
    words += (words.empty() ? "" : " ") + codec.codec() + ":";
    for (const livekit::SubscribedQuality& quality : codec.qualities()) {
      if (quality.enabled()) {
        words += "LMH"[quality.quality()];
      }
    }
  }
  return words;
}

class DynacastTest : public testing::Test, public Dynacast::Owner {
 protected:
  void SendSubscribedQuality(const livekit::SubscribedQualityUpdate& update) override {
    EXPECT_EQ(update.track_sid(), "TR_VC1");
    EXPECT_EQ(update.subscribed_qualities_size(), 3);
    told.push_back(InWords(update));
  }
  void Make(std::vector<Codec> codecs = {Codec::kVp8}, bool single_encoding = false) {
    dynacast.emplace(now, timers, "TR_VC1", std::move(codecs), single_encoding, *this);
  }
  void RunSeconds(int seconds) {
    for (int i = 0; i < seconds * 10; ++i) {
      now += TimeDelta::Millis(100);
      timers.Run(Now{now, {}});
    }
  }
  void Want(const int& subscriber, livekit::VideoQuality quality, Codec codec = Codec::kVp8) {
    dynacast->SetDemand(now, &subscriber, codec, quality);
  }

  TimerQueue timers;
  Timestamp now = Timestamp::Seconds(1);
  std::vector<std::string> told;
  std::optional<Dynacast> dynacast;
  int alice = 0;
  int bob = 0;
};

TEST_F(DynacastTest, ANewTrackIsWantedInFullForTenSeconds) {
  Make();
  RunSeconds(9);
  EXPECT_THAT(told, IsEmpty());
  RunSeconds(2);
  EXPECT_THAT(told, ElementsAre("vp8:"));
}

TEST_F(DynacastTest, TheHighestWishCountsUpAtOnceDownLate) {
  Make();
  Want(alice, livekit::LOW);
  Want(bob, livekit::MEDIUM);
  RunSeconds(11);
  EXPECT_THAT(told, ElementsAre("vp8:LM"));
  Want(alice, livekit::HIGH);
  EXPECT_THAT(told, ElementsAre("vp8:LM", "vp8:LMH"));
  Want(alice, livekit::LOW);
  RunSeconds(4);
  EXPECT_EQ(told.size(), 2u);
  RunSeconds(2);
  EXPECT_EQ(told.back(), "vp8:LM");
  dynacast->RemoveDemand(now, &bob);
  Want(alice, livekit::OFF);
  RunSeconds(6);
  EXPECT_EQ(told.back(), "vp8:");
}

TEST_F(DynacastTest, AWishThatComesBackInTimeIsNeverTold) {
  Make();
  Want(alice, livekit::HIGH);
  RunSeconds(11);
  Want(alice, livekit::OFF);
  RunSeconds(3);
  Want(alice, livekit::HIGH);
  RunSeconds(20);
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(DynacastTest, AMutedTrackHearsNothingUntilItIsBack) {
  Make();
  Want(alice, livekit::HIGH);
  dynacast->SetMuted(now, true);
  Want(alice, livekit::LOW);
  RunSeconds(30);
  EXPECT_THAT(told, IsEmpty());
  dynacast->SetMuted(now, false);
  EXPECT_THAT(told, ElementsAre("vp8:LMH"));
  RunSeconds(6);
  EXPECT_EQ(told.back(), "vp8:L");
}

TEST_F(DynacastTest, OneEncodingIsWantedWhole) {
  Make({Codec::kVp8}, /*single_encoding=*/true);
  Want(alice, livekit::LOW);
  RunSeconds(20);
  EXPECT_THAT(told, IsEmpty());
  Want(alice, livekit::OFF);
  RunSeconds(6);
  EXPECT_THAT(told, ElementsAre("vp8:"));
  Want(alice, livekit::LOW);
  EXPECT_EQ(told.back(), "vp8:LMH");
}

TEST_F(DynacastTest, ABackupCodecIsAskedForByWhoNeedsIt) {
  Make({Codec::kVp9, Codec::kVp8});
  Want(alice, livekit::HIGH, Codec::kVp9);
  EXPECT_THAT(told, IsEmpty());
  Want(bob, livekit::MEDIUM, Codec::kVp8);
  EXPECT_THAT(told, ElementsAre("vp9:LMH vp8:LM"));
  dynacast->RemoveDemand(now, &bob);
  RunSeconds(6);
  EXPECT_EQ(told.back(), "vp9:LMH vp8:");
}

TEST_F(DynacastTest, RepeatSaysWhatHolds) {
  Make();
  Want(alice, livekit::LOW);
  RunSeconds(11);
  dynacast->Repeat(now);
  EXPECT_THAT(told, ElementsAre("vp8:L", "vp8:L"));
}

}  // namespace
}  // namespace weir::rtc
