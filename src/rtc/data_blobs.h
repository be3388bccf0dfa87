// Data blobs (signal.md 8.1 nos. 22 and 23 in LiveKit's words): small values that a participant leaves under
// keys for the others of its room to fetch, such as the schema of a data track. They live as long as the
// participant.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "base/result.h"
#include "proto/livekit_models.pb.h"

namespace weir::rtc {

class DataBlobs {
 public:
  struct Limits {
    size_t max_key = 256;       // Bytes of a key's text.
    size_t max_total = 64'000;  // Bytes of all keys and contents of a participant.
  };
  explicit DataBlobs(const Limits& limits) : limits_(limits) {}

  // A key that is there is overwritten. Errors: kInvalidArgument (no key, or too long), kResourceExhausted.
  base::Result<void> Store(const livekit::DataBlob& blob);
  // kNotFound.
  base::Result<livekit::DataBlob> Get(const livekit::DataBlobKey& key) const;
  size_t size() const { return total_; }

 private:
  const Limits limits_;
  std::map<std::string, std::string> blobs_;
  size_t total_ = 0;
};

}  // namespace weir::rtc
