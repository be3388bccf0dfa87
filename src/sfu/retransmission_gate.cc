#include "sfu/retransmission_gate.h"

#include <algorithm>

namespace weir::sfu {

using base::TimeDelta;
using base::Timestamp;

namespace {
constexpr TimeDelta kWindow = TimeDelta::Seconds(10);
}  // namespace

void RetransmissionGate::OnRtt(TimeDelta rtt, Timestamp now) {
  if (window_start_.never() || now - window_start_ >= kWindow) {
    previous_min_ = current_min_;
    current_min_ = rtt;
    window_start_ = now;
    return;
  }
  current_min_ = std::min(current_min_, rtt);
}

TimeDelta RetransmissionGate::min_rtt() const {
  const TimeDelta least = std::min(current_min_, previous_min_);
  return least.infinite() ? config_.default_rtt : least;
}

bool RetransmissionGate::Admit(SentPacket& packet, size_t bytes, Timestamp now) {
  if (!refilled_.never()) {
    const int64_t micros = std::min((now - refilled_).micros(), int64_t{10'000'000});
    tokens_ = std::min(tokens_ + micros * config_.floor_per_second / 1'000'000, config_.burst);
  }
  refilled_ = now;
  const auto millis = static_cast<uint32_t>(now.millis());
  if (packet.resends > 0) {
    const TimeDelta wait = std::max(min_rtt() * 9 / 10, config_.min_wait);
    const auto since = TimeDelta::Millis(static_cast<int32_t>(millis - packet.resent_at));
    if (packet.resends >= config_.max_resends || since < wait || tokens_ <= 0) {
      return false;
    }
  }
  ++packet.resends;
  packet.resent_at = millis;
  tokens_ = std::max(tokens_ - static_cast<int64_t>(bytes), -config_.burst);
  return true;
}

}  // namespace weir::sfu
