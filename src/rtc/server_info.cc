#include "rtc/server_info.h"

namespace weir::rtc {
namespace {

constexpr int kProtocol = 17;
constexpr int kAgentProtocol = 1;

}  // namespace

livekit::ServerInfo MakeServerInfo(const Settings& settings) {
  livekit::ServerInfo info;
  info.set_edition(livekit::ServerInfo::Standard);
  info.set_version(settings.server_version);
  info.set_protocol(kProtocol);
  info.set_region(settings.region);
  info.set_node_id(settings.node_id);
  info.set_agent_protocol(kAgentProtocol);
  return info;
}

}  // namespace weir::rtc
