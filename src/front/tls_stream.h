// The client's side of TLS over TCP as a Stream. Internal to front; tls_stream.cc alone instantiates Asio's
// TLS.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "front/stream.h"

namespace weir::front {

class TlsContext {
 public:
  virtual ~TlsContext() = default;
  // TLS 1.2 and later, with the system's authorities and those in `ca_file`, if it is not empty.
  static base::Result<std::shared_ptr<TlsContext>> Create(const std::string& ca_file);
};

class TlsStream : public Stream {
 public:
  // Before everything else. Fails for a certificate that nobody trusts or that is not `host`'s.
  virtual void Handshake(OnIo done) = 0;
  // What `error` of Handshake means, for a log.
  virtual std::string Explain(ErrorCode error) const = 0;
};

// `host` is a name or an IP address.
std::unique_ptr<TlsStream> MakeTlsStream(TcpSocket socket, net::SocketAddress remote,
                                         const std::shared_ptr<TlsContext>& context, const std::string& host);

}  // namespace weir::front
