#include "sctp/retransmission_queue.h"

#include <algorithm>
#include <map>

namespace weir::sctp {
namespace {

constexpr uint8_t kMissesUntilLost = 3;  // RFC 9260 section 7.2.4.

}  // namespace

RetransmissionQueue::RetransmissionQueue(size_t mtu, size_t max_burst, SendQueue& send_queue, Rto& rto)
    : mtu_(mtu),
      send_queue_(send_queue),
      rto_(rto),
      window_(mtu - kPacketHeaderSize - kDataHeaderSize, max_burst) {}

void RetransmissionQueue::Start(uint32_t initial_tsn, uint32_t peer_window, bool peer_has_forward_tsn) {
  next_tsn_ = FirstTsn(initial_tsn);
  cumulative_ = next_tsn_ - 1;
  forward_point_ = cumulative_;
  peer_window_ = peer_window;
  forward_tsn_ = peer_has_forward_tsn;
}

void RetransmissionQueue::SetState(Sent& sent, State state) {
  in_flight_ -= sent.state == State::kInFlight ? sent.fragment.size : 0;
  lost_ -= sent.state == State::kLost ? 1 : 0;
  acked_ -= sent.state == State::kAcked ? 1 : 0;
  sent.state = state;
  in_flight_ += state == State::kInFlight ? sent.fragment.size : 0;
  lost_ += state == State::kLost ? 1 : 0;
  acked_ += state == State::kAcked ? 1 : 0;
}

RetransmissionQueue::SackOutcome RetransmissionQueue::OnSack(base::Timestamp now, const Sack& sack) {
  const Tsn cumulative = UnwrapTsn(cumulative_, sack.cumulative_tsn);
  if (cumulative < cumulative_) {
    return SackOutcome::kStale;
  }
  const Tsn highest = cumulative + (sack.gaps.empty() ? 0 : sack.gaps.back().second);
  if (highest >= next_tsn_) {
    return SackOutcome::kInvalid;
  }
  const size_t in_flight_before = in_flight_;
  const bool advanced = cumulative > cumulative_;
  Newly newly;
  AckCumulative(now, cumulative, newly);
  AckGaps(now, sack, newly);
  if (newly.rtt) {
    rto_.OnSample(*newly.rtt);
  }
  if (recovery_exit_ && cumulative_ >= *recovery_exit_) {
    recovery_exit_.reset();
  }
  if (advanced && !recovery_exit_) {
    window_.OnAcked(newly.bytes, in_flight_before);
  }
  if (CountMisses(now, sack, newly, advanced) && !recovery_exit_) {
    window_.OnFastRetransmit();
    recovery_exit_ = next_tsn_ - 1;
    fast_retransmit_packet_ = true;
    ++counters_.fast_recoveries;
  }
  const bool closed_before = peer_window_ == 0;
  peer_window_ = sack.window > in_flight_ ? sack.window - in_flight_ : 0;
  window_.LimitBurst(in_flight_);
  AdvanceForwardPoint();
  if (forward_point_ > cumulative_ && now - forward_sent_ >= rto_.srtt().value_or(rto_.rto())) {
    forward_due_ = true;  // RFC 3758 section 3.5 C3, at most once a round trip.
  }
  const bool waiting = in_flight_ > 0 || forward_point_ > cumulative_;
  if (!waiting) {
    deadline_ = base::Timestamp::Infinity();
  } else if (advanced || deadline_.infinite()) {
    deadline_ = now + rto_.rto();
  }
  if (advanced || newly.bytes > 0) {
    return SackOutcome::kProgress;
  }
  return closed_before || sack.window == 0 ? SackOutcome::kAlive : SackOutcome::kNoChange;
}

RetransmissionQueue::SackOutcome RetransmissionQueue::OnCumulativeAck(base::Timestamp now,
                                                                      uint32_t cumulative_tsn) {
  const Tsn cumulative = UnwrapTsn(cumulative_, cumulative_tsn);
  Sack sack{.cumulative_tsn = cumulative_tsn,
            .window = static_cast<uint32_t>(peer_window_ + in_flight_),
            .gaps = {},
            .duplicates = {}};
  for (size_t i = 0; i < sent_.size(); ++i) {
    if (tsn(i) > cumulative && sent_[i].state == State::kAcked) {
      const auto offset = static_cast<uint16_t>(tsn(i) - cumulative);
      sack.gaps.emplace_back(offset, offset);
    }
  }
  return OnSack(now, sack);
}

void RetransmissionQueue::CountAcked(base::Timestamp now, Tsn tsn, const Sent& sent, Newly& newly) {
  newly.bytes += sent.fragment.size;
  newly.highest = std::max(newly.highest, tsn);
  if (sent.transmissions == 1) {
    newly.latest_order = std::max(newly.latest_order, sent.order);
    newly.rtt = now - sent.sent_at;  // The last one counted is the latest sent.
  }
}

void RetransmissionQueue::AckCumulative(base::Timestamp now, Tsn cumulative, Newly& newly) {
  for (; cumulative_ < cumulative; ++cumulative_) {
    Sent& sent = sent_.front();
    if (sent.state == State::kInFlight || sent.state == State::kLost) {
      CountAcked(now, tsn(0), sent, newly);
    }
    if (sent.state != State::kAbandoned) {
      send_queue_.Release(sent.fragment.stream, sent.fragment.size);
    }
    SetState(sent, State::kAbandoned);
    sent_.pop_front();
  }
  forward_point_ = std::max(forward_point_, cumulative_);
}

void RetransmissionQueue::AckGaps(base::Timestamp now, const Sack& sack, Newly& newly) {
  if (sack.gaps.empty() && acked_ == 0) {
    return;
  }
  auto gap = sack.gaps.begin();
  for (size_t i = 0; i < sent_.size(); ++i) {
    while (gap != sack.gaps.end() && gap->second < i + 1) {
      ++gap;
    }
    if (gap == sack.gaps.end() && acked_ == 0) {
      return;
    }
    const bool reported = gap != sack.gaps.end() && gap->first <= i + 1;
    Sent& sent = sent_[i];
    if (reported && (sent.state == State::kInFlight || sent.state == State::kLost)) {
      CountAcked(now, tsn(i), sent, newly);
      SetState(sent, State::kAcked);
    } else if (!reported && sent.state == State::kAcked) {
      sent.misses = 0;  // The receiver took it back (section 6.2.1 D iv), or this SACK was overtaken.
      SetState(sent, State::kInFlight);
    }
  }
}

// True when a chunk was found to be lost.
bool RetransmissionQueue::CountMisses(base::Timestamp now, const Sack& sack, const Newly& newly,
                                      bool advanced) {
  if (sack.gaps.empty()) {
    return false;
  }
  // In fast recovery any advance counts against all that is reported missing (section 7.2.4).
  const Tsn limit = recovery_exit_ && advanced ? cumulative_ + sack.gaps.back().second : newly.highest;
  bool any = false;
  for (size_t i = 0; i < sent_.size() && tsn(i) < limit; ++i) {
    Sent& sent = sent_[i];
    // A retransmission is missing only when something sent after it arrived.
    const bool overtaken = sent.transmissions == 1 || newly.latest_order > sent.order;
    if (sent.state == State::kInFlight && overtaken && ++sent.misses >= kMissesUntilLost) {
      Lose(now, i);
      any = true;
    }
  }
  return any;
}

bool RetransmissionQueue::GivesUp(base::Timestamp now, const Sent& sent) const {
  const Fragment& fragment = sent.fragment;
  return forward_tsn_ && (fragment.expires <= now ||
                          (fragment.max_retransmits && sent.transmissions > *fragment.max_retransmits));
}

void RetransmissionQueue::Lose(base::Timestamp now, size_t index) {
  Sent& sent = sent_[index];
  sent.misses = 0;
  SetState(sent, State::kLost);
  if (GivesUp(now, sent)) {
    Abandon(index);
  }
}

// Gives up the whole message, of which the chunk at `index` is a part.
void RetransmissionQueue::Abandon(size_t index) {
  const Fragment message = sent_[index].fragment;
  size_t first = index;
  while (first > 0 && sent_[first - 1].fragment.message == message.message) {
    --first;
  }
  for (size_t i = first; i < sent_.size() && sent_[i].fragment.message == message.message; ++i) {
    if (sent_[i].state != State::kAbandoned) {
      send_queue_.Release(message.stream, sent_[i].fragment.size);
      SetState(sent_[i], State::kAbandoned);
    }
  }
  ++counters_.abandoned;
  if (send_queue_.Discard(message.message)) {
    AppendPlaceholder(message);
  }
  AdvanceForwardPoint();
}

void RetransmissionQueue::AbandonRest(const Fragment& rest) {
  if (!sent_.empty() && sent_.back().fragment.message == rest.message) {
    Abandon(sent_.size() - 1);
    return;
  }
  ++counters_.abandoned;
  send_queue_.Discard(rest.message);
  AppendPlaceholder(rest);
  AdvanceForwardPoint();
}

// The peer may hold every fragment sent so far of a message that will not be finished. A TSN that is never
// sent stands for its end, so that FORWARD TSN has something to skip past it.
void RetransmissionQueue::AppendPlaceholder(const Fragment& message) {
  Sent placeholder{.fragment = message, .state = State::kAbandoned, .transmissions = 2};
  placeholder.fragment.size = 0;
  placeholder.fragment.bytes.reset();
  sent_.push_back(std::move(placeholder));
  ++next_tsn_;
}

void RetransmissionQueue::AdvanceForwardPoint() {
  for (size_t i = static_cast<size_t>(forward_point_ - cumulative_); i < sent_.size(); ++i) {
    if (sent_[i].state != State::kAbandoned) {
      break;
    }
    forward_point_ = tsn(i);
    forward_due_ = true;
  }
}

std::optional<ForwardTsn> RetransmissionQueue::NextForwardTsn(base::Timestamp now) {
  if (!forward_due_ || forward_point_ <= cumulative_) {
    forward_due_ = false;
    return std::nullopt;
  }
  const size_t max_streams = (mtu_ - kPacketHeaderSize - 8) / 4;
  std::map<uint16_t, uint16_t> skipped;
  Tsn point = cumulative_;
  for (size_t i = 0; tsn(i) <= forward_point_; ++i) {
    const Fragment& fragment = sent_[i].fragment;
    if (!fragment.unordered) {
      if (skipped.size() == max_streams && !skipped.contains(fragment.stream)) {
        break;
      }
      skipped[fragment.stream] = fragment.ssn;
    }
    point = tsn(i);
  }
  forward_due_ = false;
  forward_sent_ = now;
  if (deadline_.infinite()) {
    deadline_ = now + rto_.rto();
  }
  return ForwardTsn{WireTsn(point), {skipped.begin(), skipped.end()}};
}

void RetransmissionQueue::OnTimeout(base::Timestamp now) {
  deadline_ = base::Timestamp::Infinity();
  window_.OnTimeout();
  rto_.BackOff();
  recovery_exit_.reset();
  for (size_t i = 0; i < sent_.size(); ++i) {
    if (sent_[i].state == State::kInFlight) {
      Lose(now, i);
    }
  }
  forward_due_ = forward_point_ > cumulative_;
}

std::optional<Data> RetransmissionQueue::Next(base::Timestamp now, size_t room) {
  if (room <= kDataHeaderSize) {
    return std::nullopt;
  }
  room = (room - kDataHeaderSize) & ~size_t{3};
  if (lost_ > 0) {
    const std::optional<Data> again = NextLost(now, room);
    if (again || lost_ > 0) {
      return again;
    }
  }
  return NextNew(now, room);
}

std::optional<Data> RetransmissionQueue::NextLost(base::Timestamp now, size_t room) {
  if (!window_.Allows(in_flight_) && !fast_retransmit_packet_) {
    return std::nullopt;
  }
  for (size_t i = 0; i < sent_.size() && lost_ > 0; ++i) {
    if (sent_[i].state != State::kLost) {
      continue;
    }
    if (GivesUp(now, sent_[i])) {
      Abandon(i);
      continue;
    }
    if (sent_[i].fragment.size > room) {
      return std::nullopt;
    }
    SetState(sent_[i], State::kInFlight);
    sent_[i].transmissions = static_cast<uint16_t>(std::min(sent_[i].transmissions + 1, 0xffff));
    ++counters_.retransmitted;
    if (i == 0) {
      deadline_ = now + rto_.rto();
    }
    return Transmit(now, i);
  }
  return std::nullopt;
}

std::optional<Data> RetransmissionQueue::NextNew(base::Timestamp now, size_t room) {
  constexpr size_t kSmallestPiece = 256;  // Rather than a smaller first piece, a new packet.
  while (forward_tsn_) {
    const std::optional<Fragment> rest = send_queue_.ExpiredRest(now);
    if (!rest) {
      break;
    }
    AbandonRest(*rest);
  }
  if (!window_.Allows(in_flight_) || sent_.size() >= kMaxOutstanding || !send_queue_.HasData(now)) {
    return std::nullopt;
  }
  const size_t next = send_queue_.next_size();
  const size_t fitting = std::min(room, mtu_ - kPacketHeaderSize - kDataHeaderSize);
  if (next > fitting && fitting < kSmallestPiece) {
    return std::nullopt;
  }
  const size_t size = std::min(next, fitting);
  if (size > peer_window_ && in_flight_ > 0) {
    return std::nullopt;  // With nothing in flight one chunk probes the window (section 6.1 A).
  }
  if (in_flight_ == 0 && !last_sent_.never() && now - last_sent_ > rto_.rto()) {
    window_.OnIdle();
  }
  sent_.push_back(Sent{.fragment = send_queue_.Produce(size)});
  ++next_tsn_;
  in_flight_ += size;
  peer_window_ -= std::min(peer_window_, size);
  return Transmit(now, sent_.size() - 1);
}

Data RetransmissionQueue::Transmit(base::Timestamp now, size_t index) {
  Sent& sent = sent_[index];
  sent.sent_at = now;
  sent.order = next_order_++;
  sent.misses = 0;
  last_sent_ = now;
  if (deadline_.infinite()) {
    deadline_ = now + rto_.rto();
  }
  const Fragment& fragment = sent.fragment;
  Data data;
  data.flags = static_cast<uint8_t>((fragment.begins ? Data::kBegin : 0) | (fragment.ends ? Data::kEnd : 0) |
                                    (fragment.unordered ? Data::kUnordered : 0));
  data.tsn = WireTsn(tsn(index));
  data.stream = fragment.stream;
  data.ssn = fragment.ssn;
  data.ppid = fragment.ppid;
  data.payload = fragment.payload();
  return data;
}

}  // namespace weir::sctp
