#include "sctp/congestion_window.h"

#include <algorithm>

namespace weir::sctp {

void CongestionWindow::OnAcked(size_t bytes_acked, size_t in_flight_before) {
  const bool in_use = in_flight_before + mtu_ > window_;
  if (window_ <= threshold_) {
    partial_acked_ = 0;
    window_ += in_use ? std::min(bytes_acked, mtu_) : 0;
    return;
  }
  partial_acked_ += bytes_acked;
  if (partial_acked_ >= window_ && in_use) {
    partial_acked_ -= window_;
    window_ += mtu_;
  }
  partial_acked_ = std::min(partial_acked_, window_);
}

size_t CongestionWindow::Halved() const { return std::max(window_ / 2, kMinThresholdPackets * mtu_); }

void CongestionWindow::OnFastRetransmit() {
  threshold_ = Halved();
  window_ = threshold_;
  partial_acked_ = 0;
}

void CongestionWindow::OnTimeout() {
  threshold_ = Halved();
  window_ = mtu_;
  partial_acked_ = 0;
}

void CongestionWindow::OnIdle() {
  window_ = std::max(window_ / 2, std::min(window_, kInitialPackets * mtu_));
  burst_limit_ = static_cast<size_t>(-1);
}

}  // namespace weir::sctp
