// STUN messages (RFC 8489): told apart from other datagrams, read without a copy, written with integrity.
//
// This module knows the format only: which attributes a binding request needs is the business of `ice`, what
// a relay allocation means that of `turn`. Lengths are in bytes, integers in network order on the wire.
// Everything here is a value; a MessageView must not outlive the bytes it looks at.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "net/address.h"

namespace weir::stun {

using base::Buffer;
using base::ConstBytes;
using base::ParseError;
using base::Result;

inline constexpr uint32_t kMagicCookie = 0x2112a442;
inline constexpr size_t kHeaderSize = 20;
inline constexpr size_t kMaxAttributes =
    64;  // More in one message are refused: no protocol of ours needs ten.
inline constexpr size_t kMaxMessageSize = 65'535 + kHeaderSize;

using TransactionId = std::array<uint8_t, 12>;
TransactionId MakeTransactionId(base::Random& random);

enum class Class : uint8_t { kRequest = 0, kIndication = 1, kSuccess = 2, kError = 3 };

// The methods of RFC 8489 and RFC 8656. A message of another method parses; its number is kept as it is.
enum class Method : uint16_t {
  kBinding = 1,
  kAllocate = 3,
  kRefresh = 4,
  kSend = 6,
  kData = 7,
  kCreatePermission = 8,
  kChannelBind = 9,
};

// Attribute types of RFC 8489, 8445 and 8656. Those below 0x8000 must be understood by the receiver.
enum class Attribute : uint16_t {
  kMappedAddress = 0x0001,
  kUsername = 0x0006,
  kMessageIntegrity = 0x0008,
  kErrorCode = 0x0009,
  kUnknownAttributes = 0x000a,
  kChannelNumber = 0x000c,
  kLifetime = 0x000d,
  kXorPeerAddress = 0x0012,
  kData = 0x0013,
  kRealm = 0x0014,
  kNonce = 0x0015,
  kXorRelayedAddress = 0x0016,
  kRequestedAddressFamily = 0x0017,
  kEvenPort = 0x0018,
  kRequestedTransport = 0x0019,
  kDontFragment = 0x001a,
  kMessageIntegritySha256 = 0x001c,
  kPasswordAlgorithm = 0x001d,
  kUserhash = 0x001e,
  kXorMappedAddress = 0x0020,
  kReservationToken = 0x0022,
  kPriority = 0x0024,
  kUseCandidate = 0x0025,
  kPasswordAlgorithms = 0x8002,
  kSoftware = 0x8022,
  kAlternateServer = 0x8023,
  kFingerprint = 0x8028,
  kIceControlled = 0x8029,
  kIceControlling = 0x802a,
};

// Error codes of RFC 8489, 8445 and 8656.
inline constexpr int kBadRequest = 400;
inline constexpr int kUnauthenticated = 401;
inline constexpr int kUnknownAttribute = 420;
inline constexpr int kRoleConflict = 487;

struct ErrorCode {
  int code = 0;  // 300 to 699.
  std::string_view reason;
};

// True for what RFC 7983 routes to STUN: a first byte of 0 to 3, the magic cookie, a whole message.
bool LooksLikeStun(ConstBytes datagram);

// Looks at one whole message. Per RFC 8489 section 14.5 whatever follows MESSAGE-INTEGRITY is not
// authenticated, and Find does not return it.
class MessageView {
 public:
  Class message_class() const { return class_; }
  Method method() const { return method_; }
  const TransactionId& transaction_id() const { return transaction_id_; }
  bool IsBindingRequest() const { return class_ == Class::kRequest && method_ == Method::kBinding; }

  // The value of the first attribute of this type, without padding.
  std::optional<ConstBytes> Find(Attribute type) const;
  bool Has(Attribute type) const { return Find(type).has_value(); }
  std::optional<std::string_view> FindText(Attribute type) const;
  std::optional<uint32_t> FindU32(Attribute type) const;  // Nothing when the length is not 4.
  std::optional<uint64_t> FindU64(Attribute type) const;  // Nothing when the length is not 8.
  std::optional<net::SocketAddress> FindXorAddress(Attribute type) const;
  std::optional<ErrorCode> FindError() const;
  // Types below 0x8000 that are not in `Attribute`, in order: what a 420 answer lists.
  std::vector<uint16_t> UnknownRequired() const;

  bool has_integrity() const { return integrity_at_ != 0; }
  // False also when the attribute is missing. `key` is the password itself for short-term credentials
  // (ICE), MD5(user:realm:password) for long-term ones (TURN).
  bool CheckIntegrity(ConstBytes key) const;
  bool has_fingerprint() const { return fingerprint_at_ != 0; }
  bool CheckFingerprint() const;  // False also when missing.

 private:
  friend Result<MessageView, ParseError> ParseMessage(ConstBytes bytes);
  MessageView() = default;

  ConstBytes bytes_;
  Class class_ = Class::kRequest;
  Method method_ = Method::kBinding;
  TransactionId transaction_id_{};
  size_t trusted_end_ = 0;     // Find looks at attributes before this offset.
  size_t integrity_at_ = 0;    // Offset of the attribute, 0 when absent.
  size_t fingerprint_at_ = 0;  // Likewise; always the last attribute.
};

// Checks the header, every attribute's bounds and the order of the last two; not integrity, not fingerprint.
Result<MessageView, ParseError> ParseMessage(ConstBytes bytes);

// USERNAME of a binding request ("local_ufrag:remote_ufrag" as the receiver sees it), to find the peer that a
// datagram from an unknown source is for. Nothing is authenticated by it.
std::optional<std::string_view> UsernameOf(ConstBytes datagram);

// Writes one message. Attributes appear in the order of the calls; Finish adds integrity and fingerprint.
class MessageBuilder {
 public:
  MessageBuilder(Class message_class, Method method, const TransactionId& transaction_id);

  // At most 65,535 bytes in all; an attribute that does not fit is left out and ok() turns false.
  MessageBuilder& Add(Attribute type, ConstBytes value);
  MessageBuilder& AddText(Attribute type, std::string_view text) { return Add(type, base::AsBytes(text)); }
  MessageBuilder& AddFlag(Attribute type) { return Add(type, {}); }
  MessageBuilder& AddU32(Attribute type, uint32_t value);
  MessageBuilder& AddU64(Attribute type, uint64_t value);
  MessageBuilder& AddXorAddress(Attribute type, const net::SocketAddress& address);
  MessageBuilder& AddError(int code, std::string_view reason);
  MessageBuilder& AddUnknownAttributes(const std::vector<uint16_t>& types);

  bool ok() const { return ok_; }
  // The message with FINGERPRINT, and before it MESSAGE-INTEGRITY when `key` is not empty. Ends the builder.
  Buffer Finish(ConstBytes key = {});

 private:
  void SetLength();
  Buffer bytes_;
  TransactionId transaction_id_;
  bool ok_ = true;
};

}  // namespace weir::stun
