// The codecs that we forward, and their names in SDP and in the signalling protocol.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::codec {

enum class Codec : uint8_t { kUnknown, kOpus, kRed, kPcmu, kPcma, kVp8, kVp9, kH264, kH265, kAv1 };

// "video/VP8"; "" for kUnknown.
std::string_view MimeType(Codec codec);
// The part after the slash, as an rtpmap has it: "VP8".
std::string_view SdpName(Codec codec);
// With or without the type before the slash, in any case; kUnknown for what we do not forward (RTX, FEC, CN).
Codec CodecFromMime(std::string_view name);
bool IsVideo(Codec codec);
bool IsAudio(Codec codec);
// Of the RTP timestamp, in Hz; 0 for kUnknown.
uint32_t ClockRate(Codec codec);

}  // namespace weir::codec
