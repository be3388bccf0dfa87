// modules: rtc
// The head of data track packets: whatever is accepted can be given another handle and reads back.

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "rtc/data_track_packet.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> packet(data, data + size);
  if (!weir::rtc::ReadDataTrackHandle(packet)) {
    return 0;
  }
  weir::rtc::WriteDataTrackHandle(packet, 0xbeef);
  if (weir::rtc::ReadDataTrackHandle(packet) != 0xbeef) {
    abort();
  }
  return 0;
}
