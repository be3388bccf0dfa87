#include "rtc/permissions.h"

#include <gtest/gtest.h>

#include "auth/participant_permission.h"

namespace weir::rtc {
namespace {

const ParticipantSid kSid("PA_b");
const Identity kIdentity("b");
const TrackSid kTrack("TR_1");
const TrackSid kOther("TR_2");

TEST(Permissions, AnEmptyGrantAllowsWhatClientsExpect) {
  const livekit::ParticipantPermission permission = auth::PermissionFromGrant({});
  EXPECT_TRUE(permission.can_publish());
  EXPECT_TRUE(permission.can_subscribe());
  EXPECT_TRUE(permission.can_publish_data());
  EXPECT_FALSE(permission.can_update_metadata());
  EXPECT_FALSE(permission.hidden());
  EXPECT_TRUE(CanPublishSource(permission, livekit::CAMERA));
}

TEST(Permissions, SourcesNarrowPublishing) {
  auth::VideoGrant grant;
  grant.can_publish_sources = {"microphone", "screen_share"};
  livekit::ParticipantPermission permission = auth::PermissionFromGrant(grant);
  EXPECT_TRUE(CanPublishSource(permission, livekit::MICROPHONE));
  EXPECT_TRUE(CanPublishSource(permission, livekit::SCREEN_SHARE));
  EXPECT_FALSE(CanPublishSource(permission, livekit::CAMERA));
  permission.set_can_publish(false);
  EXPECT_FALSE(CanPublishSource(permission, livekit::MICROPHONE));
}

TEST(Permissions, ASourceThatNobodyKnowsAllowsNothing) {
  auth::VideoGrant grant;
  grant.can_publish_sources = {"hologram"};
  EXPECT_FALSE(CanPublishSource(auth::PermissionFromGrant(grant), livekit::CAMERA));
}

TEST(SubscriptionPermissions, AllowEverybodyUntilTold) {
  EXPECT_TRUE(SubscriptionPermissions().Allows(kSid, kIdentity, kTrack));
}

TEST(SubscriptionPermissions, NameTracksByIdentityOrSid) {
  SubscriptionPermissions permissions;
  livekit::SubscriptionPermission message;
  livekit::TrackPermission& by_identity = *message.add_track_permissions();
  by_identity.set_participant_identity("b");
  by_identity.add_track_sids("TR_1");
  livekit::TrackPermission& by_sid = *message.add_track_permissions();
  by_sid.set_participant_sid("PA_c");
  by_sid.set_all_tracks(true);
  ASSERT_TRUE(permissions.Update(message).has_value());
  EXPECT_TRUE(permissions.Allows(kSid, kIdentity, kTrack));
  EXPECT_FALSE(permissions.Allows(kSid, kIdentity, kOther));
  EXPECT_TRUE(permissions.Allows(ParticipantSid("PA_c"), Identity("c"), kOther));
  EXPECT_FALSE(permissions.Allows(ParticipantSid("PA_d"), Identity("d"), kTrack));
}

TEST(SubscriptionPermissions, AnEntryForNobodyLeavesEverythingAsItWas) {
  SubscriptionPermissions permissions;
  livekit::SubscriptionPermission message;
  message.add_track_permissions()->set_participant_identity("b");
  message.add_track_permissions()->set_all_tracks(true);
  EXPECT_FALSE(permissions.Update(message).has_value());
  EXPECT_TRUE(permissions.Allows(ParticipantSid("PA_d"), Identity("d"), kTrack));
}

TEST(SubscriptionPermissions, EachMessageReplacesTheOneBefore) {
  SubscriptionPermissions permissions;
  livekit::SubscriptionPermission nobody;
  ASSERT_TRUE(permissions.Update(nobody).has_value());
  EXPECT_FALSE(permissions.Allows(kSid, kIdentity, kTrack));
  livekit::SubscriptionPermission everybody;
  everybody.set_all_participants(true);
  ASSERT_TRUE(permissions.Update(everybody).has_value());
  EXPECT_TRUE(permissions.Allows(kSid, kIdentity, kTrack));
}

TEST(CheckMetadata, NamesTheLimitThatWasExceeded) {
  const MetadataLimits limits{4, 8, 10};
  EXPECT_TRUE(CheckMetadata("name", "12345678", {{"key", "1234567"}}, limits).has_value());
  EXPECT_EQ(CheckMetadata("names", "", {}, limits).error().message, "exceeds name length limit");
  EXPECT_EQ(CheckMetadata("", "123456789", {}, limits).error().message, "exceeds metadata size limit");
  EXPECT_EQ(CheckMetadata("", "", {{"key", "12345678"}}, limits).error().message,
            "exceeds attributes size limit");
  EXPECT_TRUE(CheckMetadata("names", "123456789", {{"k", "1234567890"}}, {0, 0, 0}).has_value());
}

}  // namespace
}  // namespace weir::rtc
