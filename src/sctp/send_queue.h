// Messages that wait to be sent, per stream, and the turns that streams take.
//
// Without interleaving the fragments of a message leave one after another, so a turn is a whole message;
// streams with messages take turns in a circle (RFC 8831 section 6.6 leaves the order to us). It also keeps
// the account of buffered bytes: from Add until the fragment is acknowledged or given up (Release).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "sctp/send_options.h"

namespace weir::sctp {

// A piece of a message, before it has a TSN.
struct Fragment {
  uint64_t message = 0;
  std::shared_ptr<const base::Buffer> bytes;
  size_t offset = 0;
  size_t size = 0;
  uint32_t ppid = 0;
  uint16_t stream = 0;
  uint16_t ssn = 0;
  bool unordered = false;
  bool begins = false;
  bool ends = false;
  std::optional<uint16_t> max_retransmits;
  base::Timestamp expires = base::Timestamp::Infinity();

  base::ConstBytes payload() const { return base::ConstBytes(*bytes).subspan(offset, size); }
};

class SendQueue {
 public:
  SendQueue(size_t max_bytes, size_t max_messages) : max_bytes_(max_bytes), max_messages_(max_messages) {}

  SendStatus Add(base::Timestamp now, uint16_t stream, uint32_t ppid,
                 std::shared_ptr<const base::Buffer> bytes, const SendOptions& options);
  // Gives up what is already out of its lifetime and not begun. True when there is something to produce.
  bool HasData(base::Timestamp now);
  // The next fragment, of at most `max_size` bytes (> 0). Call after HasData returned true.
  Fragment Produce(size_t max_size);
  size_t next_size() const;  // Bytes left of the message that Produce continues. After HasData.
  // When the message at hand is sent in part and past its lifetime: an empty fragment that describes it.
  std::optional<Fragment> ExpiredRest(base::Timestamp now) const;
  // Drops the unsent rest of a message. True when there was one.
  bool Discard(uint64_t message);
  void Release(uint16_t stream, size_t bytes);
  // Drops what waits for streams that the peer does not have; returns how many messages that were.
  size_t LimitStreams(uint16_t count);
  uint64_t expired() const { return expired_; }

  // Stream reset: RequestReset holds back messages added from now on. ReadyToReset lists the streams that
  // have nothing left from before. FinishReset lets go; with `performed` numbering starts at 0.
  void RequestReset(uint16_t stream);
  std::vector<uint16_t> ReadyToReset() const;
  void FinishReset(uint16_t stream, bool performed);

  size_t buffered() const { return buffered_; }
  size_t buffered(uint16_t stream) const;
  bool empty() const { return messages_ == 0; }

 private:
  struct Message {
    uint64_t id = 0;
    std::shared_ptr<const base::Buffer> bytes;
    size_t sent = 0;
    uint32_t ppid = 0;
    bool unordered = false;
    std::optional<uint16_t> max_retransmits;
    base::Timestamp expires;
  };
  struct Stream {
    std::deque<Message> messages;
    uint16_t next_ssn = 0;
    size_t buffered = 0;
    std::optional<size_t> before_reset;  // Messages at the front that a requested reset waits for.
  };

  void PopFront(uint16_t id, Stream& stream);
  void UpdateActive(uint16_t id, const Stream& stream);
  void DropFront(uint16_t id, Stream& stream);
  Fragment Describe(uint16_t id, const Stream& stream) const;

  const size_t max_bytes_;
  const size_t max_messages_;
  std::map<uint16_t, Stream> streams_;
  std::set<uint16_t> resetting_;     // Streams with before_reset.
  std::set<uint16_t> active_;        // Streams that may produce.
  std::optional<uint16_t> current_;  // Whose message is being sent or is next.
  uint16_t last_ = 0;                // Whose turn was last.
  uint64_t next_id_ = 1;
  size_t buffered_ = 0;
  size_t messages_ = 0;
  uint64_t expired_ = 0;
};

}  // namespace weir::sctp
