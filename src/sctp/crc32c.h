// CRC32c (Castagnoli), the checksum of SCTP packets: RFC 9260 appendix A.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace weir::sctp {

// The finished CRC. `state` continues an earlier call's result over further bytes.
uint32_t Crc32c(base::ConstBytes bytes, uint32_t state = 0);

}  // namespace weir::sctp
