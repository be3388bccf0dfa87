// Data tracks (signal.md 7.6 in LiveKit's words): named flows of small unreliable packets from one
// participant to those who subscribed.
//
// A publisher names its tracks by handles of its own; each subscriber gets a handle of its own for each
// track, and forwarding a packet is replacing the one by the other. PublishedDataTracks is a participant's
// sending side, DataSubscriptions its receiving side; the room finds the one for the other.
//
// On the room's worker. A track and its subscriptions forget each other whichever goes first.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/counters.h"
#include "base/result.h"
#include "base/time.h"
#include "proto/livekit_rtc.pb.h"
#include "rtc/environment.h"
#include "rtc/ids.h"

namespace weir::rtc {

class DataSubscription;
class Participant;

class PublishedDataTrack {
 public:
  PublishedDataTrack(livekit::DataTrackInfo info) : info_(std::move(info)) {}
  ~PublishedDataTrack();
  PublishedDataTrack(const PublishedDataTrack&) = delete;
  PublishedDataTrack& operator=(const PublishedDataTrack&) = delete;

  const livekit::DataTrackInfo& info() const { return info_; }
  void Forward(base::Now now, base::ConstBytes packet);
  void Add(DataSubscription& subscription) { subscriptions_.push_back(&subscription); }
  void Remove(DataSubscription& subscription) { std::erase(subscriptions_, &subscription); }
  size_t subscriptions() const { return subscriptions_.size(); }

 private:
  const livekit::DataTrackInfo info_;
  std::vector<DataSubscription*> subscriptions_;
};

class PublishedDataTracks {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual bool MayPublishDataTracks() const = 0;
    virtual void Send(const livekit::SignalResponse& message) = 0;
    virtual void OnDataTrackPublished(base::Now now, PublishedDataTrack& track) = 0;
    // Its subscriptions still exist.
    virtual void OnDataTrackUnpublished(base::Now now, PublishedDataTrack& track) = 0;
  };
  struct Counters {
    uint64_t packets = 0;
    uint64_t malformed = 0;
    uint64_t unknown_handle = 0;

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"packets", &Counters::packets},
          {"malformed", &Counters::malformed},
          {"unknown_handle", &Counters::unknown_handle},
      });
    }
  };

  PublishedDataTracks(Environment& environment, Owner& owner) : environment_(environment), owner_(owner) {}

  // Both answer the client.
  void Publish(base::Now now, const livekit::PublishDataTrackRequest& request);
  void Unpublish(base::Now now, const livekit::UnpublishDataTrackRequest& request);
  // The client is told of each (`tell`), as when it lost the right to publish.
  void UnpublishAll(base::Now now, bool tell);
  void OnPacket(base::Now now, base::ConstBytes packet);

  bool empty() const { return tracks_.empty(); }
  PublishedDataTrack* Find(const TrackSid& sid);
  std::vector<PublishedDataTrack*> All() const;
  const Counters& counters() const { return counters_; }

 private:
  struct Refusal {
    livekit::RequestResponse::Reason reason;
    std::string message;
  };
  base::Result<void, Refusal> Check(const livekit::PublishDataTrackRequest& request) const;
  void End(base::Now now, uint16_t handle, bool tell);

  Environment& environment_;
  Owner& owner_;
  std::map<uint16_t, std::unique_ptr<PublishedDataTrack>> tracks_;  // By the publisher's handle.
  Counters counters_;
};

class DataSubscriptions;

// A track on its way to one subscriber.
class DataSubscription {
 public:
  DataSubscription(DataSubscriptions& owner, Participant& publisher, PublishedDataTrack& track,
                   uint16_t handle);
  ~DataSubscription();
  DataSubscription(const DataSubscription&) = delete;
  DataSubscription& operator=(const DataSubscription&) = delete;

  void Forward(base::Now now, base::ConstBytes packet);
  void OnTrackDestroyed() { track_ = nullptr; }
  uint16_t handle() const { return handle_; }
  Participant& publisher() { return publisher_; }

 private:
  DataSubscriptions& owner_;
  Participant& publisher_;
  PublishedDataTrack* track_;
  const uint16_t handle_;
};

class DataSubscriptions {
 public:
  class View {
   public:
    virtual ~View() = default;
    virtual bool CanSubscribe() const = 0;
    virtual std::pair<Participant*, PublishedDataTrack*> FindDataTrack(const TrackSid& sid) = 0;
    virtual bool Allowed(Participant& publisher, const TrackSid& sid) = 0;
    virtual void Send(const livekit::SignalResponse& message) = 0;
    // On the channel for data tracks. False: it is not open, or too much waits in it.
    virtual bool SendDataTrackPacket(base::Now now, std::shared_ptr<const base::Buffer> packet) = 0;
  };
  struct Counters {
    uint64_t packets = 0;
    uint64_t dropped = 0;  // The channel was not open, or its subscriber reads too slowly.
    uint64_t wishes_refused = 0;

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"packets", &Counters::packets},
          {"dropped", &Counters::dropped},
          {"wishes_refused", &Counters::wishes_refused},
      });
    }
  };

  DataSubscriptions(Environment& environment, View& view);

  void Want(const TrackSid& sid, bool wanted);
  // The track appeared, or who may have it changed.
  void Reconcile(const TrackSid& sid);
  void ReconcileAll();
  void OnTrackGone(const TrackSid& sid);
  void Clear();
  // All handles, as after a resume.
  void SendHandles();

  size_t active() const;
  const Counters& counters() const { return counters_; }

 private:
  friend class DataSubscription;
  using Wishes = std::map<std::string, std::unique_ptr<DataSubscription>>;
  // False: it may not be, or there is no such track yet.
  bool Begin(const TrackSid& sid, std::unique_ptr<DataSubscription>& subscription);
  uint16_t NextHandle();

  Environment& environment_;
  View& view_;
  Wishes wishes_;  // By track sid; null until the track is there and may be had.
  uint16_t last_handle_;
  Counters counters_;
};

}  // namespace weir::rtc
