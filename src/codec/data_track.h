// The head of a data track's packet (signal.md 7.6 in LiveKit's words), as far as a server needs it.
//
//   byte 0  version (3 bits), start, final, extension flag, 2 reserved     byte 1  reserved
//   u16 handle, u16 sequence, u16 frame number, u32 timestamp; with the flag: u16 n, then (n + 1) * 4 - 2
//   bytes
//
// All numbers are big-endian. The payload, often encrypted, is the clients' own.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace weir::codec {

// The sender's handle; nothing for a packet that is cut short, of another version, or with handle 0.
std::optional<uint16_t> ReadDataTrackHandle(base::ConstBytes packet);
// Of a packet that ReadDataTrackHandle has accepted.
void WriteDataTrackHandle(base::MutableBytes packet, uint16_t handle);

}  // namespace weir::codec
