#include "io/tcp_framing.h"

namespace weir::io {

base::Result<void, base::ParseError> FrameReader::Push(base::ConstBytes bytes) {
  if (failed_ || buffer_.size() - read_ + bytes.size() > kMaxBuffered) {
    failed_ = true;
    return std::unexpected(base::ParseError::kTooLarge);
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(read_));
  read_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  return {};
}

std::optional<base::ConstBytes> FrameReader::Next() {
  while (!failed_ && buffer_.size() - read_ >= kFrameHeader) {
    const size_t size = base::LoadU16(&buffer_[read_]);
    if (size > base::kMaxPacketSize) {
      failed_ = true;
      break;
    }
    if (buffer_.size() - read_ - kFrameHeader < size) {
      break;
    }
    const base::ConstBytes frame = base::ConstBytes(buffer_).subspan(read_ + kFrameHeader, size);
    read_ += kFrameHeader + size;
    if (size > 0) {
      return frame;
    }
  }
  return std::nullopt;
}

bool AppendFrame(base::Buffer& stream, base::ConstBytes packet) {
  if (packet.empty() || packet.size() > base::kMaxPacketSize) {
    return false;
  }
  stream.push_back(static_cast<uint8_t>(packet.size() >> 8));
  stream.push_back(static_cast<uint8_t>(packet.size()));
  stream.insert(stream.end(), packet.begin(), packet.end());
  return true;
}

}  // namespace weir::io
