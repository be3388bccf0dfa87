// One member of a room: a signalling session, peer connections, what it publishes and what it receives.
//
// A composition: TransportManager, UpTracks and Subscriptions do the work and see the participant through
// their small views; here is what ties them together, the participant's public face (ParticipantInfo) and its
// life: joined, active, gone. It lives on its room's worker and is destroyed by its room only, at the end of
// a turn.
//
// participant.cc: life and face; participant_join.cc: its first messages; participant_token.cc: tokens it is
// given; participant_quality.cc: its connection's quality; participant_signal.cc: signal requests;
// participant_data.cc: data packets; participant_data_tracks.cc: data tracks and blobs; participant_views.cc:
// the views of its parts.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "auth/token.h"
#include "base/counters.h"
#include "rtc/data_blobs.h"
#include "rtc/data_tracks.h"
#include "rtc/environment.h"
#include "rtc/ids.h"
#include "rtc/permissions.h"
#include "rtc/recent_nonces.h"
#include "rtc/subscriptions.h"
#include "rtc/transport_manager.h"
#include "rtc/up_tracks.h"
#include "signal/connect_parameters.h"

namespace weir::rtc {

class Room;

// A client that wants to join or to come back, checked by the front: its token allows it.
struct JoinRequest {
  auth::Claims claims;
  signal::ConnectParameters parameters;
  std::shared_ptr<SignalSink> sink;
};

class Participant final : public TransportManager::Owner,
                          public UpTracks::Owner,
                          public Subscriptions::View,
                          public PublishedDataTracks::Owner,
                          public DataSubscriptions::View,
                          public Timed {
 public:
  enum class State : uint8_t { kJoined, kActive, kDisconnected };

  struct Counters {
    uint64_t data_malformed = 0;   // Data messages that are no DataPacket.
    uint64_t data_refused = 0;     // No right to publish data.
    uint64_t data_duplicates = 0;  // Sequence or nonce seen before.
    uint64_t data_dropped = 0;     // For this participant, which could not take them.
    uint64_t signal_unknown = 0;   // Requests of kinds that we do not know.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"data_malformed", &Counters::data_malformed},
          {"data_refused", &Counters::data_refused},
          {"data_duplicates", &Counters::data_duplicates},
          {"data_dropped", &Counters::data_dropped},
          {"signal_unknown", &Counters::signal_unknown},
      });
    }
  };

  Participant(Environment& environment, const MediaEngine& engine, Room& room, uint64_t key,
              const JoinRequest& request, base::Now now, bool tcp_only);
  ~Participant() override;

  // ---- Who.
  uint64_t key() const { return key_; }  // Unique in the process; for tables.
  const ParticipantSid& sid() const { return sid_; }
  const Identity& identity() const { return identity_; }
  const auth::Claims& claims() const { return claims_; }  // Of the token that this session began with.
  State state() const { return state_; }
  bool hidden() const { return permission_.hidden(); }
  // Agents, egress and recorders: they do not keep a room open and are not counted.
  bool dependent() const;
  bool recorder() const { return permission_.recorder() || kind_ == livekit::ParticipantInfo::EGRESS; }
  bool was_active() const { return was_active_; }
  bool is_publisher() const { return !up_tracks_.published().empty() || !data_tracks_.empty(); }
  int protocol() const { return client_.protocol(); }
  const livekit::ClientInfo& client() const { return client_; }
  livekit::ParticipantInfo Info() const;
  // As the others see it: while nothing arrives from its connection, its tracks are muted.
  livekit::ParticipantInfo PublicInfo() const;
  const livekit::ParticipantPermission& permission() const { return permission_; }
  bool auto_subscribe() const { return auto_subscribe_; }
  const Counters& counters() const { return counters_; }

  // ---- Life.
  // Sends the join response and starts the connections. `others` is everybody whom it may see.
  void Start(base::Now now, const std::vector<livekit::ParticipantInfo>& others, JoinRequest request);
  // A client came back to this session: everything lives on, over a new signal connection.
  void Resume(base::Now now, JoinRequest request);
  // Ends it: tells the client (unless `silent`), unpublishes, closes. The room removes it at the end of the
  // turn.
  void Close(base::Now now, livekit::DisconnectReason reason, livekit::LeaveRequest::Action action,
             bool silent = false);
  livekit::DisconnectReason disconnect_reason() const { return disconnect_reason_; }

  // ---- Signalling. `sink` tells the current connection from one that a resume has replaced.
  void OnSignal(base::Now now, const SignalSink* sink, const livekit::SignalRequest& request);
  void OnSignalClosed(base::Now now, const SignalSink* sink);
  // A frame that is no request: the session is torn down with a reason the client acts on.
  void OnBadSignal(base::Now now, const SignalSink* sink, const std::string& error);
  void Send(const livekit::SignalResponse& message) override;
  void SendUpdate(const std::vector<livekit::ParticipantInfo>& participants);

  // ---- What the room and the API tell it.
  void OnTrackAvailable(base::Now now,
                        const TrackSid& sid);  // Somebody published; subscribes if it wants everything.
  void OnTrackGone(base::Now now, const TrackSid& sid) { subscriptions_.OnTrackGone(now, sid); }
  void ReconcileTrack(base::Now now, const TrackSid& sid) { subscriptions_.Reconcile(now, sid); }
  void OnTrackSubscribed(const TrackSid& sid);  // One of its own.
  bool SubscribesTo(const Participant& publisher) const { return subscriptions_.SubscribesTo(publisher); }
  // ---- Connection quality: participant_quality.cc.
  // True when it has changed enough for others to be told.
  bool MeasureQuality(base::Now now);
  // Whether this client has to be told of everybody it hears, as once after each beginning; true once.
  bool TakeQualitiesDue() { return !std::exchange(knows_qualities_, true); }
  void SendQuality(const std::vector<const Participant*>& of);
  void SetSubscribed(base::Now now, const std::vector<std::string>& track_sids, bool subscribed);
  base::Result<void> UpdateMetadata(base::Now now, const std::string& name, const std::string& metadata,
                                    const std::map<std::string, std::string>& attributes);
  void SetPermission(base::Now now, const livekit::ParticipantPermission& permission);
  // After what its token says has changed, and every few minutes.
  void SendRefreshToken(base::Now now);
  // A line about it for those who were not there when it left.
  livekit::ParticipantInfo Epitaph() const;
  // Sends the client to another room of this server.
  void MoveTo(base::Now now, const livekit::Room& destination,
              const std::vector<livekit::ParticipantInfo>& others);
  base::Result<livekit::TrackInfo> MuteTrack(base::Now now, const TrackSid& sid, bool muted);
  bool AllowsSubscription(const Participant& subscriber, const TrackSid& sid) const;
  PublishedTrack* Published(const TrackSid& sid) { return up_tracks_.Find(sid); }
  UpTracks& up_tracks() { return up_tracks_; }
  const UpTracks& up_tracks() const { return up_tracks_; }
  TransportManager& transports() { return *transports_; }
  Subscriptions& subscriptions() { return subscriptions_; }
  PublishedDataTracks& data_tracks() { return data_tracks_; }
  const PublishedDataTracks& data_tracks() const { return data_tracks_; }
  DataSubscriptions& data_subscriptions() { return data_subscriptions_; }
  const DataSubscriptions& data_subscriptions() const { return data_subscriptions_; }
  void OnDataTrackAvailable(const TrackSid& sid);
  void OnDataTrackGone(const TrackSid& sid) { data_subscriptions_.OnTrackGone(sid); }

  // ---- Data for this participant. `message` is a serialized DataPacket.
  void DeliverData(base::Now now, DataChannel channel, const std::shared_ptr<const base::Buffer>& message);

  void OnTimer(base::Now now) override;

  // TransportManager::Owner
  std::map<std::string, PublishPreference, std::less<>> PreferencesFor(
      const std::vector<OfferedTrack>& tracks) override;
  void OnTracksNegotiated(base::Now now, std::vector<OfferedTrack> tracks) override;
  void OnPrimaryConnected(base::Now now) override;
  void OnDataChannelsOpen(base::Now now) override;
  void OnData(base::Now now, DataChannel channel, bool binary, base::ConstBytes message) override;
  void OnPublisherSilence(base::Now now, bool silent) override;
  void OnConnectionLost(base::Now now, const std::string& reason) override;
  void OnSessionBroken(base::Now now, const std::string& reason) override;
  // UpTracks::Owner
  bool MayPublish(livekit::TrackSource source) const override;
  bool IgnoresCodecOrder() const override;
  Transport& PublisherTransport() override { return transports_->publisher(); }
  void OnTrackPublished(base::Now now, PublishedTrack& track) override;
  void OnTrackUnpublished(base::Now now, PublishedTrack& track) override;
  void OnTrackChanged(base::Now now, PublishedTrack& track) override;
  // PublishedDataTracks::Owner
  bool MayPublishDataTracks() const override;
  void OnDataTrackPublished(base::Now now, PublishedDataTrack& track) override;
  void OnDataTrackUnpublished(base::Now now, PublishedDataTrack& track) override;
  // DataSubscriptions::View
  std::pair<Participant*, PublishedDataTrack*> FindDataTrack(const TrackSid& sid) override;
  bool SendDataTrackPacket(base::Now now, std::shared_ptr<const base::Buffer> packet) override;
  // Subscriptions::View
  bool CanSubscribe() const override { return permission_.can_subscribe() && state_ != State::kDisconnected; }
  bool AdaptiveStream() const override { return adaptive_stream_; }
  std::pair<Participant*, PublishedTrack*> FindTrack(const TrackSid& sid) override;
  bool Allowed(Participant& publisher, const TrackSid& sid) override;
  OutgoingTrack MakeOutgoing(Participant& publisher, PublishedTrack& track) override;
  base::Buffer SilenceTrailer() override;
  TransportManager& Transports() override { return *transports_; }
  void SendPermission(Participant& publisher, const TrackSid& sid, bool allowed) override;
  void SendError(const TrackSid& sid, livekit::SubscriptionError error) override;
  void OnSubscribed(base::Now now, Subscription& subscription, bool first_of_publisher) override;
  void OnUnsubscribed(base::Now now, Participant& publisher, bool last_of_publisher) override;

 private:
  livekit::JoinResponse MakeJoinResponse(const std::vector<livekit::ParticipantInfo>& others) const;
  livekit::ClientConfiguration MakeClientConfiguration() const;
  auth::Claims CurrentClaims() const;  // As of now, with what changed since the join.
  std::string Sign(base::Now now, const auth::Claims& claims) const;  // Empty without a key.
  void SendLeave(livekit::DisconnectReason reason, livekit::LeaveRequest::Action action);
  void CloseSignal(uint16_t code);
  void SubscribeToAll(base::Now now);
  void Reschedule();
  void OnFace(base::Now now);  // What others see changed.

  // participant_signal.cc
  void OnTrickle(base::Now now, const livekit::TrickleRequest& trickle);
  void OnSubscriptionRequest(base::Now now, const livekit::UpdateSubscription& request);
  void OnTrackSettings(base::Now now, const livekit::UpdateTrackSettings& request);
  void OnLeave(base::Now now, const livekit::LeaveRequest& leave);
  void OnSubscriptionPermission(base::Now now, const livekit::SubscriptionPermission& request);
  void OnSyncState(base::Now now, const livekit::SyncState& state);
  void OnSimulate(base::Now now, const livekit::SimulateScenario& scenario);
  void OnUpdateMetadata(base::Now now, const livekit::UpdateParticipantMetadata& request);
  void OnPing(base::Now now, const livekit::Ping& ping);

  // participant_data_tracks.cc
  void SubscribeToAllDataTracks();
  void OnDataSubscriptionRequest(const livekit::UpdateDataSubscription& request);
  void OnStoreDataBlob(const livekit::StoreDataBlobRequest& request);
  void OnGetDataBlob(const livekit::GetDataBlobRequest& request);
  void SendBlobError(uint32_t request_id, const base::Error& error);

  // participant_data.cc
  void OnDataPacket(base::Now now, DataChannel channel, livekit::DataPacket packet);
  bool IsDuplicate(const livekit::DataPacket& packet);

  Environment& environment_;
  Room& room_;
  const uint64_t key_;
  const ParticipantSid sid_;
  const Identity identity_;
  const base::WallTime joined_at_;
  base::Logger log_;
  auth::Claims claims_;
  livekit::ClientInfo client_;
  livekit::ParticipantInfo::Kind kind_ = livekit::ParticipantInfo::STANDARD;
  livekit::ParticipantPermission permission_;
  std::string name_;
  std::string metadata_;
  std::map<std::string, std::string> attributes_;
  bool auto_subscribe_ = true;
  bool auto_subscribe_data_track_ = false;
  bool adaptive_stream_ = false;
  uint32_t version_ = 0;
  State state_ = State::kJoined;
  bool was_active_ = false;
  livekit::DisconnectReason disconnect_reason_ = livekit::UNKNOWN_REASON;

  std::set<std::string> told_subscribed_;  // Sids of own tracks that track_subscribed was sent for.
  std::shared_ptr<SignalSink> sink_;       // Null while signalling is down.
  SubscriptionPermissions subscription_permissions_;
  std::unique_ptr<TransportManager> transports_;
  UpTracks up_tracks_;
  Subscriptions subscriptions_;
  PublishedDataTracks data_tracks_;
  DataSubscriptions data_subscriptions_;
  DataBlobs data_blobs_;

  double quality_score_ = 100;
  double told_quality_ = 100;     // To others, last.
  bool knows_qualities_ = false;  // This client was told of everybody once.

  // Deadlines.
  base::Timestamp signal_lost_at_ = base::Timestamp::Infinity();   // Infinity while it is up.
  base::Timestamp join_deadline_ = base::Timestamp::Infinity();    // Active by then, or removed.
  base::Timestamp resume_deadline_ = base::Timestamp::Infinity();  // A lost connection is given up.
  base::Timestamp refresh_at_ = base::Timestamp::Infinity();
  base::Timestamp speaker_ends_ = base::Timestamp::Infinity();  // simulateScenario's speaker.

  // Data.
  uint32_t last_sequence_ = 0;                                  // Of reliable packets from this client.
  RecentNonces nonces_;                                         // Of user packets.
  std::deque<std::shared_ptr<const base::Buffer>> early_data_;  // Reliable, until the channel opens.
  size_t early_data_bytes_ = 0;

  // simulateScenario, until simulation_ends_: resumes to refuse, and one to cut off after its messages.
  int resumes_to_refuse_ = 0;
  bool cut_next_resume_ = false;
  base::Timestamp simulation_ends_ = base::Timestamp::Never();
  Counters counters_;
  Census::Entry counted_;  // Last.
};

}  // namespace weir::rtc
