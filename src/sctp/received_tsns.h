// Which TSNs of the peer have arrived: the cumulative point, the islands beyond it, and duplicates since the
// last report. It decides what a SACK says, not when (RFC 9260 section 6.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "sctp/tsn.h"

namespace weir::sctp {

class ReceivedTsns {
 public:
  static constexpr Tsn kMaxAhead = 65'535;     // A gap block cannot name what is further ahead.
  static constexpr size_t kMaxIslands = 1024;  // More gaps than a few SACKs could report.
  static constexpr size_t kMaxDuplicates = 20;

  enum class Verdict : uint8_t { kNew, kDuplicate, kOutOfWindow };

  explicit ReceivedTsns(uint32_t peer_initial_tsn = 0) : cumulative_(FirstTsn(peer_initial_tsn) - 1) {}

  Tsn cumulative() const { return cumulative_; }
  Tsn highest() const { return islands_.empty() ? cumulative_ : islands_.rbegin()->second; }
  bool has_gaps() const { return !islands_.empty(); }

  // What Add would do, and whether there is room for it.
  Verdict Classify(Tsn tsn) const;
  void Add(Tsn tsn);           // Only what Classify called new.
  void AddDuplicate(Tsn tsn);  // Remembered for the next report, up to kMaxDuplicates.
  // FORWARD TSN: everything up to `tsn` counts as received. False when it already did.
  bool SkipTo(Tsn tsn);

  std::vector<std::pair<uint16_t, uint16_t>> Gaps() const;  // Relative to cumulative().
  std::vector<uint32_t> TakeDuplicates();

 private:
  void Absorb();

  Tsn cumulative_;
  std::map<Tsn, Tsn> islands_;  // First to last; never adjacent to each other or to cumulative_.
  std::vector<uint32_t> duplicates_;
};

}  // namespace weir::sctp
