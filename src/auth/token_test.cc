#include "auth/token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string>
#include <vector>

#include "auth/encoding.h"

namespace weir::auth {
namespace {

using base::TimeDelta;
using base::WallTime;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr std::string_view kKey = "APIcheck";
constexpr std::string_view kSecret = "a-secret-of-more-than-thirty-two-characters";
constexpr WallTime kNow{1'700'000'000'000'000};

KeyProvider Keys() { return {{{std::string(kKey), std::string(kSecret)}, {"empty", ""}}}; }
WallTime After(int64_t seconds) { return {kNow.micros + seconds * 1'000'000}; }

// A second implementation of what an SDK does, so that this module is not tested against itself: OpenSSL's
// own base64, its HMAC, texts put together by hand.
std::string SdkBase64Url(std::string_view bytes) {
  std::string text(bytes.size() * 2 + 4, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  for (char& c : text) {
    c = c == '+' ? '-' : c == '/' ? '_' : c;
  }
  text.resize(std::min(text.find('='), text.size()));
  return text;
}
std::string SdkSign(std::string_view header, std::string_view payload, std::string_view secret = kSecret) {
  const std::string text = SdkBase64Url(header) + "." + SdkBase64Url(payload);
  unsigned char mac[32];
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
  return text + "." + SdkBase64Url({reinterpret_cast<const char*>(mac), size});
}
constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"JWT"})";

// A payload with valid iss, exp and nbf, and more claims: R"(,"name":"x")".
std::string Payload(std::string_view more) {
  return R"({"iss":"APIcheck","exp":1700003600,"nbf":1700000000,"sub":"ann")" + std::string(more) + "}";
}
Claims MustVerify(std::string_view more_claims) {
  const auto claims = VerifyToken(SdkSign(kHeader, Payload(more_claims)), Keys(), kNow);
  EXPECT_TRUE(claims) << claims.error().message;
  return claims ? *claims : Claims();
}
std::string ErrorOf(std::string_view token, WallTime now = kNow) {
  const auto claims = VerifyToken(token, Keys(), now);
  EXPECT_FALSE(claims);
  if (claims) {
    return "";
  }
  EXPECT_EQ(claims.error().code, base::ErrorCode::kUnauthenticated);
  return claims.error().message;
}
std::string ErrorOfPayload(std::string_view payload) { return ErrorOf(SdkSign(kHeader, payload)); }

TEST(VerifyToken, ReadsATokenOfAServerSdk) {
  const Claims claims = MustVerify(
      R"(,"identity":"ignored","name":"Ann B","metadata":"{\"a\":1}","attributes":{"lang":"de"},"kind":"agent",)"
      R"("kindDetails":["cloud_agent"],"video":{"roomJoin":true,"room":"lobby","canPublish":true,)"
      R"("canPublishSources":["microphone","screen_share"],"canUpdateOwnMetadata":true,"hidden":true},)"
      R"("sip":{"admin":true,"call":true},"agent":{"simulationAdmin":true},"inference":{"perform":true},)"
      R"("observability":{"write":true},"roomConfig":{"emptyTimeout":30,"agents":[{"agentName":"x"}]},)"
      R"("roomPreset":"small","sha256":"abc=","unknown":[1,2])");
  EXPECT_EQ(claims.issuer, kKey);
  EXPECT_EQ(claims.identity, "ann");
  EXPECT_EQ(claims.name, "Ann B");
  EXPECT_EQ(claims.metadata, R"({"a":1})");
  EXPECT_THAT(claims.attributes, ElementsAre(Pair("lang", "de")));
  EXPECT_EQ(claims.kind, "agent");
  EXPECT_THAT(claims.kind_details, ElementsAre("cloud_agent"));
  EXPECT_EQ(claims.expires.seconds(), 1700003600);
  ASSERT_TRUE(claims.video);
  EXPECT_TRUE(claims.video->room_join);
  EXPECT_TRUE(claims.video->hidden);
  EXPECT_FALSE(claims.video->room_admin);
  EXPECT_EQ(claims.video->room, "lobby");
  EXPECT_TRUE(claims.sip->call);
  EXPECT_TRUE(claims.agent->simulation_admin);
  EXPECT_FALSE(claims.agent->admin);
  EXPECT_TRUE(claims.inference->perform);
  EXPECT_TRUE(claims.observability->write);
  EXPECT_EQ(claims.room_config, R"({"agents":[{"agentName":"x"}],"emptyTimeout":30})");
  EXPECT_EQ(claims.room_preset, "small");
  EXPECT_EQ(claims.sha256, "abc=");
}

TEST(VerifyToken, ReadsATokenThatAnotherImplementationSigned) {
  // The example of RFC 7515 appendix A.1 has no claims for us, but its key and signature are known.
  const auto secret = DecodeBase64Url(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  ASSERT_TRUE(secret);
  const KeyProvider keys{{{"joe", std::string(base::AsText(*secret))}}};
  const auto claims = VerifyToken(
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
      keys, WallTime{1'300'819'380'000'000});
  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_EQ(claims->issuer, "joe");
  EXPECT_FALSE(claims->video);
}

TEST(VerifyToken, TakesTheIdFromJtiWhereThereIsNoSubject) {
  const auto claims =
      VerifyToken(SdkSign(kHeader, R"({"iss":"APIcheck","exp":1700003600,"jti":"bob"})"), Keys(), kNow);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->identity, "bob");
  EXPECT_FALSE(claims->not_before);
}

TEST(VerifyToken, TreatsAnUnknownKindAsStandard) {
  EXPECT_EQ(MustVerify(R"(,"kind":"robot")").kind, "standard");
  EXPECT_EQ(MustVerify("").kind, "standard");
}

TEST(VerifyToken, TreatsNullAsAbsent) {
  const Claims claims =
      MustVerify(R"(,"name":null,"video":{"canPublish":null},"sip":null,"roomConfig":null)");
  EXPECT_TRUE(claims.video->CanPublish());
  EXPECT_FALSE(claims.sip);
}

TEST(VerifyToken, RefusesWhatIsNoJwt) {
  const std::string good = SdkSign(kHeader, Payload(""));
  for (const std::string& token :
       {std::string(), std::string("a"), std::string("a.b"), std::string("a.b.c"), good + ".x", "." + good,
        good + "=", good + "\n", SdkSign("[]", Payload("")), SdkSign(kHeader, "[]"), SdkSign(kHeader, "{"),
        SdkSign(kHeader, "{\"a\":\"\xff\"}")}) {
    EXPECT_EQ(ErrorOf(token), "invalid authorization token") << token;
  }
}

TEST(VerifyToken, RefusesEveryOtherAlgorithm) {
  for (const std::string_view header :
       {R"({"alg":"none"})", R"({"alg":"HS384"})", R"({"alg":"hs256"})", R"({"alg":"RS256"})", R"({"alg":1})",
        R"({})", R"({"alg":"HS256","crit":["exp"],"exp":1})"}) {
    EXPECT_EQ(ErrorOf(SdkSign(header, Payload(""))), "invalid authorization token") << header;
  }
  const std::string unsigned_token =
      SdkBase64Url(R"({"alg":"none"})") + "." + SdkBase64Url(Payload("")) + ".";
  EXPECT_EQ(ErrorOf(unsigned_token), "invalid authorization token");
}

TEST(VerifyToken, RefusesAnUnknownKey) {
  EXPECT_EQ(ErrorOfPayload(R"({"iss":"other","exp":1700003600})"), "invalid API key");
  EXPECT_EQ(ErrorOfPayload(R"({"exp":1700003600})"), "invalid API key");
  EXPECT_EQ(ErrorOfPayload(R"({"iss":7,"exp":1700003600})"), "invalid API key");
}

TEST(VerifyToken, RefusesASecretOfNothing) {
  EXPECT_EQ(ErrorOf(SdkSign(kHeader, R"({"iss":"empty","exp":1700003600})", "")), "invalid API key");
}

TEST(VerifyToken, RefusesAWrongSignature) {
  EXPECT_EQ(ErrorOf(SdkSign(kHeader, Payload(""), "another secret")),
            "invalid authorization token: signature is wrong");
  const std::string good = SdkSign(kHeader, Payload(""));
  EXPECT_EQ(ErrorOf(good.substr(0, good.rfind('.') + 1)), "invalid authorization token: signature is wrong");
}

TEST(VerifyToken, RefusesEveryChangedCharacterOfTheSignedText) {
  const std::string good = SdkSign(kHeader, Payload(""));
  for (size_t i = 0; i < good.rfind('.'); ++i) {
    std::string changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(VerifyToken(changed, Keys(), kNow)) << i;
  }
}

TEST(VerifyToken, DemandsAnExpiry) {
  EXPECT_EQ(ErrorOfPayload(R"({"iss":"APIcheck"})"), "invalid authorization token: exp is missing");
  EXPECT_EQ(ErrorOfPayload(R"({"iss":"APIcheck","exp":"1700003600"})"),
            "invalid authorization token: exp is not a number");
}

TEST(VerifyToken, AllowsSixtySecondsOfSkew) {
  const std::string token = SdkSign(kHeader, R"({"iss":"APIcheck","nbf":1700000000,"exp":1700000010})");
  EXPECT_EQ(ErrorOf(token, After(-61)), "invalid authorization token: token is not valid yet");
  EXPECT_TRUE(VerifyToken(token, Keys(), After(-60)));
  EXPECT_TRUE(VerifyToken(token, Keys(), After(70)));
  EXPECT_EQ(ErrorOf(token, After(71)), "invalid authorization token: token is expired");
}

TEST(VerifyToken, SurvivesTimesOutOfRange) {
  const auto far = VerifyToken(SdkSign(kHeader, R"({"iss":"APIcheck","exp":1e300})"), Keys(), kNow);
  ASSERT_TRUE(far);
  EXPECT_EQ(far->expires.seconds(), 253402300799);
  EXPECT_THAT(ErrorOfPayload(R"({"iss":"APIcheck","exp":-1e300})"), HasSubstr("expired"));
  EXPECT_THAT(ErrorOfPayload(R"({"iss":"APIcheck","exp":1700003600,"nbf":9223372036854775807})"),
              HasSubstr("not valid yet"));
}

TEST(VerifyToken, RefusesClaimsOfAWrongType) {
  for (const auto& [claim, name] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {R"(,"video":{"canPublish":"false"})", "canPublish"},
           {R"(,"video":{"roomJoin":1})", "roomJoin"},
           {R"(,"video":{"room":1})", "room"},
           {R"(,"video":{"canPublishSources":"camera"})", "canPublishSources"},
           {R"(,"video":{"canPublishSources":[1]})", "canPublishSources"},
           {R"(,"video":[])", "video"},
           {R"(,"sip":{"admin":"yes"})", "admin"},
           {R"(,"name":5)", "name"},
           {R"(,"attributes":["a"])", "attributes"},
           {R"(,"attributes":{"a":1})", "attributes"},
           {R"(,"roomConfig":"{}")", "roomConfig"},
           {R"(,"jti":1)", "jti"}}) {
    EXPECT_EQ(ErrorOf(SdkSign(kHeader, Payload(claim))),
              "invalid authorization token: " + std::string(name) + " has a wrong type");
  }
}

TEST(VerifyToken, RefusesATokenOverTheSizeLimit) {
  const std::string name(kMaxTokenSize, 'x');
  EXPECT_EQ(ErrorOf(SdkSign(kHeader, Payload(R"(,"name":")" + name + "\""))), "invalid authorization token");
}

TEST(VerifyToken, RefusesDeepNesting) {
  const std::string deep =
      R"(,"roomConfig":{"a":)" + std::string(10'000, '[') + std::string(10'000, ']') + "}";
  EXPECT_EQ(ErrorOf(SdkSign(kHeader, Payload(deep))), "invalid authorization token");
}

TEST(VideoGrant, GrantsByDefaultWhatTheSpecificationSays) {
  const VideoGrant grant = *MustVerify(R"(,"video":{})").video;
  EXPECT_TRUE(grant.CanPublish());
  EXPECT_TRUE(grant.CanSubscribe());
  EXPECT_TRUE(grant.CanPublishData());
  EXPECT_TRUE(grant.CanPublishSource(TrackSource::kScreenShare));
  EXPECT_FALSE(grant.CanUpdateOwnMetadata());
  EXPECT_FALSE(grant.CanSubscribeMetrics());
  EXPECT_FALSE(grant.CanManageAgentSession());
}

TEST(VideoGrant, LetsDataFollowPublishingUnlessItIsSet) {
  EXPECT_FALSE(MustVerify(R"(,"video":{"canPublish":false})").video->CanPublishData());
  EXPECT_TRUE(MustVerify(R"(,"video":{"canPublish":false,"canPublishData":true})").video->CanPublishData());
}

TEST(VideoGrant, LimitsTheSources) {
  const VideoGrant some = *MustVerify(R"(,"video":{"canPublishSources":["camera","hologram"]})").video;
  EXPECT_TRUE(some.CanPublishSource(TrackSource::kCamera));
  EXPECT_FALSE(some.CanPublishSource(TrackSource::kMicrophone));
  VideoGrant none = some;
  none.can_publish = false;
  EXPECT_FALSE(none.CanPublishSource(TrackSource::kCamera));
}

Claims FullClaims() {
  Claims claims;
  claims.issuer = kKey;
  claims.identity = "ann";
  claims.not_before = kNow;
  claims.issued_at = kNow;
  claims.expires = After(600);
  claims.origin = TokenOrigin{"digest", After(300)};
  claims.name = "Ann \"B\"\n\xc3\xa4";
  claims.metadata = "{}";
  claims.attributes = {{"a", "1"}, {"b", ""}};
  claims.kind = "sip";
  claims.kind_details = {"bridge_rtsp"};
  VideoGrant& video = claims.video.emplace();
  video.room_create = video.room_list = video.room_record = video.room_admin = video.room_join = true;
  video.room = "lobby";
  video.destination_room = "hall";
  video.can_publish = false;
  video.can_subscribe = true;
  video.can_publish_data = true;
  video.can_publish_sources = {"camera"};
  video.can_update_own_metadata = false;
  video.can_subscribe_metrics = true;
  video.can_manage_agent_session = true;
  video.ingress_admin = video.hidden = video.recorder = video.agent = true;
  claims.sip = SipGrant{true, false};
  claims.agent = AgentGrant{true, true, true};
  claims.inference = InferenceGrant{true};
  claims.observability = ObservabilityGrant{true};
  claims.room_config = R"({"name":"x"})";
  claims.room_preset = "preset";
  claims.sha256 = Sha256Base64("body");
  return claims;
}

TEST(SignToken, WritesEveryClaimThatVerifyTokenReads) {
  const Claims claims = FullClaims();
  const auto again = VerifyToken(SignToken(claims, kKey, kSecret, kNow, After(600)), Keys(), kNow);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, claims);
}

TEST(SignToken, KeepsEmptyGrantsApartFromAbsentOnes) {
  Claims claims;
  claims.video.emplace();
  const auto again = VerifyToken(SignToken(claims, kKey, kSecret, kNow, After(600)), Keys(), kNow);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->video);
  EXPECT_FALSE(again->sip);
}

TEST(SignToken, SignsAsAnSdkVerifies) {
  const std::string token = SignToken(FullClaims(), kKey, kSecret, kNow, After(600));
  const size_t first = token.find('.');
  const size_t last = token.rfind('.');
  const auto header = DecodeBase64Url(token.substr(0, first));
  const auto payload = DecodeBase64Url(token.substr(first + 1, last - first - 1));
  ASSERT_TRUE(header && payload);
  EXPECT_EQ(base::AsText(*header), kHeader);
  EXPECT_EQ(SdkSign(base::AsText(*header), base::AsText(*payload)), token);
  EXPECT_THAT(std::string(base::AsText(*payload)), HasSubstr(R"("exp":1700000600)"));
}

TEST(SignToken, SurvivesNamesThatAreNotUtf8) {
  Claims claims;
  claims.name = "a\xff";
  const auto again = VerifyToken(SignToken(claims, kKey, kSecret, kNow, After(600)), Keys(), kNow);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->name, "a\xef\xbf\xbd");
}

TEST(BearerToken, DemandsThePrefix) {
  EXPECT_EQ(BearerToken("Bearer abc"), "abc");
  for (const std::string_view header : {"", "abc", "bearer abc", "Basic abc", "Bearer"}) {
    const auto token = BearerToken(header);
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().message, "invalid authorization header. Must start with Bearer ");
  }
}

TEST(TrackSource, HasANameForEachValue) {
  for (const TrackSource source : {TrackSource::kUnknown, TrackSource::kCamera, TrackSource::kMicrophone,
                                   TrackSource::kScreenShare, TrackSource::kScreenShareAudio}) {
    EXPECT_EQ(TrackSourceFromString(ToString(source)), source);
  }
  EXPECT_EQ(TrackSourceFromString("SCREEN_SHARE"), std::nullopt);
}

}  // namespace
}  // namespace weir::auth
