// Byte strings for this module's tests.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"

namespace weir::srtp {

// Spaces are ignored.
inline base::Buffer Hex(std::string_view text) {
  base::Buffer bytes;
  int digits = 0;
  uint8_t value = 0;
  for (const char c : text) {
    if (c == ' ') {
      continue;
    }
    value = static_cast<uint8_t>(value << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10));
    if (++digits % 2 == 0) {
      bytes.push_back(value);
    }
  }
  return bytes;
}

inline base::Buffer RandomBytes(base::Random& random, size_t size) {
  base::Buffer bytes(size);
  random.Fill(bytes);
  return bytes;
}

inline base::Buffer Join(std::initializer_list<base::ConstBytes> parts) {
  base::Buffer joined;
  for (const base::ConstBytes part : parts) {
    joined.insert(joined.end(), part.begin(), part.end());
  }
  return joined;
}

// A plain RTP header: version 2, payload type 111.
inline base::Buffer RtpHeader(uint32_t ssrc, uint16_t sequence) {
  base::Buffer header(12);
  header[0] = 0x80;
  header[1] = 111;
  base::StoreU16(header.data() + 2, sequence);
  base::StoreU32(header.data() + 4, 960U * sequence);
  base::StoreU32(header.data() + 8, ssrc);
  return header;
}

// A receiver report without blocks and some bytes behind it.
inline base::Buffer RtcpPacket(uint32_t ssrc, base::ConstBytes rest) {
  base::Buffer packet = {0x80, 201, 0, 1, 0, 0, 0, 0};
  base::StoreU32(packet.data() + 4, ssrc);
  packet.insert(packet.end(), rest.begin(), rest.end());
  return packet;
}

}  // namespace weir::srtp
