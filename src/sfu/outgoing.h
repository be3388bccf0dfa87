// What a down track hands to its connection: a header that is ready but for two stamps, and a reference to
// the shared payload. The connection stamps, seals (the one copy of the payload) and sends.
//
// Bytes on the wire: head[0, header_size) is the RTP header with its extensions; it is authenticated, not
// encrypted. The encrypted part is head[header_size, header_size + prefix_size), which holds rewritten codec
// or RTX bytes, then packet[payload_offset, payload_offset + payload_size), then `padding` bytes of RTP
// padding. The padding bit of the header is already set when padding > 0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/packet_pool.h"
#include "rtp/packet.h"

namespace weir::sfu {

// A dependency descriptor with a three by three structure is about 100 bytes, so 128 would not do.
inline constexpr size_t kMaxOutgoingHead = 255;

struct OutgoingRtp {
  std::array<uint8_t, kMaxOutgoingHead> head;
  uint8_t header_size = 0;
  uint8_t prefix_size = 0;
  uint8_t padding = 0;
  // Where three bytes of absolute send time and two bytes of transport sequence number go; 0: not in this
  // packet.
  uint8_t abs_send_time_at = 0;
  uint8_t transport_cc_at = 0;
  bool audio = false;
  bool retransmission = false;  // A repeat, or a packet of the RTX stream.
  // The bytes may be sent a second time under the same sequence number (no RTX was negotiated), and the nonce
  // rule of SRTP then demands the same bytes: the connection adds no padding and there is nothing to stamp.
  bool exact = false;
  base::PacketRef packet;  // Null when payload_size is 0.
  uint16_t payload_offset = 0;
  uint16_t payload_size = 0;
  uint32_t roc = 0;  // Rollover counter of the sequence number in head.

  base::ConstBytes header() const { return {head.data(), header_size}; }
  base::ConstBytes prefix() const { return {head.data() + header_size, prefix_size}; }
  base::ConstBytes payload() const {
    return payload_size == 0 ? base::ConstBytes() : packet->bytes().subspan(payload_offset, payload_size);
  }
  size_t size() const { return size_t{header_size} + prefix_size + payload_size + padding; }
  uint16_t sequence() const { return base::LoadU16(head.data() + 2); }
  uint32_t timestamp() const { return base::LoadU32(head.data() + 4); }
  rtp::Ssrc ssrc() const { return rtp::Ssrc(base::LoadU32(head.data() + 8)); }
  bool marker() const { return (head[1] & 0x80) != 0; }
  uint8_t payload_type() const { return head[1] & 0x7f; }
};

// The sending side of one connection.
class PacketSender {
 public:
  virtual ~PacketSender() = default;
  // The packet is valid during the call; who queues it copies it. False: the queue was full, the packet is
  // dropped and counted there. Must not call back into the down track.
  virtual bool Send(const OutgoingRtp& packet) = 0;
};

}  // namespace weir::sfu
