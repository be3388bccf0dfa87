// The tracks that one participant publishes, from AddTrack to unpublish. up_tracks_requests.cc: what the
// client asks for; up_tracks.cc: how sections of its offers meet that.
//
// AddTrack and the offer that carries the track race: either may come first. An AddTrack waits as pending; a
// section without one waits as unmatched; each new arrival tries again. Sections are matched by the track id
// in their msid, else by kind, since some browsers change the id (signal.md 5.4).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/livekit_rtc.pb.h"
#include "rtc/answer.h"
#include "rtc/environment.h"
#include "rtc/published_track.h"

namespace weir::rtc {

class UpTracks final : public Dynacast::Owner {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void Send(const livekit::SignalResponse& message) = 0;
    virtual bool MayPublish(livekit::TrackSource source) const = 0;
    virtual bool IgnoresCodecOrder() const = 0;  // Of answers; see PublishPreference::only_codec.
    virtual Transport& PublisherTransport() = 0;
    virtual void OnTrackPublished(base::Now now, PublishedTrack& track) = 0;
    virtual void OnTrackUnpublished(base::Now now, PublishedTrack& track) = 0;  // Before it goes.
    virtual void OnTrackChanged(base::Now now, PublishedTrack& track) = 0;
  };

  UpTracks(Environment& environment, const MediaEngine& engine, Owner& owner)
      : environment_(environment), engine_(engine), owner_(owner) {}

  // ---- Signal requests. Answers and refusals go to Owner::Send.
  void AddTrack(base::Now now, const livekit::AddTrackRequest& request);
  void Mute(base::Now now, const livekit::MuteTrackRequest& request);
  void UpdateAudio(base::Now now, const livekit::UpdateLocalAudioTrack& request);
  void UpdateVideo(base::Now now, const livekit::UpdateLocalVideoTrack& request);

  // ---- Negotiation.
  std::map<std::string, PublishPreference, std::less<>> PreferencesFor(
      const std::vector<OfferedTrack>& tracks);
  void OnTracksNegotiated(base::Now now, std::vector<OfferedTrack> tracks);

  // The client may have missed what it was told last.
  void OnResume(base::Now now);
  // Dynacast::Owner
  void SendSubscribedQuality(const livekit::SubscribedQualityUpdate& update) override;

  // The server ends these; their owner is told by track_unpublished.
  void UnpublishIf(base::Now now, const std::function<bool(const PublishedTrack&)>& predicate);
  void UnpublishAll(base::Now now);

  PublishedTrack* Find(const TrackSid& sid);
  const std::map<std::string, std::unique_ptr<PublishedTrack>>& published() const { return published_; }
  // Known to the client after a TrackPublished: pending or published.
  bool Knows(const std::string& sid) const;

 private:
  struct Pending {
    livekit::AddTrackRequest request;
    livekit::TrackInfo info;
    std::string mid;  // Reserved for this section by PreferencesFor.
  };

  livekit::TrackInfo MakeInfo(const livekit::AddTrackRequest& request);
  void AddCodecs(const livekit::AddTrackRequest& request, livekit::TrackInfo& info) const;
  void NoteBackup(const livekit::AddTrackRequest& request, livekit::TrackInfo& info) const;
  // The track whose backup codec a section with this id carries.
  PublishedTrack* BackupOwner(const OfferedTrack& offered);
  void UpdateBackups(std::vector<OfferedTrack>& tracks);
  PublishPreference PreferenceOf(const livekit::TrackInfo& info, const OfferedTrack& offered) const;
  Pending* PendingFor(const OfferedTrack& track);
  Pending* PendingByMid(const std::string& mid);
  void Publish(base::Now now, Pending pending, const OfferedTrack& offered);
  void Unpublish(base::Now now, const std::string& mid);
  void AcceptQueued(base::Now now, const std::string& cid);
  void MatchWaiting(base::Now now);
  bool CidInUse(const std::string& cid) const;
  void Refuse(const livekit::AddTrackRequest& request, livekit::RequestResponse::Reason reason,
              const std::string& message);
  void SendPublished(const std::string& cid, const livekit::TrackInfo& info);
  livekit::TrackInfo* FindInfo(const std::string& sid);

  Environment& environment_;
  const MediaEngine& engine_;
  Owner& owner_;
  std::deque<Pending> pending_;                                       // Announced, without media.
  std::deque<livekit::AddTrackRequest> queued_;                       // Behind a track of the same cid.
  std::vector<OfferedTrack> unmatched_;                               // Media without an AddTrack.
  std::map<std::string, std::unique_ptr<PublishedTrack>> published_;  // By mid.
};

}  // namespace weir::rtc
