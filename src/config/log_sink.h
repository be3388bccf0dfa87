// Log records as lines of text: for people (console) or for machines (JSON).
//
// Both sinks are thread-safe and hand every record to the writer in one call, with its newline. Control
// characters of messages and values are escaped: what a client sends cannot start a line or colour a
// terminal. Times are UTC, ISO 8601 with milliseconds.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/time.h"

namespace weir::config {

constexpr size_t kMaxLogValue = 8 * 1024;  // Bytes of a message or a value; the rest is cut.

using LogWriter = std::function<void(std::string_view line)>;
using WallClock = std::function<base::WallTime()>;

LogWriter WriteTo(std::FILE* file);  // One fwrite and a flush per line. `file` outlives the writer.
base::WallTime SystemWallTime();

std::string_view ToString(base::LogLevel level);                          // "info"
std::optional<base::LogLevel> LogLevelFromString(std::string_view name);  // Also "warning".

// What the two sinks share: level filter, clock, lock.
class LineSink : public base::LogSink {
 public:
  LineSink(base::LogLevel level, LogWriter writer, WallClock clock)
      : level_(level), writer_(std::move(writer)), clock_(std::move(clock)) {}
  bool Wants(base::LogLevel level) const override { return level >= level_.load(std::memory_order_relaxed); }
  void Write(base::LogLevel level, std::string_view message,
             const std::vector<base::LogField>& fields) override;
  void set_level(base::LogLevel level) { level_.store(level, std::memory_order_relaxed); }

 private:
  virtual std::string Format(base::WallTime time, base::LogLevel level, std::string_view message,
                             const std::vector<base::LogField>& fields) const = 0;

  std::atomic<base::LogLevel> level_;
  const LogWriter writer_;
  const WallClock clock_;
  std::mutex mutex_;
};

// 2026-01-02T03:04:05.678Z INFO  participant joined room=lobby identity="Ann B"
class ConsoleLogSink final : public LineSink {
 public:
  // `tty`: colour the level.
  ConsoleLogSink(base::LogLevel level, LogWriter writer, bool tty = false, WallClock clock = SystemWallTime)
      : LineSink(level, std::move(writer), std::move(clock)), tty_(tty) {}

 private:
  std::string Format(base::WallTime time, base::LogLevel level, std::string_view message,
                     const std::vector<base::LogField>& fields) const override;
  const bool tty_;
};

// {"ts":"2026-01-02T03:04:05.678Z","level":"info","msg":"participant joined","room":"lobby"}
// Bytes that are not UTF-8 become U+FFFD. A field named ts, level or msg gets an underscore at its end.
class JsonLogSink final : public LineSink {
 public:
  JsonLogSink(base::LogLevel level, LogWriter writer, WallClock clock = SystemWallTime)
      : LineSink(level, std::move(writer), std::move(clock)) {}

 private:
  std::string Format(base::WallTime time, base::LogLevel level, std::string_view message,
                     const std::vector<base::LogField>& fields) const override;
};

}  // namespace weir::config
