// RED for subscribers without RED: which blocks of a packet stand for audio packets that were lost on the way
// in (sfu.md RED-3), and whether a late packet has been given out that way already.
//
// Not thread-safe, allocates nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "codec/red.h"
#include "sfu/received_packet.h"

namespace weir::sfu {

struct RecoveredAudio {
  int64_t back = 0;    // Numbers before the carrier.
  uint32_t ticks = 0;  // RTP time before the carrier.
  uint16_t payload_offset = 0;
  uint16_t payload_size = 0;
};

class RedConverter {
 public:
  // Recovered packets per carrier. Two is what browsers send.
  static constexpr size_t kMaxRecovered = 4;
  struct Recovered {
    std::array<RecoveredAudio, kMaxRecovered> packets;  // Ascending by number.
    size_t count = 0;
  };

  // `highest`: newest number that was handled. Assumes, like every sender we know, that the blocks are the
  // packets right before the carrier, without holes.
  Recovered Recover(const ReceivedPacket& carrier, int64_t highest);
  void OnRecovered(int64_t seq);
  // True when `seq` went out as a recovered packet.
  bool WasRecovered(int64_t seq) const;

 private:
  int64_t newest_ = INT64_MIN;
  uint64_t mask_ = 0;  // Bit i: newest_ - i was recovered.
};

}  // namespace weir::sfu
