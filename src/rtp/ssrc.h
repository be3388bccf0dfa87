// The synchronisation source of RFC 3550 section 8, as a type of its own.
#pragma once

#include <cstdint>

#include "base/strong_id.h"

namespace weir::rtp {

using Ssrc = base::StrongInt<struct SsrcTag, uint32_t>;

}  // namespace weir::rtp
