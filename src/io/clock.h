// The clocks of the machine: the only place that reads them for the media side.
#pragma once

#include "base/time.h"

namespace weir::io {

base::Timestamp MonotonicNow();  // CLOCK_MONOTONIC.
base::Now ReadClock();           // The same, with wall time read at that moment.

}  // namespace weir::io
