#include "sctp/received_tsns.h"

#include <algorithm>
#include <iterator>

namespace weir::sctp {

ReceivedTsns::Verdict ReceivedTsns::Classify(Tsn tsn) const {
  if (tsn <= cumulative_) {
    return Verdict::kDuplicate;
  }
  if (tsn - cumulative_ > kMaxAhead) {
    return Verdict::kOutOfWindow;
  }
  const auto after = islands_.upper_bound(tsn);
  if (after != islands_.begin() && std::prev(after)->second >= tsn) {
    return Verdict::kDuplicate;
  }
  const bool extends_one = tsn == cumulative_ + 1 ||
                           (after != islands_.begin() && std::prev(after)->second == tsn - 1) ||
                           (after != islands_.end() && after->first == tsn + 1);
  return extends_one || islands_.size() < kMaxIslands ? Verdict::kNew : Verdict::kOutOfWindow;
}

void ReceivedTsns::Add(Tsn tsn) {
  if (tsn == cumulative_ + 1) {
    cumulative_ = tsn;
    Absorb();
    return;
  }
  auto after = islands_.upper_bound(tsn);
  Tsn last = tsn;
  if (after != islands_.end() && after->first == tsn + 1) {
    last = after->second;
    after = islands_.erase(after);
  }
  if (after != islands_.begin() && std::prev(after)->second == tsn - 1) {
    std::prev(after)->second = last;
  } else {
    islands_.emplace(tsn, last);
  }
}

void ReceivedTsns::AddDuplicate(Tsn tsn) {
  if (duplicates_.size() < kMaxDuplicates) {
    duplicates_.push_back(WireTsn(tsn));
  }
}

bool ReceivedTsns::SkipTo(Tsn tsn) {
  if (tsn <= cumulative_) {
    return false;
  }
  cumulative_ = tsn;
  Absorb();
  return true;
}

void ReceivedTsns::Absorb() {
  while (!islands_.empty() && islands_.begin()->first <= cumulative_ + 1) {
    cumulative_ = std::max(cumulative_, islands_.begin()->second);
    islands_.erase(islands_.begin());
  }
}

std::vector<std::pair<uint16_t, uint16_t>> ReceivedTsns::Gaps() const {
  std::vector<std::pair<uint16_t, uint16_t>> gaps;
  gaps.reserve(islands_.size());
  for (const auto& [first, last] : islands_) {
    gaps.emplace_back(static_cast<uint16_t>(first - cumulative_), static_cast<uint16_t>(last - cumulative_));
  }
  return gaps;
}

std::vector<uint32_t> ReceivedTsns::TakeDuplicates() { return std::exchange(duplicates_, {}); }

}  // namespace weir::sctp
