// Structured logging as an interface: a message and named fields. The shell decides format and destination
// (config, apps); modules below it receive a Logger and never a stream. No field may hold a token or a
// secret.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::base {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError };

struct LogField {
  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  LogField(std::string_view k, bool v) : key(k), value(v ? "true" : "false"), quoted(false) {}
  template <typename T>
    requires std::is_arithmetic_v<T>
  LogField(std::string_view k, T v) : key(k), value(std::to_string(v)), quoted(false) {}

  std::string key;
  std::string value;
  bool quoted = true;  // False for numbers and booleans, which JSON output writes bare.
};

// Where records go. Called from any thread; implementations synchronise themselves.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual bool Wants(LogLevel level) const = 0;
  virtual void Write(LogLevel level, std::string_view message, const std::vector<LogField>& fields) = 0;
};

// A sink and the fields that every record of this owner carries (room, participant). Cheap to copy. A
// default-constructed logger is silent.
class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  Logger() = default;
  explicit Logger(LogSink* sink) : sink_(sink) {}

  Logger With(Fields fields) const {
    Logger child = *this;
    child.context_.insert(child.context_.end(), fields.begin(), fields.end());
    return child;
  }
  bool Wants(LogLevel level) const { return sink_ != nullptr && sink_->Wants(level); }
  void Debug(std::string_view message, Fields fields = {}) const { Write(LogLevel::kDebug, message, fields); }
  void Info(std::string_view message, Fields fields = {}) const { Write(LogLevel::kInfo, message, fields); }
  void Warn(std::string_view message, Fields fields = {}) const { Write(LogLevel::kWarn, message, fields); }
  void Error(std::string_view message, Fields fields = {}) const { Write(LogLevel::kError, message, fields); }

 private:
  void Write(LogLevel level, std::string_view message, Fields fields) const {
    if (!Wants(level)) {
      return;
    }
    std::vector<LogField> all = context_;
    all.insert(all.end(), fields.begin(), fields.end());
    sink_->Write(level, message, all);
  }

  LogSink* sink_ = nullptr;
  std::vector<LogField> context_;
};

}  // namespace weir::base
