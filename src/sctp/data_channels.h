// WebRTC data channels (RFC 8831, RFC 8832) over one association: names, ids, openings and closings.
//
// Sans-IO, as the Association that it owns: feed decrypted packets to OnPacket, call OnTimeout at
// NextTimeout(), and after every call drain PollTransmit and PollEvent. Not thread-safe.
//
// A channel is known by its SCTP stream id. Both sides may open channels: the DTLS client takes even ids, the
// server odd ones. Two channels may carry the same label; which of them counts is the owner's affair.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/counters.h"
#include "base/random.h"
#include "base/time.h"
#include "sctp/association.h"

namespace weir::sctp {

class DataChannels {
 public:
  // Never a channel's id (RFC 8832 section 6); Open returns it when no id or no room is left.
  static constexpr uint16_t kNoChannel = 65535;

  struct Config {
    Association::Config association;
    bool dtls_client = false;
    size_t max_channels = 64;      // Of both sides, those being closed included.
    size_t max_label_size = 1024;  // Of the label and of the protocol, each; a longer OPEN is refused.
    size_t max_events = 4096;      // Unpolled; the association keeps what does not fit, then drops.
  };
  struct ChannelConfig {
    std::string label;
    std::string protocol;
    bool ordered = true;
    std::optional<uint16_t> max_retransmits;  // At most one of these two.
    std::optional<base::TimeDelta> max_lifetime;
  };

  struct Opened {  // Ours: the peer has confirmed it. The peer's: it may be used.
    uint16_t channel = 0;
    std::string label;
    std::string protocol;
    bool ordered = true;
    bool remote = false;  // Opened by the other side.
  };
  struct Message {
    uint16_t channel = 0;
    bool binary = true;
    base::Buffer bytes;  // May be empty.
  };
  struct ChannelClosed {
    uint16_t channel = 0;
  };
  struct Closed {  // The association is over, and with it every channel.
    std::string reason;
  };
  using Event = std::variant<Opened, Message, ChannelClosed, Closed>;

  struct Counters {
    uint64_t opened = 0;         // By us or by the peer.
    uint64_t opens_refused = 0;  // By the peer: malformed, over a limit, id in use or of the wrong parity.
    uint64_t open_failures = 0;  // By us: no id left, label too long, closed.
    uint64_t sends_dropped_full = 0;
    uint64_t sends_refused = 0;  // Not open, too large.
    uint64_t messages_sent = 0;
    uint64_t messages_received = 0;
    uint64_t messages_dropped = 0;  // For no channel, or with an unknown PPID.
    uint64_t control_malformed = 0;

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"opened", &Counters::opened},
          {"opens_refused", &Counters::opens_refused},
          {"open_failures", &Counters::open_failures},
          {"sends_dropped_full", &Counters::sends_dropped_full},
          {"sends_refused", &Counters::sends_refused},
          {"messages_sent", &Counters::messages_sent},
          {"messages_received", &Counters::messages_received},
          {"messages_dropped", &Counters::messages_dropped},
          {"control_malformed", &Counters::control_malformed},
      });
    }
  };

  DataChannels(const Config& config, base::Random& random);

  void Start(base::Timestamp now);
  void OnPacket(base::Timestamp now, base::ConstBytes packet);
  std::optional<base::Buffer> PollTransmit(base::Timestamp now) { return association_.PollTransmit(now); }
  std::optional<Event> PollEvent();
  base::Timestamp NextTimeout() const { return association_.NextTimeout(); }
  void OnTimeout(base::Timestamp now);

  // May be called before the association is up, and messages may be sent at once.
  uint16_t Open(base::Timestamp now, const ChannelConfig& config);
  // False: the buffer is full (dropped, counted), the message too large, or the channel not open.
  bool Send(base::Timestamp now, uint16_t channel, base::ConstBytes bytes, bool binary = true);
  // The same for one message to many peers: no copy. `bytes` must not be null.
  bool Send(base::Timestamp now, uint16_t channel, std::shared_ptr<const base::Buffer> bytes,
            bool binary = true);
  // Lets what is queued go out first. ChannelClosed follows when both directions are reset.
  void CloseChannel(base::Timestamp now, uint16_t channel);
  void Close();  // ABORT; no event.

  bool is_open(uint16_t channel) const;
  size_t buffered_amount(uint16_t channel) const { return association_.buffered_amount(channel); }
  bool connected() const { return association_.connected(); }
  const Counters& counters() const { return counters_; }
  const Association& association() const { return association_; }

 private:
  enum class State : uint8_t { kOpening, kOpen, kClosing };
  struct Channel {
    State state = State::kOpening;
    ChannelConfig config;
    bool outgoing_reset = false;  // While kClosing: done.
    bool incoming_reset = false;
  };

  void Drain(base::Timestamp now);
  void OnConnected(const Association::Connected& connected);
  void OnMessage(base::Timestamp now, Association::Message message);
  void OnControl(base::Timestamp now, uint16_t stream, base::ConstBytes bytes);
  void OnOpen(base::Timestamp now, uint16_t stream, base::ConstBytes bytes);
  void OnStreamReset(base::Timestamp now, uint16_t stream);
  void OnOutgoingReset(base::Timestamp now, const Association::OutgoingReset& reset);
  void Refuse(base::Timestamp now, uint16_t stream);
  bool ResetOutgoing(base::Timestamp now, uint16_t stream);
  void MarkOpen(uint16_t stream, Channel& channel);
  void Remove(uint16_t stream);
  bool Finish(SendStatus status);
  Channel* SendableChannel(uint16_t channel);

  const Config config_;
  Association association_;
  std::map<uint16_t, Channel> channels_;
  std::set<uint16_t> resetting_;  // Outgoing reset not confirmed: the id must not be reused by us.
  std::deque<Event> events_;
  base::Timestamp last_now_;  // Of the latest call: PollEvent may move the association's events on.
  Counters counters_;
};

}  // namespace weir::sctp
