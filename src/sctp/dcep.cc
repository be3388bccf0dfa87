#include "sctp/dcep.h"

namespace weir::sctp {
namespace {

constexpr uint8_t kOpen = 3;
constexpr uint8_t kReliable = 0;
constexpr uint8_t kMaxRetransmits = 1;
constexpr uint8_t kMaxLifetime = 2;
constexpr uint8_t kUnordered = 0x80;

}  // namespace

bool IsDcepAck(base::ConstBytes message) { return message.size() == 1 && message[0] == kDcepAck; }

base::Result<DcepOpen, base::ParseError> ParseDcepOpen(base::ConstBytes message, size_t max_text) {
  base::ByteReader reader(message);
  if (reader.ReadU8() != kOpen) {
    return std::unexpected(base::ParseError::kBadValue);
  }
  DcepOpen open;
  const uint8_t type = reader.ReadU8();
  open.priority = reader.ReadU16();
  const uint32_t parameter = reader.ReadU32();
  const size_t label_size = reader.ReadU16();
  const size_t protocol_size = reader.ReadU16();
  open.label = base::AsText(reader.ReadBytes(label_size));
  open.protocol = base::AsText(reader.ReadBytes(protocol_size));
  if (!reader.ok()) {
    return std::unexpected(base::ParseError::kTruncated);
  }
  if (label_size > max_text || protocol_size > max_text) {
    return std::unexpected(base::ParseError::kTooLarge);
  }
  open.ordered = (type & kUnordered) == 0;
  switch (type & ~kUnordered) {
    case kReliable:
      break;
    case kMaxRetransmits:
      open.max_retransmits = parameter;
      break;
    case kMaxLifetime:
      open.max_lifetime_ms = parameter;
      break;
    default:
      return std::unexpected(base::ParseError::kUnsupported);
  }
  return open;
}

base::Buffer EncodeDcepOpen(const DcepOpen& open) {
  uint8_t type = kReliable;
  uint32_t parameter = 0;
  if (open.max_retransmits) {
    type = kMaxRetransmits;
    parameter = *open.max_retransmits;
  } else if (open.max_lifetime_ms) {
    type = kMaxLifetime;
    parameter = *open.max_lifetime_ms;
  }
  base::Buffer bytes(12 + open.label.size() + open.protocol.size());
  base::ByteWriter writer(bytes);
  writer.WriteU8(kOpen);
  writer.WriteU8(static_cast<uint8_t>(type | (open.ordered ? 0 : kUnordered)));
  writer.WriteU16(open.priority);
  writer.WriteU32(parameter);
  writer.WriteU16(static_cast<uint16_t>(open.label.size()));
  writer.WriteU16(static_cast<uint16_t>(open.protocol.size()));
  writer.WriteBytes(base::AsBytes(open.label));
  writer.WriteBytes(base::AsBytes(open.protocol));
  return bytes;
}

}  // namespace weir::sctp
