// How the RTP time of one received stream relates to the publisher's NTP time (by sender reports) and to our
// own clock (by the least delayed packets of the last two seconds): sfu.md 3.4, levels 1 and 2.
//
// "Media time" is the extended RTP timestamp in microseconds. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace weir::sfu {

class StreamTimeline {
 public:
  void SetClockRate(uint32_t rate) { clock_rate_ = rate; }
  uint32_t clock_rate() const { return clock_rate_; }
  // A packet that is neither late nor a repair.
  void OnPacket(int64_t timestamp, base::Timestamp arrival);
  // `timestamp` extended like those of the packets.
  void OnSenderReport(uint64_t ntp, int64_t timestamp, base::Timestamp arrival);
  void Reset();  // The stream restarted.

  // Publisher's NTP time minus media time, when a report younger than 30 s that agrees with the one before
  // exists.
  std::optional<int64_t> SenderOffset(base::Timestamp now) const;
  // Our monotonic time minus media time for the fastest packets; nothing before the first packet.
  std::optional<int64_t> ArrivalOffset() const;

  struct Report {
    uint64_t ntp = 0;
    int64_t timestamp = 0;
    base::Timestamp arrival = base::Timestamp::Never();
  };
  const std::optional<Report>& last_report() const { return report_; }

  int64_t MediaMicros(int64_t timestamp) const {
    const int64_t rate = clock_rate_;
    return timestamp / rate * 1'000'000 + timestamp % rate * 1'000'000 / rate;
  }
  int64_t TicksOf(int64_t micros) const {
    return micros / 1'000'000 * clock_rate_ + micros % 1'000'000 * clock_rate_ / 1'000'000;
  }

 private:
  struct Window {
    int64_t least = INT64_MAX;
    base::Timestamp start = base::Timestamp::Never();
  };
  uint32_t clock_rate_ = 90'000;
  std::optional<Report> report_;
  bool report_agrees_ = true;
  Window current_;
  Window previous_;
};

// Microseconds since 1900 of a 64-bit NTP timestamp, and back.
int64_t NtpMicros(uint64_t ntp);
uint64_t NtpFromMicros(int64_t micros);

}  // namespace weir::sfu
