// Pooled packet buffers with a reference count that is not atomic: a pool and its packets belong to one
// worker thread.
//
// A received datagram is read into a packet of the pool and stays there, immutable, for as long as anybody
// refers to it (the repair buffer of its stream, the send queues of its subscribers). Steady state allocates
// nothing: freed packets go back to a free list. The pool grows in slabs up to Config::max_packets; past that
// Allocate returns null and `exhausted` counts it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace weir::base {

class PacketPool;

// The largest datagram kept: an Ethernet MTU. Longer ones are truncated by the socket and dropped there.
inline constexpr size_t kMaxPacketSize = 1500;

struct Packet {
  MutableBytes storage() { return {data_, sizeof data_}; }
  MutableBytes bytes() { return {data_ + begin, size}; }
  ConstBytes bytes() const { return {data_ + begin, size}; }

  Timestamp arrival;   // When the socket handed it over.
  uint16_t begin = 0;  // Where the content starts in storage().
  uint16_t size = 0;   // Length of the content, at most kMaxPacketSize.

 private:
  friend class PacketPool;
  friend class PacketRef;
  PacketPool* pool_ = nullptr;
  Packet* next_free_ = nullptr;
  uint32_t references_ = 0;
  uint8_t data_[kMaxPacketSize];
};

// Shared ownership of one pooled packet; null when default-constructed or when the pool was exhausted.
class PacketRef {
 public:
  PacketRef() = default;
  PacketRef(const PacketRef& other) : packet_(other.packet_) {
    if (packet_ != nullptr) {
      ++packet_->references_;
    }
  }
  PacketRef(PacketRef&& other) noexcept : packet_(std::exchange(other.packet_, nullptr)) {}
  PacketRef& operator=(PacketRef other) noexcept {
    std::swap(packet_, other.packet_);
    return *this;
  }
  ~PacketRef() { Release(); }

  explicit operator bool() const { return packet_ != nullptr; }
  Packet* operator->() const { return packet_; }
  Packet& operator*() const { return *packet_; }
  uint32_t use_count() const { return packet_ == nullptr ? 0 : packet_->references_; }

 private:
  friend class PacketPool;
  explicit PacketRef(Packet* packet) : packet_(packet) { packet_->references_ = 1; }
  inline void Release();
  Packet* packet_ = nullptr;
};

class PacketPool {
 public:
  struct Config {
    size_t slab_packets = 256;     // Packets added at a time.
    size_t max_packets = 262'144;  // About 400 MB; a bound for a flood, not a working size.
  };

  PacketPool() : PacketPool(Config()) {}
  explicit PacketPool(const Config& config) : config_(config) {}
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;

  // A packet with size 0, or null when max_packets are in use.
  PacketRef Allocate();
  // Allocates and copies; null also when `bytes` exceed kMaxPacketSize.
  PacketRef Copy(ConstBytes bytes, Timestamp arrival);

  size_t in_use() const { return total_ - free_count_; }
  size_t total() const { return total_; }
  uint64_t exhausted() const { return exhausted_; }

 private:
  friend class PacketRef;
  void Free(Packet* packet) {
    packet->next_free_ = free_;
    free_ = packet;
    ++free_count_;
  }
  bool Grow();

  const Config config_;
  std::vector<std::unique_ptr<Packet[]>> slabs_;
  Packet* free_ = nullptr;
  size_t free_count_ = 0;
  size_t total_ = 0;
  uint64_t exhausted_ = 0;
};

inline void PacketRef::Release() {
  if (packet_ != nullptr && --packet_->references_ == 0) {
    packet_->pool_->Free(packet_);
  }
}

}  // namespace weir::base
