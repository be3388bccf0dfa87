// What one participant receives: wishes by track sid, and for each that can be met a down track.
//
// A wish may come before its track and outlives it: every event that could change what is possible (a track
// comes or goes, a permission changes) reconciles. A track that stays unknown is reported after a minute, one
// that cannot be bound after 15 s (signal.md 8.4).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/livekit_rtc.pb.h"
#include "rtc/environment.h"
#include "rtc/ids.h"
#include "rtc/media_sender.h"
#include "rtc/published_track.h"
#include "rtc/transport_manager.h"
#include "sfu/down_track.h"

namespace weir::rtc {

class Participant;

// One track that is being, or is about to be, sent to one subscriber.
class Subscription final : public MediaSender, public BackupWaiter {
 public:
  struct Settings {
    bool disabled = false;
    bool set = false;  // A client's message, not the default.
    livekit::VideoQuality quality = livekit::HIGH;
    uint32_t width = 0;
    uint32_t height = 0;
    uint32_t fps = 0;
  };
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void OnSubscriptionBound(base::Now now, Subscription& subscription) = 0;
    // The subscriber took none of the track's codecs.
    virtual void OnSubscriptionUnsupported(base::Now now, Subscription& subscription) = 0;
  };

  Subscription(Environment& environment, PublishedTrack& track, Participant& publisher,
               OutgoingTrack outgoing, Transport& transport, const Settings& settings,
               base::Buffer silence_trailer, Owner& owner);
  ~Subscription() override;

  void OnBound(base::Now now, const std::vector<NegotiatedCodec>& codecs,
               const rtp::ExtensionMap& extensions) override;
  void OnBackup(base::Now now, TrackSource& source) override;
  void Apply(base::Now now, const Settings& settings);
  // Video: no layer that takes more than this many bits per second; nothing lifts the limit.
  void SetBudget(base::Now now, std::optional<uint64_t> bits_per_second);
  // It is about to end: nothing is wanted any more.
  void Release(base::Now now);
  // Once every few seconds, by the subscriber's reports (sfu::QualityMeter's scale).
  double MeasureQuality(base::Now now);

  PublishedTrack& track() { return track_; }
  Participant& publisher() { return publisher_; }
  const PublishedTrack& track() const { return track_; }
  sfu::DownTrack* down_track() { return down_track_.get(); }
  const sfu::DownTrack* down_track() const { return down_track_.get(); }
  bool bound() const { return down_track_ != nullptr; }

 private:
  void TellDynacast(base::Now now);
  int AffordableLayer(base::Now now) const;  // By the budget.
  bool PrimaryIsTaken(const std::vector<sfu::SendCodec>& codecs) const;
  std::vector<sfu::SendCodec> BackupCodecs(const std::vector<NegotiatedCodec>& negotiated) const;
  std::vector<sfu::SendCodec> SendCodecs(const std::vector<NegotiatedCodec>& negotiated) const;

  Environment& environment_;
  PublishedTrack& track_;
  Participant& publisher_;
  Transport& transport_;
  Settings settings_;
  const base::Buffer silence_trailer_;
  Owner& owner_;
  std::unique_ptr<sfu::DownTrack> down_track_;
  std::optional<uint64_t> budget_;
  bool takes_backup_ = false;  // The subscriber cannot take the primary codec.
  sfu::QualityMeter quality_;
  std::optional<Census::Entry> counted_;  // Last; of a bound one.
};

class Subscriptions final : public Subscription::Owner, public Timed {
 public:
  // What it needs of its participant and room.
  class View {
   public:
    virtual ~View() = default;
    virtual bool CanSubscribe() const = 0;
    virtual bool AdaptiveStream() const = 0;
    // The track and its publisher, unless this participant may not see it at all.
    virtual std::pair<Participant*, PublishedTrack*> FindTrack(const TrackSid& sid) = 0;
    virtual bool Allowed(Participant& publisher, const TrackSid& sid) = 0;
    virtual OutgoingTrack MakeOutgoing(Participant& publisher, PublishedTrack& track) = 0;
    virtual base::Buffer SilenceTrailer() = 0;
    virtual TransportManager& Transports() = 0;
    virtual void SendPermission(Participant& publisher, const TrackSid& sid, bool allowed) = 0;
    virtual void SendError(const TrackSid& sid, livekit::SubscriptionError error) = 0;
    // A subscription carries media for the first time, or its last one to this publisher ended.
    virtual void OnSubscribed(base::Now now, Subscription& subscription, bool first_of_publisher) = 0;
    virtual void OnUnsubscribed(base::Now now, Participant& publisher, bool last_of_publisher) = 0;
  };

  Subscriptions(Environment& environment, View& view) : environment_(environment), view_(view) {}
  ~Subscriptions() override;

  void Want(base::Now now, const TrackSid& sid, bool wanted);
  // simulateScenario: what all videos together may take; nothing ends it.
  void LimitBandwidth(base::Now now, std::optional<uint64_t> bits_per_second);
  void SetSettings(base::Now now, const TrackSid& sid, const livekit::UpdateTrackSettings& settings);
  // Something about this track changed: it appeared, or who may have it.
  void Reconcile(base::Now now, const TrackSid& sid);
  void ReconcileAll(base::Now now);
  // The track is about to go: its subscription ends now. The wish stays.
  void OnTrackGone(base::Now now, const TrackSid& sid);
  void Clear(base::Now now);

  bool SubscribesTo(const Participant& publisher) const;
  Subscription* Find(const TrackSid& sid);
  std::vector<Subscription*> Active();
  size_t size() const { return wishes_.size(); }

  void OnTimer(base::Now now) override;
  // Subscription::Owner
  void OnSubscriptionBound(base::Now now, Subscription& subscription) override;
  void OnSubscriptionUnsupported(base::Now now, Subscription& subscription) override;

 private:
  struct Wish {
    bool wanted = false;
    Subscription::Settings settings;
    std::unique_ptr<Subscription> subscription;
    std::optional<bool> allowed;  // As last told to the client.
    base::Timestamp deadline = base::Timestamp::Infinity();
    bool failed = false;  // Reported; tried again when wished anew.
  };

  void Begin(base::Now now, const TrackSid& sid, Wish& wish, Participant& publisher, PublishedTrack& track);
  void End(base::Now now, Wish& wish);
  void Reschedule();

  Environment& environment_;
  View& view_;
  std::optional<uint64_t> bandwidth_;   // Of all videos together, while that is simulated.
  std::map<std::string, Wish> wishes_;  // By track sid.
};

}  // namespace weir::rtc
