#include "rtc/permissions.h"

#include <algorithm>

namespace weir::rtc {

bool CanPublishSource(const livekit::ParticipantPermission& permission, livekit::TrackSource source) {
  const auto& sources = permission.can_publish_sources();
  return permission.can_publish() &&
         (sources.empty() || std::find(sources.begin(), sources.end(), source) != sources.end());
}

base::Result<void> SubscriptionPermissions::Update(const livekit::SubscriptionPermission& message) {
  std::map<std::string, Entry> by_sid;
  std::map<std::string, Entry> by_identity;
  for (const livekit::TrackPermission& permission : message.track_permissions()) {
    Entry entry{permission.all_tracks(), {permission.track_sids().begin(), permission.track_sids().end()}};
    if (!permission.participant_identity().empty()) {
      by_identity[permission.participant_identity()] = std::move(entry);
    } else if (!permission.participant_sid().empty()) {
      by_sid[permission.participant_sid()] = std::move(entry);
    } else {
      return base::Fail(base::ErrorCode::kInvalidArgument, "track permission names no participant");
    }
  }
  all_participants_ = message.all_participants();
  by_sid_ = std::move(by_sid);
  by_identity_ = std::move(by_identity);
  return {};
}

bool SubscriptionPermissions::Allows(const ParticipantSid& sid, const Identity& identity,
                                     const TrackSid& track) const {
  if (all_participants_) {
    return true;
  }
  const auto allows = [&](const std::map<std::string, Entry>& entries, const std::string& key) {
    const auto found = entries.find(key);
    return found != entries.end() &&
           (found->second.all_tracks || found->second.tracks.contains(track.value()));
  };
  return allows(by_sid_, sid.value()) || allows(by_identity_, identity.value());
}

base::Result<void> CheckMetadata(const std::string& name, const std::string& metadata,
                                 const std::map<std::string, std::string>& attributes,
                                 const MetadataLimits& limits) {
  if (limits.max_name > 0 && name.size() > limits.max_name) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "exceeds name length limit");
  }
  if (limits.max_metadata > 0 && metadata.size() > limits.max_metadata) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "exceeds metadata size limit");
  }
  size_t total = 0;
  for (const auto& [key, value] : attributes) {
    total += key.size() + value.size();
  }
  if (limits.max_attributes > 0 && total > limits.max_attributes) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "exceeds attributes size limit");
  }
  return {};
}

}  // namespace weir::rtc
