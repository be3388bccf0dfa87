// modules: io
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "io/tcp_framing.h"

// However a stream is cut into pieces, the same frames come out.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  if (size < 1) {
    return 0;
  }
  const size_t piece = data[0] % 64 + 1;
  const base::ConstBytes stream = base::ConstBytes(data, size).subspan(1);
  if (stream.size() > io::FrameReader::kMaxBuffered) {
    return 0;
  }
  const auto run = [&](size_t step) {
    io::FrameReader reader;
    base::Buffer frames;
    for (size_t at = 0; at < stream.size(); at += step) {
      if (!reader.Push(stream.subspan(at, std::min(step, stream.size() - at)))) {
        break;
      }
      while (const auto frame = reader.Next()) {
        if (frame->empty() || !io::AppendFrame(frames, *frame)) {
          std::abort();
        }
      }
    }
    return frames;
  };
  if (run(piece) != run(stream.size())) {
    std::abort();
  }
  return 0;
}
