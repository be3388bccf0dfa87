// The messages of the data channel establishment protocol, RFC 8832 section 5.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace weir::sctp {

// Payload protocol identifiers, RFC 8831 section 8. 52 and 54 are the parts of messages that Firefox sent
// before it could fragment; they are not read.
namespace ppid {
inline constexpr uint32_t kControl = 50;
inline constexpr uint32_t kString = 51;
inline constexpr uint32_t kBinary = 53;
inline constexpr uint32_t kEmptyString = 56;  // One byte, to be ignored: SCTP has no empty messages.
inline constexpr uint32_t kEmptyBinary = 57;
}  // namespace ppid

struct DcepOpen {
  bool ordered = true;
  std::optional<uint32_t> max_retransmits;  // At most one of the two.
  std::optional<uint32_t> max_lifetime_ms;
  uint16_t priority = 256;  // "Normal", RFC 8831 section 6.4.
  std::string label;
  std::string protocol;
  bool operator==(const DcepOpen&) const = default;
};

inline constexpr uint8_t kDcepAck = 2;
bool IsDcepAck(base::ConstBytes message);
// Label or protocol longer than `max_text` are kTooLarge, an unknown channel type is kUnsupported.
base::Result<DcepOpen, base::ParseError> ParseDcepOpen(base::ConstBytes message, size_t max_text);
base::Buffer EncodeDcepOpen(const DcepOpen& open);

}  // namespace weir::sctp
