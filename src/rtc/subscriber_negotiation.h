// The peer connection whose offers come from us: a subscriber's downlink in the two-connection mode.
//
// One offer is outstanding at a time; what changes meanwhile goes into the next. Sections are never removed:
// a track that ends leaves its section inactive, and the next track of that kind takes it. The first offer,
// and the one after a resume, waits for the client's first message (at most Config::first_offer_delay):
// livekit-client drops an offer that arrives before it has set itself up, and a dropped offer would be
// noticed by time-out only. An offer that matters and stays unanswered is repeated.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "proto/livekit_rtc.pb.h"
#include "rtc/media_engine.h"
#include "rtc/media_sender.h"
#include "rtc/transport.h"

namespace weir::rtc {

class SubscriberNegotiation {
 public:
  struct Config {
    base::TimeDelta first_offer_delay = base::TimeDelta::Millis(100);
    base::TimeDelta offer_repetition =
        base::TimeDelta::Seconds(1);  // Of an offer that connects or reconnects.
    int max_repetitions = 3;
    base::TimeDelta answer_timeout = base::TimeDelta::Seconds(15);
    bool reuse_sections = true;  // Not for Safari, which wants a fresh one each time.
    bool offer_red = true;       // Whether audio NACK gives way to RED.
  };
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void SendOffer(livekit::SessionDescription offer) = 0;
    virtual void OnNegotiationFailed(base::Now now, const std::string& reason) = 0;
  };

  SubscriberNegotiation(Environment& environment, const MediaEngine& engine, Transport& transport,
                        const Config& config, Owner& owner);

  // The join or resume was answered: offer as soon as the client can take it.
  void Start(base::Now now);
  void OnResume(base::Now now);
  // The client has sent something.
  void OnClientReady(base::Now now);
  // New ICE credentials, offered at once (or with the offer after the outstanding one).
  void RestartIce(base::Now now);

  base::Result<void> OnAnswer(base::Now now, const livekit::SessionDescription& answer);

  void AddSender(base::Now now, MediaSender& sender);
  void RemoveSender(base::Now now, MediaSender& sender);

  base::Timestamp NextTimeout() const;
  void OnTimeout(base::Now now);

  bool started() const { return state_ != State::kNew; }
  std::map<std::string, std::string> MidToTrackId() const;

 private:
  enum class State : uint8_t { kNew, kWaiting, kStable, kOffered };
  struct Section {
    std::string mid;
    bool audio = true;
    MediaSender* sender = nullptr;
    bool bound = false;
    bool offered = false;  // The outstanding or last offer has this sender: its answer may bind it.
  };

  bool MayNegotiate() const { return state_ != State::kNew && state_ != State::kWaiting && !resume_pending_; }
  void Negotiate(base::Now now);
  void SendOffer(base::Now now, bool restart_ice);
  sdp::SessionDescription MakeOffer();
  sdp::MediaSection MakeSection(const Section& section, const TransportParameters& parameters) const;
  void BindSections(base::Now now, const sdp::SessionDescription& answer);

  Environment& environment_;
  const MediaEngine& engine_;
  Transport& transport_;
  const Config config_;
  Owner& owner_;
  State state_ = State::kNew;
  NegotiationDebounce debounce_;
  std::vector<Section> sections_;  // In the order of their m-lines, after the data section.
  std::string last_offer_;
  uint32_t offer_id_;
  uint64_t session_id_;
  uint64_t session_version_ = 0;
  bool retry_ = false;  // Something changed while an offer was outstanding.
  bool restart_pending_ = false;
  bool resume_pending_ = false;
  bool remote_known_ = false;
  int repetitions_ = 0;
  base::Timestamp start_at_ = base::Timestamp::Infinity();
  base::Timestamp repeat_at_ = base::Timestamp::Infinity();
  base::Timestamp give_up_at_ = base::Timestamp::Infinity();
};

}  // namespace weir::rtc
