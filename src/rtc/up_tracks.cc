#include "rtc/up_tracks.h"

#include <algorithm>
#include <utility>

namespace weir::rtc {

using base::Now;

// ---- Matching.

UpTracks::Pending* UpTracks::PendingByMid(const std::string& mid) {
  const auto found =
      std::find_if(pending_.begin(), pending_.end(), [&](const Pending& entry) { return entry.mid == mid; });
  return found == pending_.end() ? nullptr : &*found;
}

UpTracks::Pending* UpTracks::PendingFor(const OfferedTrack& track) {
  const auto find = [&](const auto& predicate) -> Pending* {
    const auto found = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& entry) {
      const bool audio = entry.request.type() == livekit::AUDIO;
      return entry.mid.empty() && audio == track.audio && predicate(entry);
    });
    return found == pending_.end() ? nullptr : &*found;
  };
  Pending* match = find([&](const Pending& entry) { return entry.request.cid() == track.cid; });
  if (match == nullptr) {
    match = find([&](const Pending& entry) {
      const auto& codecs = entry.request.simulcast_codecs();
      return std::any_of(codecs.begin(), codecs.end(),
                         [&](const auto& codec) { return codec.cid() == track.cid; });
    });
  }
  return match != nullptr ? match : find([](const Pending&) { return true; });
}

PublishPreference UpTracks::PreferenceOf(const livekit::TrackInfo& info, const OfferedTrack& offered) const {
  PublishPreference preference;
  preference.codec = codec::CodecFromMime(info.codecs(0).mime_type());
  preference.only_codec = owner_.IgnoresCodecOrder();
  preference.stereo = info.stereo();
  preference.dtx = !info.disable_dtx();
  const bool asked = preference.codec == codec::Codec::kRed;
  const bool by_default = preference.codec == codec::Codec::kUnknown && !info.disable_red();
  const bool possible =
      std::any_of(offered.codecs.begin(), offered.codecs.end(),
                  [](const NegotiatedCodec& codec) { return codec.codec == codec::Codec::kRed; });
  preference.red = offered.audio && possible && (asked || by_default);
  return preference;
}

std::map<std::string, PublishPreference, std::less<>> UpTracks::PreferencesFor(
    const std::vector<OfferedTrack>& tracks) {
  std::map<std::string, PublishPreference, std::less<>> preferences;
  for (Pending& pending : pending_) {
    pending.mid.clear();  // Reservations of an offer that did not come to its end.
  }
  for (const OfferedTrack& track : tracks) {
    const auto published = published_.find(track.mid);
    if (published != published_.end() && published->second->sdp_cid() == track.cid) {
      preferences[track.mid] = published->second->preference();
    } else if (const PublishedTrack* owner = BackupOwner(track)) {
      preferences[track.mid] = owner->BackupPreference();
    } else if (Pending* pending = PendingFor(track)) {
      pending->mid = track.mid;
      preferences[track.mid] = PreferenceOf(pending->info, track);
    }
  }
  return preferences;
}

void UpTracks::OnTracksNegotiated(Now now, std::vector<OfferedTrack> tracks) {
  std::vector<std::string> ended;
  for (const auto& [mid, track] : published_) {
    const auto still = std::find_if(tracks.begin(), tracks.end(),
                                    [&, &key = mid, &old = track](const OfferedTrack& offered) {
                                      return offered.mid == key && offered.cid == old->sdp_cid();
                                    });
    if (still == tracks.end()) {
      ended.push_back(mid);
    }
  }
  for (const std::string& mid : ended) {
    Unpublish(now, mid);
  }
  std::erase_if(tracks, [&](const OfferedTrack& track) { return published_.contains(track.mid); });
  UpdateBackups(tracks);
  unmatched_ = std::move(tracks);
  MatchWaiting(now);
}

PublishedTrack* UpTracks::BackupOwner(const OfferedTrack& offered) {
  for (const auto& [mid, track] : published_) {
    if (track->audio() == offered.audio && track->IsBackupCid(offered.cid)) {
      return track.get();
    }
  }
  return nullptr;
}

