// What this server says of itself to clients and to agent workers.
#pragma once

#include "proto/livekit_models.pb.h"
#include "rtc/environment.h"

namespace weir::rtc {

livekit::ServerInfo MakeServerInfo(const Settings& settings);

}  // namespace weir::rtc
