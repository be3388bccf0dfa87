// A server for tests of HttpClient that does to each connection what it is told, with or without TLS; and a
// test authority that signs its certificates.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace weir::front {

// One accepted connection, blocking.
class Channel {
 public:
  explicit Channel(int fd) : fd_(fd) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() {
    SSL_free(ssl_);
    close(fd_);
  }

  bool AcceptTls(SSL_CTX* context) {
    ssl_ = SSL_new(context);
    SSL_set_fd(ssl_, fd_);
    return SSL_accept(ssl_) == 1;
  }
  // Head and body; what came until the client closed, if that was sooner.
  std::string ReadRequest() {
    std::string input;
    char chunk[4096];
    while (true) {
      const size_t end = input.find("\r\n\r\n");
      const size_t length = input.find("Content-Length: ");
      if (end != input.npos && length < end &&
          input.size() >= end + 4 + static_cast<size_t>(std::atol(input.c_str() + length + 16))) {
        return input;
      }
      const ssize_t got =
          ssl_ != nullptr ? SSL_read(ssl_, chunk, sizeof(chunk)) : read(fd_, chunk, sizeof(chunk));
      if (got <= 0) {
        return input;
      }
      input.append(chunk, static_cast<size_t>(got));
    }
  }
  void Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                           : send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return;
      }
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  // Nothing more is said until the client gives up.
  void WaitForEnd() {
    char chunk[4096];
    pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
    while (poll(&waiting, 1, 10'000) == 1 && read(fd_, chunk, sizeof(chunk)) > 0) {
    }
  }

 private:
  const int fd_;
  SSL* ssl_ = nullptr;
};

// Serves one connection after the other, on a thread of its own.
class Receiver {
 public:
  using Serve = std::function<void(Channel&)>;

  explicit Receiver(Serve serve, SSL_CTX* tls = nullptr) : serve_(std::move(serve)), tls_(tls) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  ~Receiver() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }
  uint16_t port() const { return port_; }
  std::string Url(const std::string& host = "127.0.0.1", const std::string& target = "/hook") const {
    return (tls_ != nullptr ? "https://" : "http://") + host + ":" + std::to_string(port_) + target;
  }

 private:
  void Run() {
    for (int fd = 0; (fd = accept(fd_, nullptr, nullptr)) >= 0;) {
      Channel channel(fd);
      if (tls_ == nullptr || channel.AcceptTls(tls_)) {
        serve_(channel);
      }
    }
  }

  const Serve serve_;
  SSL_CTX* const tls_;
  const int fd_ = socket(AF_INET, SOCK_STREAM, 0);
  uint16_t port_ = 0;
  std::thread thread_;
};

// Makes a certificate of its own, writes it to a file, and signs others.
class TestAuthority {
 public:
  TestAuthority() : key_(EVP_EC_gen("P-256")), certificate_(Make(key_, "Test CA", "", nullptr)) {
    file_ = testing::TempDir() + "weir_test_ca_" + std::to_string(getpid()) + "_" +
            std::to_string(reinterpret_cast<uintptr_t>(this)) + ".pem";
    FILE* file = std::fopen(file_.c_str(), "w");
    PEM_write_X509(file, certificate_);
    std::fclose(file);
  }
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;
  ~TestAuthority() {
    std::remove(file_.c_str());
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  const std::string& file() const { return file_; }

  // For a server; `name` as in subjectAltName: "DNS:localhost", "IP:127.0.0.1".
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> ServerContext(const std::string& name) const {
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()),
                                                              &SSL_CTX_free);
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = Make(key, "server", name, this);
    EXPECT_EQ(SSL_CTX_use_certificate(context.get(), certificate), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
  }

 private:
  static void Extend(X509* certificate, X509* issuer, int what, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
    EXPECT_NE(extension, nullptr) << value;
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  static X509* Make(EVP_PKEY* key, const char* subject, const std::string& name,
                    const TestAuthority* issuer) {
    X509* certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer == nullptr ? 1 : 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const uint8_t*>(subject), -1, -1, 0);
    X509* signer = issuer == nullptr ? certificate : issuer->certificate_;
    X509_set_issuer_name(certificate, X509_get_subject_name(signer));
    X509_set_pubkey(certificate, key);
    if (issuer == nullptr) {
      Extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    } else {
      Extend(certificate, signer, NID_subject_alt_name, name);
    }
    EXPECT_NE(X509_sign(certificate, issuer == nullptr ? key : issuer->key_, EVP_sha256()), 0);
    return certificate;
  }

  EVP_PKEY* const key_;
  X509* const certificate_;
  std::string file_;
};

}  // namespace weir::front
