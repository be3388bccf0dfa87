// modules: signal
// The query of a request that opens signalling: read as parameters of the older kind ("name=value" lines), as
// the text of a join_request, and as what stands inside one, raw and compressed.

#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>

#include "auth/encoding.h"
#include "signal/connect_parameters.h"

namespace {

using weir::base::AsBytes;
using weir::signal::ConnectParameters;

void Check(const std::map<std::string, std::string, std::less<>>& parameters, bool single) {
  const auto parsed = weir::signal::ParseConnectParameters(
      [&](std::string_view name) -> std::optional<std::string> {
        const auto found = parameters.find(name);
        return found == parameters.end() ? std::nullopt : std::optional(found->second);
      },
      /*require_join_request=*/single);
  if (parsed && parsed->single_connection != single) {
    std::abort();
  }
  if (!parsed && (parsed.error().status < 400 || parsed.error().body.empty())) {
    std::abort();
  }
}

std::map<std::string, std::string, std::less<>> Lines(std::string_view text) {
  std::map<std::string, std::string, std::less<>> parameters;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const size_t equals = line.find('=');
    if (equals != std::string_view::npos && line.substr(0, equals) != "join_request") {
      parameters.emplace(line.substr(0, equals), line.substr(equals + 1));
    }
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return parameters;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  Check(Lines(text), false);
  if (text.empty()) {
    return 0;
  }
  Check({{"join_request", text}}, true);
  Check({{"join_request", weir::auth::EncodeBase64Url(AsBytes(text))}}, true);
  for (const auto compression : {livekit::WrappedJoinRequest::NONE, livekit::WrappedJoinRequest::GZIP}) {
    livekit::WrappedJoinRequest wrapped;
    wrapped.set_compression(compression);
    wrapped.set_join_request(text);
    Check({{"join_request", weir::auth::EncodeBase64UrlPadded(AsBytes(wrapped.SerializeAsString()))}}, true);
  }
  return 0;
}
