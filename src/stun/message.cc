#include "stun/message.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

namespace weir::stun {
namespace {

constexpr size_t kAttributeHeader = 4;
constexpr size_t kIntegritySize = 20;
constexpr size_t kFingerprintSize = 4;
constexpr uint32_t kFingerprintMask = 0x5354554e;  // "STUN", RFC 8489 section 14.7.
constexpr uint8_t kFamilyV4 = 1;
constexpr uint8_t kFamilyV6 = 2;

constexpr size_t Padded(size_t size) { return (size + 3) & ~size_t{3}; }

// The type's 14 bits interleave the class (C1 at bit 8, C0 at bit 4) with the method (RFC 8489 section 5).
uint16_t EncodeType(Class message_class, Method method) {
  const auto m = static_cast<uint16_t>(method);
  const auto c = static_cast<uint16_t>(message_class);
  return static_cast<uint16_t>((m & 0x000f) | (c & 1) << 4 | (m & 0x0070) << 1 | (c & 2) << 7 |
                               (m & 0x0f80) << 2);
}
Class ClassOf(uint16_t type) { return static_cast<Class>((type >> 7 & 2) | (type >> 4 & 1)); }
Method MethodOf(uint16_t type) {
  return static_cast<Method>((type & 0x000f) | (type >> 1 & 0x0070) | (type >> 2 & 0x0f80));
}

bool IsKnown(uint16_t type) {
  switch (static_cast<Attribute>(type)) {
    case Attribute::kMappedAddress:
    case Attribute::kUsername:
    case Attribute::kMessageIntegrity:
    case Attribute::kErrorCode:
    case Attribute::kUnknownAttributes:
    case Attribute::kChannelNumber:
    case Attribute::kLifetime:
    case Attribute::kXorPeerAddress:
    case Attribute::kData:
    case Attribute::kRealm:
    case Attribute::kNonce:
    case Attribute::kXorRelayedAddress:
    case Attribute::kRequestedAddressFamily:
    case Attribute::kEvenPort:
    case Attribute::kRequestedTransport:
    case Attribute::kDontFragment:
    case Attribute::kMessageIntegritySha256:
    case Attribute::kPasswordAlgorithm:
    case Attribute::kUserhash:
    case Attribute::kXorMappedAddress:
    case Attribute::kReservationToken:
    case Attribute::kPriority:
    case Attribute::kUseCandidate:
    case Attribute::kPasswordAlgorithms:
    case Attribute::kSoftware:
    case Attribute::kAlternateServer:
    case Attribute::kFingerprint:
    case Attribute::kIceControlled:
    case Attribute::kIceControlling:
      return true;
  }
  return false;
}

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 1) != 0 ? value >> 1 ^ 0xedb88320 : value >> 1;
    }
    table[i] = value;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = MakeCrcTable();

// The CRC-32 of Ethernet, begun and continued: start with 0.
uint32_t Crc32(uint32_t crc, ConstBytes bytes) {
  crc = ~crc;
  for (const uint8_t byte : bytes) {
    crc = kCrcTable[(crc ^ byte) & 0xff] ^ crc >> 8;
  }
  return ~crc;
}

// Both trailing attributes cover a header whose length field ends with the attribute itself, whatever follows
// it in the message (RFC 8489 sections 14.5 and 14.7).
std::array<uint8_t, kHeaderSize> HeaderEndingAt(ConstBytes message, size_t end) {
  std::array<uint8_t, kHeaderSize> header;
  std::copy_n(message.begin(), kHeaderSize, header.begin());
  base::StoreU16(&header[2], static_cast<uint16_t>(end - kHeaderSize));
  return header;
}

using Digest = std::array<uint8_t, kIntegritySize>;

