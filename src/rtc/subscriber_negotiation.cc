#include "rtc/subscriber_negotiation.h"

#include <algorithm>
#include <utility>

namespace weir::rtc {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Now;
using base::Result;
using base::Timestamp;

using Kind = sdp::MediaSection::Kind;

constexpr const char* kDataMid = "0";

}  // namespace

SubscriberNegotiation::SubscriberNegotiation(Environment& environment, const MediaEngine& engine,
                                             Transport& transport, const Config& config, Owner& owner)
    : environment_(environment),
      engine_(engine),
      transport_(transport),
      config_(config),
      owner_(owner),
      offer_id_(environment.random.Below(256)),
      session_id_(environment.random.Next64() >> 2) {}

void SubscriberNegotiation::Start(Now now) {
  if (state_ == State::kNew) {
    state_ = State::kWaiting;
    start_at_ = now.mono + config_.first_offer_delay;
    transport_.CreateDataChannels(now);
  }
}

void SubscriberNegotiation::OnResume(Now now) {
  if (state_ == State::kStable || state_ == State::kOffered) {
    resume_pending_ = true;
    start_at_ = now.mono + config_.first_offer_delay;
    repeat_at_ = Timestamp::Infinity();
  }
}

void SubscriberNegotiation::OnClientReady(Now now) {
  if (start_at_.infinite()) {
    return;
  }
  start_at_ = Timestamp::Infinity();
  if (std::exchange(resume_pending_, false)) {
    // Whatever was outstanding went to a signal connection that is gone.
    state_ = State::kStable;
    debounce_.Cancel();
    SendOffer(now, /*restart_ice=*/remote_known_);
  } else if (state_ == State::kWaiting) {
    debounce_.Cancel();
    SendOffer(now, /*restart_ice=*/false);
  }
}

void SubscriberNegotiation::RestartIce(Now now) {
  if (state_ == State::kOffered) {
    restart_pending_ = true;
  } else if (state_ == State::kStable) {
    SendOffer(now, /*restart_ice=*/true);
  }
}

void SubscriberNegotiation::AddSender(Now now, MediaSender& sender) {
  const auto free = std::find_if(sections_.begin(), sections_.end(), [&](const Section& section) {
    return config_.reuse_sections && section.sender == nullptr && section.audio == sender.audio();
  });
  if (free != sections_.end()) {
    free->sender = &sender;
    free->bound = free->offered = false;
  } else if (sections_.size() < environment_.settings.limits.max_media_sections) {
    sections_.push_back(
        {.mid = std::to_string(sections_.size() + 1), .audio = sender.audio(), .sender = &sender});
  } else {
    return;  // The subscription stays unbound and is told so by its own deadline.
  }
  debounce_.Trigger(now.mono);
}

void SubscriberNegotiation::RemoveSender(Now now, MediaSender& sender) {
  for (Section& section : sections_) {
    if (section.sender == &sender) {
      section.sender = nullptr;
      section.bound = false;
      debounce_.Trigger(now.mono);
    }
  }
}

void SubscriberNegotiation::Negotiate(Now now) {
  if (state_ == State::kOffered) {
    retry_ = true;
  } else if (state_ == State::kStable) {
    SendOffer(now, /*restart_ice=*/false);
  }  // Before the start the first offer takes everything with it.
}

void SubscriberNegotiation::SendOffer(Now now, bool restart_ice) {
  if (restart_ice) {
    transport_.RestartIce(now);
  }
  const bool matters = restart_ice || !transport_.connected();
  last_offer_ = sdp::Write(MakeOffer());
  ++offer_id_;
  retry_ = false;
  restart_pending_ = false;
  state_ = State::kOffered;
  repetitions_ = 0;
  repeat_at_ = matters ? now.mono + config_.offer_repetition : Timestamp::Infinity();
  give_up_at_ = now.mono + config_.answer_timeout;

  livekit::SessionDescription offer;
  offer.set_type("offer");
  offer.set_sdp(last_offer_);
  offer.set_id(offer_id_);
  for (const auto& [mid, sid] : MidToTrackId()) {
    (*offer.mutable_mid_to_track_id())[mid] = sid;
  }
  owner_.SendOffer(std::move(offer));
}

sdp::SessionDescription SubscriberNegotiation::MakeOffer() {
  TransportParameters parameters;
  parameters.ice = transport_.connection().ice().local_credentials();
  parameters.fingerprint = environment_.certificate.fingerprint();
  parameters.setup = sdp::Setup::kActpass;
  parameters.session_id = session_id_;
  parameters.session_version = ++session_version_;
  sdp::SessionDescription offer = MakeSession(parameters);
  offer.media.push_back(MakeDataSection(parameters, kDataMid));
  offer.bundle.push_back(kDataMid);
  for (Section& section : sections_) {
    section.offered = section.sender != nullptr;
    offer.media.push_back(MakeSection(section, parameters));
    offer.bundle.push_back(section.mid);
  }
  return offer;
}

