#include "rtc/transport_manager.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace weir::rtc {
namespace {

using base::Now;
using base::Timestamp;

// RTCIceCandidateInit as JSON. The Rust SDK unwraps all three fields, so none may be null.
std::string CandidateInit(const std::string& candidate) {
  return nlohmann::json{{"candidate", candidate}, {"sdpMid", "0"}, {"sdpMLineIndex", 0}}.dump();
}

}  // namespace

TransportManager::TransportManager(Environment& environment, const MediaEngine& engine, const Config& config,
                                   Owner& owner)
    : environment_(environment), config_(config), owner_(owner) {
  Transport::Config publisher;
  publisher.target = Target::kPublisher;
  publisher.ice_role = ice::Role::kControlled;  // The client offers.
  publisher.tcp_only = config.tcp_only;
  publisher_ = std::make_unique<Transport>(environment, publisher, *this);
  publisher_negotiation_ = std::make_unique<PublisherNegotiation>(environment, engine, *publisher_,
                                                                  config.single_connection, *this);
  if (!config.single_connection) {
    Transport::Config subscriber = publisher;
    subscriber.target = Target::kSubscriber;
    subscriber.ice_role = ice::Role::kControlling;
    subscriber_ = std::make_unique<Transport>(environment, subscriber, *this);
    subscriber_negotiation_ =
        std::make_unique<SubscriberNegotiation>(environment, engine, *subscriber_, config.subscriber, *this);
  }
}

TransportManager::~TransportManager() = default;

void TransportManager::Reschedule() {
  Timestamp next = std::min(join_answer_at_, publisher_negotiation_->NextTimeout());
  if (subscriber_negotiation_) {
    next = std::min(next, subscriber_negotiation_->NextTimeout());
  }
  environment_.timers.Schedule(*this, closed_ ? Timestamp::Infinity() : next);
}

void TransportManager::Start(Now now, std::optional<livekit::SessionDescription> offer) {
  if (offer) {
    join_offer_ = std::move(offer);
    join_answer_at_ = now.mono + config_.join_answer_delay;
  }
  if (subscriber_negotiation_ && config_.subscriber_primary) {
    subscriber_negotiation_->Start(now);
  }
  Reschedule();
}

void TransportManager::AnswerJoinOffer(Now now) {
  join_answer_at_ = Timestamp::Infinity();
  if (const auto offer = std::exchange(join_offer_, std::nullopt)) {
    OnOffer(now, *offer);
  }
}

void TransportManager::OnClientMessage(Now now) {
  AnswerJoinOffer(now);
  if (subscriber_negotiation_) {
    subscriber_negotiation_->OnClientReady(now);
  }
  Reschedule();
}

void TransportManager::OnOffer(Now now, const livekit::SessionDescription& offer) {
  if (const auto done = publisher_negotiation_->OnOffer(now, offer); !done) {
    owner_.OnSessionBroken(now, "offer: " + done.error().message);
    return;
  }
  for (const ice::Candidate& candidate : std::exchange(early_candidates_[0], {})) {
    publisher_->AddRemoteCandidate(now, candidate);
  }
  Reschedule();
}

void TransportManager::OnAnswer(Now now, const livekit::SessionDescription& answer) {
  if (!subscriber_negotiation_) {
    return;
  }
  if (const auto done = subscriber_negotiation_->OnAnswer(now, answer); !done) {
    owner_.OnSessionBroken(now, "answer: " + done.error().message);
    return;
  }
  for (const ice::Candidate& candidate : std::exchange(early_candidates_[1], {})) {
    subscriber_->AddRemoteCandidate(now, candidate);
  }
  Reschedule();
}

