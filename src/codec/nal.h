// What H.264 and H.265 share below their headers: parameter sets with emulation prevention, and sizes with
// cropping.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "codec/h264.h"

namespace weir::codec {

// The picture size stands well within this; what comes behind it is cut off.
inline constexpr size_t kMaxParameterSetSize = 512;

// The payload of a NAL unit without its emulation prevention bytes (00 00 03 for 00 00).
class UnescapedNal {
 public:
  explicit UnescapedNal(base::ConstBytes escaped) {
    size_t zeros = 0;
    for (const uint8_t byte : escaped) {
      if (zeros >= 2 && byte == 3) {
        zeros = 0;
        continue;
      }
      if (size_ == bytes_.size()) {
        return;
      }
      bytes_[size_++] = byte;
      zeros = byte == 0 ? zeros + 1 : 0;
    }
  }
  base::ConstBytes bytes() const { return base::ConstBytes(bytes_).first(size_); }

 private:
  std::array<uint8_t, kMaxParameterSetSize> bytes_;
  size_t size_ = 0;
};

// Nothing unless it is a size that a picture can have.
inline std::optional<VideoSize> CroppedSize(uint64_t width, uint64_t height, uint64_t crop_x,
                                            uint64_t crop_y) {
  if (width > 0xffff || height > 0xffff || crop_x >= width || crop_y >= height) {
    return std::nullopt;
  }
  return VideoSize{.width = static_cast<uint16_t>(width - crop_x),
                   .height = static_cast<uint16_t>(height - crop_y)};
}

}  // namespace weir::codec