sdp::MediaSection SubscriberNegotiation::MakeSection(const Section& section,
                                                     const TransportParameters& parameters) const {
  sdp::MediaSection media;
  media.kind = section.audio ? Kind::kAudio : Kind::kVideo;
  media.protocol = "UDP/TLS/RTP/SAVPF";
  media.mid = section.mid;
  media.codecs = engine_.Offer(section.audio, /*nack=*/true);
  media.extensions = MediaEngine::OfferExtensions(section.audio);
  SetTransport(parameters, media);
  media.direction = section.sender != nullptr ? sdp::Direction::kSendOnly : sdp::Direction::kInactive;
  if (section.sender != nullptr) {
    SetOutgoingTrack(section.sender->outgoing(), media);
  }
  return media;
}

Result<void> SubscriberNegotiation::OnAnswer(Now now, const livekit::SessionDescription& message) {
  const sdp::SessionDescription answer = TRY(sdp::Parse(message.sdp()));
  if (state_ != State::kOffered) {
    return {};  // A second answer to a repeated offer.
  }
  if (message.id() != 0 && message.id() != offer_id_) {
    return {};  // Of an offer that was replaced; the answer to the newer one follows.
  }
  if (answer.media.empty() || answer.media.front().ice_ufrag.empty() ||
      answer.media.front().fingerprints.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "answer has no ICE credentials or no certificate fingerprint");
  }
  state_ = State::kStable;
  repeat_at_ = give_up_at_ = Timestamp::Infinity();
  const sdp::MediaSection& first = answer.media.front();
  remote_known_ = true;
  transport_.connection().SetRemoteFingerprint(first.fingerprints.front().algorithm,
                                               first.fingerprints.front().value);
  transport_.connection().SetDtlsRole(
      now, first.setup == sdp::Setup::kPassive ? dtls::Role::kClient : dtls::Role::kServer);
  transport_.SetRemoteIce(now, {first.ice_ufrag, first.ice_pwd});
  for (const sdp::MediaSection& media : answer.media) {
    for (const std::string& text : media.candidates) {
      if (const auto candidate = ice::ParseCandidate(text)) {
        transport_.AddRemoteCandidate(now, *candidate);
      }
    }
  }
  BindSections(now, answer);
  if (restart_pending_) {
    SendOffer(now, /*restart_ice=*/true);
  } else if (retry_) {
    SendOffer(now, /*restart_ice=*/false);
  }
  return {};
}

void SubscriberNegotiation::BindSections(Now now, const sdp::SessionDescription& answer) {
  // OnBound may remove senders, so the list is walked by index and each is looked at afresh.
  for (size_t i = 0; i < sections_.size(); ++i) {
    Section& section = sections_[i];
    if (section.sender == nullptr || section.bound || !section.offered) {
      continue;  // A sender that came after the offer: this answer still speaks of the section's previous
                 // use.
    }
    const sdp::MediaSection* media = answer.Find(section.mid);
    if (media == nullptr) {
      continue;  // Added after this offer was made.
    }
    section.bound = true;
    const bool taken = !media->rejected() && sdp::Receives(media->direction);
    section.sender->OnBound(now, taken ? engine_.Accepted(*media) : std::vector<NegotiatedCodec>(),
                            MediaEngine::ToMap(media->extensions));
  }
}

Timestamp SubscriberNegotiation::NextTimeout() const {
  return std::min(
      {start_at_, repeat_at_, give_up_at_, MayNegotiate() ? debounce_.NextTimeout() : Timestamp::Infinity()});
}

void SubscriberNegotiation::OnTimeout(Now now) {
  if (start_at_ <= now.mono) {
    OnClientReady(now);
  }
  if (repeat_at_ <= now.mono && state_ == State::kOffered) {
    repeat_at_ = Timestamp::Infinity();
    if (repetitions_ < config_.max_repetitions) {
      const int repetitions = repetitions_ + 1;
      const Timestamp give_up = give_up_at_;
      SendOffer(
          now,
          /*restart_ice=*/false);  // A new number, so that a late answer to the first is not taken twice.
      repetitions_ = repetitions;
      repeat_at_ = now.mono + config_.offer_repetition;
      give_up_at_ = give_up;
    }
  }
  if (give_up_at_ <= now.mono) {
    give_up_at_ = Timestamp::Infinity();
    if (transport_.connected()) {
      owner_.OnNegotiationFailed(now, "no answer to the subscriber offer");
      return;
    }
  }
  if (MayNegotiate() && debounce_.Take(now.mono)) {
    Negotiate(now);
  }
}

std::map<std::string, std::string> SubscriberNegotiation::MidToTrackId() const {
  std::map<std::string, std::string> map;
  for (const Section& section : sections_) {
    if (section.sender != nullptr) {
      map[section.mid] = section.sender->track_sid();
    }
  }
  return map;
}

}  // namespace weir::rtc