// HMAC-SHA1 over the message before `integrity_at`.
std::optional<Digest> Integrity(ConstBytes message, size_t integrity_at, ConstBytes key) {
  const auto header = HeaderEndingAt(message, integrity_at + kAttributeHeader + kIntegritySize);
  Buffer covered(message.begin(), message.begin() + static_cast<ptrdiff_t>(integrity_at));
  std::copy(header.begin(), header.end(), covered.begin());
  Digest digest;
  unsigned int size = digest.size();
  if (HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), covered.data(), covered.size(),
           digest.data(), &size) == nullptr) {
    return std::nullopt;
  }
  return digest;
}

uint32_t Fingerprint(ConstBytes message, size_t fingerprint_at) {
  const auto header = HeaderEndingAt(message, fingerprint_at + kAttributeHeader + kFingerprintSize);
  const uint32_t crc = Crc32(0, header);
  return Crc32(crc, message.subspan(kHeaderSize, fingerprint_at - kHeaderSize)) ^ kFingerprintMask;
}

// The mask of RFC 8489 section 14.2: the cookie, for IPv6 followed by the transaction id.
std::array<uint8_t, 16> XorMask(const TransactionId& id) {
  std::array<uint8_t, 16> mask;
  base::StoreU32(mask.data(), kMagicCookie);
  std::copy(id.begin(), id.end(), mask.begin() + 4);
  return mask;
}

}  // namespace

TransactionId MakeTransactionId(base::Random& random) {
  TransactionId id;
  random.Fill(id);
  return id;
}

bool LooksLikeStun(ConstBytes datagram) {
  if (datagram.size() < kHeaderSize || datagram[0] > 3 || base::LoadU32(&datagram[4]) != kMagicCookie) {
    return false;
  }
  const size_t length = base::LoadU16(&datagram[2]);
  return length % 4 == 0 && length + kHeaderSize == datagram.size();
}

Result<MessageView, ParseError> ParseMessage(ConstBytes bytes) {
  if (bytes.size() < kHeaderSize) {
    return std::unexpected(ParseError::kTruncated);
  }
  if (bytes[0] > 3 || base::LoadU32(&bytes[4]) != kMagicCookie) {
    return std::unexpected(ParseError::kBadVersion);
  }
  if (!LooksLikeStun(bytes)) {
    return std::unexpected(ParseError::kWrongLength);
  }
  MessageView view;
  view.bytes_ = bytes;
  view.class_ = ClassOf(base::LoadU16(bytes.data()));
  view.method_ = MethodOf(base::LoadU16(bytes.data()));
  std::copy_n(bytes.begin() + 8, view.transaction_id_.size(), view.transaction_id_.begin());
  view.trusted_end_ = bytes.size();

  size_t count = 0;
  for (size_t at = kHeaderSize; at < bytes.size();) {
    if (bytes.size() - at < kAttributeHeader) {
      return std::unexpected(ParseError::kTruncated);
    }
    if (++count > kMaxAttributes) {
      return std::unexpected(ParseError::kTooLarge);
    }
    const auto type = static_cast<Attribute>(base::LoadU16(&bytes[at]));
    const size_t size = base::LoadU16(&bytes[at + 2]);
    if (Padded(size) > bytes.size() - at - kAttributeHeader) {
      return std::unexpected(ParseError::kTruncated);
    }
    const size_t next = at + kAttributeHeader + Padded(size);
    if (type == Attribute::kFingerprint) {
      if (size != kFingerprintSize || next != bytes.size()) {
        return std::unexpected(ParseError::kBadValue);
      }
      view.fingerprint_at_ = at;
      view.trusted_end_ = std::min(view.trusted_end_, at);
    } else if (type == Attribute::kMessageIntegrity && view.integrity_at_ == 0) {
      if (size != kIntegritySize) {
        return std::unexpected(ParseError::kBadValue);
      }
      view.integrity_at_ = at;
      view.trusted_end_ = at;
    }
    at = next;
  }
  return view;
}

std::optional<ConstBytes> MessageView::Find(Attribute type) const {
  for (size_t at = kHeaderSize; at < trusted_end_;) {
    const size_t size = base::LoadU16(&bytes_[at + 2]);
    if (static_cast<Attribute>(base::LoadU16(&bytes_[at])) == type) {
      return bytes_.subspan(at + kAttributeHeader, size);
    }
    at += kAttributeHeader + Padded(size);
  }
  return std::nullopt;
}

