// One SCTP association inside DTLS: messages in and out of up to 65535 streams, RFC 9260 with partial
// reliability (RFC 3758) and stream reset (RFC 6525), as WebRTC data channels need it (RFC 8831).
//
// Sans-IO: feed decrypted packets to OnPacket, call OnTimeout at NextTimeout(), and after every call send
// what PollTransmit returns and handle what PollEvent returns, each until it is empty. Either side may call
// Connect, both may (simultaneous open); a side that never does answers. Not thread-safe.
//
// The peer is the one behind the DTLS handshake, so a packet with a foreign verification tag is dropped and
// never answered. An association ends once: after Closed nothing is sent and nothing is received. A peer
// that restarts its association ends it, too.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/counters.h"
#include "base/random.h"
#include "base/time.h"
#include "sctp/cookie.h"
#include "sctp/packet.h"
#include "sctp/reassembly.h"
#include "sctp/received_tsns.h"
#include "sctp/retransmission_queue.h"
#include "sctp/rto.h"
#include "sctp/send_options.h"
#include "sctp/send_queue.h"
#include "sctp/stream_reset.h"

namespace weir::sctp {

class Association {
 public:
  struct Config {
    uint16_t port = 5000;                      // a=sctp-port of our description, RFC 8841.
    uint16_t remote_port = 5000;               // And of the peer's. Neither is checked on arrival.
    size_t mtu = 1180;                         // Largest packet, without DTLS, UDP and IP.
    size_t max_message_size = 262'144;         // Both directions; a longer one from the peer is a violation.
    size_t max_send_buffer = size_t{4} << 20;  // Unsent and unacknowledged bytes of all streams.
    size_t max_queued_messages = 16'384;       // Messages of which at least a part is unsent.
    size_t max_receive_buffer = size_t{2} << 20;  // Announced as window; includes events not yet polled.
    size_t max_events = 16'384;  // Unpolled; past it incoming data is dropped unacknowledged.
    size_t max_control = 32;     // Control chunks and packets waiting for PollTransmit.
    uint16_t streams = 1024;     // Each way; the peer may allow fewer.
    base::TimeDelta rto_initial = base::TimeDelta::Millis(500);
    base::TimeDelta rto_min = base::TimeDelta::Millis(200);
    base::TimeDelta rto_max = base::TimeDelta::Seconds(3);
    base::TimeDelta rto_margin = base::TimeDelta::Millis(220);  // Over the round trip: see Rto.
    base::TimeDelta delayed_ack = base::TimeDelta::Millis(200);
    base::TimeDelta heartbeat_interval = base::TimeDelta::Seconds(30);
    base::TimeDelta cookie_lifetime = base::TimeDelta::Seconds(60);
    int max_failures = 10;  // Consecutive unanswered retransmissions before Closed.
    size_t max_burst = 4;   // Packets beyond what is in flight that one SACK may release.
  };

  enum class State : uint8_t {
    kIdle,
    kCookieWait,
    kCookieEchoed,
    kEstablished,
    kShutdownReceived,  // The peer ends it; what is queued still goes out.
    kShutdownAckSent,
    kClosed,
  };

  struct Connected {
    uint16_t outgoing_streams = 0;
    uint16_t incoming_streams = 0;
  };
  struct Message {
    uint16_t stream = 0;
    uint32_t ppid = 0;
    base::Buffer bytes;
  };
  struct StreamReset {  // The peer has reset its outgoing stream: ours, incoming, starts anew.
    uint16_t stream = 0;
  };
  struct OutgoingReset {  // The answer to ResetStream.
    uint16_t stream = 0;
    bool performed = false;  // False: the peer refused it.
  };
  struct Closed {
    std::string reason;
  };
  using Event = std::variant<Connected, Message, StreamReset, OutgoingReset, Closed>;

