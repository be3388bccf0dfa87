#include "front/url.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "net/address.h"

namespace weir::front {
namespace {

constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kHttpsPort = 443;

base::Result<uint16_t> ParsePort(std::string_view text, std::string_view url) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) {
    return base::Fail(base::ErrorCode::kInvalidArgument,
                      "'" + std::string(url) + "' has the port '" + std::string(text) + "'");
  }
  return port;
}

}  // namespace

std::string Url::Authority() const {
  std::string authority = host.contains(':') ? "[" + host + "]" : host;
  if (port != (tls ? kHttpsPort : kHttpPort)) {
    authority += ":" + std::to_string(port);
  }
  return authority;
}

std::string Url::ForLog() const {
  return (tls ? "https://" : "http://") + Authority() + target.substr(0, target.find('?'));
}

base::Result<Url> ParseUrl(std::string_view text) {
  const auto fail = [text](const std::string& what) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "'" + std::string(text) + "' " + what);
  };
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.tls = true;
  } else if (!rest.starts_with("http://")) {
    return fail("does not begin with http:// or https://");
  }
  const bool printable = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!printable) {
    return fail("has a space or a character outside ASCII, which a URL writes as %XX");
  }
  rest.remove_prefix(url.tls ? 8 : 7);
  rest = rest.substr(0, rest.find('#'));
  const size_t end = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, end);
  const std::string_view target = rest.substr(end);
  if (authority.contains('@')) {
    return fail("has a user name, which is not supported");
  }
  url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  url.port = url.tls ? kHttpsPort : kHttpPort;
  const size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
  if (bracket == authority.npos) {
    return fail("has a '[' without ']'");
  }
  const size_t colon = authority.find(':', bracket);
  if (colon != authority.npos) {
    url.port = TRY(ParsePort(authority.substr(colon + 1), text));
    authority = authority.substr(0, colon);
  }
  if (bracket > 0) {
    url.host = authority.substr(1, bracket - 1);
    const auto address = net::IpAddress::Parse(url.host);
    if (!address || !address->is_v6() || bracket + 1 != authority.size()) {
      return fail("has no IPv6 address between its brackets");
    }
  } else {
    url.host = authority;
  }
  if (url.host.empty()) {
    return fail("names no host");
  }
  return url;
}

}  // namespace weir::front
