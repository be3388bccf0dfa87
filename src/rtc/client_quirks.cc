#include "rtc/client_quirks.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

namespace weir::rtc {
namespace {

bool ContainsIgnoringCase(std::string text, std::string_view part) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text.find(part) != std::string::npos;
}

}  // namespace

bool IsFirefox(const livekit::ClientInfo& client) {
  return ContainsIgnoringCase(client.browser(), "firefox");
}

bool IsSafari(const livekit::ClientInfo& client) {
  return ContainsIgnoringCase(client.browser(), "safari") &&
         !ContainsIgnoringCase(client.browser(), "chrome");
}

bool IsFirefoxOnLinuxOrAndroid(const livekit::ClientInfo& client) {
  return IsFirefox(client) &&
         (ContainsIgnoringCase(client.os(), "linux") || ContainsIgnoringCase(client.os(), "android"));
}

}  // namespace weir::rtc
