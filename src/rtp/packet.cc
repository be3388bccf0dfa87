#include "rtp/packet.h"

namespace weir::rtp {
namespace {

using base::ByteReader;
using base::ConstBytes;
using base::ParseError;
using base::Result;

constexpr size_t kMaxRtpPacket = 65535;  // Offsets are 16 bits.
constexpr uint16_t kOneByteProfile = 0xbede;
constexpr uint16_t kTwoByteProfile = 0x1000;  // The low four bits are for the application.
constexpr uint16_t kTwoByteProfileMask = 0xfff0;

void AddElement(Header& header, uint8_t id, size_t offset, size_t length) {
  if (header.element_count < kMaxExtensionElements) {
    header.elements[header.element_count++] = {
        .id = id, .length = static_cast<uint8_t>(length), .offset = static_cast<uint16_t>(offset)};
  }
}

// An element that runs past its block ends the list, and what came before it counts: the block itself is
// framed by the header, so the payload is not in doubt, and a frame is worth more than its extensions.
void ReadOneByteElements(ConstBytes block, size_t block_at, Header& header) {
  size_t at = 0;
  while (at < block.size()) {
    const uint8_t id = block[at] >> 4;
    const size_t length = (block[at] & 0x0f) + size_t{1};
    if (block[at] == 0) {  // Padding.
      ++at;
      continue;
    }
    // RFC 8285 section 4.2: id 15, and id 0 with a length, end the processing.
    if (id == 0 || id == 15 || length > block.size() - at - 1) {
      return;
    }
    AddElement(header, id, block_at + at + 1, length);
    at += 1 + length;
  }
}

void ReadTwoByteElements(ConstBytes block, size_t block_at, Header& header) {
  size_t at = 0;
  while (at < block.size()) {
    const uint8_t id = block[at];
    if (id == 0) {  // Padding, without a length byte.
      ++at;
      continue;
    }
    if (block.size() - at < 2 || block[at + 1] > block.size() - at - 2) {
      return;
    }
    const size_t length = block[at + 1];
    AddElement(header, id, block_at + at + 2, length);
    at += 2 + length;
  }
}

void ReadElements(uint16_t profile, ConstBytes block, size_t block_at, Header& header) {
  if (profile == kOneByteProfile) {
    ReadOneByteElements(block, block_at, header);
  } else if ((profile & kTwoByteProfileMask) == kTwoByteProfile) {
    ReadTwoByteElements(block, block_at, header);
  }
}

}  // namespace

Result<Header, ParseError> ParseHeader(ConstBytes packet) {
  if (packet.size() > kMaxRtpPacket) {
    return std::unexpected(ParseError::kTooLarge);
  }
  ByteReader reader(packet);
  const uint8_t first = reader.ReadU8();
  const uint8_t second = reader.ReadU8();
  Header header;
  header.sequence = reader.ReadU16();
  header.timestamp = reader.ReadU32();
  header.ssrc = Ssrc(reader.ReadU32());
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  if (first >> 6 != 2) {
    return std::unexpected(ParseError::kBadVersion);
  }
  header.marker = (second & 0x80) != 0;
  header.payload_type = second & 0x7f;
  header.csrc_count = first & 0x0f;
  reader.Skip(header.csrc_count * size_t{4});
  if ((first & 0x10) != 0) {
    const uint16_t profile = reader.ReadU16();
    const size_t block_size = reader.ReadU16() * size_t{4};
    const size_t block_at = reader.position();
    ReadElements(profile, reader.ReadBytes(block_size), block_at, header);
  }
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  header.header_size = reader.position();
  header.payload_size = reader.remaining();
  if ((first & 0x20) != 0) {
    header.padding_size = header.payload_size == 0 ? 0 : packet.back();
    if (header.padding_size == 0 || header.padding_size > header.payload_size) {
      return std::unexpected(ParseError::kBadValue);
    }
    header.payload_size -= header.padding_size;
  }
  return header;
}

}  // namespace weir::rtp
