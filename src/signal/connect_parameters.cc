#include "signal/connect_parameters.h"

#include <zlib.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "auth/encoding.h"

namespace weir::signal {
namespace {

using base::Result;

bool IsTrue(const Query& query, std::string_view name, bool absent = false) {
  const auto value = query(name);
  return value ? *value == "1" || *value == "true" : absent;
}

std::string Text(const Query& query, std::string_view name) { return query(name).value_or(""); }

int Number(const Query& query, std::string_view name) {
  const std::string text = Text(query, name);
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

livekit::ClientInfo::SDK SdkFromName(const std::string& name) {
  static const std::map<std::string, livekit::ClientInfo::SDK, std::less<>> kNames = {
      {"js", livekit::ClientInfo::JS},           {"ios", livekit::ClientInfo::SWIFT},
      {"swift", livekit::ClientInfo::SWIFT},     {"android", livekit::ClientInfo::ANDROID},
      {"flutter", livekit::ClientInfo::FLUTTER}, {"go", livekit::ClientInfo::GO},
      {"unity", livekit::ClientInfo::UNITY},     {"reactnative", livekit::ClientInfo::REACT_NATIVE},
      {"rust", livekit::ClientInfo::RUST},       {"python", livekit::ClientInfo::PYTHON},
      {"cpp", livekit::ClientInfo::CPP},         {"unityweb", livekit::ClientInfo::UNITY_WEB},
      {"node", livekit::ClientInfo::NODE},       {"esp32", livekit::ClientInfo::ESP32},
  };
  const auto found = kNames.find(name);
  return found == kNames.end() ? livekit::ClientInfo::UNKNOWN : found->second;
}

void AddCapabilities(const std::string& list, livekit::ClientInfo& client) {
  for (size_t start = 0; start < list.size();) {
    const size_t comma = std::min(list.find(',', start), list.size());
    livekit::ClientInfo::Capability capability;
    if (livekit::ClientInfo::Capability_Parse(list.substr(start, comma - start), &capability)) {
      client.add_capabilities(capability);
    }
    start = comma + 1;
  }
}

// A JSON object of strings, base64url-coded. Empty values are left out, as is everything when the text is no
// such object.
bool ParseAttributes(const std::string& encoded, std::map<std::string, std::string>& attributes) {
  const auto decoded = auth::DecodeBase64Url(encoded);
  if (!decoded) {
    return false;
  }
  const auto json =
      nlohmann::json::parse(decoded->begin(), decoded->end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return false;
  }
  std::map<std::string, std::string> parsed;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) {
      return false;
    }
    if (!value.get_ref<const std::string&>().empty()) {
      parsed[key] = value.get<std::string>();
    }
  }
  attributes.merge(parsed);
  return true;
}

Result<std::string, HttpError> Inflate(const std::string& compressed) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) {  // 16: a gzip header and trailer.
    return std::unexpected(HttpError{500, "cannot initialise zlib"});
  }
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string out;
  int status = Z_OK;
  while (status == Z_OK && out.size() <= kMaxJoinRequestSize) {
    char chunk[16 * 1024];
    stream.next_out = reinterpret_cast<Bytef*>(chunk);
    stream.avail_out = sizeof chunk;
    status = inflate(&stream, Z_NO_FLUSH);
    const size_t produced = sizeof chunk - stream.avail_out;
    out.append(chunk, produced);
    if (status == Z_OK && produced == 0 && stream.avail_in == 0) {
      status = Z_BUF_ERROR;  // The input ends in the middle.
    }
  }
  inflateEnd(&stream);
  if (out.size() > kMaxJoinRequestSize) {
    return std::unexpected(HttpError{400, "join request too large"});
  }
  if (status != Z_STREAM_END) {
    return std::unexpected(HttpError{400, "cannot read decompressed join request"});
  }
  return out;
}

