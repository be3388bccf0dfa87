#include "front/http_text.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace weir::front {
namespace {

constexpr std::string_view kAllowOrigin = "Access-Control-Allow-Origin";

void AppendField(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  std::ranges::copy_if(value, std::back_inserter(out),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
  out += "\r\n";
}

bool IsOurs(std::string_view name) {
  const HttpHeaders probe = {{std::string(name), ""}};
  return FindHeader(probe, "Content-Length") || FindHeader(probe, "Connection") ||
         FindHeader(probe, "Transfer-Encoding");
}

// RFC 9110 sections 8.6 and 15.3.5: these have no body, and no length either.
bool HasBody(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

std::optional<Target> ParseTarget(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://", "ws://", "wss://"}) {
    if (target.starts_with(scheme)) {
      target.remove_prefix(scheme.size());
      const size_t end = target.find_first_of("/?");
      target.remove_prefix(std::min(end, target.size()));
      if (!target.starts_with('/')) {
        return Target{.path = "/", .query = std::string(target.substr(std::min<size_t>(1, target.size())))};
      }
      break;
    }
  }
  if (!target.starts_with('/')) {
    return std::nullopt;
  }
  target = target.substr(0, target.find('#'));
  const size_t question = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(0, question);
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()) - 1);
  return Target{.path = std::string(path),
                .query = std::string(target.substr(std::min(question + 1, target.size())))};
}

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "";  // Optional since RFC 9112.
  }
}

bool IsPreflight(const HttpRequest& request) {
  return request.method == "OPTIONS" && request.Find("Origin") &&
         request.Find("Access-Control-Request-Method");
}

HttpResponse AnswerPreflight(const HttpRequest& request) {
  const auto requested = request.Find("Access-Control-Request-Headers");
  return {.status = 204,
          .content_type = "",
          .headers = {{"Access-Control-Allow-Methods", "OPTIONS, HEAD, GET, POST, PATCH, DELETE"},
                      {"Access-Control-Allow-Headers", std::string(requested.value_or("*"))},
                      {"Access-Control-Max-Age", "86400"}}};
}

std::string WriteHead(const HttpResponse& response, const RequestFacts& request, std::string_view date) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head += ReasonPhrase(response.status);
  head += "\r\n";
  AppendField(head, "Date", date);
  if (!response.content_type.empty()) {
    AppendField(head, "Content-Type", response.content_type);
  }
  if (HasBody(response.status)) {
    AppendField(head, "Content-Length", std::to_string(response.body.size()));
  }
  if (!FindHeader(response.headers, kAllowOrigin)) {
    AppendField(head, kAllowOrigin, request.origin.empty() ? "*" : request.origin);
    if (!request.origin.empty()) {
      AppendField(head, "Vary", "Origin");
    }
  }
  AppendField(head, "Access-Control-Expose-Headers", "*");
  for (const auto& [name, value] : response.headers) {
    if (!IsOurs(name)) {
      AppendField(head, name, value);
    }
  }
  AppendField(head, "Connection", request.keep_alive ? "keep-alive" : "close");
  head += "\r\n";
  return head;
}

std::string WritePostHead(const Url& url, const HttpHeaders& headers, size_t body_size) {
  std::string head = "POST " + url.target + " HTTP/1.1\r\n";
  AppendField(head, "Host", url.Authority());
  for (const auto& [name, value] : headers) {
    AppendField(head, name, value);
  }
  AppendField(head, "Content-Length", std::to_string(body_size));
  AppendField(head, "Connection", "close");
  head += "\r\n";
  return head;
}

std::string HttpDate(int64_t unix_seconds) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_seconds time{std::chrono::seconds(unix_seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[64];
  std::snprintf(text, sizeof(text), "%s, %02u %s %04d %02d:%02d:%02d GMT",
                kDays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

}  // namespace weir::front
