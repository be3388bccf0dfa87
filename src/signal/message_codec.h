// Signal messages on a WebSocket: binary frames are protobuf, text frames the same message as JSON.
//
// A session begins in binary and answers in the format that the client used last: the first frame is always
// binary, and a client that writes JSON gets JSON from then on.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "proto/livekit_rtc.pb.h"

namespace weir::signal {

enum class FrameType : uint8_t { kBinary, kText };

struct Frame {
  FrameType type = FrameType::kBinary;
  std::string bytes;
};

Frame EncodeMessage(const livekit::SignalResponse& message, FrameType type);

// The state of one connection: which format its client used last.
class MessageCodec {
 public:
  // Reads one frame and remembers its format. An undecodable one names what was wrong; the session is then
  // torn down.
  base::Result<livekit::SignalRequest> Decode(FrameType type, std::string_view bytes);
  Frame Encode(const livekit::SignalResponse& message) const { return EncodeMessage(message, output_); }
  FrameType output() const { return output_; }

 private:
  FrameType output_ = FrameType::kBinary;
};

}  // namespace weir::signal
