// The parts of HTTP that are text: the request target taken apart, and the head of a response written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "front/http.h"
#include "front/url.h"

namespace weir::front {

struct Target {
  std::string path;
  std::string query;
};
// origin-form and absolute-form (RFC 9112 section 3.2). Leading slashes collapse to one: clients join URLs
// with a trailing slash. Anything else is nothing.
std::optional<Target> ParseTarget(std::string_view target);

// What a response needs to know of its request.
struct RequestFacts {
  bool head = false;
  bool keep_alive = true;
  std::string origin;  // Empty: none.
};

std::string_view ReasonPhrase(int status);

// A CORS preflight: an OPTIONS with an Origin and the method that the browser wants to use.
bool IsPreflight(const HttpRequest& request);
// Allows what it asks for. `*` does not cover Authorization (Fetch standard, section 4.9), so the names are
// echoed.
HttpResponse AnswerPreflight(const HttpRequest& request);

// Status line and fields with the empty line, for a body of response.body.size() bytes. A response's own
// Access-Control-Allow-Origin replaces the default one; its Content-Length and Connection are ignored.
// Control characters in values are dropped, so that no value can end its field.
std::string WriteHead(const HttpResponse& response, const RequestFacts& request, std::string_view date);

// Request line and fields of a POST with the empty line, for a body of that size; the connection ends after
// it.
std::string WritePostHead(const Url& url, const HttpHeaders& headers, size_t body_size);

// IMF-fixdate, RFC 9110 section 5.6.7.
std::string HttpDate(int64_t unix_seconds);

}  // namespace weir::front
