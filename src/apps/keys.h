// `weir generate-keys`: a new API key and secret, as a configuration takes them.
#pragma once

namespace weir::apps {

int GenerateKeys();

}  // namespace weir::apps
