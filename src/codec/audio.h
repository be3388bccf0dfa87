// Small facts about audio payloads: Opus table of contents (RFC 6716 section 3.1), silence, DTX.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"

namespace weir::codec {

// 20 ms of silence, CELT, stereo bit clear: what decoders turn into digital zero.
inline constexpr std::array<uint8_t, 3> kOpusSilence = {0xf8, 0xff, 0xfe};
// One sample of silence in G.711; 160 of them are 20 ms.
inline constexpr uint8_t kPcmuSilence = 0xff;
inline constexpr uint8_t kPcmaSilence = 0xd5;
inline constexpr size_t kPcmFrameSize = 160;

// A frame of discontinuous transmission: the table of contents alone, or with one byte (RFC 6716
// section 2.1.9).
inline bool IsOpusDtx(base::ConstBytes payload) { return payload.size() <= 2; }
// Of one frame in the packet: 2.5 to 60 ms.
base::TimeDelta OpusFrameDuration(uint8_t toc);
// Of the whole packet; nothing when it is empty, lacks its frame count, or is over the 120 ms of RFC 6716.
std::optional<base::TimeDelta> OpusPacketDuration(base::ConstBytes payload);
inline bool IsOpusStereo(uint8_t toc) { return (toc & 0x04) != 0; }

}  // namespace weir::codec
