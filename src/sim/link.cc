#include "sim/link.h"

#include <algorithm>

namespace weir::sim {

using base::TimeDelta;
using base::Timestamp;

namespace {

// A retransmission takes a round trip to notice and the way again, and never less than Linux's RTO.
TimeDelta TcpPenalty(TimeDelta delay) { return std::max(delay * 3, TimeDelta::Millis(200)); }

}  // namespace

size_t Link::queued_bytes(Timestamp now) const {
  if (config_.rate_bps == 0 || line_free_ <= now) {
    return 0;
  }
  return static_cast<size_t>((line_free_ - now).micros() * config_.rate_bps / 8'000'000);
}

TimeDelta Link::Jitter() {
  const int64_t span = config_.jitter.micros();
  return span <= 0 ? TimeDelta() : TimeDelta::Micros(random_.Below(static_cast<uint32_t>(span + 1)));
}

void Link::Send(Timestamp now, Datagram datagram) {
  ++counters_.sent;
  const bool tcp = datagram.path.protocol == net::Protocol::kTcp;
  const bool lost = Chance(config_.loss);
  if (lost && !tcp) {
    ++counters_.lost;
    return;
  }
  Timestamp departure = now;
  if (config_.rate_bps > 0) {
    if (!tcp && queued_bytes(now) + datagram.bytes.size() > config_.queue_bytes) {
      ++counters_.queue_dropped;
      return;
    }
    const auto bits = static_cast<int64_t>(datagram.bytes.size()) * 8;
    line_free_ = std::max(line_free_, now) + TimeDelta::Micros(bits * 1'000'000 / config_.rate_bps);
    departure = line_free_;
  }
  Timestamp arrival = departure + config_.delay + Jitter();
  if (tcp) {
    arrival = std::max(last_tcp_arrival_, arrival + (lost ? TcpPenalty(config_.delay) : TimeDelta()));
    last_tcp_arrival_ = arrival;
  } else if (!config_.reorder) {
    arrival = std::max(last_arrival_, arrival);
    last_arrival_ = arrival;
  }
  if (!tcp && Chance(config_.duplicate)) {
    ++counters_.duplicated;
    Fly(std::max(arrival, departure + config_.delay + Jitter()), datagram);
  }
  Fly(arrival, std::move(datagram));
}

void Link::Fly(Timestamp arrival, Datagram datagram) {
  flying_.emplace(std::pair(arrival, next_order_++), std::move(datagram));
}

std::optional<Datagram> Link::Poll(Timestamp now) {
  if (NextTimeout() > now) {
    return std::nullopt;
  }
  Datagram datagram = std::move(flying_.begin()->second);
  flying_.erase(flying_.begin());
  ++counters_.delivered;
  counters_.delivered_bytes += datagram.bytes.size();
  return datagram;
}

}  // namespace weir::sim
