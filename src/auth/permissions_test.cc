#include "auth/permissions.h"

#include <gtest/gtest.h>

namespace weir::auth {
namespace {

using base::ErrorCode;

Claims Joiner() {
  Claims claims;
  claims.identity = "ann";
  claims.video.emplace().room_join = true;
  claims.video->room = "lobby";
  return claims;
}

template <typename T>
void ExpectRefusal(const base::Result<T>& result, ErrorCode code, std::string_view message) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, code);
  EXPECT_EQ(result.error().message, message);
}

TEST(CheckVideoGrant, DemandsATokenWithAVideoGrant) {
  const Claims none;
  ExpectRefusal(CheckVideoGrant(nullptr), ErrorCode::kUnauthenticated, "no permissions to access the room");
  ExpectRefusal(CheckVideoGrant(&none), ErrorCode::kUnauthenticated, "no permissions to access the room");
  const Claims joiner = Joiner();
  EXPECT_TRUE(CheckVideoGrant(&joiner));
}

TEST(CheckJoin, ReturnsWhoJoinsWhat) {
  const auto target = CheckJoin(Joiner(), "", {});
  ASSERT_TRUE(target);
  EXPECT_EQ(target->identity, "ann");
  EXPECT_EQ(target->room, "lobby");
  EXPECT_FALSE(target->publish_only);
}

TEST(CheckJoin, RefusesInTheOrderOfTheSpecification) {
  Claims claims;
  ExpectRefusal(CheckJoin(claims, "x", {}), ErrorCode::kUnauthenticated, "permissions denied");
  claims.video.emplace().room_join = true;
  ExpectRefusal(CheckJoin(claims, "x", {}), ErrorCode::kInvalidArgument, "identity cannot be empty");
  claims.identity = std::string(257, 'i');
  ExpectRefusal(CheckJoin(claims, "x", {}), ErrorCode::kInvalidArgument,
                "participant identity length exceeds limits: max length 256");
  claims.identity = "ann";
  ExpectRefusal(CheckJoin(claims, "x", {}), ErrorCode::kInvalidArgument, "no room name");
  claims.video->room = std::string(257, 'r');
  ExpectRefusal(CheckJoin(claims, "x", {}), ErrorCode::kInvalidArgument,
                "room name length exceeds limits: max length 256");
  claims.video->room = "lobby";
  claims.video->can_publish = false;
  ExpectRefusal(CheckJoin(claims, "x", {}), ErrorCode::kUnauthenticated, "no permissions to access the room");
}

TEST(CheckJoin, MarksAPublishOnlySession) {
  const auto target = CheckJoin(Joiner(), "screen", {});
  ASSERT_TRUE(target);
  EXPECT_EQ(target->identity, "ann#screen");
  EXPECT_TRUE(target->publish_only);
  EXPECT_FALSE(CheckJoin(Joiner(), std::string(300, 'x'), {}));
}

TEST(CheckJoin, TakesZeroForNoLimit) {
  Claims claims = Joiner();
  claims.identity = std::string(1000, 'i');
  EXPECT_TRUE(CheckJoin(claims, "", {.max_identity_length = 0}));
}

TEST(CheckRoomExists, LetsAutoCreateOrTheTokenMakeTheRoom) {
  Claims claims = Joiner();
  EXPECT_TRUE(CheckRoomExists(claims, true, false));
  EXPECT_TRUE(CheckRoomExists(claims, false, true));
  ExpectRefusal(CheckRoomExists(claims, false, false), ErrorCode::kNotFound, "requested room does not exist");
  claims.video->room_create = true;
  EXPECT_TRUE(CheckRoomExists(claims, false, false));
}

TEST(CheckOwnMetadata, NeedsItsOwnPermission) {
  Claims claims = Joiner();
  ExpectRefusal(CheckOwnMetadata(claims), ErrorCode::kUnauthenticated, "no permissions to access the room");
  claims.video->can_update_own_metadata = true;
  EXPECT_TRUE(CheckOwnMetadata(claims));
}

TEST(ServerApi, RefusesRequestsWithoutAToken) {
  for (const auto& status :
       {CheckRoomCreate(nullptr), CheckRoomList(nullptr), CheckRoomRecord(nullptr),
        CheckRoomAdmin(nullptr, ""), CheckDestinationRoom(nullptr, "", ""), CheckIngressAdmin(nullptr),
        CheckSipAdmin(nullptr), CheckSipCall(nullptr), CheckAgentWorker(nullptr)}) {
    ExpectRefusal(status, ErrorCode::kUnauthenticated, "permissions denied");
  }
}

TEST(ServerApi, AllowsEachCallByItsOwnGrant) {
  Claims claims;
  VideoGrant& video = claims.video.emplace();
  EXPECT_FALSE(CheckRoomCreate(&claims));
  video.room_create = true;
  EXPECT_TRUE(CheckRoomCreate(&claims));
  EXPECT_FALSE(CheckRoomList(&claims));
  video.room_list = true;
  EXPECT_TRUE(CheckRoomList(&claims));
  EXPECT_FALSE(CheckRoomRecord(&claims));
  video.room_record = true;
  EXPECT_TRUE(CheckRoomRecord(&claims));
  EXPECT_FALSE(CheckIngressAdmin(&claims));
  video.ingress_admin = true;
  EXPECT_TRUE(CheckIngressAdmin(&claims));
  EXPECT_FALSE(CheckAgentWorker(&claims));
  video.agent = true;
  EXPECT_TRUE(CheckAgentWorker(&claims));
  claims.sip = SipGrant{.admin = true, .call = false};
  EXPECT_TRUE(CheckSipAdmin(&claims));
  EXPECT_FALSE(CheckSipCall(&claims));
}

TEST(ServerApi, BindsAdministrationToTheRoomOfTheToken) {
  Claims claims = Joiner();
  EXPECT_FALSE(CheckRoomAdmin(&claims, "lobby"));
  claims.video->room_admin = true;
  EXPECT_TRUE(CheckRoomAdmin(&claims, "lobby"));
  EXPECT_FALSE(CheckRoomAdmin(&claims, "other"));
  EXPECT_FALSE(CheckDestinationRoom(&claims, "lobby", "hall"));
  claims.video->destination_room = "hall";
  EXPECT_TRUE(CheckDestinationRoom(&claims, "lobby", "hall"));
}

}  // namespace
}  // namespace weir::auth
