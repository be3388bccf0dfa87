// A URL that this server sends requests to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weir::front {

struct Url {
  bool tls = false;
  std::string host;  // A name or an address, without the brackets of IPv6.
  uint16_t port = 0;
  std::string target = "/";  // Path and query.

  std::string Authority() const;  // As in Host: the port only where it is not the scheme's.
  // Without the query, which may hold a secret.
  std::string ForLog() const;
  bool operator==(const Url&) const = default;
};

// http and https, absolute. The error says what is wrong with it. User names in URLs are refused: what is
// posted has an Authorization of its own. A fragment is left out.
base::Result<Url> ParseUrl(std::string_view text);

}  // namespace weir::front
