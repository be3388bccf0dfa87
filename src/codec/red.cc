#include "codec/red.h"

namespace weir::codec {
namespace {

using base::ByteReader;
using base::ByteWriter;
using base::ConstBytes;
using base::ParseError;
using base::Result;

constexpr uint8_t kMoreFollows = 0x80;

}  // namespace

Result<RedPacket, ParseError> ParseRed(ConstBytes payload) {
  ByteReader reader(payload);
  RedPacket packet;
  std::array<size_t, kMaxRedBlocks> sizes = {};
  bool is_primary = false;
  while (!is_primary) {
    if (packet.count == kMaxRedBlocks) {
      return std::unexpected(ParseError::kTooLarge);
    }
    const uint8_t first = reader.ReadU8();
    RedBlock& block = packet.blocks[packet.count];
    block.payload_type = first & 0x7f;
    is_primary = (first & kMoreFollows) == 0;
    if (!is_primary) {
      const uint32_t offset_and_size = reader.ReadU24();
      block.timestamp_offset = offset_and_size >> 10;
      sizes[packet.count] = offset_and_size & kMaxRedBlockSize;
    }
    if (!reader.ok()) {
      return std::unexpected(ParseError::kTruncated);
    }
    ++packet.count;
  }
  for (size_t i = 0; i + 1 < packet.count; ++i) {
    packet.blocks[i].data = reader.ReadBytes(sizes[i]);
  }
  if (!reader.ok()) {
    return std::unexpected(ParseError::kWrongLength);
  }
  packet.blocks[packet.count - 1].data = reader.ReadRest();
  return packet;
}

size_t WriteRed(std::span<const RedBlock> blocks, base::MutableBytes out) {
  if (blocks.empty() || blocks.size() > kMaxRedBlocks || blocks.back().payload_type > 127) {
    return 0;
  }
  ByteWriter writer(out);
  for (const RedBlock& block : blocks.first(blocks.size() - 1)) {
    if (block.payload_type > 127 || block.timestamp_offset > kMaxRedTimestampOffset ||
        block.data.size() > kMaxRedBlockSize) {
      return 0;
    }
    writer.WriteU8(static_cast<uint8_t>(kMoreFollows | block.payload_type));
    writer.WriteU24(block.timestamp_offset << 10 | static_cast<uint32_t>(block.data.size()));
  }
  writer.WriteU8(blocks.back().payload_type);
  for (const RedBlock& block : blocks) {
    writer.WriteBytes(block.data);
  }
  return writer.ok() ? writer.position() : 0;
}

}  // namespace weir::codec
