// modules: config
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "config/config.h"

// The bytes as a file, and as the value of a variable that may hold anything.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(weir::base::AsText({data, size}));
  weir::config::Sources sources;
  sources.file_name = "f";
  sources.text = text;
  sources.read_file = [](const std::string&) { return weir::config::FileContent{.text = "k: s"}; };
  (void)weir::config::Load(sources);

  sources.text.clear();
  sources.overrides.development = true;
  sources.environment = {{"LIVEKIT_KEYS", text}, {"WEIR_RTC_UDP_PORT", text}, {"WEIR_DRAIN_TIMEOUT", text}};
  (void)weir::config::Load(sources);
  return 0;
}
