// What a down track remembers of the packets it sent: enough to build the same packet again from the receive
// buffer (sfu.md 3.7). Metadata only, in a ring that is allocated with the first packet.
//
// Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "sfu/vp8_rewriter.h"

namespace weir::sfu {

// How the payload was made from the source's.
enum class PayloadForm : uint8_t {
  kPlain,     // As it came.
  kVp8,       // Descriptor rewritten with `vp8`.
  kRed,       // RED with our payload types in its block headers.
  kRedBlock,  // One block of a RED packet: payload_offset and payload_size say which.
};

struct SentPacket {
  uint32_t seq = 0;         // Low half of the extended outgoing number.
  uint32_t source_seq = 0;  // Low half of the extended source number.
  uint32_t timestamp = 0;
  uint32_t resent_at = 0;  // Milliseconds of the monotonic clock.
  uint16_t payload_offset = 0;
  uint16_t payload_size = 0;
  Vp8Fields vp8;
  uint8_t layer = 0;
  uint8_t payload_type = 0;
  PayloadForm form = PayloadForm::kPlain;
  uint8_t resends = 0;
  bool valid : 1 = false;
  bool marker : 1 = false;
  bool mid : 1 = false;         // Carried the MID extension.
  bool descriptor : 1 = false;  // Carried a patched dependency descriptor.
};

// A patched dependency descriptor, kept because a repair must look like the original.
struct KeptDescriptor {
  static constexpr size_t kMaxSize = 15;
  uint8_t size = 0;
  std::array<uint8_t, kMaxSize> bytes = {};
};

class SentPackets {
 public:
  // `capacity` is a power of two.
  explicit SentPackets(size_t capacity) : capacity_(capacity) {}

  void Add(int64_t seq, const SentPacket& packet) {
    if (ring_.empty()) [[unlikely]] {
      ring_.resize(capacity_);
    }
    SentPacket& slot = ring_[Index(seq)];
    slot = packet;
    slot.seq = static_cast<uint32_t>(seq);
    slot.valid = true;
  }
  void Keep(int64_t seq, const KeptDescriptor& descriptor) {
    if (descriptors_.empty()) [[unlikely]] {
      descriptors_.resize(capacity_);
    }
    descriptors_[Index(seq)] = descriptor;
  }
  // The line that Add will write next is on its way into the cache then.
  void Prefetch(int64_t seq) const {
    if (!ring_.empty()) {
      __builtin_prefetch(&ring_[Index(seq)], 1);
    }
  }
  // Null when it was never sent or is forgotten.
  SentPacket* Find(int64_t seq) {
    if (ring_.empty()) {
      return nullptr;
    }
    SentPacket& slot = ring_[Index(seq)];
    return slot.valid && slot.seq == static_cast<uint32_t>(seq) ? &slot : nullptr;
  }
  void Clear() {
    for (SentPacket& packet : ring_) {
      packet.valid = false;
    }
  }
  const KeptDescriptor* FindDescriptor(int64_t seq) const {
    return descriptors_.empty() ? nullptr : &descriptors_[Index(seq)];
  }

 private:
  size_t Index(int64_t seq) const { return static_cast<size_t>(seq) & (capacity_ - 1); }

  const size_t capacity_;
  std::vector<SentPacket> ring_;
  std::vector<KeptDescriptor> descriptors_;
};

}  // namespace weir::sfu
