#include "dtls/fingerprint.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <utility>

namespace weir::dtls {
namespace {

bool EqualsIgnoringCase(std::string_view a, std::string_view lower_case) {
  return std::ranges::equal(a, lower_case, [](char x, char y) {
    return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
  });
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

size_t DigestSize(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::kSha256:
      return 32;
    case HashAlgorithm::kSha384:
      return 48;
    case HashAlgorithm::kSha512:
      return 64;
  }
  return 0;
}

std::optional<HashAlgorithm> ParseAlgorithm(std::string_view name) {
  if (EqualsIgnoringCase(name, "sha-256")) {
    return HashAlgorithm::kSha256;
  }
  if (EqualsIgnoringCase(name, "sha-384")) {
    return HashAlgorithm::kSha384;
  }
  if (EqualsIgnoringCase(name, "sha-512")) {
    return HashAlgorithm::kSha512;
  }
  return std::nullopt;
}

}  // namespace

base::Result<Fingerprint, base::ParseError> ParseFingerprint(std::string_view algorithm,
                                                             std::string_view value) {
  const std::optional<HashAlgorithm> hash = ParseAlgorithm(algorithm);
  if (!hash) {
    return std::unexpected(base::ParseError::kUnsupported);
  }
  Fingerprint fingerprint{*hash, {}};
  const size_t size = DigestSize(*hash);
  if (value.size() != size * 3 - 1) {
    return std::unexpected(base::ParseError::kWrongLength);
  }
  fingerprint.digest.reserve(size);
  for (size_t i = 0; i < value.size(); i += 3) {
    const int high = HexDigit(value[i]);
    const int low = HexDigit(value[i + 1]);
    if (high < 0 || low < 0 || (i + 2 < value.size() && value[i + 2] != ':')) {
      return std::unexpected(base::ParseError::kBadValue);
    }
    fingerprint.digest.push_back(static_cast<uint8_t>(high * 16 + low));
  }
  return fingerprint;
}

std::string FormatFingerprint(base::ConstBytes digest) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text;
  text.reserve(digest.size() * 3);
  for (const uint8_t byte : digest) {
    if (!text.empty()) {
      text += ':';
    }
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

base::Buffer CertificateDigest(const x509_st* certificate, HashAlgorithm algorithm) {
  const EVP_MD* hash = EVP_sha256();
  if (algorithm != HashAlgorithm::kSha256) {
    hash = algorithm == HashAlgorithm::kSha384 ? EVP_sha384() : EVP_sha512();
  }
  base::Buffer digest(EVP_MAX_MD_SIZE);
  unsigned int size = 0;
  if (X509_digest(certificate, hash, digest.data(), &size) != 1) {
    size = 0;
  }
  digest.resize(size);
  return digest;
}

}  // namespace weir::dtls
