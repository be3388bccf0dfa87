// Protobuf messages as JSON text, in the three dialects of the protocol.
//
// Twirp answers write snake_case names and every scalar, defaults included. Signalling and webhooks write
// camelCase names and leave defaults out. 64-bit integers are strings and enums are names in all of them
// (proto3 JSON mapping). Reading accepts both spellings of a name and ignores unknown fields, as clients of
// any version may come.
//
// Thread-safe: no state. Text is checked for size and nesting before libprotobuf sees it; the errors say what
// was wrong in a sentence and never quote more than a few bytes of the input.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace google::protobuf {
class Message;
}

namespace weir::proto {

enum class JsonStyle : uint8_t {
  kTwirp,   // snake_case, defaults written
  kSignal,  // camelCase, defaults omitted: signalling in text frames, webhooks
};

struct JsonLimits {
  size_t max_size = 10 << 20;  // Bytes of text: the API's body limit.
  int max_depth = 64;  // Nested objects and arrays. The deepest message that we read has fewer than 20.
};

// Fails (kInternal) only when the message holds a string that is not UTF-8.
base::Result<std::string> MessageToJson(const google::protobuf::Message& message, JsonStyle style);

// Replaces the content of `message`. kResourceExhausted: over max_size; kInvalidArgument: everything else.
// After an error the content is unspecified. Empty text is an error, `{}` is the empty message.
base::Result<void> JsonToMessage(std::string_view json, google::protobuf::Message& message,
                                 const JsonLimits& limits = JsonLimits());

// The same bounds for the binary encoding: refuses more than `max_size` bytes, trailing garbage, and strings
// that are not UTF-8. Nesting is bounded by libprotobuf (100).
base::Result<void> BytesToMessage(std::string_view bytes, google::protobuf::Message& message,
                                  size_t max_size);

}  // namespace weir::proto
