// The checks and derived values that concern several keys at once, after every source was read.
#pragma once

#include <map>
#include <string>

#include "config/binder.h"
#include "config/config.h"

namespace weir::config {

// Reads key_file and the secrets of TURN servers.
void ReadFiles(Config& config, Findings& findings, const FileReader& read_file,
               const std::map<std::string, std::string>& environment);
// Development mode, ports and ranges that depend on others. Before Validate.
void Complete(Config& config, const Findings& findings);
void Validate(const Config& config, Findings& findings);

// "~/x" and "$NAME", "${NAME}", by these variables; an unknown name becomes nothing, as in a shell.
std::string ExpandPath(std::string_view path, const std::map<std::string, std::string>& environment);

}  // namespace weir::config