Result<livekit::JoinRequest, HttpError> DecodeJoinRequest(const std::string& encoded) {
  const auto decoded = auth::DecodeBase64Url(encoded);
  if (!decoded) {
    return std::unexpected(HttpError{400, "cannot base64 decode wrapped join request"});
  }
  livekit::WrappedJoinRequest wrapped;
  if (!wrapped.ParseFromArray(decoded->data(), static_cast<int>(decoded->size()))) {
    return std::unexpected(HttpError{400, "cannot unmarshal wrapped join request"});
  }
  if (wrapped.join_request().size() > kMaxJoinRequestSize) {
    return std::unexpected(HttpError{400, "join request too large"});
  }
  std::string body = wrapped.join_request();
  if (wrapped.compression() == livekit::WrappedJoinRequest::GZIP) {
    body = TRY(Inflate(body));
  }
  livekit::JoinRequest request;
  if (!request.ParseFromString(body)) {
    return std::unexpected(HttpError{400, "cannot unmarshal join request"});
  }
  return request;
}

ConnectParameters FromJoinRequest(livekit::JoinRequest request) {
  ConnectParameters parameters;
  parameters.single_connection = true;
  parameters.client = std::move(*request.mutable_client_info());
  // Absent settings are proto3 defaults, so auto_subscribe is false here where the older query has it true.
  const auto& settings = request.connection_settings();
  parameters.auto_subscribe = settings.auto_subscribe();
  parameters.adaptive_stream = settings.adaptive_stream();
  parameters.subscriber_allow_pause = settings.subscriber_allow_pause();
  parameters.auto_subscribe_data_track = settings.auto_subscribe_data_track();
  parameters.metadata = request.metadata();
  parameters.attributes = {request.participant_attributes().begin(), request.participant_attributes().end()};
  parameters.reconnect = request.reconnect();
  parameters.reconnect_reason = request.reconnect_reason();
  parameters.participant_sid = request.participant_sid();
  parameters.add_tracks = {request.add_track_requests().begin(), request.add_track_requests().end()};
  if (request.has_publisher_offer()) {
    parameters.publisher_offer = std::move(*request.mutable_publisher_offer());
  }
  return parameters;
}

ConnectParameters FromQuery(const Query& query) {
  ConnectParameters parameters;
  livekit::ClientInfo& client = parameters.client;
  client.set_sdk(SdkFromName(Text(query, "sdk")));
  client.set_version(Text(query, "version"));
  client.set_protocol(Number(query, "protocol"));
  client.set_client_protocol(Number(query, "client_protocol"));
  client.set_os(Text(query, "os"));
  client.set_os_version(Text(query, "os_version"));
  client.set_device_model(Text(query, "device_model"));
  client.set_browser(Text(query, "browser"));
  client.set_browser_version(Text(query, "browser_version"));
  client.set_network(Text(query, "network"));
  AddCapabilities(Text(query, "capabilities"), client);
  parameters.auto_subscribe = IsTrue(query, "auto_subscribe", /*absent=*/true);
  parameters.auto_subscribe_data_track = IsTrue(query, "auto_subscribe_data_track");
  parameters.adaptive_stream = IsTrue(query, "adaptive_stream");
  parameters.subscriber_allow_pause = IsTrue(query, "subscriber_allow_pause");
  parameters.reconnect = IsTrue(query, "reconnect");
  parameters.participant_sid = Text(query, "sid");
  const int reason = Number(query, "reconnect_reason");
  parameters.reconnect_reason = livekit::ReconnectReason_IsValid(reason)
                                    ? static_cast<livekit::ReconnectReason>(reason)
                                    : livekit::RR_UNKNOWN;
  parameters.publish = Text(query, "publish");
  const std::string attributes = Text(query, "attributes");
  if (!attributes.empty()) {
    parameters.bad_attributes = !ParseAttributes(attributes, parameters.attributes);
  }
  return parameters;
}

}  // namespace

Result<ConnectParameters, HttpError> ParseConnectParameters(const Query& query, bool require_join_request) {
  const std::string join_request = Text(query, "join_request");
  if (!join_request.empty()) {
    return FromJoinRequest(TRY(DecodeJoinRequest(join_request)));
  }
  if (require_join_request) {
    return std::unexpected(HttpError{400, "join_request is required"});
  }
  return FromQuery(query);
}

}  // namespace weir::signal
