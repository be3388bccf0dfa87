#include "signal/connect_parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <map>
#include <string>

#include "auth/encoding.h"

namespace weir::signal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

using Parameters = std::map<std::string, std::string, std::less<>>;

base::Result<ConnectParameters, HttpError> Parse(const Parameters& parameters, bool require = false) {
  return ParseConnectParameters(
      [&](std::string_view name) -> std::optional<std::string> {
        const auto found = parameters.find(name);
        return found == parameters.end() ? std::nullopt : std::optional(found->second);
      },
      require);
}

std::string Gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(compressBound(text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Wrap(const std::string& body, livekit::WrappedJoinRequest::Compression compression) {
  livekit::WrappedJoinRequest wrapped;
  wrapped.set_compression(compression);
  wrapped.set_join_request(body);
  return auth::EncodeBase64UrlPadded(base::AsBytes(wrapped.SerializeAsString()));
}

livekit::JoinRequest SomeJoinRequest() {
  livekit::JoinRequest request;
  request.mutable_client_info()->set_sdk(livekit::ClientInfo::JS);
  request.mutable_client_info()->set_protocol(16);
  request.mutable_connection_settings()->set_auto_subscribe(true);
  request.mutable_connection_settings()->set_adaptive_stream(true);
  request.set_metadata("meta");
  (*request.mutable_participant_attributes())["key"] = "value";
  request.add_add_track_requests()->set_cid("mic");
  request.mutable_publisher_offer()->set_sdp("v=0");
  request.mutable_publisher_offer()->set_id(3);
  return request;
}

TEST(ConnectParameters, AnEmptyQueryIsAClientWithTwoConnectionsThatSubscribes) {
  const auto parameters = Parse({});
  ASSERT_TRUE(parameters.has_value());
  EXPECT_FALSE(parameters->single_connection);
  EXPECT_TRUE(parameters->auto_subscribe);
  EXPECT_FALSE(parameters->adaptive_stream);
  EXPECT_FALSE(parameters->reconnect);
  EXPECT_FALSE(parameters->publisher_offer.has_value());
}

TEST(ConnectParameters, ReadsTheOlderQuery) {
  const auto parameters = Parse({{"sdk", "js"},
                                 {"protocol", "15"},
                                 {"version", "2.1.0"},
                                 {"browser", "Chrome"},
                                 {"os", "Linux"},
                                 {"auto_subscribe", "0"},
                                 {"adaptive_stream", "1"},
                                 {"reconnect", "true"},
                                 {"sid", "PA_x"},
                                 {"reconnect_reason", "2"},
                                 {"publish", "screen"},
                                 {"capabilities", "CAP_PACKET_TRAILER,nonsense"}});
  ASSERT_TRUE(parameters.has_value());
  EXPECT_EQ(parameters->client.sdk(), livekit::ClientInfo::JS);
  EXPECT_EQ(parameters->client.protocol(), 15);
  EXPECT_EQ(parameters->client.browser(), "Chrome");
  EXPECT_FALSE(parameters->auto_subscribe);
  EXPECT_TRUE(parameters->adaptive_stream);
  EXPECT_TRUE(parameters->reconnect);
  EXPECT_EQ(parameters->participant_sid, "PA_x");
  EXPECT_EQ(parameters->reconnect_reason, static_cast<livekit::ReconnectReason>(2));
  EXPECT_EQ(parameters->publish, "screen");
  EXPECT_EQ(parameters->client.capabilities_size(), 1);
}

TEST(ConnectParameters, OnlyOneAndTrueAreTrue) {
  EXPECT_TRUE(Parse({{"adaptive_stream", "true"}})->adaptive_stream);
  EXPECT_FALSE(Parse({{"adaptive_stream", "TRUE"}})->adaptive_stream);
  EXPECT_FALSE(Parse({{"adaptive_stream", "yes"}})->adaptive_stream);
  EXPECT_FALSE(Parse({{"auto_subscribe", ""}})->auto_subscribe);
}

TEST(ConnectParameters, NumbersThatAreNoneAreZero) {
  EXPECT_EQ(Parse({{"protocol", "new"}})->client.protocol(), 0);
  EXPECT_EQ(Parse({{"protocol", "99999999999999"}})->client.protocol(), 0);
  EXPECT_EQ(Parse({{"reconnect_reason", "77"}})->reconnect_reason, livekit::RR_UNKNOWN);
}

TEST(ConnectParameters, AttributesAreAnEncodedMapOfStrings) {
  const auto encoded = [](std::string_view json) { return auth::EncodeBase64Url(base::AsBytes(json)); };
  const auto parameters = Parse({{"attributes", encoded(R"({"a":"1","empty":""})")}});
  EXPECT_THAT(parameters->attributes, ElementsAre(Pair("a", "1")));
  EXPECT_FALSE(parameters->bad_attributes);
  for (const std::string& bad : {encoded(R"({"a":1})"), encoded("[1]"), encoded("{"), std::string("***")}) {
    const auto refused = Parse({{"attributes", bad}});
    ASSERT_TRUE(refused.has_value());
    EXPECT_TRUE(refused->bad_attributes);
    EXPECT_THAT(refused->attributes, IsEmpty());
  }
}

class JoinRequestForms : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Compression, JoinRequestForms, testing::Bool());

TEST_P(JoinRequestForms, SayEverythingAndMakeTheClientUseOneConnection) {
  const std::string body = SomeJoinRequest().SerializeAsString();
  const std::string text = GetParam() ? Wrap(Gzip(body), livekit::WrappedJoinRequest::GZIP)
                                      : Wrap(body, livekit::WrappedJoinRequest::NONE);
  for (const bool v1_path : {false, true}) {
    const auto parameters = Parse({{"join_request", text}, {"auto_subscribe", "0"}}, v1_path);
    ASSERT_TRUE(parameters.has_value()) << parameters.error().body;
    EXPECT_TRUE(parameters->single_connection);
    EXPECT_TRUE(parameters->auto_subscribe);  // The older parameters do not count.
    EXPECT_TRUE(parameters->adaptive_stream);
    EXPECT_EQ(parameters->client.protocol(), 16);
    EXPECT_EQ(parameters->metadata, "meta");
    EXPECT_THAT(parameters->attributes, ElementsAre(Pair("key", "value")));
    ASSERT_EQ(parameters->add_tracks.size(), 1u);
    EXPECT_EQ(parameters->add_tracks[0].cid(), "mic");
    ASSERT_TRUE(parameters->publisher_offer.has_value());
    EXPECT_EQ(parameters->publisher_offer->id(), 3u);
  }
}

TEST(JoinRequest, MayComeWithOrWithoutPadding) {
  for (size_t size = 0; size < 4; ++size) {
    livekit::JoinRequest request = SomeJoinRequest();
    request.set_metadata(std::string(size, 'm'));
    std::string text = Wrap(request.SerializeAsString(), livekit::WrappedJoinRequest::NONE);
    EXPECT_TRUE(Parse({{"join_request", text}}).has_value());
    text.erase(text.find_last_not_of('=') + 1);
    EXPECT_TRUE(Parse({{"join_request", text}}).has_value());
  }
}

TEST(JoinRequest, SettingsThatAreAbsentAreOff) {
  const auto parameters =
      Parse({{"join_request", Wrap(livekit::JoinRequest().SerializeAsString() + std::string("\x1a\x01m", 3),
                                   livekit::WrappedJoinRequest::NONE)}});
  ASSERT_TRUE(parameters.has_value());
  EXPECT_FALSE(parameters->auto_subscribe);
}

TEST(JoinRequest, IsRequiredOnTheNewerPath) {
  const auto parameters = Parse({}, /*require=*/true);
  ASSERT_FALSE(parameters.has_value());
  EXPECT_EQ(parameters.error().status, 400);
}

TEST(JoinRequest, SaysWhichLayerWasBroken) {
  const auto error = [](const std::string& text) {
    const auto parameters = Parse({{"join_request", text}});
    EXPECT_FALSE(parameters.has_value());
    return parameters.has_value() ? "" : parameters.error().body;
  };
  EXPECT_EQ(error("not base64!"), "cannot base64 decode wrapped join request");
  EXPECT_EQ(error(auth::EncodeBase64Url(base::AsBytes("\xff\xff\xff"))),
            "cannot unmarshal wrapped join request");
  EXPECT_EQ(error(Wrap("\xff\xff\xff", livekit::WrappedJoinRequest::NONE)), "cannot unmarshal join request");
  EXPECT_EQ(error(Wrap("not gzip", livekit::WrappedJoinRequest::GZIP)),
            "cannot read decompressed join request");
  const std::string whole = Gzip(SomeJoinRequest().SerializeAsString());
  EXPECT_EQ(error(Wrap(whole.substr(0, whole.size() / 2), livekit::WrappedJoinRequest::GZIP)),
            "cannot read decompressed join request");
}

TEST(JoinRequest, IsBoundedBeforeAndAfterInflation) {
  const auto body = [](size_t size) {
    livekit::JoinRequest request;
    request.set_metadata(std::string(size, 'm'));
    return request.SerializeAsString();
  };
  const std::string fits = body(kMaxJoinRequestSize - 100);
  const std::string large = body(kMaxJoinRequestSize + 1);
  EXPECT_TRUE(Parse({{"join_request", Wrap(fits, livekit::WrappedJoinRequest::NONE)}}).has_value());
  EXPECT_TRUE(Parse({{"join_request", Wrap(Gzip(fits), livekit::WrappedJoinRequest::GZIP)}}).has_value());
  for (const std::string& text : {Wrap(large, livekit::WrappedJoinRequest::NONE),
                                  Wrap(Gzip(large), livekit::WrappedJoinRequest::GZIP)}) {
    const auto refused = Parse({{"join_request", text}});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().body, "join request too large");
  }
}

}  // namespace
}  // namespace weir::signal
