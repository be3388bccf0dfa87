// The peer connection whose offers come from the client: it publishes there, and with a single connection
// subscribes there too.
//
// Every offer is answered at once and in order. With a single connection a track to be sent waits for a
// receive-only section: a spare one of the next offer, or one that the client adds because
// media_sections_requirement asked for it (0/0 means "just offer again"). Errors in what the client sends end
// the session with a full reconnect (Owner::OnNegotiationFailed).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "proto/livekit_rtc.pb.h"
#include "rtc/answer.h"
#include "rtc/media_engine.h"
#include "rtc/media_sender.h"
#include "rtc/transport.h"

namespace weir::rtc {

class PublisherNegotiation {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // Before the answer: what is known of how these tracks should be sent.
    virtual std::map<std::string, PublishPreference, std::less<>> PreferencesFor(
        const std::vector<OfferedTrack>& tracks) = 0;
    // After the answer was sent: the tracks that the client sends now. Those that are not listed any more
    // have ended.
    virtual void OnTracksNegotiated(base::Now now, std::vector<OfferedTrack> tracks) = 0;
    virtual void SendAnswer(livekit::SessionDescription answer) = 0;
    virtual void SendSectionsRequirement(uint32_t audios, uint32_t videos) = 0;
  };

  PublisherNegotiation(Environment& environment, const MediaEngine& engine, Transport& transport,
                       bool single_connection, Owner& owner);

  base::Result<void> OnOffer(base::Now now, const livekit::SessionDescription& offer);

  // Single connection only.
  void AddSender(base::Now now, MediaSender& sender);
  void RemoveSender(base::Now now, MediaSender& sender);

  base::Timestamp NextTimeout() const { return debounce_.NextTimeout(); }
  void OnTimeout(base::Now now);

  bool negotiated() const { return negotiated_; }
  std::map<std::string, std::string> MidToTrackId() const;

 private:
  base::Result<void> ApplyTransport(base::Now now, const sdp::SessionDescription& offer);
  void AssignSenders(const sdp::SessionDescription& offer);
  void BindSenders(base::Now now, const sdp::SessionDescription& offer);
  void RequireSections(bool always);
  TransportParameters Parameters();

  struct Slot {
    MediaSender* sender = nullptr;
    bool bound = false;
  };

  Environment& environment_;
  const MediaEngine& engine_;
  Transport& transport_;
  const bool single_connection_;
  Owner& owner_;
  NegotiationDebounce debounce_;
  std::map<std::string, Slot, std::less<>> slots_;  // By mid.
  std::vector<MediaSender*> waiting_;               // For a section.
  std::map<std::string, bool, std::less<>>
      receivable_;                 // Sections of the last offer that the client receives in; true: audio.
  uint32_t requested_audios_ = 0;  // Sections asked for since that offer.
  uint32_t requested_videos_ = 0;
  ice::Credentials remote_ice_;
  uint64_t session_id_;
  uint64_t session_version_ = 0;
  bool negotiated_ = false;
};

}  // namespace weir::rtc
