// One reading of every series of this server, and its text in Prometheus' format, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats).
//
// Values of one series add up, so that whoever has a part of it (a worker) just puts it in. Series of one
// name form a family: they share type and help, and stand together in the text, families by name and series
// by labels. Names are the caller's: [a-zA-Z_:][a-zA-Z0-9_:]*, of labels without the colon; a name that is
// none, and a name used with two types, abort in debug builds and are left out otherwise.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/histogram.h"

namespace weir::telemetry {

inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

using Labels = std::vector<std::pair<std::string, std::string>>;  // Name and value, in the order written.

class Exposition {
 public:
  // `constant` are the labels that every series carries, before its own.
  explicit Exposition(Labels constant = {}) : constant_(std::move(constant)) {}

  void Counter(std::string_view name, std::string_view help, double value, const Labels& labels = {});
  void Gauge(std::string_view name, std::string_view help, double value, const Labels& labels = {});
  void Add(std::string_view name, std::string_view help, const Histogram& histogram,
           const Labels& labels = {});

  std::string Text() const;

 private:
  enum class Type : uint8_t { kCounter, kGauge, kHistogram };
  struct Series {
    double value = 0;
    std::optional<Histogram> histogram;
  };
  struct Family {
    Type type = Type::kCounter;
    std::string help;
    std::map<Labels, Series> series;
  };
  Series* Find(Type type, std::string_view name, std::string_view help, const Labels& labels);
  void WriteHistogram(const std::string& name, const Labels& labels, const Histogram& histogram,
                      std::string& text) const;
  void WriteLine(std::string_view name, const Labels& labels, const std::string& value,
                 std::string& text) const;

  const Labels constant_;
  std::map<std::string, Family, std::less<>> families_;
};

// The text forms, for tests and for whoever writes lines of its own.
std::string FormatValue(double value);                 // Shortest that reads back; NaN, +Inf, -Inf.
std::string EscapeLabelValue(std::string_view value);  // Backslash, quote, line feed; UTF-8 stays as it is.
std::string EscapeHelp(std::string_view help);         // Backslash, line feed.
bool IsMetricName(std::string_view name);
bool IsLabelName(std::string_view name);

}  // namespace weir::telemetry
