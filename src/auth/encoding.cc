#include "auth/encoding.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <array>

namespace weir::auth {
namespace {

using base::Buffer;
using base::ConstBytes;

constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string Encode(ConstBytes bytes, std::string_view alphabet, bool padded) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t bits = 0;
  int count = 0;
  for (const uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 6; count -= 6) {
      text += alphabet[bits >> (count - 6) & 63];
    }
  }
  if (count > 0) {
    text += alphabet[bits << (6 - count) & 63];
  }
  while (padded && text.size() % 4 != 0) {
    text += '=';
  }
  return text;
}

// The value of each character, -1 for one outside the alphabet.
constexpr std::array<int8_t, 256> Values(std::string_view alphabet) {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<uint8_t>(alphabet[i])] = static_cast<int8_t>(i);
  }
  return values;
}
constexpr auto kStandardValues = Values(kStandard);
constexpr auto kUrlValues = Values(kUrl);

std::optional<Buffer> Decode(std::string_view text, const std::array<int8_t, 256>& values) {
  if (text.ends_with('=')) {
    if (text.size() % 4 != 0) {
      return std::nullopt;
    }
    text.remove_suffix(text.ends_with("==") ? 2 : 1);
  }
  Buffer bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = values[static_cast<uint8_t>(c)];
    if (value < 0) {
      return std::nullopt;
    }
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<uint8_t>(bits >> count));
    }
  }
  // Six left-over bits are a character that carries no byte; others have to be zero.
  if (count == 6 || (bits & ((1u << count) - 1)) != 0) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace

std::string EncodeBase64(ConstBytes bytes) { return Encode(bytes, kStandard, true); }
std::string EncodeBase64Url(ConstBytes bytes) { return Encode(bytes, kUrl, false); }
std::string EncodeBase64UrlPadded(ConstBytes bytes) { return Encode(bytes, kUrl, true); }

std::optional<Buffer> DecodeBase64(std::string_view text) { return Decode(text, kStandardValues); }
std::optional<Buffer> DecodeBase64Url(std::string_view text) { return Decode(text, kUrlValues); }

Buffer Sha256(ConstBytes bytes) {
  Buffer digest(SHA256_DIGEST_LENGTH);
  SHA256(bytes.data(), bytes.size(), digest.data());
  return digest;
}

std::string Sha256Base64(std::string_view text) { return EncodeBase64(Sha256(base::AsBytes(text))); }

Buffer HmacSha256(std::string_view key, std::string_view text) {
  Buffer digest(SHA256_DIGEST_LENGTH);
  unsigned int size = 0;
  const ConstBytes message = base::AsBytes(text);
  const auto* const ok = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(),
                              message.size(), digest.data(), &size);
  // Without a digest nothing may verify: an empty buffer equals no signature (EqualInConstantTime).
  return ok != nullptr && size == digest.size() ? digest : Buffer();
}

bool EqualInConstantTime(ConstBytes a, ConstBytes b) {
  return !a.empty() && a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace weir::auth
