// Puts fragments together into messages and ordered messages into order (RFC 9260 section 6.5, 6.6, 6.9).
//
// The fragments of a message have consecutive TSNs. So partial messages are kept as runs of TSNs, whatever
// their stream: a run from a first to a last fragment is a message. Callers see each TSN once
// (ReceivedTsns), and check buffered() against their limit before they add.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "sctp/packet.h"
#include "sctp/tsn.h"

namespace weir::sctp {

class Reassembly {
 public:
  struct Message {
    uint16_t stream = 0;
    uint32_t ppid = 0;
    base::Buffer bytes;
  };
  enum class Outcome : uint8_t {
    kOk,
    kInconsistent,  // Neighbours that cannot belong to one message: the peer is broken.
    kTooLarge,      // The message exceeds max_message_size.
  };

  explicit Reassembly(size_t max_message_size) : max_message_size_(max_message_size) {}

  Outcome Add(Tsn tsn, const Data& data);
  std::optional<Message> Poll();  // The next message that is whole and in order.

  // FORWARD TSN: fragments up to `cumulative` will never be completed, and ordered messages up to the given
  // number of each stream are not waited for; whole ones among them are delivered.
  void Skip(Tsn cumulative, std::span<const std::pair<uint16_t, uint16_t>> skipped);
  // The peer's outgoing stream starts again at number 0. Empty: all streams.
  void ResetStreams(std::span<const uint16_t> streams);

  // Bytes held, with an estimate of what holding them costs.
  size_t buffered() const { return buffered_; }
  uint64_t stale_messages() const { return stale_; }

 private:
  struct Run {
    Tsn last = 0;
    uint16_t stream = 0;
    uint16_t ssn = 0;
    uint32_t ppid = 0;
    bool unordered = false;
    bool begins = false;
    bool ends = false;
    size_t bytes = 0;
    std::deque<base::Buffer> fragments;
  };
  using Runs = std::map<Tsn, Run>;
  struct Stream {
    int64_t next_ssn = 0;
    std::map<int64_t, Message> waiting;
  };

  // A first fragment after one that is not a last one starts a new message: a peer may give up on a message
  // halfway, and its FORWARD TSN may be late.
  static bool Continues(const Run& left, const Run& right) { return !left.ends && !right.begins; }
  Outcome Join(Runs::iterator left, Runs::iterator right);
  void Complete(Runs::iterator run);
  void Erase(Runs::iterator run);
  void DropTail(Runs::iterator run);
  void Advance(Stream& stream);
  void ResetStream(Stream& stream);

  const size_t max_message_size_;
  Runs runs_;
  std::map<uint16_t, Stream> streams_;
  std::deque<Message> ready_;
  size_t buffered_ = 0;
  uint64_t stale_ = 0;
  // A run that starts after this TSN without a first fragment is the rest of a message skipped in its middle.
  std::optional<Tsn> skipped_to_;
};

}  // namespace weir::sctp
