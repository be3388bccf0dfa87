#include "auth/participant_permission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::auth {
namespace {

using testing::ElementsAre;

TEST(ParticipantPermission, GoBackIntoTheGrantAsTheyCame) {
  VideoGrant grant;
  grant.can_publish = false;
  grant.can_publish_data = true;
  grant.can_update_own_metadata = true;
  grant.hidden = true;
  grant.can_publish_sources = {"camera"};
  VideoGrant refreshed;
  ApplyPermission(PermissionFromGrant(grant), refreshed);
  EXPECT_FALSE(refreshed.CanPublish());
  EXPECT_TRUE(refreshed.CanPublishData());
  EXPECT_TRUE(refreshed.CanUpdateOwnMetadata());
  EXPECT_TRUE(refreshed.hidden);
  EXPECT_THAT(refreshed.can_publish_sources, ElementsAre("camera"));
}

}  // namespace
}  // namespace weir::auth
