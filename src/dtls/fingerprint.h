// Certificate fingerprints as SDP carries them (RFC 8122 section 5): a hash name, and hex pairs with colons.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

struct x509_st;

namespace weir::dtls {

enum class HashAlgorithm : uint8_t { kSha256, kSha384, kSha512 };

struct Fingerprint {
  HashAlgorithm algorithm = HashAlgorithm::kSha256;
  base::Buffer digest;
  bool operator==(const Fingerprint&) const = default;
};

// Both parts in any case. kUnsupported for another hash (SHA-1 and MD5 are refused on purpose), kBadValue for
// what is not hex pairs with colons, kWrongLength for a value that is not as long as its hash.
base::Result<Fingerprint, base::ParseError> ParseFingerprint(std::string_view algorithm,
                                                             std::string_view value);
// Upper case, as RFC 8122 wants it written.
std::string FormatFingerprint(base::ConstBytes digest);

base::Buffer CertificateDigest(const x509_st* certificate, HashAlgorithm algorithm);

}  // namespace weir::dtls
