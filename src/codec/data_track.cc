#include "codec/data_track.h"

namespace weir::codec {
namespace {

constexpr size_t kBaseHeader = 12;
constexpr size_t kHandleOffset = 2;
constexpr uint8_t kExtensionFlag = 0x04;
constexpr size_t kExtensionSizeField = 2;

uint16_t ReadU16(base::ConstBytes bytes, size_t offset) {
  return static_cast<uint16_t>(bytes[offset] << 8 | bytes[offset + 1]);
}

}  // namespace

std::optional<uint16_t> ReadDataTrackHandle(base::ConstBytes packet) {
  if (packet.size() < kBaseHeader || packet[0] >> 5 != 0) {
    return std::nullopt;
  }
  if ((packet[0] & kExtensionFlag) != 0) {
    // The size field counts four-byte words, itself included, less one.
    if (packet.size() < kBaseHeader + kExtensionSizeField ||
        packet.size() < kBaseHeader + (static_cast<size_t>(ReadU16(packet, kBaseHeader)) + 1) * 4) {
      return std::nullopt;
    }
  }
  const uint16_t handle = ReadU16(packet, kHandleOffset);
  return handle == 0 ? std::nullopt : std::optional(handle);
}

void WriteDataTrackHandle(base::MutableBytes packet, uint16_t handle) {
  packet[kHandleOffset] = static_cast<uint8_t>(handle >> 8);
  packet[kHandleOffset + 1] = static_cast<uint8_t>(handle);
}

}  // namespace weir::codec