// Backup sources whose section is there still are taken out of `tracks`; the others end.
void UpTracks::UpdateBackups(std::vector<OfferedTrack>& tracks) {
  for (const auto& [mid, track] : published_) {
    const TrackSource* backup = track->backup();
    if (backup == nullptr) {
      continue;
    }
    const auto same = std::find_if(tracks.begin(), tracks.end(), [&](const OfferedTrack& offered) {
      return offered.mid == backup->mid() && offered.cid == backup->sdp_cid();
    });
    if (same == tracks.end()) {
      track->RemoveBackup();
    } else {
      tracks.erase(same);
    }
  }
}

void UpTracks::MatchWaiting(Now now) {
  for (auto track = unmatched_.begin(); track != unmatched_.end();) {
    if (PublishedTrack* owner = BackupOwner(*track)) {
      const OfferedTrack offered = std::move(*track);
      track = unmatched_.erase(track);
      owner->AddBackup(now, offered);
      owner_.OnTrackChanged(now, *owner);
      continue;
    }
    Pending* pending = PendingByMid(track->mid);
    if (pending == nullptr) {
      pending = PendingFor(*track);
    }
    if (pending == nullptr) {
      ++track;
      continue;
    }
    Pending taken = std::move(*pending);
    pending_.erase(std::find_if(pending_.begin(), pending_.end(),
                                [&](const Pending& entry) { return &entry == pending; }));
    const OfferedTrack offered = std::move(*track);
    track = unmatched_.erase(track);
    Publish(now, std::move(taken), offered);
  }
}

void UpTracks::Publish(Now now, Pending pending, const OfferedTrack& offered) {
  const PublishPreference preference = PreferenceOf(pending.info, offered);
  auto track = std::make_unique<PublishedTrack>(environment_, now, std::move(pending.info), preference,
                                                offered, owner_.PublisherTransport());
  PublishedTrack& published = *track;
  published_[offered.mid] = std::move(track);
  published.StartDynacast(now.mono, *this);
  owner_.OnTrackPublished(now, published);
}

void UpTracks::Unpublish(Now now, const std::string& mid) {
  const auto found = published_.find(mid);
  if (found == published_.end()) {
    return;
  }
  const std::unique_ptr<PublishedTrack> track = std::move(found->second);
  published_.erase(found);
  owner_.OnTrackUnpublished(now, *track);
  for (const livekit::SimulcastCodecInfo& codec : track->info().codecs()) {
    AcceptQueued(now, codec.cid());
  }
}

void UpTracks::AcceptQueued(Now now, const std::string& cid) {
  const auto next =
      std::find_if(queued_.begin(), queued_.end(),
                   [&](const livekit::AddTrackRequest& request) { return request.cid() == cid; });
  if (next != queued_.end()) {
    const livekit::AddTrackRequest request = std::move(*next);
    queued_.erase(next);
    AddTrack(now, request);
  }
}

void UpTracks::UnpublishIf(Now now, const std::function<bool(const PublishedTrack&)>& predicate) {
  std::vector<std::string> mids;
  for (const auto& [mid, track] : published_) {
    if (predicate(*track)) {
      mids.push_back(mid);
    }
  }
  for (const std::string& mid : mids) {
    livekit::SignalResponse response;
    response.mutable_track_unpublished()->set_track_sid(published_[mid]->sid().value());
    Unpublish(now, mid);
    owner_.Send(response);
  }
}

void UpTracks::UnpublishAll(Now now) {
  queued_.clear();
  pending_.clear();
  while (!published_.empty()) {
    Unpublish(now, published_.begin()->first);
  }
}

PublishedTrack* UpTracks::Find(const TrackSid& sid) {
  for (const auto& [mid, track] : published_) {
    if (track->sid() == sid) {
      return track.get();
    }
  }
  return nullptr;
}

livekit::TrackInfo* UpTracks::FindInfo(const std::string& sid) {
  if (PublishedTrack* track = Find(TrackSid(sid))) {
    return &track->mutable_info();
  }
  const auto found = std::find_if(pending_.begin(), pending_.end(),
                                  [&](const Pending& entry) { return entry.info.sid() == sid; });
  return found == pending_.end() ? nullptr : &found->info;
}

bool UpTracks::Knows(const std::string& sid) const {
  return const_cast<UpTracks*>(this)->FindInfo(sid) != nullptr;
}

}  // namespace weir::rtc
