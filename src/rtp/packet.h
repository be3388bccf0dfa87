// Parses the RTP header (RFC 3550 section 5.1) with its extension elements (RFC 8285) in one pass, without
// copying or allocating: offsets into the packet, which the caller keeps.
//
// Errors: kTruncated (shorter than it says), kBadVersion, kBadValue (padding count 0 or larger than the
// payload), kTooLarge (over 65535 bytes).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "rtp/ssrc.h"

namespace weir::rtp {

inline constexpr size_t kFixedHeaderSize = 12;
// Browsers send up to about 8. Elements past this are not found by Find.
inline constexpr size_t kMaxExtensionElements = 16;

struct ExtensionElement {
  uint8_t id = 0;
  uint8_t length = 0;
  uint16_t offset = 0;  // Of the data, from the start of the packet.
};

struct Header {
  uint8_t payload_type = 0;
  bool marker = false;
  uint16_t sequence = 0;
  uint32_t timestamp = 0;
  Ssrc ssrc;
  uint8_t csrc_count = 0;
  uint8_t element_count = 0;
  size_t header_size = 0;   // Including CSRCs and the extension block.
  size_t payload_size = 0;  // Without padding.
  size_t padding_size = 0;  // header_size + payload_size + padding_size is the packet.
  std::array<ExtensionElement, kMaxExtensionElements> elements = {};

  // The data of the first element with this id; empty when there is none (or when it holds nothing). `packet`
  // is what ParseHeader read.
  base::ConstBytes Find(base::ConstBytes packet, uint8_t id) const {
    const ExtensionElement* element = FindElement(id);
    return element == nullptr ? base::ConstBytes() : packet.subspan(element->offset, element->length);
  }
  const ExtensionElement* FindElement(uint8_t id) const {
    for (size_t i = 0; i < element_count; ++i) {
      if (elements[i].id == id) {
        return &elements[i];
      }
    }
    return nullptr;
  }
  base::ConstBytes Payload(base::ConstBytes packet) const {
    return packet.subspan(header_size, payload_size);
  }
  // Network order, four bytes each.
  base::ConstBytes Csrcs(base::ConstBytes packet) const {
    return packet.subspan(kFixedHeaderSize, csrc_count * size_t{4});
  }
};

base::Result<Header, base::ParseError> ParseHeader(base::ConstBytes packet);

// RFC 7983: on a port shared with STUN and DTLS, RTP and RTCP have a first byte of 128..191.
inline bool LooksLikeRtpOrRtcp(base::ConstBytes datagram) {
  return datagram.size() >= 2 && datagram[0] >= 128 && datagram[0] <= 191;
}
// RFC 5761 section 4: RTCP types are 192..223, which RTP avoids as marker + payload type 64..95.
inline bool LooksLikeRtcp(base::ConstBytes datagram) {
  return LooksLikeRtpOrRtcp(datagram) && datagram[1] >= 192 && datagram[1] <= 223;
}

}  // namespace weir::rtp
