// modules: proto
// Whatever a client puts into a WebSocket frame, binary or text, is read as a SignalRequest or refused. What
// was read is written again in every form, and the binary form reads back.

#include <cstdlib>

#include "proto/json.h"
#include "proto/livekit_rtc.pb.h"

namespace {

constexpr size_t kMaxSize = 2 << 20;

void Rewrite(const livekit::SignalRequest& request) {
  livekit::SignalRequest again;
  if (!weir::proto::BytesToMessage(request.SerializeAsString(), again, kMaxSize * 2)) {
    std::abort();
  }
  static_cast<void>(weir::proto::MessageToJson(request, weir::proto::JsonStyle::kSignal));
  static_cast<void>(weir::proto::MessageToJson(request, weir::proto::JsonStyle::kTwirp));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  livekit::SignalRequest request;
  if (weir::proto::BytesToMessage(text, request, kMaxSize)) {
    Rewrite(request);
  }
  livekit::SignalRequest from_json;
  if (weir::proto::JsonToMessage(text, from_json, {.max_size = kMaxSize})) {
    Rewrite(from_json);
  }
  return 0;
}