  struct Counters {
    uint64_t packets_received = 0;
    uint64_t packets_sent = 0;
    uint64_t packets_malformed = 0;  // Not SCTP, bad checksum, wrong port, broken chunk.
    uint64_t packets_wrong_tag = 0;
    uint64_t chunks_unknown = 0;
    uint64_t chunks_unexpected = 0;  // Valid, but not in this state.
    uint64_t messages_sent = 0;      // Accepted by Send.
    uint64_t messages_received = 0;
    uint64_t messages_abandoned = 0;  // Partial reliability gave up on them.
    uint64_t messages_stale = 0;      // Ordered, but of a number that was skipped already.
    uint64_t sends_refused_full = 0;
    uint64_t sends_refused_other = 0;
    uint64_t data_retransmitted = 0;  // Chunks.
    uint64_t data_duplicate = 0;
    uint64_t data_dropped_full = 0;  // No receive buffer, or too many gaps; not acknowledged.
    uint64_t data_invalid_stream = 0;
    uint64_t control_dropped_full = 0;
    uint64_t retransmission_timeouts = 0;
    uint64_t fast_recoveries = 0;

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"packets_received", &Counters::packets_received},
          {"packets_sent", &Counters::packets_sent},
          {"packets_malformed", &Counters::packets_malformed},
          {"packets_wrong_tag", &Counters::packets_wrong_tag},
          {"chunks_unknown", &Counters::chunks_unknown},
          {"chunks_unexpected", &Counters::chunks_unexpected},
          {"messages_sent", &Counters::messages_sent},
          {"messages_received", &Counters::messages_received},
          {"messages_abandoned", &Counters::messages_abandoned},
          {"messages_stale", &Counters::messages_stale},
          {"sends_refused_full", &Counters::sends_refused_full},
          {"sends_refused_other", &Counters::sends_refused_other},
          {"data_retransmitted", &Counters::data_retransmitted},
          {"data_duplicate", &Counters::data_duplicate},
          {"data_dropped_full", &Counters::data_dropped_full},
          {"data_invalid_stream", &Counters::data_invalid_stream},
          {"control_dropped_full", &Counters::control_dropped_full},
          {"retransmission_timeouts", &Counters::retransmission_timeouts},
          {"fast_recoveries", &Counters::fast_recoveries},
      });
    }
  };

  Association(const Config& config, base::Random& random);
  Association(const Association&) = delete;
  Association& operator=(const Association&) = delete;

  // Sends INIT. Does nothing once a handshake runs or the association is over.
  void Connect(base::Timestamp now);
  void OnPacket(base::Timestamp now, base::ConstBytes packet);
  std::optional<base::Buffer> PollTransmit(base::Timestamp now);
  std::optional<Event> PollEvent();
  base::Timestamp NextTimeout() const;
  void OnTimeout(base::Timestamp now);

  // Before the association is up the message waits. The overload shares the bytes with other associations.
  SendStatus Send(base::Timestamp now, uint16_t stream, uint32_t ppid, base::ConstBytes bytes,
                  const SendOptions& options = {});
  SendStatus Send(base::Timestamp now, uint16_t stream, uint32_t ppid,
                  std::shared_ptr<const base::Buffer> bytes, const SendOptions& options = {});
  // Resets our outgoing stream after what is queued on it now has been sent; OutgoingReset tells the end.
  // Messages sent meanwhile wait for it. False: closed, no such stream, or the peer has no RFC 6525.
  bool ResetStream(base::Timestamp now, uint16_t stream);
  // Tells the peer (ABORT) and ends at once; queued messages are lost. No Closed event.
  void Close();

  State state() const { return state_; }
  bool connected() const { return state_ == State::kEstablished || state_ == State::kShutdownReceived; }
  // Bytes of messages that are neither acknowledged nor abandoned.
  size_t buffered_amount() const { return send_queue_.buffered(); }
  size_t buffered_amount(uint16_t stream) const { return send_queue_.buffered(stream); }
  uint16_t outgoing_streams() const { return outgoing_streams_; }  // Negotiated; Config's before.
  bool peer_supports_reset() const { return peer_capabilities_.reconfig; }
  bool peer_supports_partial_reliability() const { return peer_capabilities_.forward_tsn; }
  std::optional<base::TimeDelta> rtt() const { return rto_.srtt(); }
  size_t congestion_window() const { return outstanding_.congestion_window(); }
  Counters counters() const;

 private:
  // association_handshake.cc
  void OnInit(base::Timestamp now, const Packet& packet, const Chunk& chunk);
  void OnInitAck(base::Timestamp now, const Chunk& chunk);
  void OnCookieEcho(base::Timestamp now, const Packet& packet, const Chunk& chunk);
  void OnCookieAck(base::Timestamp now);
  void Adopt(const Cookie& cookie);
  void Establish(base::Timestamp now);
  void SendInit(base::Timestamp now);
  void SendCookieEcho(base::Timestamp now);
  void OnHandshakeTimeout(base::Timestamp now);
  bool TagMatches(const Packet& packet) const;

  // association_receive.cc
  enum class Next : uint8_t { kContinue, kStop };
  Next OnChunk(base::Timestamp now, const Packet& packet, const Chunk& chunk);
  Next OnUnknownChunk(const Chunk& chunk);
  void OnData(base::Timestamp now, const Chunk& chunk);
  void OnSack(base::Timestamp now, const Chunk& chunk);
  void OnAcknowledged(base::Timestamp now, RetransmissionQueue::SackOutcome outcome);
  void OnForwardTsn(base::Timestamp now, const Chunk& chunk);
  void OnHeartbeatAck(base::Timestamp now, const Chunk& chunk);
  void OnReconfig(base::Timestamp now, const Chunk& chunk);
  void OnShutdown(base::Timestamp now, const Chunk& chunk);
  void OnShutdownComplete();
  ReconfigResult OnOutgoingResetRequest(const OutgoingResetRequest& request);
  ReconfigResult OnAddOutgoing(const AddOutgoingStreams& request);
  void FinishReset(const StreamResets::Finished& finished);
  void ResetIncoming(std::span<const uint16_t> streams);
  void Deliver();
  void ScheduleSack(base::Timestamp now, bool immediately);
  bool HasRoom(Tsn tsn) const;
  uint32_t Window() const;

  // association.cc
  void QueueControl(base::Buffer chunk);
  void QueuePacket(uint32_t tag, base::ConstBytes chunk);
  PacketBuilder NewPacket(uint32_t tag) const;
  void Abort(std::string reason);
  SendStatus CheckSend(uint16_t stream, size_t size) const;
  void OnHeartbeatTimeout(base::Timestamp now);
  void End(std::string reason);
  bool CountFailure();  // True when it was the last: the association has ended.
  void AppendControl(PacketBuilder& builder);
  void AppendSack(base::Timestamp now, PacketBuilder& builder);
  void AppendReset(base::Timestamp now, PacketBuilder& builder);
  void AppendData(base::Timestamp now, PacketBuilder& builder);
  void MaybeFinishShutdown(base::Timestamp now);

  const Config config_;
  base::Random& random_;
  State state_ = State::kIdle;
  CookieJar cookies_;

  uint32_t local_tag_ = 0;
  uint32_t local_initial_tsn_ = 0;
  uint32_t peer_tag_ = 0;
  Capabilities peer_capabilities_;
  uint16_t outgoing_streams_;
  uint16_t incoming_streams_;
  base::Buffer echoed_cookie_;

  Rto rto_;
  SendQueue send_queue_;
  RetransmissionQueue outstanding_;
  ReceivedTsns received_;
  Reassembly reassembly_;
  StreamResets resets_;

  std::deque<base::Buffer> packets_;  // Complete, each with its own tag.
  std::deque<base::Buffer> control_;  // Chunks for the next packets to the peer.
  std::deque<Event> events_;
  size_t event_bytes_ = 0;

  bool sack_now_ = false;
  bool window_was_closed_ = false;
  int packets_since_sack_ = 0;
  int failures_ = 0;
  std::optional<uint64_t> heartbeat_;  // The nonce of the one in flight.
  bool any_data_ = false;              // The first DATA of all is acknowledged at once.
  base::Timestamp last_now_;           // Of the latest OnPacket or OnTimeout.
  base::Timestamp heartbeat_sent_ = base::Timestamp::Never();

  base::Timestamp handshake_deadline_ = base::Timestamp::Infinity();  // T1-init, T1-cookie and T2-shutdown.
  base::Timestamp sack_deadline_ = base::Timestamp::Infinity();
  base::Timestamp heartbeat_deadline_ = base::Timestamp::Infinity();
  Counters counters_;
};

}  // namespace weir::sctp
