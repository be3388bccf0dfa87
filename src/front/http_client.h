// POST requests of this server to others, over http and https, on the front thread.
//
// A certificate has to be signed by an authority that the system trusts (OpenSSL's default paths, so
// SSL_CERT_FILE and SSL_CERT_DIR count) and to name the host. Each request has a connection of its own.
// Redirects are not followed. Everything that waits has a time-out, exact to 100 ms, and a response is
// bounded; names are looked up on a thread of their own.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "base/time.h"
#include "front/http.h"
#include "front/url.h"

namespace weir::front {

class HttpClient {
 public:
  struct Config {
    base::TimeDelta resolve_timeout = base::TimeDelta::Seconds(5);
    base::TimeDelta connect_timeout = base::TimeDelta::Seconds(5);  // Of each address; and of TLS.
    base::TimeDelta write_timeout = base::TimeDelta::Seconds(10);   // For the whole request.
    base::TimeDelta read_timeout = base::TimeDelta::Seconds(10);    // From there to the whole response.
    size_t max_header = 16 << 10;                                   // A larger one is no response.
    size_t max_body = 64 << 10;                                     // What is beyond is not read.
    bool https =
        true;  // Without it https URLs fail; making a client with it takes 0.1 s, to read the authorities.
    std::string ca_file;  // PEM, of authorities to trust beside the system's.
  };
  struct Outcome {
    int status = 0;     // 0: there was no response.
    std::string error;  // Why, for a log.
  };
  using Done = std::move_only_function<void(Outcome)>;

  virtual ~HttpClient() = default;
  // Front thread, as is `done`, which is never called inside of Post. When the server ends before the request
  // does, `done` is destroyed uncalled. Headers must not name Host, Content-Length and Connection.
  virtual void Post(const Url& url, const HttpHeaders& headers, std::string body, Done done) = 0;
};

}  // namespace weir::front
