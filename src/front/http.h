// An HTTP request and its response as plain values: what the handlers (service, signal) see of the front
// server.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/address.h"

namespace weir::front {

// Field names compare without case (RFC 9110 section 5.1).
using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// The value of the first field of that name.
std::optional<std::string_view> FindHeader(const HttpHeaders& headers, std::string_view name);

// %XX and, in queries, + for a space. Broken escapes stay as they are: clients send them, and the value is
// checked by whoever reads it.
std::string PercentDecode(std::string_view text, bool plus_is_space);

struct HttpRequest {
  std::string method;        // Upper case as sent.
  std::string path;          // Starts with '/', leading "//" collapsed, not decoded, without the query.
  std::string query_string;  // Without '?', not decoded.
  HttpHeaders headers;
  std::string body;
  net::SocketAddress remote;  // The socket's; proxies' headers are for the reader to trust or not.

  std::optional<std::string_view> Find(std::string_view name) const { return FindHeader(headers, name); }
  // The media type of Content-Type in lower case, without parameters ("; charset=utf-8"); empty without one.
  std::string MediaType() const;
  // Decoded value of the first parameter of that name; `name` alone (no '=') is the empty value.
  std::optional<std::string> QueryParameter(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain";  // Empty: no Content-Type.
  HttpHeaders headers;
  std::string body;
};

}  // namespace weir::front
