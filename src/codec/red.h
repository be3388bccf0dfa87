// Redundant audio, RFC 2198: a packet that carries copies of earlier payloads before its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace weir::codec {

inline constexpr size_t kMaxRedBlocks = 8;                 // Redundant ones and the primary.
inline constexpr uint32_t kMaxRedTimestampOffset = 16383;  // 14 bits.
inline constexpr size_t kMaxRedBlockSize = 1023;           // 10 bits; the primary has no such limit.

struct RedBlock {
  uint8_t payload_type = 0;
  uint32_t timestamp_offset = 0;  // Back from the packet's timestamp; 0 for the primary.
  base::ConstBytes data;          // A view; may be empty (DTX).
};

struct RedPacket {
  std::array<RedBlock, kMaxRedBlocks> blocks = {};  // As on the wire: oldest first, the primary last.
  size_t count = 0;                                 // At least 1.
  const RedBlock& primary() const { return blocks[count - 1]; }
  std::span<const RedBlock> redundant() const { return std::span(blocks).first(count - 1); }
};

// Errors: kTruncated (headers end early), kWrongLength (blocks longer than the packet), kTooLarge (over
// kMaxRedBlocks).
base::Result<RedPacket, base::ParseError> ParseRed(base::ConstBytes payload);

// The last block is the primary. Answers the size, 0 when it does not fit, when there is no block, or when a
// redundant one is out of range.
size_t WriteRed(std::span<const RedBlock> blocks, base::MutableBytes out);

}  // namespace weir::codec
