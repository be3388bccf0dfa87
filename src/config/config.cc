#include "config/config.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace weir::config {

bool NameFilter::Allows(std::string_view name) const {
  const auto& list = includes.empty() ? excludes : includes;
  const bool listed = std::ranges::find(list, name) != list.end();
  return includes.empty() ? !listed : listed;
}

bool AddressFilter::Allows(const net::IpAddress& address) const {
  const auto& list = includes.empty() ? excludes : includes;
  const bool listed = std::ranges::any_of(list, [&](const Cidr& block) { return block.Contains(address); });
  return includes.empty() ? !listed : listed;
}

PortRange Rtc::UdpPorts() const {
  if (force_tcp) {
    return {};
  }
  if (port_range_start != 0 && port_range_end != 0) {
    return {port_range_start, port_range_end};
  }
  return udp_port.value_or(PortRange{});
}

std::vector<EnabledCodec> DefaultCodecs() {
  return {{"audio/PCMU", ""}, {"audio/PCMA", ""}, {"audio/opus", ""}, {"audio/red", ""},  {"video/VP8", ""},
          {"video/H264", ""}, {"video/VP9", ""},  {"video/AV1", ""},  {"video/H265", ""}, {"video/rtx", ""}};
}

base::Result<FileContent> ReadFile(const std::string& path) {
  const auto fail = [&](const std::string& what) {
    return base::Fail(base::ErrorCode::kInvalidArgument, path + ": " + what);
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  struct stat info{};
  if (file == nullptr || fstat(fileno(file.get()), &info) != 0) {
    return fail(std::strerror(errno));
  }
  if (!S_ISREG(info.st_mode)) {
    return fail("not a file");
  }
  FileContent content{.readable_by_others = (info.st_mode & S_IROTH) != 0};
  content.text.resize(kMaxFileSize + 1);
  content.text.resize(std::fread(content.text.data(), 1, content.text.size(), file.get()));
  if (content.text.size() > kMaxFileSize) {
    return fail("larger than " + std::to_string(kMaxFileSize) + " bytes");
  }
  return content;
}

}  // namespace weir::config
