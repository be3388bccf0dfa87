// Retransmission time-out from measured round trips: RFC 9260 section 6.3.1.
#pragma once

#include <algorithm>
#include <optional>

#include "base/time.h"

namespace weir::sctp {

class Rto {
 public:
  // `margin` is the least distance above the round trip: the peer may hold back its acknowledgement of a lone
  // packet by 200 ms, and calm round trips would let the time-out shrink below that.
  Rto(base::TimeDelta initial, base::TimeDelta min, base::TimeDelta max, base::TimeDelta margin)
      : min_(min), max_(max), margin_(margin), rto_(std::clamp(initial, min, max)) {}

  // `rtt` of something that was sent once only (Karn). Ends a backoff.
  void OnSample(base::TimeDelta rtt) {
    rtt = std::max(rtt, base::TimeDelta::Micros(1));
    if (!srtt_) {
      srtt_ = rtt;
      variation_ = rtt / 2;
    } else {
      const base::TimeDelta error = rtt - *srtt_;
      const base::TimeDelta distance = error < base::TimeDelta() ? -error : error;
      variation_ = (variation_ * 3 + distance) / 4;
      srtt_ = (*srtt_ * 7 + rtt) / 8;
    }
    rto_ = std::clamp(*srtt_ + std::max(variation_ * 4, margin_), min_, max_);
  }
  void BackOff() { rto_ = std::min(rto_ * 2, max_); }

  base::TimeDelta rto() const { return rto_; }
  std::optional<base::TimeDelta> srtt() const { return srtt_; }

 private:
  base::TimeDelta min_;
  base::TimeDelta max_;
  base::TimeDelta margin_;
  base::TimeDelta rto_;
  std::optional<base::TimeDelta> srtt_;
  base::TimeDelta variation_;
};

}  // namespace weir::sctp
