// Errors as values: Result<T>, Error, and TRY, which unwraps a value or returns the error to the caller.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace weir::base {

// Kinds of failure that somebody upstream tells apart. The names are those of the Twirp and gRPC status
// codes, so that the server API can pass them on as they are.
enum class ErrorCode : uint8_t {
  kInvalidArgument,
  kUnauthenticated,
  kPermissionDenied,
  kNotFound,
  kAlreadyExists,
  kFailedPrecondition,
  kResourceExhausted,
  kUnimplemented,
  kUnavailable,
  kDeadlineExceeded,
  kAborted,
  kInternal,
};

// `message` is for a person: it names what was wrong, and what to do where that is known.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

template <typename T, typename E = Error>
using Result = std::expected<T, E>;

inline std::unexpected<Error> Fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

// Why bytes from the network were refused. One closed set for every parser, so that drops are counted by
// cause.
enum class ParseError : uint8_t {
  kTruncated,    // Ends before what it announces.
  kWrongLength,  // A length field disagrees with the bytes.
  kBadVersion,   // Not the protocol or version that this parser reads.
  kBadValue,     // A field holds a value outside its range.
  kTooLarge,     // Over a named limit of ours.
  kUnsupported,  // Valid, but nothing we speak.
};
constexpr const char* ToString(ParseError error) {
  switch (error) {
    case ParseError::kTruncated:
      return "truncated";
    case ParseError::kWrongLength:
      return "wrong length";
    case ParseError::kBadVersion:
      return "bad version";
    case ParseError::kBadValue:
      return "bad value";
    case ParseError::kTooLarge:
      return "too large";
    case ParseError::kUnsupported:
      return "unsupported";
  }
  return "unknown";
}

}  // namespace weir::base

// `const auto x = TRY(F());` binds the value, or returns F's error from the enclosing function. A statement
// expression (GNU extension, in clang and gcc): the alternative, an if after every call, hides the path that
// matters.
#define TRY(expression)                                       \
  ({                                                          \
    auto try_result_ = (expression);                          \
    if (!try_result_) [[unlikely]] {                          \
      return std::unexpected(std::move(try_result_).error()); \
    }                                                         \
    ::weir::base::internal::Unwrap(std::move(try_result_));   \
  })

namespace weir::base::internal {
template <typename T, typename E>
T Unwrap(std::expected<T, E>&& result) {
  return *std::move(result);
}
template <typename E>
void Unwrap(std::expected<void, E>&&) {}
}  // namespace weir::base::internal
