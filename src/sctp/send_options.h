// How one user message is to be sent, and what became of the attempt. Shared by the association and by the
// data channels above it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace weir::sctp {

struct SendOptions {
  bool ordered = true;
  // Partial reliability, RFC 3758 and RFC 7496. Both unset: reliable. Without the peer's support for
  // FORWARD-TSN every message is reliable.
  std::optional<uint16_t> max_retransmits;  // 0: sent once.
  std::optional<base::TimeDelta> lifetime;  // Counted from Send().
};

enum class SendStatus : uint8_t {
  kOk,
  kTooLarge,       // Over Config::max_message_size.
  kEmpty,          // SCTP has no empty messages; data channels use PPIDs 56 and 57.
  kBufferFull,     // Over Config::max_send_buffer or max_queued_messages; counted.
  kInvalidStream,  // Past the negotiated number of streams.
  kClosed,
};

}  // namespace weir::sctp
