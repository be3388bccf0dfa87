#include "service/server_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "proto/livekit_egress.pb.h"
#include "service/fake_apis.h"

namespace weir::service {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

auth::Claims WithGrant(auto&& set) {
  auth::Claims claims;
  claims.video.emplace();
  set(*claims.video);
  return claims;
}
auth::Claims RoomCreator() {
  return WithGrant([](auth::VideoGrant& grant) { grant.room_create = true; });
}
auth::Claims AdminOf(std::string room) {
  return WithGrant([&](auth::VideoGrant& grant) {
    grant.room_admin = true;
    grant.room = std::move(room);
  });
}

class ServerApiTest : public testing::Test {
 protected:
  explicit ServerApiTest(const RoomServiceConfig& config = {}) : api_(rooms_, dispatches_, config) {}

  front::HttpResponse Send(const front::HttpRequest& request, const std::optional<auth::Claims>& claims) {
    std::optional<front::HttpResponse> response;
    EXPECT_TRUE(api_.Handle(request, claims ? &*claims : nullptr,
                            [&](front::HttpResponse answer) { response = std::move(answer); }));
    EXPECT_TRUE(response.has_value()) << "no answer";
    return response.value_or(front::HttpResponse());
  }
  front::HttpResponse Json(std::string_view call, std::string body,
                           const std::optional<auth::Claims>& claims) {
    return Send({.method = "POST",
                 .path = "/twirp/livekit." + std::string(call),
                 .headers = {{"content-type", "application/json"}},
                 .body = std::move(body)},
                claims);
  }
  void ExpectRefused(std::string_view call, std::string body, const std::optional<auth::Claims>& claims,
                     int status, std::string_view json) {
    const front::HttpResponse response = Json(call, std::move(body), claims);
    EXPECT_EQ(response.status, status) << call;
    EXPECT_EQ(response.body, json) << call;
    EXPECT_EQ(response.content_type, "application/json");
  }

