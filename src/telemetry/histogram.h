// Counts of values by size: bucket i holds those up to bounds[i] and above the bound before it, the last
// bucket what lies beyond every bound.
//
// Observe allocates nothing. Not thread-safe; a copy is a snapshot.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace weir::telemetry {

class Histogram {
 public:
  // `bounds` ascend and outlive the histogram: make them constants.
  explicit Histogram(std::span<const double> bounds) : bounds_(bounds), buckets_(bounds.size() + 1) {}

  void Observe(double value) {
    ++buckets_[static_cast<size_t>(std::ranges::lower_bound(bounds_, value) - bounds_.begin())];
    sum_ += value;
  }
  // Both have the same bounds.
  void Add(const Histogram& more) {
    for (size_t i = 0; i < buckets_.size(); ++i) {
      buckets_[i] += more.buckets_[i];
    }
    sum_ += more.sum_;
  }

  std::span<const double> bounds() const { return bounds_; }
  const std::vector<uint64_t>& buckets() const { return buckets_; }  // One more than there are bounds.
  double sum() const { return sum_; }
  uint64_t count() const {
    uint64_t count = 0;
    for (const uint64_t bucket : buckets_) {
      count += bucket;
    }
    return count;
  }

 private:
  std::span<const double> bounds_;
  std::vector<uint64_t> buckets_;
  double sum_ = 0;
};

}  // namespace weir::telemetry
