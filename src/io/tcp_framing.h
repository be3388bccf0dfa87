// Packets in a byte stream, each after its length in two bytes (RFC 4571, as ICE/TCP uses it, RFC 6544).
// Sans-IO.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/packet_pool.h"
#include "base/result.h"

namespace weir::io {

inline constexpr size_t kFrameHeader = 2;

// Takes a stream apart. Holds at most one incomplete frame and what the caller pushed on top of it.
class FrameReader {
 public:
  // Appends bytes of the stream; invalidates frames handed out before. Frames over kMaxPacketSize end the
  // stream (kTooLarge): there is no way to resynchronise. Refuses (kTooLarge) to hold more than max_buffered.
  base::Result<void, base::ParseError> Push(base::ConstBytes bytes);
  // The next whole frame, or nothing. Empty frames are skipped. Good until the next Push.
  std::optional<base::ConstBytes> Next();
  // What was pushed and not handed out as a frame yet: to move a stream to another reader.
  base::ConstBytes pending() const { return base::ConstBytes(buffer_).subspan(read_); }
  bool failed() const { return failed_; }

  static constexpr size_t kMaxBuffered = size_t{64} << 10;

 private:
  base::Buffer buffer_;
  size_t read_ = 0;
  bool failed_ = false;
};

// Appends one frame; false when `packet` exceeds kMaxPacketSize or is empty.
bool AppendFrame(base::Buffer& stream, base::ConstBytes packet);

}  // namespace weir::io
