// Keeps the packets of one received stream for retransmission to subscribers: references, keyed by extended
// sequence number, bounded by age and by count (sfu.md RX-1).
//
// The ring starts small and doubles up to max_packets while packets younger than max_age would be
// overwritten; after that the oldest go. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/packet_pool.h"
#include "base/time.h"

namespace weir::sfu {

class ReceiveBuffer {
 public:
  struct Config {
    base::TimeDelta max_age = base::TimeDelta::Seconds(2);
    size_t min_packets = 64;  // Powers of two, both.
    size_t max_packets = 2048;
  };
  struct Entry {
    int64_t seq = kNone;
    base::PacketRef packet;
    base::Timestamp at;  // When it was put in.
    uint16_t payload_offset = 0;
    uint16_t payload_size = 0;
  };

  explicit ReceiveBuffer(const Config& config) : config_(config) {}

  // False for a number that is here already.
  bool Insert(int64_t seq, const base::PacketRef& packet, uint16_t payload_offset, uint16_t payload_size,
              base::Timestamp now);
  // Null when it never came or is gone.
  const Entry* Find(int64_t seq) const;
  // The same by the low 32 bits of the number.
  const Entry* FindLow(uint32_t seq) const;
  // Lets go of what is older than max_age.
  void Expire(base::Timestamp now);
  void Clear();

  size_t size() const { return size_; }
  size_t capacity() const { return ring_.size(); }
  uint64_t evicted() const { return evicted_; }  // Overwritten before their time.

 private:
  static constexpr int64_t kNone = INT64_MIN;
  Entry& At(int64_t seq) { return ring_[static_cast<size_t>(seq) & (ring_.size() - 1)]; }
  const Entry& At(int64_t seq) const { return ring_[static_cast<size_t>(seq) & (ring_.size() - 1)]; }
  void Release(Entry& entry);
  void Grow(size_t size);

  const Config config_;
  std::vector<Entry> ring_;
  int64_t oldest_ = 0;  // No entry below.
  int64_t newest_ = kNone;
  size_t size_ = 0;
  uint64_t evicted_ = 0;
};

}  // namespace weir::sfu
