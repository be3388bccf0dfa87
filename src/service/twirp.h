// Twirp over HTTP: POST /twirp/<package>.<Service>/<Method> with a protobuf message or its JSON, answered
// alike; errors are JSON `{"code","msg"}` whatever the request was.
//
// A TwirpService is a table of typed methods. It decodes, checks (grants first, then values: both before any
// backend is asked), runs the method and encodes what the method's callback delivers, at once or later and
// from any thread. What is not in the table is `bad_route`, what does not decode `malformed`.
//
// A missing grant answers 401 `unauthenticated`, not 403: SDKs expect that. Built once, then const: any
// thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "auth/token.h"
#include "base/result.h"
#include "front/http.h"

namespace google::protobuf {
class Message;
}

namespace weir::service {

using Respond = std::function<void(front::HttpResponse)>;
// The answer of an asynchronous backend, called once from any thread.
template <typename T>
using Done = std::function<void(base::Result<T>)>;

std::string_view TwirpCode(base::ErrorCode code);  // "not_found"
int TwirpStatus(base::ErrorCode code);             // 404
front::HttpResponse TwirpError(const base::Error& error);
// The two errors of the transport itself, which no backend reports.
front::HttpResponse BadRoute(const front::HttpRequest& request, std::string_view reason);
front::HttpResponse Malformed(std::string_view reason);

struct TwirpRoute {
  std::string_view service;  // "livekit.RoomService"
  std::string_view method;   // "CreateRoom"
};
// Nothing unless the path is /twirp/<service>/<method> with neither empty. Views into `path`.
std::optional<TwirpRoute> ParseTwirpRoute(std::string_view path);
bool IsTwirpPath(std::string_view path);  // Below /twirp/.

class TwirpService {
 public:
  explicit TwirpService(std::string name) : name_(std::move(name)) {}

  // `check` sees the claims (nullptr: no token) and the request; an error of it is the answer.
  template <typename Request, typename Response>
  void Add(std::string method, std::function<base::Result<void>(const auth::Claims*, const Request&)> check,
           std::function<void(Request, Done<Response>)> run);

  // False, without touching `respond`, when the request is for another service. `claims` is used during the
  // call only.
  bool Handle(const front::HttpRequest& request, const auth::Claims* claims, const Respond& respond) const;

  const std::string& name() const { return name_; }

 private:
  using Message = google::protobuf::Message;
  using MessageResult = base::Result<std::unique_ptr<Message>>;
  struct Method {
    std::function<std::unique_ptr<Message>()> make_request;
    std::function<base::Result<void>(const auth::Claims*, const Message&)> check;
    std::function<void(Message&, std::function<void(MessageResult)>)> run;
  };
  void Dispatch(const Method& method, const front::HttpRequest& request, const auth::Claims* claims,
                const Respond& respond) const;

  const std::string name_;
  std::map<std::string, Method, std::less<>> methods_;
};

// The casts are safe: make_request is the only source of what check and run are given.
template <typename Request, typename Response>
void TwirpService::Add(std::string method,
                       std::function<base::Result<void>(const auth::Claims*, const Request&)> check,
                       std::function<void(Request, Done<Response>)> run) {
  Method entry;
  entry.make_request = [] { return std::make_unique<Request>(); };
  entry.check = [check = std::move(check)](const auth::Claims* claims, const Message& request) {
    return check(claims, static_cast<const Request&>(request));
  };
  entry.run = [run = std::move(run)](Message& request, std::function<void(MessageResult)> done) {
    run(std::move(static_cast<Request&>(request)), [done = std::move(done)](base::Result<Response> response) {
      if (!response) {
        return done(std::unexpected(std::move(response).error()));
      }
      done(std::make_unique<Response>(*std::move(response)));
    });
  };
  methods_.insert_or_assign(std::move(method), std::move(entry));
}

}  // namespace weir::service
