#include "sfu/stream_timeline.h"

#include <algorithm>
#include <cstdlib>

namespace weir::sfu {

using base::TimeDelta;
using base::Timestamp;

namespace {
constexpr TimeDelta kHalfWindow = TimeDelta::Seconds(1);
constexpr TimeDelta kMaxReportAge = TimeDelta::Seconds(30);
constexpr int64_t kMaxDisagreement = 20'000;  // Microseconds.
}  // namespace

void StreamTimeline::OnPacket(int64_t timestamp, Timestamp arrival) {
  const int64_t offset = arrival.micros() - MediaMicros(timestamp);
  if (current_.start.never() || arrival - current_.start >= kHalfWindow) {
    previous_ = arrival - current_.start < kHalfWindow * 2 ? current_ : Window();
    current_ = Window{.least = offset, .start = arrival};
    return;
  }
  current_.least = std::min(current_.least, offset);
}

void StreamTimeline::OnSenderReport(uint64_t ntp, int64_t timestamp, Timestamp arrival) {
  if (report_) {
    const int64_t before = NtpMicros(report_->ntp) - MediaMicros(report_->timestamp);
    const int64_t now = NtpMicros(ntp) - MediaMicros(timestamp);
    report_agrees_ = std::abs(now - before) < kMaxDisagreement;
  }
  report_ = Report{.ntp = ntp, .timestamp = timestamp, .arrival = arrival};
}

void StreamTimeline::Reset() {
  report_.reset();
  report_agrees_ = true;
  current_ = Window();
  previous_ = Window();
}

std::optional<int64_t> StreamTimeline::SenderOffset(Timestamp now) const {
  if (!report_ || !report_agrees_ || now - report_->arrival > kMaxReportAge) {
    return std::nullopt;
  }
  return NtpMicros(report_->ntp) - MediaMicros(report_->timestamp);
}

std::optional<int64_t> StreamTimeline::ArrivalOffset() const {
  const int64_t least = std::min(current_.least, previous_.least);
  return least == INT64_MAX ? std::nullopt : std::optional(least);
}

int64_t NtpMicros(uint64_t ntp) {
  const auto seconds = static_cast<int64_t>(ntp >> 32);
  const auto fraction = static_cast<int64_t>(((ntp & 0xffffffff) * 1'000'000) >> 32);
  return seconds * 1'000'000 + fraction;
}

uint64_t NtpFromMicros(int64_t micros) {
  const int64_t clamped = std::max<int64_t>(micros, 0);
  const auto seconds = static_cast<uint64_t>(clamped / 1'000'000);
  const auto fraction = ((static_cast<uint64_t>(clamped % 1'000'000) << 32) + 999'999) / 1'000'000;
  return (seconds << 32) + fraction;
}

}  // namespace weir::sfu
