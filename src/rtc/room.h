// A room: its participants, what they see of each other, data between them, who is speaking, and when it
// ends.
//
// One shard for now: all of it on one worker. Nothing above sfu assumes where a track's packets come from, so
// that a room may later span workers through relays. room.cc: membership and life; room_updates.cc: what is
// told to whom; room_data.cc: data packets.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proto/livekit_models.pb.h"
#include "proto/livekit_room.pb.h"
#include "rtc/environment.h"
#include "rtc/ids.h"
#include "rtc/media_engine.h"
#include "rtc/participant.h"
#include "rtc/server_rpc.h"
#include "sfu/speaker_observer.h"

namespace weir::rtc {

class Room final : public Timed {
 public:
  struct Options {
    uint32_t empty_timeout_seconds = 300;
    uint32_t departure_timeout_seconds = 20;
    uint32_t max_participants = 0;  // 0: no limit.
    std::string metadata;
    bool sync_streams = false;
    std::vector<livekit::RoomAgentDispatch> agents;
  };
  class Owner {
   public:
    virtual ~Owner() = default;
    // The room is closed and has nobody in it; it is destroyed at the end of the turn.
    virtual void OnRoomClosed(base::Now now, Room& room) = 0;
    // A participant left; it is destroyed at the end of the turn, after which its sink hears nothing.
    virtual void OnRoomTurnEnd(Room& room) = 0;
    virtual uint64_t NextParticipantKey() = 0;
  };

  Room(Environment& environment, RoomName name, const Options& options, base::Now now, Owner& owner);
  ~Room() override;

  const RoomName& name() const { return name_; }
  const RoomSid& sid() const { return sid_; }
  livekit::Room Info() const;
  bool closed() const { return closed_; }
  size_t size() const { return participants_.size(); }

  // ---- Membership.
  // Joins or resumes. Refusals go to the request's sink (Reject or a leave). Returns the participant that
  // took the sink.
  Participant* Join(base::Now now, JoinRequest request);
  Participant* FindByIdentity(const Identity& identity);
  Participant* FindBySid(const ParticipantSid& sid);
  std::vector<Participant*> Participants();
  std::pair<Participant*, PublishedTrack*> FindTrack(const TrackSid& sid);
  std::pair<Participant*, PublishedDataTrack*> FindDataTrack(const TrackSid& sid);
  void Close(base::Now now, livekit::DisconnectReason reason);
  void SetMetadata(base::Now now, const std::string& metadata);
  // Destroys who has left; called by the manager when no stack frame of theirs is left.
  void Reap();

  // ---- From participants.
  void OnActive(base::Now now, Participant& participant);
  void OnLeft(base::Now now, Participant& participant);
  void OnTrackPublished(base::Now now, Participant& publisher, PublishedTrack& track);
  void OnTrackUnpublished(base::Now now, Participant& publisher, PublishedTrack& track);
  void OnDataTrackPublished(base::Now now, Participant& publisher, PublishedDataTrack& track);
  void OnDataTrackUnpublished(base::Now now, Participant& publisher, PublishedDataTrack& track);
  // What others see of it changed; told at once.
  void BroadcastUpdate(base::Now now, Participant& participant);
  void OnSubscriptionPermissionChanged(base::Now now, Participant& publisher);
  std::vector<livekit::ParticipantInfo> OthersFor(const Participant& participant) const;
  // Who left after `since` and has not come back, as far as is remembered (the last 512).
  std::vector<livekit::ParticipantInfo> DepartedSince(base::Timestamp since) const;
  // Sends the speaker state of `publisher` to a new subscriber of it, if it is speaking.
  void TellSpeaker(Participant& subscriber, const Participant& publisher);
  void SimulateSpeaker(base::Now now, Participant& participant, bool active);
  // A transport preference that outlives a session: this identity is to use TCP.
  void PreferTcp(const Identity& identity) { prefers_tcp_[identity.value()] = true; }
  const std::string& silence_trailer() const { return sif_trailer_; }
  const Options& options() const { return options_; }
  const sfu::SpeakerObserver& speakers() const { return speakers_; }

  // ---- Data. `sender` is null for the server API.
  void RouteData(base::Now now, Participant* sender, DataChannel channel, const livekit::DataPacket& packet);

  // A user packet of the server API that has been sent already.
  bool IsRepeated(const livekit::SendDataRequest& request) { return api_nonces_.Seen(request.nonce()); }
  void PerformRpc(base::Now now, const livekit::PerformRpcRequest& request, ServerRpc::Done done);

  void OnTimer(base::Now now) override;
  base::Logger& log() { return log_; }

 private:
  Participant* Resume(base::Now now, JoinRequest& request);
  base::Result<void> CheckCapacity(const JoinRequest& request) const;
  bool MaySee(const Participant& viewer, const Participant& subject) const;
  void SendRoomUpdate();
  void UpdateSpeakers(base::Now now);
  void UpdateQuality(base::Now now);  // participant_quality.cc
  void Reschedule();
  std::vector<Participant*> Recipients(const Participant* sender, const livekit::DataPacket& packet);
  size_t CountedParticipants() const;
  // Tells the world outside; `participant` and `track` where the event has them.
  void Report(base::Now now, RoomEvent::Kind kind, const Participant* participant = nullptr,
              const PublishedTrack* track = nullptr);

  Environment& environment_;
  const RoomName name_;
  const RoomSid sid_;
  Options options_;
  Owner& owner_;
  base::Logger log_;
  const base::WallTime created_at_;
  const MediaEngine engine_;
  std::string turn_password_;
  std::string sif_trailer_;  // Random bytes that end the frames which the server itself injects.
  std::map<std::string, std::unique_ptr<Participant>> participants_;  // By identity.
  std::unordered_map<std::string, Participant*> tracks_;              // Publisher by track sid.
  std::unordered_map<std::string, Participant*> data_tracks_;         // Likewise.
  std::vector<std::unique_ptr<Participant>> leaving_;
  std::deque<std::pair<base::Timestamp, livekit::ParticipantInfo>> departed_;  // Oldest first.
  std::map<std::string, bool> prefers_tcp_;
  sfu::SpeakerObserver speakers_;
  ServerRpc rpc_;
  RecentNonces api_nonces_;
  bool ever_joined_ = false;
  bool closed_ = false;
  base::Timestamp close_at_;  // When the empty room ends; infinity while somebody is there.
  base::Timestamp room_update_at_ = base::Timestamp::Infinity();
  base::Timestamp speakers_at_ = base::Timestamp::Infinity();
  base::Timestamp quality_at_ = base::Timestamp::Infinity();
  Census::Entry counted_;  // Last.
};

}  // namespace weir::rtc
