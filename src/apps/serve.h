// `weir serve`: reads the configuration, starts the server, stops it on SIGTERM or SIGINT.
#pragma once

#include <string>

#include "config/config.h"

namespace weir::apps {

struct ServeOptions {
  std::string config_file;
  config::Overrides overrides;
};

// The process's exit code: 0 after a clean stop, 1 when the server could not start.
int Serve(const ServeOptions& options);

}  // namespace weir::apps
