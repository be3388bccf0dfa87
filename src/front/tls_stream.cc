#include "front/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <cstdlib>

namespace weir::front {
namespace {

namespace ssl = asio::ssl;

// Where distributions keep their authorities. OpenSSL is linked statically, and its own default is the place
// of the system that it was built for.
constexpr const char* kBundles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                    "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

bool Exists(const char* path) {
  struct stat status{};
  return path != nullptr && stat(path, &status) == 0;
}

bool HasDefaultAuthorities() {
  return std::getenv(X509_get_default_cert_file_env()) != nullptr ||
         std::getenv(X509_get_default_cert_dir_env()) != nullptr || Exists(X509_get_default_cert_file()) ||
         Exists(X509_get_default_cert_dir());
}

class Context final : public TlsContext {
 public:
  ssl::context context{ssl::context::tls_client};
};

class Tls final : public TlsStream {
 public:
  Tls(TcpSocket socket, net::SocketAddress remote, std::shared_ptr<Context> context)
      : context_(std::move(context)), stream_(std::move(socket), context_->context), remote_(remote) {}

  bool Expect(const std::string& host) {
    SSL* handle = stream_.native_handle();
    SSL_set_verify(handle, SSL_VERIFY_PEER, nullptr);
    if (net::IpAddress::Parse(host)) {
      return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), host.c_str()) == 1;
    }
    SSL_set_hostflags(handle, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(handle, host.c_str()) == 1 && SSL_set_tlsext_host_name(handle, host.c_str()) == 1;
  }
  void set_ready(bool ready) { ready_ = ready; }

  void Handshake(OnIo done) override {
    if (!ready_) {
      return asio::post(executor(),
                        [done = std::move(done)]() mutable { done(asio::error::invalid_argument, 0); });
    }
    stream_.async_handshake(ssl::stream_base::client,
                            [done = std::move(done)](ErrorCode error) mutable { done(error, 0); });
  }

  std::string Explain(ErrorCode error) const override {
    // const_cast: Asio has no const access to the handle, which is only read here.
    const long verified = SSL_get_verify_result(const_cast<ssl::stream<TcpSocket>&>(stream_).native_handle());
    return verified == X509_V_OK ? error.message() : X509_verify_cert_error_string(verified);
  }

  Executor executor() override { return stream_.get_executor(); }
  void ReadSome(const ReadBuffers& buffers, OnIo done) override {
    stream_.async_read_some(buffers, std::move(done));
  }
  void WriteSome(const WriteBuffers& buffers, OnIo done) override {
    stream_.async_write_some(buffers, std::move(done));
  }
  // Without close_notify: HTTP's own framing tells a whole response from a cut one.
  void Shutdown(OnIo done) override {
    Close();
    asio::post(executor(), [done = std::move(done)]() mutable { done({}, 0); });
  }
  void Close() override {
    ErrorCode ignored;
    stream_.next_layer().close(ignored);
  }
  net::SocketAddress remote() const override { return remote_; }

 private:
  const std::shared_ptr<Context> context_;
  ssl::stream<TcpSocket> stream_;
  const net::SocketAddress remote_;
  bool ready_ = true;
};

}  // namespace

base::Result<std::shared_ptr<TlsContext>> TlsContext::Create(const std::string& ca_file) {
  auto made = std::make_shared<Context>();
  SSL_CTX* handle = made->context.native_handle();
  SSL_CTX_set_min_proto_version(handle, TLS1_2_VERSION);
  SSL_CTX_set_default_verify_paths(handle);
  if (!HasDefaultAuthorities()) {
    for (const char* bundle : kBundles) {
      if (Exists(bundle) && SSL_CTX_load_verify_file(handle, bundle) == 1) {
        break;
      }
    }
  }
  if (!ca_file.empty() && SSL_CTX_load_verify_file(handle, ca_file.c_str()) != 1) {
    ERR_clear_error();
    return base::Fail(base::ErrorCode::kInvalidArgument, "cannot read certificates from " + ca_file);
  }
  ERR_clear_error();
  return made;
}

std::unique_ptr<TlsStream> MakeTlsStream(TcpSocket socket, net::SocketAddress remote,
                                         const std::shared_ptr<TlsContext>& context,
                                         const std::string& host) {
  auto stream = std::make_unique<Tls>(std::move(socket), remote, std::static_pointer_cast<Context>(context));
  stream->set_ready(stream->Expect(host));
  return stream;
}

}  // namespace weir::front
