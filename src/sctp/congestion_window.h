// How much may be in flight: slow start, congestion avoidance, and the halvings of RFC 9260 section 7.2, with
// its burst limit (section 6.1 D). Counts payload bytes; `mtu` is what a packet holds of them.
#pragma once

#include <cstddef>

namespace weir::sctp {

class CongestionWindow {
 public:
  CongestionWindow(size_t mtu, size_t max_burst)
      : mtu_(mtu), max_burst_(max_burst), window_(kInitialPackets * mtu) {}

  // The cumulative TSN moved outside of fast recovery. The window grows only if the sender was using it.
  void OnAcked(size_t bytes_acked, size_t in_flight_before);
  void OnFastRetransmit();
  void OnTimeout();
  void OnIdle();  // Nothing was sent for a whole RTO.
  // One SACK may release so much beyond what is in flight now.
  void LimitBurst(size_t in_flight) { burst_limit_ = in_flight + max_burst_ * mtu_; }

  bool Allows(size_t in_flight) const {
    return in_flight == 0 || (in_flight < window_ && in_flight < burst_limit_);
  }
  size_t bytes() const { return window_; }

 private:
  // RFC 6928's ten segments, as other WebRTC stacks start; the RFC's 4380 bytes delay the first big message.
  static constexpr size_t kInitialPackets = 10;
  static constexpr size_t kMinThresholdPackets = 4;

  size_t Halved() const;

  const size_t mtu_;
  const size_t max_burst_;
  size_t window_;
  size_t threshold_ = static_cast<size_t>(-1);  // Slow start below it.
  size_t partial_acked_ = 0;
  size_t burst_limit_ = static_cast<size_t>(-1);
};

}  // namespace weir::sctp
