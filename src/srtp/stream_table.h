// What a receiver remembers of each SSRC: the highest packet index, and which of the 1024 before it it has
// seen (RFC 3711 sections 3.3.1 and 3.3.2). Internal to this module.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::srtp {

class ReplayWindow {
 public:
  static constexpr uint64_t kSize = 1024;
  enum class Verdict : uint8_t { kFresh, kReplayed, kTooOld };

  explicit ReplayWindow(uint64_t first_index) : highest_(first_index) { Mark(first_index); }

  uint64_t highest() const { return highest_; }
  // Judges an authenticated packet and remembers it. `size` is at most kSize.
  Verdict Accept(uint64_t index, uint64_t size);
  // The 48-bit index of a sequence number near the highest one.
  uint64_t Guess(uint16_t sequence) const;

 private:
  uint64_t& Word(uint64_t index) { return seen_[index % kSize / 64]; }
  void Mark(uint64_t index) { Word(index) |= uint64_t{1} << (index % 64); }

  uint64_t highest_;
  std::array<uint64_t, kSize / 64> seen_{};
};

// SSRC to window: open addressing, at most half full, growing by doubling up to its limit. A stream is added
// only after its first packet was authentic, so nobody without the key can fill it.
class StreamTable {
 public:
  explicit StreamTable(size_t max_streams) : max_streams_(max_streams) {}

  // Valid until the next Add or Remove.
  ReplayWindow* Find(uint32_t ssrc);
  // `ssrc` is not in the table. False when it is full.
  bool Add(uint32_t ssrc, uint64_t first_index);
  void Remove(uint32_t ssrc);
  size_t size() const { return streams_.size(); }

 private:
  struct Slot {
    uint32_t ssrc = 0;
    uint32_t position = 0;  // In streams_, plus one; 0: empty.
  };
  struct Stream {
    uint32_t ssrc;
    ReplayWindow window;
  };
  size_t Start(uint32_t ssrc) const { return (ssrc * 0x9e37'79b1U >> 7) & (slots_.size() - 1); }
  void Rebuild(size_t slots);
  void Place(uint32_t position);

  const size_t max_streams_;
  std::vector<Slot> slots_;  // A power of two, or none.
  std::vector<Stream> streams_;
};

}  // namespace weir::srtp
