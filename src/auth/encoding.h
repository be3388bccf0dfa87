// Base64 in both alphabets (RFC 4648 sections 4 and 5), and the digests that tokens and webhooks need.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace weir::auth {

std::string EncodeBase64(base::ConstBytes bytes);           // Padded.
std::string EncodeBase64Url(base::ConstBytes bytes);        // Unpadded, as in a JWT.
std::string EncodeBase64UrlPadded(base::ConstBytes bytes);  // As in join_request.

// Strict: one alphabet, no white space, and the unused bits of the last character are zero, so that one value
// has one spelling. Padding may be present in full or absent in full.
std::optional<base::Buffer> DecodeBase64(std::string_view text);
std::optional<base::Buffer> DecodeBase64Url(std::string_view text);

base::Buffer Sha256(base::ConstBytes bytes);      // 32 bytes.
std::string Sha256Base64(std::string_view text);  // The sha256 claim of a webhook's body.
base::Buffer HmacSha256(std::string_view key, std::string_view text);
bool EqualInConstantTime(base::ConstBytes a, base::ConstBytes b);

}  // namespace weir::auth
