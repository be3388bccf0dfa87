#include "signal/message_codec.h"

#include "proto/json.h"

namespace weir::signal {

base::Result<livekit::SignalRequest> MessageCodec::Decode(FrameType type, std::string_view bytes) {
  livekit::SignalRequest request;
  if (type == FrameType::kText) {
    TRY(proto::JsonToMessage(bytes, request));
  } else if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "signal frame is not a SignalRequest");
  }
  output_ = type;
  return request;
}

Frame EncodeMessage(const livekit::SignalResponse& message, FrameType type) {
  if (type == FrameType::kText) {
    // Fails only for text that is not UTF-8; a client that sent it reads the binary form just as well.
    if (auto json = proto::MessageToJson(message, proto::JsonStyle::kSignal)) {
      return {FrameType::kText, std::move(*json)};
    }
  }
  return {FrameType::kBinary, message.SerializeAsString()};
}

}  // namespace weir::signal
