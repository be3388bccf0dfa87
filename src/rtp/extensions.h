// RTP header extensions (RFC 8285): which ones we know, their URIs, the ids negotiated for one connection,
// and the values inside. Reading and writing the elements themselves is packet.h and header_writer.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"

namespace weir::rtp {

enum class Extension : uint8_t {
  kMid,
  kRid,
  kRepairedRid,
  kAudioLevel,
  kTransportCc,
  kAbsSendTime,
  kAbsCaptureTime,
  kDependencyDescriptor,
  kPlayoutDelay,
  kVideoOrientation,
  kFrameMarking,  // Accepted in negotiation because clients offer it; nothing reads it.
  kCount,
};

std::string_view Uri(Extension extension);
std::optional<Extension> ExtensionFromUri(std::string_view uri);

// The ids of one direction of one connection. Ids 1..14 have the one-byte form; 15..255 need the two-byte
// form.
class ExtensionMap {
 public:
  // id 0 removes the extension. An id that another extension holds moves to this one.
  void Set(Extension extension, uint8_t id);
  // 0 when not negotiated.
  uint8_t id(Extension extension) const { return ids_[static_cast<size_t>(extension)]; }
  bool has(Extension extension) const { return id(extension) != 0; }
  std::optional<Extension> at(uint8_t id) const;
  bool operator==(const ExtensionMap&) const = default;

 private:
  std::array<uint8_t, static_cast<size_t>(Extension::kCount)> ids_ = {};
};

// The readers below take the data of one element, as Header::Find returns it, and answer nothing when it has
// the wrong length, which includes "not there".

// RFC 6464: level is -dBov, 0 (loudest) to 127 (silence).
struct AudioLevel {
  bool voice = false;
  uint8_t level = 127;
  bool operator==(const AudioLevel&) const = default;
};
std::optional<AudioLevel> ReadAudioLevel(base::ConstBytes data);
uint8_t EncodeAudioLevel(AudioLevel level);

// draft-holmer-rmcat-transport-wide-cc-extensions-01; the longer -02 form begins with the same two bytes.
std::optional<uint16_t> ReadTransportSequence(base::ConstBytes data);

// 6.18 fixed point seconds in 24 bits, wrapping every 64 s. The epoch is the sender's own.
std::optional<uint32_t> ReadAbsSendTime(base::ConstBytes data);
uint32_t EncodeAbsSendTime(base::Timestamp now);
inline constexpr size_t kAbsSendTimeSize = 3;
inline constexpr size_t kTransportSequenceSize = 2;

// abs-capture-time: NTP time (32.32) of the capture, and optionally the estimated offset of the capture clock
// to the sender's clock (32.32, signed).
struct AbsCaptureTime {
  uint64_t ntp = 0;
  std::optional<int64_t> clock_offset;
  bool operator==(const AbsCaptureTime&) const = default;
};
std::optional<AbsCaptureTime> ReadAbsCaptureTime(base::ConstBytes data);
// 8 or 16 bytes; 0 when `out` is too small.
size_t WriteAbsCaptureTime(const AbsCaptureTime& value, base::MutableBytes out);

// playout-delay: two 12-bit fields of 10 ms each.
struct PlayoutDelay {
  base::TimeDelta min;
  base::TimeDelta max;
  bool operator==(const PlayoutDelay&) const = default;
};
std::optional<PlayoutDelay> ReadPlayoutDelay(base::ConstBytes data);
// Clamped to 0..40.95 s, max at least min.
std::array<uint8_t, 3> EncodePlayoutDelay(PlayoutDelay delay);

// 3GPP TS 26.114 section 7.4.5 (coordination of video orientation).
struct VideoOrientation {
  bool back_camera = false;
  bool flipped = false;
  uint16_t rotation = 0;  // Degrees, 0, 90, 180 or 270.
  bool operator==(const VideoOrientation&) const = default;
};
std::optional<VideoOrientation> ReadVideoOrientation(base::ConstBytes data);

// MID and RID values (RFC 8843 section 15, RFC 8852): a view into the packet, nothing when empty or when it
// holds characters outside 0x21..0x7e.
std::optional<std::string_view> ReadSdesText(base::ConstBytes data);

}  // namespace weir::rtp
