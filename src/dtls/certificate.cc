#include "dtls/certificate.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <string>

#include "dtls/fingerprint.h"

namespace weir::dtls {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

base::Error SslError(std::string what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return {base::ErrorCode::kInternal, what + ": " + (reason != nullptr ? reason : "no reason given")};
}

// Self-signed; the name means nothing, since peers know each other by fingerprint.
Owned<X509> MakeX509(EVP_PKEY* key, base::WallTime now) {
  constexpr int kDaysBefore = 1;
  constexpr int kDaysAfter = 30;
  Owned<X509> x509(X509_new());
  std::array<uint8_t, 8> random;
  if (x509 == nullptr || RAND_bytes(random.data(), random.size()) != 1) {
    return nullptr;
  }
  uint64_t serial = 0;
  for (const uint8_t byte : random) {
    serial = serial << 8 | byte;
  }
  time_t wall = now.seconds();
  X509_NAME* name = X509_get_subject_name(x509.get());
  const bool made = X509_set_version(x509.get(), X509_VERSION_3) == 1 &&
                    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509.get()), serial >> 1) == 1 &&
                    X509_time_adj_ex(X509_getm_notBefore(x509.get()), -kDaysBefore, 0, &wall) != nullptr &&
                    X509_time_adj_ex(X509_getm_notAfter(x509.get()), kDaysAfter, 0, &wall) != nullptr &&
                    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                               reinterpret_cast<const uint8_t*>("weir"), -1, -1, 0) == 1 &&
                    X509_set_issuer_name(x509.get(), name) == 1 && X509_set_pubkey(x509.get(), key) == 1 &&
                    X509_sign(x509.get(), key, EVP_sha256()) != 0;
  return made ? std::move(x509) : nullptr;
}

// Any certificate passes here: the chain means nothing, and Transport compares the fingerprint afterwards.
int AcceptAnyChain(int, X509_STORE_CTX*) { return 1; }

bool Configure(SSL_CTX* context, X509* x509, EVP_PKEY* key) {
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, AcceptAnyChain);
  // RFC 8827 section 6.5 demands the first; the RSA forms serve peers with RSA certificates.
  constexpr const char* kCiphers =
      "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
      "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
  // The cheapest to forward comes first: OpenSSL's server takes its own order.
  constexpr const char* kProfiles = "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80";
  return SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, kCiphers) == 1 &&
         SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1 &&
         SSL_CTX_set_tlsext_use_srtp(context, kProfiles) == 0 &&  // Zero means success, in this one call.
         SSL_CTX_use_certificate(context, x509) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1;
}

}  // namespace

struct Certificate::Identity {
  Owned<SSL_CTX> context;
  std::string fingerprint;
};

base::Result<Certificate> Certificate::Generate(base::WallTime now) {
  ERR_clear_error();
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  if (key == nullptr) {
    return std::unexpected(SslError("cannot make a P-256 key"));
  }
  const Owned<X509> x509 = MakeX509(key.get(), now);
  if (x509 == nullptr) {
    return std::unexpected(SslError("cannot make a certificate"));
  }
  Owned<SSL_CTX> context(SSL_CTX_new(DTLS_method()));
  if (context == nullptr || !Configure(context.get(), x509.get(), key.get())) {
    return std::unexpected(SslError("cannot configure DTLS"));
  }
  std::string fingerprint = FormatFingerprint(CertificateDigest(x509.get(), HashAlgorithm::kSha256));
  return Certificate(std::make_shared<const Identity>(std::move(context), std::move(fingerprint)));
}

const std::string& Certificate::fingerprint() const { return identity_->fingerprint; }
ssl_ctx_st* Certificate::context() const { return identity_->context.get(); }

}  // namespace weir::dtls
