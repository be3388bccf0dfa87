// Support of the media sources: RTP packets with the header extensions of one connection.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/time.h"
#include "rtp/extensions.h"
#include "rtp/ssrc.h"

namespace weir::sim {

// What the sources of one simulated connection share.
struct SourceContext {
  rtp::ExtensionMap extensions;  // What is not mapped is not sent.
  uint16_t next_transport_sequence = 1;
};

struct RtpFields {
  uint8_t payload_type = 0;
  bool marker = false;
  uint16_t sequence = 0;
  uint32_t timestamp = 0;
  rtp::Ssrc ssrc;
  std::string mid;  // Empty: not sent. Likewise the next two.
  std::string rid;
  std::string repaired_rid;
  std::optional<rtp::AudioLevel> level;
};

// Draws a transport sequence number, and stamps `now` as the time of sending.
base::Buffer BuildRtp(SourceContext& context, base::Timestamp now, const RtpFields& fields,
                      base::ConstBytes payload);

}  // namespace weir::sim
