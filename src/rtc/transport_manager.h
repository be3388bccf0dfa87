// A participant's peer connections: one, or a publisher and a subscriber, with their negotiations and
// candidates.
//
// It hides which mode the client is in: senders go to the connection that carries the downlink, data to the
// one that carries data, and "connected" means the primary one. Sans-IO; all deadlines are its own Timed.
// Owner calls come from inside packet and timer handling and must not destroy the manager.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/livekit_rtc.pb.h"
#include "rtc/publisher_negotiation.h"
#include "rtc/subscriber_negotiation.h"
#include "rtc/transport.h"

namespace weir::rtc {

class TransportManager final : public Transport::Owner,
                               public PublisherNegotiation::Owner,
                               public SubscriberNegotiation::Owner,
                               public Timed {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void Send(const livekit::SignalResponse& message) = 0;
    virtual std::map<std::string, PublishPreference, std::less<>> PreferencesFor(
        const std::vector<OfferedTrack>& tracks) = 0;
    virtual void OnTracksNegotiated(base::Now now, std::vector<OfferedTrack> tracks) = 0;
    virtual void OnPrimaryConnected(base::Now now) = 0;  // Once.
    virtual void OnDataChannelsOpen(
        base::Now now) = 0;  // Both downstream channels; once per channel that completes the pair.
    virtual void OnData(base::Now now, DataChannel channel, bool binary, base::ConstBytes message) = 0;
    // Nothing at all comes from the connection that carries this participant's tracks (or comes again).
    virtual void OnPublisherSilence(base::Now now, bool silent) = 0;
    // A connection that had been up is lost; a resume may bring it back.
    virtual void OnConnectionLost(base::Now now, const std::string& reason) = 0;
    // The session cannot go on as it is; only a full reconnect helps.
    virtual void OnSessionBroken(base::Now now, const std::string& reason) = 0;
  };
  struct Config {
    bool single_connection = false;
    bool subscriber_primary = true;  // Two connections: which one decides that the participant is active.
    bool tcp_only = false;
    bool reuse_sections = true;
    // How long the answer to an offer that came with the join waits for the client to be ready for it.
    base::TimeDelta join_answer_delay = base::TimeDelta::Millis(30);
    SubscriberNegotiation::Config subscriber;
  };

  TransportManager(Environment& environment, const MediaEngine& engine, const Config& config, Owner& owner);
  ~TransportManager() override;

  // The join was answered. `offer` is the one that came with it.
  void Start(base::Now now, std::optional<livekit::SessionDescription> offer);
  void OnClientMessage(base::Now now);  // Any; the first shows that the client is ready.
  void OnOffer(base::Now now, const livekit::SessionDescription& offer);
  void OnAnswer(base::Now now, const livekit::SessionDescription& answer);
  // False: the text is not a candidate's JSON.
  bool OnTrickle(base::Now now, const livekit::TrickleRequest& trickle);
  void OnResume(base::Now now);
  void RestartSubscriberIce(base::Now now);

  void AddSender(base::Now now, MediaSender& sender);
  void RemoveSender(base::Now now, MediaSender& sender);

  bool SendData(base::Now now, DataChannel channel, std::shared_ptr<const base::Buffer> message);
  bool data_open() const;
  size_t buffered_data(DataChannel channel) const { return data_transport().buffered_data(channel); }

  Transport& publisher() { return *publisher_; }
  Transport& downlink() { return subscriber_ ? *subscriber_ : *publisher_; }
  const Transport& downlink() const { return subscriber_ ? *subscriber_ : *publisher_; }
  bool single_connection() const { return config_.single_connection; }
  bool subscriber_primary() const { return config_.subscriber_primary; }
  bool primary_connected() const { return primary_connected_; }
  bool publisher_connected() const { return publisher_->connected(); }
  void Close(base::Now now);

  void OnTimer(base::Now now) override;

  // Transport::Owner
  void OnTransportConnected(base::Now now, Transport& transport) override;
  void OnTransportIceState(base::Now now, Transport& transport, ice::State state) override;
  void OnTransportFailed(base::Now now, Transport& transport, const std::string& reason) override;
  void OnDataChannelOpened(base::Now now, Transport& transport, DataChannel channel) override;
  void OnData(base::Now now, DataChannel channel, bool binary, base::ConstBytes message) override;
  void OnTransportSilence(base::Now now, Transport& transport, bool silent) override;
  // PublisherNegotiation::Owner
  std::map<std::string, PublishPreference, std::less<>> PreferencesFor(
      const std::vector<OfferedTrack>& tracks) override;
  void OnTracksNegotiated(base::Now now, std::vector<OfferedTrack> tracks) override;
  void SendAnswer(livekit::SessionDescription answer) override;
  void SendSectionsRequirement(uint32_t audios, uint32_t videos) override;
  // SubscriberNegotiation::Owner
  void SendOffer(livekit::SessionDescription offer) override;
  void OnNegotiationFailed(base::Now now, const std::string& reason) override;

 private:
  Transport& primary() { return config_.subscriber_primary && subscriber_ ? *subscriber_ : *publisher_; }
  const Transport& data_transport() const {
    return config_.subscriber_primary && subscriber_ ? *subscriber_ : *publisher_;
  }
  Transport& data_transport() {
    return config_.subscriber_primary && subscriber_ ? *subscriber_ : *publisher_;
  }
  void SendCandidates(Target target, const Transport& transport, std::string& sent_for);
  void AnswerJoinOffer(base::Now now);
  void Reschedule();

  Environment& environment_;
  const Config config_;
  Owner& owner_;
  std::unique_ptr<Transport> publisher_;
  std::unique_ptr<Transport> subscriber_;  // Null with a single connection.
  std::unique_ptr<PublisherNegotiation> publisher_negotiation_;
  std::unique_ptr<SubscriberNegotiation> subscriber_negotiation_;
  std::optional<livekit::SessionDescription> join_offer_;
  base::Timestamp join_answer_at_ = base::Timestamp::Infinity();
  std::vector<ice::Candidate>
      early_candidates_[2];             // By target, of a connection whose description is not here yet.
  std::string candidates_sent_for_[2];  // The local ufrag that the client has candidates of.
  bool primary_connected_ = false;
  bool closed_ = false;
};

}  // namespace weir::rtc
