// modules: sdp
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"
#include "sdp/session_description.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto description = weir::sdp::Parse(weir::base::AsText({data, size}));
  if (!description) {
    return 0;
  }
  for (const auto& section : description->media) {
    for (const auto& codec : section.codecs) {
      (void)codec.apt();
    }
  }
  const std::string text = weir::sdp::Write(*description);
  const auto again = weir::sdp::Parse(text);
  if (text.size() <= weir::sdp::kMaxSize && (!again || *again != *description)) {
    std::abort();
  }
  return 0;
}
