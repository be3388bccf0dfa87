// modules: ice
#include <cstdint>
#include <cstdlib>

#include "ice/candidate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto candidate = weir::ice::ParseCandidate(weir::base::AsText({data, size}));
  if (candidate) {
    // What was read is written so that it is read again as the same.
    const auto again = weir::ice::ParseCandidate(candidate->ToString());
    if (!again || again->address != candidate->address || again->priority != candidate->priority) {
      std::abort();
    }
  }
  return 0;
}
