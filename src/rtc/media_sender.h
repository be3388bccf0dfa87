// A track on its way to one subscriber, as negotiation sees it: it waits for a section of a peer connection,
// then is bound to it.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "rtc/media_engine.h"
#include "rtc/session_parameters.h"

namespace weir::rtc {

class MediaSender {
 public:
  // What the subscriber took of the offered section, in its order of preference, and the header extensions in
  // use.
  virtual void OnBound(base::Now now, const std::vector<NegotiatedCodec>& codecs,
                       const rtp::ExtensionMap& extensions) = 0;

  bool audio() const { return audio_; }
  const OutgoingTrack& outgoing() const { return outgoing_; }
  // The track's sid, for mid_to_track_id.
  const std::string& track_sid() const { return outgoing_.msid.track; }

 protected:
  MediaSender(bool audio, OutgoingTrack outgoing) : audio_(audio), outgoing_(std::move(outgoing)) {}
  virtual ~MediaSender() = default;

 private:
  const bool audio_;
  const OutgoingTrack outgoing_;
};

// Spreads negotiations that many small changes ask for: the first waits 10 ms, further ones within 150 ms of
// the last negotiation wait 150 ms (signal.md 4.2 in LiveKit's values).
class NegotiationDebounce {
 public:
  void Trigger(base::Timestamp now) {
    if (due_.infinite()) {
      const bool quiet = now - last_ > kWindow;
      due_ = now + (quiet ? kFirst : kWindow);
    }
  }
  void TriggerNow(base::Timestamp now) { due_ = now; }
  base::Timestamp NextTimeout() const { return due_; }
  // True once when the time has come.
  bool Take(base::Timestamp now) {
    if (due_ > now) {
      return false;
    }
    due_ = base::Timestamp::Infinity();
    last_ = now;
    return true;
  }
  void Cancel() { due_ = base::Timestamp::Infinity(); }

 private:
  static constexpr base::TimeDelta kFirst = base::TimeDelta::Millis(10);
  static constexpr base::TimeDelta kWindow = base::TimeDelta::Millis(150);
  base::Timestamp due_ = base::Timestamp::Infinity();
  base::Timestamp last_ = base::Timestamp::Never();
};

}  // namespace weir::rtc
