#include "sfu/report_tracker.h"

#include <algorithm>

#include "rtcp/ntp.h"

namespace weir::sfu {

using base::TimeDelta;
using base::Timestamp;

namespace {
constexpr TimeDelta kFirstReport = TimeDelta::Millis(100);
constexpr TimeDelta kEarlyPhase = TimeDelta::Seconds(5);
constexpr TimeDelta kMaxRtt = TimeDelta::Seconds(60);
}  // namespace

void ReportTracker::OnFirstPacket(Timestamp now) {
  first_packet_ = now;
  next_ = now + kFirstReport;
}

void ReportTracker::HurrySenderReport(Timestamp now) { next_ = std::min(next_, now); }

void ReportTracker::Postpone(Timestamp now) { next_ = now + kFirstReport; }

void ReportTracker::OnSenderReport(Timestamp now, uint64_t ntp, bool audio) {
  sent_[next_slot_] = Sent{.ntp = rtcp::CompactNtp(ntp), .at = now};
  next_slot_ = (next_slot_ + 1) % sent_.size();
  const bool early = now - first_packet_ < kEarlyPhase;
  const int64_t base = early || !audio ? 1'000'000 : 2'000'000;
  // Spread by a fifth either way, so that streams do not report in step.
  next_ = now + TimeDelta::Micros(base * 4 / 5 + random_.Below(static_cast<uint32_t>(base * 2 / 5)));
}

std::optional<TimeDelta> ReportTracker::OnReportBlock(Timestamp now, const rtcp::ReportBlock& block) {
  fraction_lost_ = block.fraction_lost / 256.0;
  cumulative_lost_ = block.cumulative_lost;
  jitter_ = block.jitter;
  last_report_ = now;
  if (block.last_sr == 0) {
    return std::nullopt;
  }
  for (const Sent& sent : sent_) {
    if (sent.at.never() || sent.ntp != block.last_sr) {
      continue;
    }
    const TimeDelta rtt = now - sent.at - rtcp::DeltaFromCompactNtp(block.delay_since_last_sr);
    if (rtt > kMaxRtt || rtt < -TimeDelta::Millis(10)) {
      return std::nullopt;
    }
    const TimeDelta sample = std::max(rtt, TimeDelta());
    rtt_ = rtt_ ? TimeDelta::Micros((rtt_->micros() * 7 + sample.micros()) / 8) : sample;
    return sample;
  }
  return std::nullopt;
}

}  // namespace weir::sfu