std::optional<std::string_view> MessageView::FindText(Attribute type) const {
  const auto value = Find(type);
  return value ? std::optional(base::AsText(*value)) : std::nullopt;
}

std::optional<uint32_t> MessageView::FindU32(Attribute type) const {
  const auto value = Find(type);
  return value && value->size() == 4 ? std::optional(base::LoadU32(value->data())) : std::nullopt;
}

std::optional<uint64_t> MessageView::FindU64(Attribute type) const {
  const auto value = Find(type);
  return value && value->size() == 8 ? std::optional(base::ByteReader(*value).ReadU64()) : std::nullopt;
}

std::optional<net::SocketAddress> MessageView::FindXorAddress(Attribute type) const {
  const auto value = Find(type);
  if (!value) {
    return std::nullopt;
  }
  base::ByteReader reader(*value);
  reader.Skip(1);
  const uint8_t family = reader.ReadU8();
  const auto port = static_cast<uint16_t>(reader.ReadU16() ^ kMagicCookie >> 16);
  const ConstBytes address = reader.ReadRest();
  const size_t expected = family == kFamilyV4 ? 4 : family == kFamilyV6 ? 16 : 0;
  if (!reader.ok() || expected == 0 || address.size() != expected) {
    return std::nullopt;
  }
  std::array<uint8_t, 16> plain = XorMask(transaction_id_);
  for (size_t i = 0; i < expected; ++i) {
    plain[i] ^= address[i];
  }
  return net::SocketAddress{net::IpAddress::FromBytes({plain.data(), expected}), port};
}

std::optional<ErrorCode> MessageView::FindError() const {
  const auto value = Find(Attribute::kErrorCode);
  if (!value) {
    return std::nullopt;
  }
  base::ByteReader reader(*value);
  reader.Skip(2);
  const int hundreds = reader.ReadU8() & 7;
  const int rest = reader.ReadU8();
  if (!reader.ok() || hundreds < 3 || hundreds > 6 || rest > 99) {
    return std::nullopt;
  }
  return ErrorCode{hundreds * 100 + rest, base::AsText(reader.ReadRest())};
}

std::vector<uint16_t> MessageView::UnknownRequired() const {
  std::vector<uint16_t> unknown;
  for (size_t at = kHeaderSize; at < trusted_end_;) {
    const uint16_t type = base::LoadU16(&bytes_[at]);
    if (type < 0x8000 && !IsKnown(type)) {
      unknown.push_back(type);
    }
    at += kAttributeHeader + Padded(base::LoadU16(&bytes_[at + 2]));
  }
  return unknown;
}

bool MessageView::CheckIntegrity(ConstBytes key) const {
  if (!has_integrity()) {
    return false;
  }
  const auto digest = Integrity(bytes_, integrity_at_, key);
  return digest &&
         CRYPTO_memcmp(digest->data(), &bytes_[integrity_at_ + kAttributeHeader], kIntegritySize) == 0;
}

bool MessageView::CheckFingerprint() const {
  return has_fingerprint() &&
         base::LoadU32(&bytes_[fingerprint_at_ + kAttributeHeader]) == Fingerprint(bytes_, fingerprint_at_);
}

std::optional<std::string_view> UsernameOf(ConstBytes datagram) {
  const auto message = ParseMessage(datagram);
  return message && message->IsBindingRequest() ? message->FindText(Attribute::kUsername) : std::nullopt;
}

MessageBuilder::MessageBuilder(Class message_class, Method method, const TransactionId& transaction_id)
    : bytes_(kHeaderSize), transaction_id_(transaction_id) {
  bytes_.reserve(160);  // An ICE check with all its attributes.
  base::StoreU16(bytes_.data(), EncodeType(message_class, method));
  base::StoreU32(&bytes_[4], kMagicCookie);
  std::copy(transaction_id.begin(), transaction_id.end(), bytes_.begin() + 8);
}

