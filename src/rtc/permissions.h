// Who may do what: a participant's own permissions, and whom a publisher lets subscribe to its tracks.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "proto/livekit_models.pb.h"
#include "proto/livekit_rtc.pb.h"
#include "rtc/ids.h"

namespace weir::rtc {

bool CanPublishSource(const livekit::ParticipantPermission& permission, livekit::TrackSource source);

// A publisher's word on its subscribers. Each message replaces the one before.
class SubscriptionPermissions {
 public:
  // An entry that names nobody makes the whole message invalid: the state before it stays.
  base::Result<void> Update(const livekit::SubscriptionPermission& message);
  bool Allows(const ParticipantSid& sid, const Identity& identity, const TrackSid& track) const;

 private:
  struct Entry {
    bool all_tracks = false;
    std::set<std::string> tracks;
  };
  bool all_participants_ = true;
  std::map<std::string, Entry> by_sid_;
  std::map<std::string, Entry> by_identity_;
};

// Limits of what a participant says of itself. `error` texts are those of the protocol.
struct MetadataLimits {
  size_t max_name = 256;
  size_t max_metadata = 512 * 1024;
  size_t max_attributes = 64 * 1024;
};
base::Result<void> CheckMetadata(const std::string& name, const std::string& metadata,
                                 const std::map<std::string, std::string>& attributes,
                                 const MetadataLimits& limits);

}  // namespace weir::rtc
