// Test support: two associations on a TestWire, and messages that carry a number.
#pragma once

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "sctp/wire_for_test.h"

namespace weir::sctp {

using base::Buffer;
using Wire = TestWire<Association>;

constexpr uint32_t kPpid = 53;

inline Buffer Pattern(size_t size, uint8_t salt = 0) {
  Buffer bytes(size);
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<uint8_t>(i * 31 + salt + (i >> 8));
  }
  return bytes;
}
inline Buffer Numbered(uint32_t number, size_t size = 100) {
  Buffer bytes(size);
  base::StoreU32(bytes.data(), number);
  return bytes;
}
inline uint32_t NumberOf(const Association::Message& message) { return base::LoadU32(message.bytes.data()); }

// The type of the first chunk.
inline uint8_t TypeOf(const Buffer& packet) { return packet[kPacketHeaderSize]; }
inline bool IsType(const Buffer& packet, ChunkType type) {
  return TypeOf(packet) == static_cast<uint8_t>(type);
}

struct Pair {
  explicit Pair(const Wire::Config& wire_config = {}, const Association::Config& config_a = {},
                const Association::Config& config_b = {})
      : random_a(wire_config.seed * 2 + 1),
        random_b(wire_config.seed * 2 + 2),
        a(config_a, random_a),
        b(config_b, random_b),
        wire(a, b, wire_config) {}

  void Connect() {
    a.Connect(wire.now());
    b.Connect(wire.now());
    wire.set_filter({});
    ASSERT_TRUE(wire.RunUntilDone(TimeDelta::Seconds(20), [&] { return a.connected() && b.connected(); }));
    wire.RunFor(TimeDelta::Millis(100));
    wire.events(0).clear();
    wire.events(1).clear();
  }
  std::vector<uint32_t> NumbersAtB() {
    std::vector<uint32_t> numbers;
    for (const auto& message : Of<Association::Message>(wire.events(1))) {
      numbers.push_back(NumberOf(message));
    }
    return numbers;
  }

  base::SeededRandom random_a;
  base::SeededRandom random_b;
  Association a;
  Association b;
  Wire wire;
};

inline std::vector<uint32_t> UpTo(uint32_t count) {
  std::vector<uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0u);
  return numbers;
}

}  // namespace weir::sctp
