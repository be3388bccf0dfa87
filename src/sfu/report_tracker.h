// What a down track knows from the reports between it and its subscriber: loss, jitter and round trip from
// receiver reports, measured against the sender reports that it remembers (their NTP time is the publisher's,
// so it cannot be compared with our clock), and the schedule of those (sfu.md DT-2).
//
// Sans-IO, not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/random.h"
#include "base/time.h"
#include "rtcp/packets.h"

namespace weir::sfu {

class ReportTracker {
 public:
  explicit ReportTracker(base::Random& random) : random_(random) {}

  void OnFirstPacket(base::Timestamp now);
  void OnSenderReport(base::Timestamp now, uint64_t ntp, bool audio);
  // After a switch that was aligned without sender reports.
  void HurrySenderReport(base::Timestamp now);
  // There was nothing to report yet: try again soon.
  void Postpone(base::Timestamp now);
  base::Timestamp first_packet() const { return first_packet_; }  // Infinity before it.
  base::Timestamp next_sender_report() const { return next_; }

  // A round trip, when the block allows to measure one.
  std::optional<base::TimeDelta> OnReportBlock(base::Timestamp now, const rtcp::ReportBlock& block);

  std::optional<base::TimeDelta> rtt() const { return rtt_; }  // Smoothed.
  double fraction_lost() const { return fraction_lost_; }      // 0 to 1, of the last report.
  int32_t cumulative_lost() const { return cumulative_lost_; }
  uint32_t jitter() const { return jitter_; }
  base::Timestamp last_report() const { return last_report_; }

 private:
  struct Sent {
    uint32_t ntp = 0;
    base::Timestamp at = base::Timestamp::Never();
  };
  base::Random& random_;
  std::array<Sent, 16> sent_ = {};
  size_t next_slot_ = 0;
  base::Timestamp first_packet_ = base::Timestamp::Infinity();
  base::Timestamp next_ = base::Timestamp::Infinity();
  std::optional<base::TimeDelta> rtt_;
  double fraction_lost_ = 0;
  int32_t cumulative_lost_ = 0;
  uint32_t jitter_ = 0;
  base::Timestamp last_report_ = base::Timestamp::Never();
};

}  // namespace weir::sfu
