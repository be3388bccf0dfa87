#include "proto/json.h"

#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>

namespace weir::proto {
namespace {

using base::ErrorCode;
using base::Fail;

// Depth of brackets outside strings. libprotobuf counts nesting itself, but only to 100 and by recursion;
// this costs one pass and no stack.
bool IsDeeperThan(std::string_view json, int max_depth) {
  int depth = 0;
  char quote = 0;  // The parser also takes single quotes, so they hide brackets too.
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (quote != 0) {
      if (c == '\\') {
        ++i;
      } else if (c == quote) {
        quote = 0;
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '{' || c == '[') {
      if (++depth > max_depth) {
        return true;
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

// libprotobuf writes a line to stderr for every string that is not UTF-8: a remote party must not be able to
// fill the log that way. The setting is the library's only way, and process-wide.
void SilenceLibrary() {
  static const auto previous = google::protobuf::SetLogHandler(nullptr);
  static_cast<void>(previous);
}

// The first line of libprotobuf's message: the following ones quote the input and point at it.
std::string FirstLine(std::string_view text) {
  constexpr size_t kMaxShown = 200;
  return std::string(text.substr(0, std::min(text.find('\n'), kMaxShown)));
}

}  // namespace

base::Result<std::string> MessageToJson(const google::protobuf::Message& message, JsonStyle style) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = style == JsonStyle::kTwirp;
  options.always_print_primitive_fields = style == JsonStyle::kTwirp;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) {
    return Fail(ErrorCode::kInternal, FirstLine(status.message().ToString()));
  }
  return json;
}

base::Result<void> JsonToMessage(std::string_view json, google::protobuf::Message& message,
                                 const JsonLimits& limits) {
  if (json.size() > limits.max_size) {
    return Fail(ErrorCode::kResourceExhausted, "JSON text is too large");
  }
  // Lenient as it is, the parser would take an empty text or `[]` for an empty message.
  const size_t start = json.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || json[start] != '{') {
    return Fail(ErrorCode::kInvalidArgument, "JSON text must be an object");
  }
  if (IsDeeperThan(json, limits.max_depth)) {
    return Fail(ErrorCode::kInvalidArgument, "JSON text is nested too deeply");
  }
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  SilenceLibrary();
  const auto status = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(json.data(), json.size()), &message, options);
  if (!status.ok()) {
    return Fail(ErrorCode::kInvalidArgument, FirstLine(status.message().ToString()));
  }
  return {};
}

base::Result<void> BytesToMessage(std::string_view bytes, google::protobuf::Message& message,
                                  size_t max_size) {
  if (bytes.size() > max_size) {
    return Fail(ErrorCode::kResourceExhausted, "message is too large");
  }
  SilenceLibrary();
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), INT32_MAX)))) {
    return Fail(ErrorCode::kInvalidArgument, "not a valid " + message.GetTypeName());
  }
  return {};
}

}  // namespace weir::proto
