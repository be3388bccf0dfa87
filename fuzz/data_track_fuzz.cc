// modules: codec
// The head of data track packets: whatever is accepted can be given another handle and reads back.

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "codec/data_track.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> packet(data, data + size);
  if (!weir::codec::ReadDataTrackHandle(packet)) {
    return 0;
  }
  weir::codec::WriteDataTrackHandle(packet, 0xbeef);
  if (weir::codec::ReadDataTrackHandle(packet) != 0xbeef) {
    abort();
  }
  return 0;
}
