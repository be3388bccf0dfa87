// Builds transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01) from
// arrivals, and turns a parsed one back into arrivals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "rtcp/packets.h"

namespace weir::rtcp {

inline constexpr base::TimeDelta kFeedbackDeltaUnit = base::TimeDelta::Micros(250);
inline constexpr base::TimeDelta kFeedbackReferenceUnit = base::TimeDelta::Millis(64);

struct PacketArrival {
  int64_t sequence = 0;  // Unwrapped transport-wide sequence number.
  base::Timestamp arrival;
  bool operator==(const PacketArrival&) const = default;
};

// One per receiving connection: it numbers the feedback packets. Not thread-safe.
class TransportFeedbackWriter {
 public:
  TransportFeedbackWriter(Ssrc sender, Ssrc media) : sender_(sender), media_(media) {}

  // Which media SSRC the reports name; any SSRC of the connection will do.
  void SetMedia(Ssrc media) { media_ = media; }

  // Appends one feedback packet about base_sequence and what follows, up to the last of `arrivals` that it
  // can hold, and answers how many arrivals it covers: 0 means not even one fits. Call again with the rest,
  // whose base is one past the last that was covered. `arrivals` ascend by sequence without repeats, from
  // base_sequence on. A packet ends early where a time difference overflows its field, where the room ends,
  // or where more than kMaxPacketStatuses would be described; a base too far before the first arrival is
  // moved up to it.
  size_t Write(int64_t base_sequence, std::span<const PacketArrival> arrivals, base::ByteWriter& out);

 private:
  Ssrc sender_;
  Ssrc media_;
  uint8_t feedback_count_ = 0;
};

// Arrival per status, nothing for a lost packet. Times count from an epoch of the reporter's own: take
// differences. The 24-bit reference wraps every 12 days, which is the caller's to unwrap.
std::vector<std::optional<base::Timestamp>> Arrivals(const TransportFeedback& feedback);

// The parser's part: the body after the two SSRCs. `sender` and `media` are left to the caller.
base::Result<TransportFeedback, base::ParseError> ParseTransportFeedbackBody(base::ConstBytes body);

}  // namespace weir::rtcp