  FakeRoomApi rooms_;
  FakeAgentDispatchApi dispatches_;
  ServerApi api_;
};

constexpr std::string_view kDenied = R"({"code":"unauthenticated","msg":"permissions denied"})";

// ---- Transport.

TEST_F(ServerApiTest, AnswersJsonWithSnakeCaseAndDefaults) {
  const auto response =
      Json("RoomService/CreateRoom", R"({"name":"lobby","emptyTimeout":10})", RoomCreator());
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_THAT(response.body, HasSubstr(R"("creation_time":"1795000000")"));
  EXPECT_THAT(response.body, HasSubstr(R"("num_participants":0)"));
}

TEST_F(ServerApiTest, AnswersProtobufWithProtobuf) {
  livekit::CreateRoomRequest request;
  request.set_name("lobby");
  const auto response = Send({.method = "POST",
                              .path = "/twirp/livekit.RoomService/CreateRoom",
                              .headers = {{"Content-Type", "application/protobuf"}},
                              .body = request.SerializeAsString()},
                             RoomCreator());
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/protobuf");
  livekit::Room room;
  ASSERT_TRUE(room.ParseFromString(response.body));
  EXPECT_EQ(room.name(), "lobby");
}

TEST_F(ServerApiTest, TakesAContentTypeWithParameters) {
  const auto response = Send({.method = "POST",
                              .path = "/twirp/livekit.RoomService/ListRooms",
                              .headers = {{"Content-Type", "Application/JSON ; charset=utf-8"}},
                              .body = "{}"},
                             WithGrant([](auth::VideoGrant& grant) { grant.room_list = true; }));
  EXPECT_EQ(response.body, R"({"rooms":[]})");
}

TEST_F(ServerApiTest, LeavesOtherPathsAlone) {
  EXPECT_FALSE(
      api_.Handle({.method = "GET", .path = "/rtc"}, nullptr, [](const front::HttpResponse&) { FAIL(); }));
}

TEST_F(ServerApiTest, CallsWhatItDoesNotKnowABadRoute) {
  for (const char* path : {"/twirp/livekit.RoomService/Nothing", "/twirp/livekit.Nothing/CreateRoom",
                           "/twirp/", "/twirp/livekit.RoomService", "/twirp/livekit.RoomService/",
                           "/twirp//CreateRoom", "/twirp/livekit.RoomService/CreateRoom/x"}) {
    const auto response = Send({.method = "POST", .path = path}, RoomCreator());
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_THAT(response.body, StartsWith(R"({"code":"bad_route","msg":"no handler for path )")) << path;
  }
}

TEST_F(ServerApiTest, CallsAnotherMethodOrContentTypeABadRoute) {
  const auto get = Send({.method = "GET", .path = "/twirp/livekit.RoomService/ListRooms"}, RoomCreator());
  EXPECT_EQ(get.status, 404);
  EXPECT_THAT(get.body, HasSubstr(R"("twirp_invalid_route":"GET /twirp/livekit.RoomService/ListRooms")"));
  const auto text = Send({.method = "POST",
                          .path = "/twirp/livekit.RoomService/ListRooms",
                          .headers = {{"Content-Type", "text/plain"}}},
                         RoomCreator());
  EXPECT_EQ(text.status, 404);
  EXPECT_THAT(text.body, HasSubstr("bad_route"));
}

TEST_F(ServerApiTest, CallsGarbageMalformed) {
  const auto json = Json("RoomService/CreateRoom", "{garbage", RoomCreator());
  EXPECT_EQ(json.status, 400);
  EXPECT_THAT(json.body, StartsWith(R"({"code":"malformed")"));
  const auto bytes = Send({.method = "POST",
                           .path = "/twirp/livekit.RoomService/CreateRoom",
                           .headers = {{"Content-Type", "application/protobuf"}},
                           .body = "\xff\xff"},
                          RoomCreator());
  EXPECT_EQ(bytes.status, 400);
  EXPECT_THAT(bytes.body, StartsWith(R"({"code":"malformed")"));
  EXPECT_THAT(rooms_.calls, IsEmpty());
}

TEST_F(ServerApiTest, PassesTheBackendsErrorsOn) {
  const struct {
    ErrorCode code;
    int status;
    const char* name;
  } cases[] = {{ErrorCode::kInvalidArgument, 400, "invalid_argument"},
               {ErrorCode::kUnauthenticated, 401, "unauthenticated"},
               {ErrorCode::kPermissionDenied, 403, "permission_denied"},
               {ErrorCode::kNotFound, 404, "not_found"},
               {ErrorCode::kAlreadyExists, 409, "already_exists"},
               {ErrorCode::kFailedPrecondition, 412, "failed_precondition"},
               {ErrorCode::kResourceExhausted, 429, "resource_exhausted"},
               {ErrorCode::kUnimplemented, 501, "unimplemented"},
               {ErrorCode::kUnavailable, 503, "unavailable"},
               {ErrorCode::kDeadlineExceeded, 408, "deadline_exceeded"},
               {ErrorCode::kAborted, 409, "aborted"},
               {ErrorCode::kInternal, 500, "internal"}};
  for (const auto& [code, status, name] : cases) {
    rooms_.error = base::Fail(code, "why \"so\"");
    ExpectRefused("RoomService/DeleteRoom", R"({"room":"a"})", RoomCreator(), status,
                  std::string(R"({"code":")") + name + R"(","msg":"why \"so\""})");
  }
}

TEST_F(ServerApiTest, KeepsErrorsValidJsonWhateverTheBytes) {
  rooms_.error = base::Fail(ErrorCode::kInternal, "caf\xc3\xa9 \xff\n");
  const auto response = Json("RoomService/DeleteRoom", R"({"room":"a"})", RoomCreator());
  EXPECT_EQ(response.body, "{\"code\":\"internal\",\"msg\":\"caf\xc3\xa9 \xef\xbf\xbd\\n\"}");
}

// ---- Grants.

TEST_F(ServerApiTest, WantsTheGrantOfEachMethod) {
  const struct {
    const char* call;
    const char* body;
  } cases[] = {
      {"RoomService/CreateRoom", R"({"name":"a"})"},
      {"RoomService/ListRooms", "{}"},
      {"RoomService/DeleteRoom", R"({"room":"a"})"},
      {"RoomService/UpdateRoomMetadata", R"({"room":"a"})"},
      {"RoomService/ListParticipants", R"({"room":"a"})"},
      {"RoomService/GetParticipant", R"({"room":"a","identity":"p"})"},
      {"RoomService/RemoveParticipant", R"({"room":"a","identity":"p"})"},
      {"RoomService/MutePublishedTrack", R"({"room":"a","identity":"p","track_sid":"TR_1","muted":true})"},
      {"RoomService/UpdateParticipant", R"({"room":"a","identity":"p"})"},
      {"RoomService/UpdateSubscriptions", R"({"room":"a","identity":"p"})"},
      {"RoomService/ForwardParticipant", R"({"room":"a","identity":"p","destination_room":"b"})"},
      {"RoomService/MoveParticipant", R"({"room":"a","identity":"p","destination_room":"b"})"},
      {"RoomService/SendData", R"({"room":"a"})"},
      {"RoomService/PerformRpc", R"({"room":"a","destination_identity":"p"})"},
      {"AgentDispatchService/CreateDispatch", R"({"room":"a"})"},
      {"AgentDispatchService/DeleteDispatch", R"({"room":"a"})"},
      {"AgentDispatchService/ListDispatch", R"({"room":"a"})"},
      {"Egress/ListEgress", "{}"},
      {"Ingress/ListIngress", "{}"},
      {"SIP/ListSIPInboundTrunk", "{}"},
      {"SIP/CreateSIPParticipant", "{}"}};
  for (const auto& [call, body] : cases) {
    ExpectRefused(call, body, std::nullopt, 401, kDenied);
    ExpectRefused(call, body, auth::Claims(), 401, kDenied);
    ExpectRefused(call, body, AdminOf("another"), 401, kDenied);
  }
  EXPECT_THAT(rooms_.calls, IsEmpty());
}

TEST_F(ServerApiTest, LetsAnAdminCallWhatTheGrantCovers) {
  const auth::Claims admin = AdminOf("a");
  const std::string participant = R"({"room":"a","identity":"p","muted":true,"destination_identity":"p"})";
  for (const char* method :
       {"ListParticipants", "GetParticipant", "RemoveParticipant", "MutePublishedTrack", "UpdateParticipant",
        "UpdateSubscriptions", "SendData", "PerformRpc", "UpdateRoomMetadata"}) {
    EXPECT_EQ(Json("RoomService/" + std::string(method), participant, admin).status, 200) << method;
    EXPECT_EQ(rooms_.calls.back(), method);
  }
}

// ---- Values.

TEST_F(ServerApiTest, WantsARoomNameWithinLimits) {
  ExpectRefused("RoomService/CreateRoom", "{}", RoomCreator(), 400,
                R"({"code":"invalid_argument","msg":"no room name"})");
  ExpectRefused("RoomService/CreateRoom", R"({"name":")" + std::string(257, 'x') + R"("})", RoomCreator(),
                400,
                R"({"code":"invalid_argument","msg":"room name length exceeds limits: max length 256"})");
  EXPECT_EQ(
      Json("RoomService/CreateRoom", R"({"name":")" + std::string(256, 'x') + R"("})", RoomCreator()).status,
      200);
}

TEST_F(ServerApiTest, LimitsMetadataOfRoomsAgentsAndParticipants) {
  const std::string big = "\"" + std::string((512 << 10) + 1, 'x') + "\"";
  const char* expected =
      R"({"code":"invalid_argument","msg":"metadata size exceeds limits: max size 524288"})";
  ExpectRefused("RoomService/CreateRoom", R"({"name":"a","metadata":)" + big + "}", RoomCreator(), 400,
                expected);
  ExpectRefused("RoomService/CreateRoom", R"({"name":"a","agents":[{"metadata":)" + big + "}]}",
                RoomCreator(), 400, expected);
  ExpectRefused("RoomService/UpdateRoomMetadata", R"({"room":"a","metadata":)" + big + "}", AdminOf("a"), 400,
                expected);
  ExpectRefused("RoomService/UpdateParticipant", R"({"room":"a","identity":"p","metadata":)" + big + "}",
                AdminOf("a"), 400, expected);
  ExpectRefused("AgentDispatchService/CreateDispatch", R"({"room":"a","metadata":)" + big + "}", AdminOf("a"),
                400, expected);
}

TEST_F(ServerApiTest, LimitsNamesAndAttributesOfParticipants) {
  ExpectRefused(
      "RoomService/UpdateParticipant",
      R"({"room":"a","identity":"p","name":")" + std::string(257, 'n') + R"("})", AdminOf("a"), 400,
      R"({"code":"invalid_argument","msg":"participant name length exceeds limits: max length 256"})");
  ExpectRefused("RoomService/UpdateParticipant",
                R"({"room":"a","identity":"p","attributes":{"k":")" + std::string(64 << 10, 'v') + R"("}})",
                AdminOf("a"), 400,
                R"({"code":"invalid_argument","msg":"attributes size exceeds limits: max size 65536"})");
  ExpectRefused("RoomService/UpdateParticipant", R"({"room":"a"})", AdminOf("a"), 400,
                R"({"code":"invalid_argument","msg":"identity cannot be empty"})");
}

TEST_F(ServerApiTest, HasNoEgressForANewRoom) {
  ExpectRefused("RoomService/CreateRoom", R"({"name":"a","egress":{"tracks":{}}})", RoomCreator(), 500,
                R"j({"code":"internal","msg":"egress not connected (redis required)"})j");
}

TEST_F(ServerApiTest, RefusesToUnmuteUnlessConfigured) {
  const std::string unmute = R"({"room":"a","identity":"p","track_sid":"TR_1","muted":false})";
  ExpectRefused("RoomService/MutePublishedTrack", unmute, AdminOf("a"), 412,
                R"({"code":"failed_precondition","msg":"remote unmute not enabled"})");
}

class RemoteUnmuteTest : public ServerApiTest {
 protected:
  RemoteUnmuteTest() : ServerApiTest({.enable_remote_unmute = true}) {}
};
TEST_F(RemoteUnmuteTest, Unmutes) {
  EXPECT_EQ(Json("RoomService/MutePublishedTrack", R"({"room":"a","identity":"p"})", AdminOf("a")).status,
            200);
}

TEST_F(ServerApiTest, MovesOnlyToTheRoomOfTheGrantAndToAnother) {
  auth::Claims claims = AdminOf("a");
  claims.video->destination_room = "b";
  EXPECT_EQ(
      Json("RoomService/MoveParticipant", R"({"room":"a","identity":"p","destination_room":"b"})", claims)
          .status,
      200);
  EXPECT_EQ(
      Json("RoomService/MoveParticipant", R"({"room":"a","identity":"p","destination_room":"c"})", claims)
          .status,
      401);
  claims.video->destination_room = "a";
  for (const char* method : {"RoomService/MoveParticipant", "RoomService/ForwardParticipant"}) {
    EXPECT_EQ(Json(method, R"({"room":"a","identity":"p","destination_room":"a"})", claims).status, 400)
        << method;
  }
}

TEST_F(ServerApiTest, TakesANonceOfSixteenBytesOrNone) {
  EXPECT_EQ(Json("RoomService/SendData", R"({"room":"a","data":"aGk=","nonce":"AAAAAAAAAAAAAAAAAAAAAA=="})",
                 AdminOf("a"))
                .status,
            200);
  EXPECT_EQ(rooms_.data, "hi");
  ExpectRefused("RoomService/SendData", R"({"room":"a","nonce":"AAAA"})", AdminOf("a"), 400,
                R"({"code":"invalid_argument","msg":"nonce must be 16 bytes or absent, got 3"})");
}

TEST_F(ServerApiTest, NeedsADestinationForAnRpcAndFillsInItsTimeout) {
  EXPECT_EQ(Json("RoomService/PerformRpc", R"({"room":"a","method":"m"})", AdminOf("a")).status, 400);
  EXPECT_EQ(
      Json("RoomService/PerformRpc", R"({"room":"a","method":"m","destination_identity":"p"})", AdminOf("a"))
          .body,
      R"({"payload":"m 10000"})");
  EXPECT_EQ(Json("RoomService/PerformRpc",
                 R"({"room":"a","destination_identity":"p","payload":")" + std::string(15'361, 'x') + R"("})",
                 AdminOf("a"))
                .status,
            400);
  EXPECT_THAT(rooms_.calls, ElementsAre("PerformRpc"));
}

// ---- The other services.

TEST_F(ServerApiTest, DispatchesAgents) {
  const auto created =
      Json("AgentDispatchService/CreateDispatch", R"({"room":"a","agent_name":"helper"})", AdminOf("a"));
  EXPECT_EQ(created.status, 200);
  EXPECT_THAT(created.body, HasSubstr(R"("id":"AD_1")"));
  EXPECT_THAT(created.body, HasSubstr(R"("deleted_at":"0")"));
  ExpectRefused(
      "AgentDispatchService/CreateDispatch", R"({"room":"a","deployment":"a_b"})", AdminOf("a"), 400,
      R"({"code":"invalid_argument","msg":"deployment may not hold '_', white space or control characters"})");
  ExpectRefused("AgentDispatchService/DeleteDispatch", R"({"room":"a","dispatch_id":"AD_2"})", AdminOf("a"),
                404, R"({"code":"not_found","msg":"dispatch ID not found"})");
  EXPECT_EQ(Json("AgentDispatchService/ListDispatch", R"({"room":"a"})", AdminOf("a")).body,
            R"({"agent_dispatches":[]})");
}

TEST_F(ServerApiTest, SaysThatEgressIngressAndSipAreNotConnected) {
  auth::Claims claims = WithGrant([](auth::VideoGrant& grant) {
    grant.room_record = true;
    grant.ingress_admin = true;
  });
  claims.sip = auth::SipGrant{.admin = true, .call = true};
  const auto expect = [&](std::string_view call, const std::string& what) {
    ExpectRefused(call, "{}", claims, 500,
                  R"({"code":"internal","msg":")" + what + R"j( not connected (redis required)"})j");
  };
  expect("Egress/ListEgress", "egress");
  expect("Egress/StartRoomCompositeEgress", "egress");
  expect("Ingress/CreateIngress", "ingress");
  expect("SIP/ListSIPDispatchRule", "sip");
  expect("SIP/TransferSIPParticipant", "sip");
}

TEST_F(ServerApiTest, HasEveryMethodOfItsServices) {
  const auto check = [&](const google::protobuf::FileDescriptor* file) {
    const auto* service = file->service(0);
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* method = service->method(i);
      const auto response = Json(std::string(service->name()) + "/" + method->name(), "{}", std::nullopt);
      EXPECT_EQ(response.status, 401) << method->full_name();
    }
    return service->method_count();
  };
  EXPECT_EQ(check(livekit::CreateRoomRequest::descriptor()->file()), 14);
  EXPECT_EQ(check(livekit::AgentDispatch::descriptor()->file()), 3);
  EXPECT_EQ(check(livekit::EgressInfo::descriptor()->file()), 10);
}

}  // namespace
}  // namespace weir::service
