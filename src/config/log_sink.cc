#include "config/log_sink.h"

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <ctime>

#include "config/scalar.h"

namespace weir::config {
namespace {

using base::LogField;
using base::LogLevel;
using base::WallTime;

constexpr std::string_view kCut = "...";

// Not in the middle of a UTF-8 sequence.
std::string Limited(std::string_view text) {
  if (text.size() <= kMaxLogValue) {
    return std::string(text);
  }
  size_t end = kMaxLogValue;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80) {
    --end;
  }
  return std::string(text.substr(0, end)) + std::string(kCut);
}

// In quotes, with JSON's escapes.
std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(text, out);
  return out;
}

// Characters of a message as they are, but none that moves the cursor or ends the line.
std::string Plain(std::string_view text) {
  const std::string quoted = Quoted(text);
  const std::string inner = quoted.substr(1, quoted.size() - 2);
  std::string plain;
  for (size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] == '\\' && i + 1 < inner.size() && inner[i + 1] == '"') {
      ++i;  // A message may have quotes; only values are delimited by them.
    }
    plain += inner[i];
  }
  return plain;
}

bool NeedsQuotes(std::string_view value) {
  return value.empty() || std::ranges::any_of(value, [](unsigned char c) {
           return c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f;
         });
}

std::string Iso8601(WallTime time) {
  const auto seconds = static_cast<std::time_t>(time.seconds());
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  const int size = std::snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03" PRId64 "Z",
                                 parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                                 parts.tm_min, parts.tm_sec, time.millis() % 1000);
  return {text, static_cast<size_t>(std::max(size, 0))};
}

struct Face {
  std::string_view name;   // Padded, for columns.
  std::string_view color;  // ANSI.
};
Face FaceOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return {"DEBUG", "\x1b[2m"};
    case LogLevel::kInfo:
      return {"INFO ", "\x1b[32m"};
    case LogLevel::kWarn:
      return {"WARN ", "\x1b[33m"};
    case LogLevel::kError:
      return {"ERROR", "\x1b[31m"};
  }
  return {"?    ", ""};
}

}  // namespace

std::string_view ToString(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

std::optional<LogLevel> LogLevelFromString(std::string_view name) {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError}) {
    if (ToString(level) == name) {
      return level;
    }
  }
  return name == "warning" ? std::optional(LogLevel::kWarn) : std::nullopt;
}

LogWriter WriteTo(std::FILE* file) {
  return [file](std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), file);
    std::fflush(file);
  };
}

WallTime SystemWallTime() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::microseconds>(now).count()};
}

void LineSink::Write(LogLevel level, std::string_view message, const std::vector<LogField>& fields) {
  if (!Wants(level)) {
    return;
  }
  const std::string line = Format(clock_(), level, message, fields) + "\n";
  const std::lock_guard lock(mutex_);
  writer_(line);
}

std::string ConsoleLogSink::Format(WallTime time, LogLevel level, std::string_view message,
                                   const std::vector<LogField>& fields) const {
  const Face face = FaceOf(level);
  std::string line = Iso8601(time) + " ";
  line += tty_ ? std::string(face.color) + std::string(face.name) + "\x1b[0m" : std::string(face.name);
  line += " " + Plain(Limited(message));
  for (const LogField& field : fields) {
    const std::string value = Limited(field.value);
    line += " " + Plain(field.key) + "=" + (NeedsQuotes(value) ? Quoted(value) : value);
  }
  return line;
}

std::string JsonLogSink::Format(WallTime time, LogLevel level, std::string_view message,
                                const std::vector<LogField>& fields) const {
  std::string line = "{\"ts\":\"" + Iso8601(time) + "\",\"level\":\"" + std::string(ToString(level)) +
                     "\",\"msg\":" + Quoted(Limited(message));
  for (const LogField& field : fields) {
    const bool reserved = field.key == "ts" || field.key == "level" || field.key == "msg";
    // A number that JSON has no form for (nan, inf) is written as text.
    const bool bare =
        !field.quoted && (field.value == "true" || field.value == "false" || IsJsonNumber(field.value));
    line += "," + Quoted(reserved ? field.key + "_" : field.key) + ":";
    line += bare ? field.value : Quoted(Limited(field.value));
  }
  return line + "}";
}

}  // namespace weir::config
