// Writes RTCP packets. Each call appends one whole packet to `out`, or writes nothing and answers false: no
// room, or more entries than the format can count. Several calls into one writer make a compound packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "rtcp/packets.h"

namespace weir::rtcp {

bool Write(const SenderReport& report, base::ByteWriter& out);
bool Write(const ReceiverReport& report, base::ByteWriter& out);
bool Write(const Sdes& sdes, base::ByteWriter& out);
bool Write(const Bye& bye, base::ByteWriter& out);
bool Write(const Nack& nack, base::ByteWriter& out);
bool Write(const Pli& pli, base::ByteWriter& out);
bool Write(const Fir& fir, base::ByteWriter& out);
bool Write(const Remb& remb, base::ByteWriter& out);
bool Write(const TransportFeedback& feedback, base::ByteWriter& out);  // In transport_feedback.cc.
bool Write(const XrRrtr& rrtr, base::ByteWriter& out);
bool Write(const XrDlrr& dlrr, base::ByteWriter& out);
bool Write(const Packet& packet, base::ByteWriter& out);

// One packet id and the bitmask of the sixteen that follow it.
struct NackItem {
  uint16_t packet_id = 0;
  uint16_t following = 0;
  bool operator==(const NackItem&) const = default;
};
// The fewest items for `sequences`, which ascend in the sense of the circle (65535 before 0): {3, 7, 8} is
// one item.
std::vector<NackItem> PackNack(std::span<const uint16_t> sequences);
// Writes one NACK for as many leading sequences as fit, and answers how many that were.
size_t WriteNack(Ssrc sender, Ssrc media, std::span<const uint16_t> sequences, base::ByteWriter& out);

}  // namespace weir::rtcp
