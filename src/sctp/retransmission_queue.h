// What has been sent and is not yet cumulatively acknowledged: which of it is lost and sent again, how much
// may be in flight, and what partial reliability gives up (RFC 9260 sections 6 and 7, RFC 3758).
//
// It draws new fragments from the SendQueue as the windows allow. Loss is found by three reports of a chunk
// missing while chunks sent after it arrive, or by the T3 timer.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/time.h"
#include "sctp/congestion_window.h"
#include "sctp/packet.h"
#include "sctp/rto.h"
#include "sctp/send_queue.h"
#include "sctp/tsn.h"

namespace weir::sctp {

class RetransmissionQueue {
 public:
  // Chunks outstanding at most: gap blocks reach 65535 ahead, and a scan per SACK must stay cheap.
  static constexpr size_t kMaxOutstanding = 8192;

  struct Counters {
    uint64_t retransmitted = 0;
    uint64_t abandoned = 0;  // Messages.
    uint64_t fast_recoveries = 0;
  };

  RetransmissionQueue(size_t mtu, size_t max_burst, SendQueue& send_queue, Rto& rto);

  void Start(uint32_t initial_tsn, uint32_t peer_window, bool peer_has_forward_tsn);

  enum class SackOutcome : uint8_t {
    kStale,    // Older than one seen before.
    kInvalid,  // Acknowledges what was never sent.
    kAlive,    // Nothing new, but the peer answers our zero-window probes.
    kNoChange,
    kProgress,
  };
  SackOutcome OnSack(base::Timestamp now, const Sack& sack);
  // The acknowledgement inside a SHUTDOWN, which says nothing about gaps and windows.
  SackOutcome OnCumulativeAck(base::Timestamp now, uint32_t cumulative_tsn);
  void OnTimeout(base::Timestamp now);  // T3-rtx; only at deadline().
  base::Timestamp deadline() const { return deadline_; }

  // Whether Next would give something, into an empty packet.
  bool HasWork(base::Timestamp now) const {
    return window_.Allows(in_flight_) && (lost_ > 0 || send_queue_.HasData(now));
  }
  // The next DATA chunk that may be sent now into a packet with `room` left, which counts it as sent. The
  // payload is a view that lives until the next call.
  std::optional<Data> Next(base::Timestamp now, size_t room);
  void EndPacket() { fast_retransmit_packet_ = false; }
  std::optional<ForwardTsn> NextForwardTsn(base::Timestamp now);

  Tsn next_tsn() const { return next_tsn_; }
  bool empty() const { return sent_.empty(); }
  size_t in_flight() const { return in_flight_; }
  size_t congestion_window() const { return window_.bytes(); }
  const Counters& counters() const { return counters_; }

 private:
  enum class State : uint8_t { kInFlight, kLost, kAcked, kAbandoned };
  struct Sent {
    Fragment fragment;
    State state = State::kInFlight;
    uint8_t misses = 0;
    uint16_t transmissions = 1;
    uint64_t order = 0;  // Of its latest transmission among all.
    base::Timestamp sent_at;
  };
  struct Newly {  // What one SACK acknowledged for the first time.
    size_t bytes = 0;
    Tsn highest = -1;
    uint64_t latest_order = 0;  // Of chunks sent once: later ones than that are not missing yet.
    std::optional<base::TimeDelta> rtt;
  };

  Tsn tsn(size_t index) const { return cumulative_ + 1 + static_cast<Tsn>(index); }
  void SetState(Sent& sent, State state);
  void CountAcked(base::Timestamp now, Tsn tsn, const Sent& sent, Newly& newly);
  void AckCumulative(base::Timestamp now, Tsn cumulative, Newly& newly);
  void AckGaps(base::Timestamp now, const Sack& sack, Newly& newly);
  bool CountMisses(base::Timestamp now, const Sack& sack, const Newly& newly, bool advanced);
  void Lose(base::Timestamp now, size_t index);
  bool GivesUp(base::Timestamp now, const Sent& sent) const;
  void Abandon(size_t index);
  void AbandonRest(const Fragment& rest);
  void AppendPlaceholder(const Fragment& message);
  void AdvanceForwardPoint();
  std::optional<Data> NextLost(base::Timestamp now, size_t room);
  std::optional<Data> NextNew(base::Timestamp now, size_t room);
  Data Transmit(base::Timestamp now, size_t index);

  const size_t mtu_;
  SendQueue& send_queue_;
  Rto& rto_;
  CongestionWindow window_;
  bool forward_tsn_ = false;

  std::deque<Sent> sent_;  // sent_[i] has TSN cumulative_ + 1 + i.
  Tsn cumulative_ = 0;
  Tsn next_tsn_ = 1;
  size_t in_flight_ = 0;
  size_t lost_ = 0;   // Chunks in that state.
  size_t acked_ = 0;  // Chunks in that state.
  size_t peer_window_ = 0;
  uint64_t next_order_ = 1;
  std::optional<Tsn> recovery_exit_;  // In fast recovery until this TSN is acknowledged.
  bool fast_retransmit_packet_ = false;
  base::Timestamp deadline_ = base::Timestamp::Infinity();
  base::Timestamp last_sent_ = base::Timestamp::Never();

  Tsn forward_point_ = 0;  // RFC 3758's Advanced.Peer.Ack.Point.
  bool forward_due_ = false;
  base::Timestamp forward_sent_ = base::Timestamp::Never();
  Counters counters_;
};

}  // namespace weir::sctp
