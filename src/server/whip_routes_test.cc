#include "server/whip_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sdp/test_offers.h"

namespace weir::server {
namespace {

using front::FindHeader;
using front::HttpRequest;
using front::HttpResponse;
using testing::HasSubstr;
using testing::StartsWith;

const base::WallTime kNow{1'800'000'000'000'000};

auth::KeyProvider Keys() {
  auth::KeyProvider keys;
  keys.keys["key"] = "a secret that is long enough to be one";
  return keys;
}

std::string Token(bool room_join = true) {
  auth::Claims claims;
  claims.identity = "camera";
  claims.video.emplace().room_join = room_join;
  claims.video->room = "studio";
  return auth::SignToken(claims, "key", *Keys().Secret("key"), kNow,
                         base::WallTime{kNow.micros + 600'000'000});
}

HttpRequest Request(std::string method, std::string path, std::string type = "", std::string body = "") {
  HttpRequest request{.method = std::move(method), .path = std::move(path), .body = std::move(body)};
  request.headers = {{"Authorization", "Bearer " + Token()}};
  if (!type.empty()) {
    request.headers.emplace_back("Content-Type", std::move(type));
  }
  return request;
}
HttpRequest Offer(std::string sdp) { return Request("POST", "/whip/v1", "application/sdp", std::move(sdp)); }
HttpResponse Answer(const HttpRequest& request) { return AnswerWhip(request, Keys(), kNow); }

// The text of a JSON error.
std::string ErrorOf(const HttpResponse& response) {
  EXPECT_EQ(response.content_type, "application/json");
  const auto body = nlohmann::json::parse(response.body, nullptr, false);
  EXPECT_TRUE(body.is_object() && body.size() == 1 && body.contains("error")) << response.body;
  return body.is_object() ? body.value("error", "") : "";
}

TEST(Whip, KnowsItsPaths) {
  for (const char* path : {"/whip/v1", "/whip/v1/", "/whip/v1/PA_x"}) {
    EXPECT_TRUE(IsWhipPath(path)) << path;
  }
  for (const char* path : {"/whip", "/whip/v1x", "/whip/v10", "/whip/v1/a/b", "/whip/v2", "/"}) {
    EXPECT_FALSE(IsWhipPath(path)) << path;
  }
}

TEST(Whip, GetHasNoContent) {
  for (const char* path : {"/whip/v1", "/whip/v1/PA_x"}) {
    HttpRequest request{.method = "GET", .path = path};
    EXPECT_EQ(Answer(request).status, 204);
    EXPECT_EQ(Answer(request).content_type, "");
  }
}

TEST(Whip, OptionsTellWhatIsAccepted) {
  const HttpResponse endpoint = Answer({.method = "OPTIONS", .path = "/whip/v1"});
  EXPECT_EQ(endpoint.status, 200);
  EXPECT_EQ(FindHeader(endpoint.headers, "Accept-Post"), "application/sdp");
  EXPECT_THAT(std::string(*FindHeader(endpoint.headers, "Access-Control-Allow-Methods")),
              HasSubstr("PATCH, DELETE"));
  const HttpResponse session = Answer({.method = "OPTIONS", .path = "/whip/v1/PA_x"});
  EXPECT_EQ(FindHeader(session.headers, "Accept-Patch"), "application/trickle-ice-sdpfrag");
}

TEST(Whip, OtherMethodsAreNotAllowed) {
  struct Case {
    const char* method;
    const char* path;
    const char* allow;
  };
  for (const Case& test :
       {Case{"PUT", "/whip/v1", "OPTIONS, GET, POST"}, Case{"DELETE", "/whip/v1", "OPTIONS, GET, POST"},
        Case{"POST", "/whip/v1/PA_x", "OPTIONS, GET, PATCH, DELETE"}}) {
    const HttpResponse response = Answer(Request(test.method, test.path));
    EXPECT_EQ(response.status, 405) << test.method << test.path;
    EXPECT_EQ(FindHeader(response.headers, "Allow"), test.allow);
    ErrorOf(response);
  }
}

TEST(Whip, WithoutAGoodTokenNobodyGetsFurther) {
  for (const auto& [method, path] :
       {std::pair{"POST", "/whip/v1"}, {"PATCH", "/whip/v1/PA_x"}, {"DELETE", "/whip/v1/PA_x"}}) {
    HttpRequest request = Request(method, path);
    request.headers.clear();
    EXPECT_EQ(Answer(request).status, 401);
    EXPECT_EQ(ErrorOf(Answer(request)), "permissions denied");
    request.headers = {{"Authorization", "Bearer nonsense"}};
    EXPECT_EQ(Answer(request).status, 401);
    EXPECT_EQ(ErrorOf(Answer(request)), "invalid authorization token");
    request.headers = {{"Authorization", "Bearer " + Token(false)}};
    EXPECT_EQ(Answer(request).status, 401);
  }
}

TEST(Whip, AnOfferHasItsContentType) {
  const std::string offer = sdp::ChromiumSimulcastOffer();
  for (const char* type : {"", "text/plain", "application/sdpx", "application/trickle-ice-sdpfrag"}) {
    const HttpResponse response = Answer(Request("POST", "/whip/v1", type, offer));
    EXPECT_EQ(response.status, 400) << type;
    EXPECT_EQ(ErrorOf(response), "Content-Type is '" + std::string(type) + "', expected application/sdp");
  }
  EXPECT_EQ(Answer(Request("POST", "/whip/v1", "Application/SDP ; charset=utf-8", offer)).status, 501);
}

TEST(Whip, AnOfferHasALimit) {
  EXPECT_EQ(Answer(Offer(std::string((1 << 20) + 1, 'v'))).status, 413);
  ErrorOf(Answer(Offer(std::string((1 << 20) + 1, 'v'))));
  EXPECT_EQ(Answer(Offer(std::string(1 << 20, 'v'))).status, 400);
  EXPECT_EQ(Answer(Request("PATCH", "/whip/v1/PA_x", "application/trickle-ice-sdpfrag",
                           std::string((1 << 20) + 1, 'a')))
                .status,
            413);
}

// `offer` with every occurrence of `from` replaced.
std::string Replaced(std::string offer, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = offer.find(from, at)) != offer.npos; at += to.size()) {
    offer.replace(at, from.size(), to);
  }
  return offer;
}

TEST(Whip, ABrokenOfferIsToldWhatIsWrong) {
  const std::string good = sdp::ChromiumSimulcastOffer();
  struct Case {
    std::string offer;
    const char* error;
  };
  for (const Case& test :
       {Case{"", "the offer is empty"}, Case{"nonsense", "the offer cannot be read: "},
        Case{"v=0", "the offer "},
        Case{sdp::WithCrlf("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\n"), "the offer sends neither"},
        Case{Replaced(good, "a=ice-pwd:", "a=x-pwd:"),
             "the offer is incomplete: section '0' has no ice-ufrag or no ice-pwd"},
        Case{Replaced(good, "a=fingerprint:", "a=x-print:"),
             "the offer is incomplete: section '0' has no fingerprint"},
        Case{Replaced(good, "a=setup:actpass", "a=setup:passive"),
             "the offer is incomplete: section '0' has setup:passive"},
        Case{Replaced(Replaced(good, "a=sendrecv", "a=recvonly"), "a=sendonly", "a=recvonly"),
             "the offer sends neither"},
        Case{Replaced(good, "sha-256 11", "sha-256 no"),
             "the offer is incomplete: section '0' has no fingerprint of"},
        Case{Replaced(good, "sha-256 11", "sha-256:11"), "the offer cannot be read: "}}) {
    const HttpResponse response = Answer(Offer(test.offer));
    EXPECT_EQ(response.status, 400) << test.error;
    EXPECT_THAT(ErrorOf(response), StartsWith(test.error));
  }
}

TEST(Whip, AGoodOfferIsToldThatIngestIsNotServed) {
  for (const std::string& offer : {sdp::ChromiumSimulcastOffer(), sdp::FirefoxOffer(), sdp::PionOffer()}) {
    const HttpResponse response = Answer(Offer(offer));
    EXPECT_EQ(response.status, 501);
    EXPECT_EQ(ErrorOf(response), "WHIP ingest is not available on this server");
  }
}

TEST(Whip, APatchSaysWhichStateItMeans) {
  HttpRequest request =
      Request("PATCH", "/whip/v1/PA_x", "application/trickle-ice-sdpfrag", "a=ice-ufrag:x\r\n");
  EXPECT_EQ(Answer(request).status, 428);
  EXPECT_EQ(ErrorOf(Answer(request)), "If-Match is missing");
  for (const char* tag : {"*", "\"ufrag\""}) {
    request.headers.emplace_back("If-Match", tag);
    EXPECT_EQ(Answer(request).status, 404);
    EXPECT_EQ(ErrorOf(Answer(request)), "no WHIP session is called 'PA_x'");
    request.headers.pop_back();
  }
  EXPECT_EQ(Answer(Request("PATCH", "/whip/v1/PA_x", "application/sdp", "x")).status, 400);
}

TEST(Whip, NoSessionCanBeDeleted) {
  EXPECT_EQ(Answer(Request("DELETE", "/whip/v1/PA_x")).status, 404);
  // Whatever a path holds, the answer is JSON.
  EXPECT_THAT(ErrorOf(Answer(Request("DELETE", "/whip/v1/\"\xff"))), HasSubstr("\""));
}

}  // namespace
}  // namespace weir::server
