#include "rtp/extensions.h"

#include <algorithm>

namespace weir::rtp {
namespace {

using base::ConstBytes;
using base::MutableBytes;
using base::TimeDelta;
using base::Timestamp;

constexpr size_t kExtensionCount = static_cast<size_t>(Extension::kCount);

constexpr std::array<std::string_view, kExtensionCount> kUris = {
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    "urn:3gpp:video-orientation",
    "urn:ietf:params:rtp-hdrext:framemarking",
};

constexpr TimeDelta kPlayoutDelayUnit = TimeDelta::Millis(10);
constexpr int64_t kMaxPlayoutDelay = 0xfff;

int64_t PlayoutUnits(TimeDelta delay) {
  return std::clamp<int64_t>(delay.micros() / kPlayoutDelayUnit.micros(), 0, kMaxPlayoutDelay);
}

uint64_t LoadU64(const uint8_t* p) { return uint64_t{base::LoadU32(p)} << 32 | base::LoadU32(p + 4); }

}  // namespace

std::string_view Uri(Extension extension) {
  return extension < Extension::kCount ? kUris[static_cast<size_t>(extension)] : std::string_view();
}

std::optional<Extension> ExtensionFromUri(std::string_view uri) {
  const auto found = std::find(kUris.begin(), kUris.end(), uri);
  if (found == kUris.end()) {
    return std::nullopt;
  }
  return static_cast<Extension>(found - kUris.begin());
}

void ExtensionMap::Set(Extension extension, uint8_t id) {
  if (const auto holder = at(id)) {
    ids_[static_cast<size_t>(*holder)] = 0;
  }
  ids_[static_cast<size_t>(extension)] = id;
}

std::optional<Extension> ExtensionMap::at(uint8_t id) const {
  if (id == 0) {
    return std::nullopt;
  }
  const auto found = std::find(ids_.begin(), ids_.end(), id);
  if (found == ids_.end()) {
    return std::nullopt;
  }
  return static_cast<Extension>(found - ids_.begin());
}

std::optional<AudioLevel> ReadAudioLevel(ConstBytes data) {
  if (data.size() != 1) {
    return std::nullopt;
  }
  return AudioLevel{.voice = (data[0] & 0x80) != 0, .level = static_cast<uint8_t>(data[0] & 0x7f)};
}

uint8_t EncodeAudioLevel(AudioLevel level) {
  return static_cast<uint8_t>((level.voice ? 0x80 : 0) | std::min<int>(level.level, 127));
}

std::optional<uint16_t> ReadTransportSequence(ConstBytes data) {
  if (data.size() != 2 && data.size() != 4) {
    return std::nullopt;
  }
  return base::LoadU16(data.data());
}

std::optional<uint32_t> ReadAbsSendTime(ConstBytes data) {
  if (data.size() != kAbsSendTimeSize) {
    return std::nullopt;
  }
  return uint32_t{data[0]} << 16 | uint32_t{data[1]} << 8 | data[2];
}

uint32_t EncodeAbsSendTime(Timestamp now) {
  // Reduced to the 64 s of the field before scaling, so that no time of day overflows.
  constexpr int64_t kWrapMicros = 64'000'000;
  const int64_t within = (now.micros() % kWrapMicros + kWrapMicros) % kWrapMicros;
  return static_cast<uint32_t>((within << 18) / 1'000'000) & 0xffffff;
}

std::optional<AbsCaptureTime> ReadAbsCaptureTime(ConstBytes data) {
  if (data.size() != 8 && data.size() != 16) {
    return std::nullopt;
  }
  AbsCaptureTime value{.ntp = LoadU64(data.data()), .clock_offset = std::nullopt};
  if (data.size() == 16) {
    value.clock_offset = static_cast<int64_t>(LoadU64(data.data() + 8));
  }
  return value;
}

size_t WriteAbsCaptureTime(const AbsCaptureTime& value, MutableBytes out) {
  base::ByteWriter writer(out);
  writer.WriteU64(value.ntp);
  if (value.clock_offset) {
    writer.WriteU64(static_cast<uint64_t>(*value.clock_offset));
  }
  return writer.ok() ? writer.position() : 0;
}

std::optional<PlayoutDelay> ReadPlayoutDelay(ConstBytes data) {
  if (data.size() != 3) {
    return std::nullopt;
  }
  const int64_t min = data[0] << 4 | data[1] >> 4;
  const int64_t max = (data[1] & 0x0f) << 8 | data[2];
  return PlayoutDelay{.min = kPlayoutDelayUnit * min, .max = kPlayoutDelayUnit * max};
}

std::array<uint8_t, 3> EncodePlayoutDelay(PlayoutDelay delay) {
  const int64_t min = PlayoutUnits(delay.min);
  const int64_t max = std::max(min, PlayoutUnits(delay.max));
  std::array<uint8_t, 3> bytes;
  base::StoreU24(bytes.data(), static_cast<uint32_t>(min << 12 | max));
  return bytes;
}

std::optional<VideoOrientation> ReadVideoOrientation(ConstBytes data) {
  if (data.size() != 1) {
    return std::nullopt;
  }
  return VideoOrientation{.back_camera = (data[0] & 0x08) != 0,
                          .flipped = (data[0] & 0x04) != 0,
                          .rotation = static_cast<uint16_t>((data[0] & 0x03) * 90)};
}

std::optional<std::string_view> ReadSdesText(ConstBytes data) {
  const bool plain = std::all_of(data.begin(), data.end(), [](uint8_t c) { return c >= 0x21 && c <= 0x7e; });
  if (data.empty() || !plain) {
    return std::nullopt;
  }
  return base::AsText(data);
}

}  // namespace weir::rtp