MessageBuilder& MessageBuilder::Add(Attribute type, ConstBytes value) {
  // Room for the two trailing attributes is kept in reserve, so that Finish never has to refuse.
  constexpr size_t kReserve = 2 * kAttributeHeader + kIntegritySize + kFingerprintSize;
  if (bytes_.size() + kAttributeHeader + Padded(value.size()) + kReserve > kMaxMessageSize) {
    ok_ = false;
    return *this;
  }
  const size_t at = bytes_.size();
  bytes_.resize(at + kAttributeHeader + Padded(value.size()));
  base::StoreU16(&bytes_[at], static_cast<uint16_t>(type));
  base::StoreU16(&bytes_[at + 2], static_cast<uint16_t>(value.size()));
  std::copy(value.begin(), value.end(), bytes_.begin() + static_cast<ptrdiff_t>(at + kAttributeHeader));
  return *this;
}

MessageBuilder& MessageBuilder::AddU32(Attribute type, uint32_t value) {
  uint8_t bytes[4];
  base::StoreU32(bytes, value);
  return Add(type, bytes);
}

MessageBuilder& MessageBuilder::AddU64(Attribute type, uint64_t value) {
  uint8_t bytes[8];
  base::StoreU32(bytes, static_cast<uint32_t>(value >> 32));
  base::StoreU32(bytes + 4, static_cast<uint32_t>(value));
  return Add(type, bytes);
}

MessageBuilder& MessageBuilder::AddXorAddress(Attribute type, const net::SocketAddress& address) {
  const ConstBytes ip = address.ip.bytes();
  const auto mask = XorMask(transaction_id_);
  std::array<uint8_t, 20> value{};
  value[1] = address.ip.is_v6() ? kFamilyV6 : kFamilyV4;
  base::StoreU16(&value[2], static_cast<uint16_t>(address.port ^ kMagicCookie >> 16));
  for (size_t i = 0; i < ip.size(); ++i) {
    value[4 + i] = ip[i] ^ mask[i];
  }
  return Add(type, ConstBytes(value).first(4 + ip.size()));
}

MessageBuilder& MessageBuilder::AddError(int code, std::string_view reason) {
  Buffer value = {0, 0, static_cast<uint8_t>(code / 100), static_cast<uint8_t>(code % 100)};
  value.insert(value.end(), reason.begin(), reason.end());
  return Add(Attribute::kErrorCode, value);
}

MessageBuilder& MessageBuilder::AddUnknownAttributes(const std::vector<uint16_t>& types) {
  Buffer value(types.size() * 2);
  for (size_t i = 0; i < types.size(); ++i) {
    base::StoreU16(&value[2 * i], types[i]);
  }
  return Add(Attribute::kUnknownAttributes, value);
}

void MessageBuilder::SetLength() {
  base::StoreU16(&bytes_[2], static_cast<uint16_t>(bytes_.size() - kHeaderSize));
}

Buffer MessageBuilder::Finish(ConstBytes key) {
  const auto append = [this](Attribute type, ConstBytes value) {
    uint8_t header[kAttributeHeader];
    base::StoreU16(header, static_cast<uint16_t>(type));
    base::StoreU16(header + 2, static_cast<uint16_t>(value.size()));
    bytes_.insert(bytes_.end(), header, header + kAttributeHeader);
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  };
  if (!key.empty()) {
    if (const auto digest = Integrity(bytes_, bytes_.size(), key)) {
      append(Attribute::kMessageIntegrity, *digest);
    } else {
      ok_ = false;
    }
  }
  uint8_t fingerprint[kFingerprintSize];
  base::StoreU32(fingerprint, Fingerprint(bytes_, bytes_.size()));
  append(Attribute::kFingerprint, fingerprint);
  SetLength();
  return std::move(bytes_);
}

}  // namespace weir::stun