bool TransportManager::OnTrickle(Now now, const livekit::TrickleRequest& trickle) {
  const auto json = nlohmann::json::parse(trickle.candidateinit(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return false;
  }
  const auto text = json.find("candidate");
  if (text == json.end() || !text->is_string()) {
    return true;  // End of candidates.
  }
  const auto candidate = ice::ParseCandidate(text->get_ref<const std::string&>());
  if (!candidate) {
    return true;  // Empty, a host name, or a kind that we do not speak: nothing to add, nothing wrong with
                  // the session.
  }
  const bool for_subscriber = trickle.target() == livekit::SUBSCRIBER;
  if (for_subscriber && !subscriber_) {
    return true;
  }
  const bool known = for_subscriber ? subscriber_->connection().dtls_role_known()
                                    : publisher_->connection().dtls_role_known();
  std::vector<ice::Candidate>& early = early_candidates_[for_subscriber ? 1 : 0];
  if (known) {
    (for_subscriber ? *subscriber_ : *publisher_).AddRemoteCandidate(now, *candidate);
  } else if (early.size() < environment_.settings.limits.max_remote_candidates) {
    early.push_back(*candidate);
  }
  return true;
}

void TransportManager::OnResume(Now now) {
  candidates_sent_for_[0].clear();
  candidates_sent_for_[1].clear();
  if (subscriber_negotiation_) {
    subscriber_negotiation_->OnResume(now);
  }
  Reschedule();
}

void TransportManager::RestartSubscriberIce(Now now) {
  if (subscriber_negotiation_) {
    subscriber_negotiation_->RestartIce(now);
  }
  Reschedule();
}

void TransportManager::AddSender(Now now, MediaSender& sender) {
  if (subscriber_negotiation_) {
    subscriber_negotiation_->Start(
        now);  // A publisher-primary client gets its second connection with its first track.
    subscriber_negotiation_->AddSender(now, sender);
  } else {
    publisher_negotiation_->AddSender(now, sender);
  }
  Reschedule();
}

void TransportManager::RemoveSender(Now now, MediaSender& sender) {
  if (subscriber_negotiation_) {
    subscriber_negotiation_->RemoveSender(now, sender);
  } else {
    publisher_negotiation_->RemoveSender(now, sender);
  }
  Reschedule();
}

bool TransportManager::SendData(Now now, DataChannel channel, std::shared_ptr<const base::Buffer> message) {
  return data_transport().SendData(now, channel, std::move(message));
}

bool TransportManager::data_open() const {
  return data_transport().channel_open(DataChannel::kReliable) &&
         data_transport().channel_open(DataChannel::kLossy);
}

void TransportManager::OnTimer(Now now) {
  if (join_answer_at_ <= now.mono) {
    AnswerJoinOffer(now);
  }
  publisher_negotiation_->OnTimeout(now);
  if (subscriber_negotiation_) {
    subscriber_negotiation_->OnTimeout(now);
  }
  Reschedule();
}

void TransportManager::Close(Now now) {
  if (!std::exchange(closed_, true)) {
    environment_.timers.Cancel(*this);
    publisher_->Close(now);
    if (subscriber_) {
      subscriber_->Close(now);
    }
  }
}

// ---- From the transports.

void TransportManager::OnTransportConnected(Now now, Transport& transport) {
  if (&transport == &primary() && !std::exchange(primary_connected_, true)) {
    owner_.OnPrimaryConnected(now);
  }
}

void TransportManager::OnTransportIceState(Now now, Transport& transport, ice::State state) {
  // A connection that never came up is the join deadline's business.
  if (state == ice::State::kFailed && transport.connected()) {
    owner_.OnConnectionLost(now, "ICE failed");
  }
}

void TransportManager::OnTransportFailed(Now now, Transport&, const std::string& reason) {
  owner_.OnConnectionLost(now, reason);
}

void TransportManager::OnDataChannelOpened(Now now, Transport& transport, DataChannel channel) {
  const bool downstream = channel == DataChannel::kReliable || channel == DataChannel::kLossy;
  if (&transport == &data_transport() && downstream && data_open()) {
    owner_.OnDataChannelsOpen(now);
  }
}

void TransportManager::OnData(Now now, DataChannel channel, bool binary, base::ConstBytes message) {
  owner_.OnData(now, channel, binary, message);
}

void TransportManager::OnTransportSilence(Now now, Transport& transport, bool silent) {
  if (&transport == publisher_.get() && !closed_) {
    owner_.OnPublisherSilence(now, silent);
  }
}

// ---- From the negotiations.

std::map<std::string, PublishPreference, std::less<>> TransportManager::PreferencesFor(
    const std::vector<OfferedTrack>& tracks) {
  return owner_.PreferencesFor(tracks);
}

void TransportManager::OnTracksNegotiated(Now now, std::vector<OfferedTrack> tracks) {
  owner_.OnTracksNegotiated(now, std::move(tracks));
}

void TransportManager::SendAnswer(livekit::SessionDescription answer) {
  livekit::SignalResponse message;
  *message.mutable_answer() = std::move(answer);
  owner_.Send(message);
  SendCandidates(Target::kPublisher, *publisher_, candidates_sent_for_[0]);
}

void TransportManager::SendOffer(livekit::SessionDescription offer) {
  livekit::SignalResponse message;
  *message.mutable_offer() = std::move(offer);
  owner_.Send(message);
  SendCandidates(Target::kSubscriber, *subscriber_, candidates_sent_for_[1]);
}

// After the description that they belong to, once per generation of credentials.
void TransportManager::SendCandidates(Target target, const Transport& transport, std::string& sent_for) {
  const ice::Agent& agent = transport.connection().ice();
  const std::string& ufrag = agent.local_credentials().ufrag;
  if (std::exchange(sent_for, ufrag) == ufrag) {
    return;
  }
  const std::vector<ice::Candidate>& candidates = agent.local_candidates();
  for (size_t i = 0; i < candidates.size(); ++i) {
    livekit::SignalResponse message;
    livekit::TrickleRequest& trickle = *message.mutable_trickle();
    trickle.set_candidateinit(CandidateInit(candidates[i].ToString()));
    trickle.set_target(target == Target::kPublisher ? livekit::PUBLISHER : livekit::SUBSCRIBER);
    trickle.set_final(i + 1 == candidates.size());
    owner_.Send(message);
  }
}

void TransportManager::SendSectionsRequirement(uint32_t audios, uint32_t videos) {
  livekit::SignalResponse message;
  message.mutable_media_sections_requirement()->set_num_audios(audios);
  message.mutable_media_sections_requirement()->set_num_videos(videos);
  owner_.Send(message);
}

void TransportManager::OnNegotiationFailed(Now now, const std::string& reason) {
  owner_.OnSessionBroken(now, reason);
}

}  // namespace weir::rtc
