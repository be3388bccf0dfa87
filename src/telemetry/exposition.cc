#include "telemetry/exposition.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>

namespace weir::telemetry {
namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string Escape(std::string_view text, bool quotes) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    if (c == '\n') {
      escaped += "\\n";
    } else if (c == '\\' || (quotes && c == '"')) {
      escaped += '\\';
      escaped += c;
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string FormatValue(double value) {
  if (std::isnan(value)) {
    return "NaN";
  }
  if (std::isinf(value)) {
    return value > 0 ? "+Inf" : "-Inf";
  }
  char buffer[32];
  constexpr double kExactIntegers = 9007199254740992.0;  // 2^53
  if (value == std::floor(value) && std::abs(value) <= kExactIntegers) {
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, static_cast<int64_t>(value)).ptr;
    return {buffer, end};
  }
  // Plain where a person would write it so: 0.0001 rather than 1e-04.
  const double size = std::abs(value);
  const auto format = size >= 1e-6 && size < 1e15 ? std::chars_format::fixed : std::chars_format::scientific;
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value, format).ptr};
}

std::string EscapeLabelValue(std::string_view value) { return Escape(value, /*quotes=*/true); }
std::string EscapeHelp(std::string_view help) { return Escape(help, /*quotes=*/false); }

bool IsMetricName(std::string_view name) {
  return !name.empty() && !IsDigit(name.front()) &&
         std::ranges::all_of(name, [](char c) { return IsLetter(c) || IsDigit(c) || c == ':'; });
}

bool IsLabelName(std::string_view name) {
  return !name.empty() && !IsDigit(name.front()) && !name.starts_with("__") &&
         std::ranges::all_of(name, [](char c) { return IsLetter(c) || IsDigit(c); });
}

Exposition::Series* Exposition::Find(Type type, std::string_view name, std::string_view help,
                                     const Labels& labels) {
  const bool named = IsMetricName(name) &&
                     std::ranges::all_of(labels, [](const auto& label) { return IsLabelName(label.first); });
  auto found = families_.find(name);
  if (named && found == families_.end()) {
    found = families_.emplace(std::string(name), Family{type, std::string(help), {}}).first;
  }
  const bool usable = named && found->second.type == type;
  assert(usable);
  if (!usable) {
    return nullptr;
  }
  return &found->second.series[labels];
}

void Exposition::Counter(std::string_view name, std::string_view help, double value, const Labels& labels) {
  if (Series* series = Find(Type::kCounter, name, help, labels)) {
    series->value += value;
  }
}

void Exposition::Gauge(std::string_view name, std::string_view help, double value, const Labels& labels) {
  if (Series* series = Find(Type::kGauge, name, help, labels)) {
    series->value += value;
  }
}

void Exposition::Add(std::string_view name, std::string_view help, const Histogram& histogram,
                     const Labels& labels) {
  Series* series = Find(Type::kHistogram, name, help, labels);
  if (series == nullptr) {
    return;
  }
  if (series->histogram) {
    series->histogram->Add(histogram);
  } else {
    series->histogram = histogram;
  }
}

void Exposition::WriteLine(std::string_view name, const Labels& labels, const std::string& value,
                           std::string& text) const {
  text += name;
  char separator = '{';
  for (const Labels* some : {&constant_, &labels}) {
    for (const auto& [label, label_value] : *some) {
      text += separator;
      text += label + "=\"" + EscapeLabelValue(label_value) + '"';
      separator = ',';
    }
  }
  text += separator == ',' ? "} " : " ";
  text += value + '\n';
}

// Buckets of the text are cumulative.
void Exposition::WriteHistogram(const std::string& name, const Labels& labels, const Histogram& histogram,
                                std::string& text) const {
  Labels with_bound = labels;
  with_bound.emplace_back("le", "");
  uint64_t count = 0;
  for (size_t i = 0; i < histogram.buckets().size(); ++i) {
    count += histogram.buckets()[i];
    with_bound.back().second = i < histogram.bounds().size() ? FormatValue(histogram.bounds()[i]) : "+Inf";
    WriteLine(name + "_bucket", with_bound, FormatValue(static_cast<double>(count)), text);
  }
  WriteLine(name + "_sum", labels, FormatValue(histogram.sum()), text);
  WriteLine(name + "_count", labels, FormatValue(static_cast<double>(count)), text);
}

std::string Exposition::Text() const {
  std::string text;
  for (const auto& [name, family] : families_) {
    constexpr std::string_view kTypes[] = {"counter", "gauge", "histogram"};
    text += "# HELP " + name + ' ' + EscapeHelp(family.help) + '\n';
    text += "# TYPE " + name + ' ' + std::string(kTypes[static_cast<size_t>(family.type)]) + '\n';
    for (const auto& [labels, series] : family.series) {
      if (series.histogram) {
        WriteHistogram(name, labels, *series.histogram, text);
      } else {
        WriteLine(name, labels, FormatValue(series.value), text);
      }
    }
  }
  return text;
}

}  // namespace weir::telemetry
