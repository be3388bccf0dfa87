// The paths of one connection: every (local, remote, protocol) that a check was or may be sent on, with what
// is known about it. Bounded; when full, the least useful unproven path makes room.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "net/address.h"
#include "stun/message.h"

namespace weir::ice {

using base::TimeDelta;
using base::Timestamp;

// Where the check of a path stands (RFC 8445 section 6.1.2.6). "Frozen" does not exist here: there is one
// component, so no pair waits for another of its foundation.
enum class CheckState : uint8_t {
  kIdle,        // Known from a request, but the other side's password is not: nothing can be sent.
  kWaiting,     // In line for the pacing timer.
  kInProgress,  // A check is out.
  kSucceeded,
  kFailed,     // No answer to the last of Config::max_check_sends, or refused.
  kCancelled,  // Another path won before this one was tried to the end.
};

// One request that is out. A few are kept, so that an answer to any transmission of the last seconds counts.
struct Transaction {
  stun::TransactionId id{};
  Timestamp sent = Timestamp::Never();
  uint32_t generation = 0;
  bool controlling = false;  // The role that the request claimed.
  bool nominating = false;
};

struct Path {
  net::FiveTuple tuple;
  uint32_t remote_priority = 0;
  uint64_t pair_priority = 0;
  std::string remote_ufrag;  // Of the last authenticated request; empty before one.
  uint32_t generation = 0;   // Of the credentials that its checks use.
  CheckState state = CheckState::kIdle;
  bool valid = false;  // Proved by a check of ours, in `proven_generation`.
  uint32_t proven_generation = 0;
  bool nominated_by_remote = false;  // Holds for `generation`.
  int unanswered = 0;                // Transmissions since the check began or the last answer.

  Timestamp created = Timestamp::Never();
  Timestamp next_send = Timestamp::Infinity();  // Of a check in progress or of a consent check.
  Timestamp last_sent = Timestamp::Never();
  Timestamp unanswered_since = Timestamp::Never();  // When the first of `unanswered` was sent.
  Timestamp last_request = Timestamp::Never();      // The latest authenticated request.
  Timestamp last_heard = Timestamp::Never();        // The latest authenticated anything.
  Timestamp last_nominated = Timestamp::Never();    // The latest request with USE-CANDIDATE.
  std::optional<TimeDelta> rtt;                     // Smoothed.

  static constexpr size_t kMaxTransactions = 6;
  std::array<Transaction, kMaxTransactions> transactions;
  size_t next_transaction = 0;

  bool is_udp() const { return tuple.protocol == net::Protocol::kUdp; }
  bool Succeeded(uint32_t in_generation) const {
    return state == CheckState::kSucceeded && generation == in_generation;
  }
  Transaction& NewTransaction() {
    Transaction& transaction = transactions[next_transaction];
    next_transaction = (next_transaction + 1) % kMaxTransactions;
    return transaction;
  }
  Transaction* FindTransaction(const stun::TransactionId& id) {
    for (Transaction& transaction : transactions) {
      if (!transaction.sent.never() && transaction.id == id) {
        return &transaction;
      }
    }
    return nullptr;
  }
};

// Pointers returned stay good until the next Add or Remove.
class PathTable {
 public:
  explicit PathTable(size_t max_paths) : max_paths_(max_paths) {}

  Path* Find(const net::FiveTuple& tuple);
  const Path* Find(const net::FiveTuple& tuple) const;
  // A new path, or null when the table is full of better ones: `keep` and proven paths stay.
  Path* Add(const net::FiveTuple& tuple, const std::optional<net::FiveTuple>& keep);
  void Remove(const net::FiveTuple& tuple);
  template <typename Predicate>
  void RemoveIf(Predicate predicate) {
    std::erase_if(paths_, predicate);
  }

  std::vector<Path>& paths() { return paths_; }
  const std::vector<Path>& paths() const { return paths_; }
  uint64_t evicted() const { return evicted_; }

 private:
  const size_t max_paths_;
  uint64_t evicted_ = 0;
  std::vector<Path> paths_;
};

}  // namespace weir::ice
