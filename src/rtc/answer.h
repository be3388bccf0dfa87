// Answers to a client's offers, as pure functions: which tracks an offer brings, and the description that
// takes them.
//
// The same code serves both modes. With two connections the client's offer only brings tracks; with one, its
// receive-only sections are where our own tracks go. RFC 8829 section 5.3; what clients need beyond it stands
// beside the lines that do it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rtc/media_engine.h"
#include "rtc/session_parameters.h"
#include "sdp/session_description.h"

namespace weir::rtc {

// A section in which the client sends.
struct OfferedTrack {
  std::string mid;
  bool audio = true;
  std::string cid;  // The track id in its msid: how an AddTrack is found.
  std::vector<NegotiatedCodec> codecs;
  rtp::ExtensionMap extensions;
  std::vector<std::string> rids;  // Lowest layer first.
  std::vector<std::pair<rtp::Ssrc, std::optional<rtp::Ssrc>>> ssrcs;
};

// How a track is to be sent, as far as its AddTrack said.
struct PublishPreference {
  codec::Codec codec = codec::Codec::kUnknown;  // Goes first; unknown: the offered order.
  bool only_codec = false;                      // For clients that ignore the order.
  bool red = false;                             // Audio: redundancy first, when it was offered.
  bool stereo = false;
  bool dtx = true;
};

struct AnswerPlan {
  TransportParameters transport;
  std::map<std::string, PublishPreference, std::less<>> preferences;  // By mid; absent: not known yet.
  std::map<std::string, OutgoingTrack, std::less<>>
      outgoing;  // By mid of a section that the client receives in.
};

std::vector<OfferedTrack> FindOfferedTracks(const sdp::SessionDescription& offer, const MediaEngine& engine);

sdp::SessionDescription MakeAnswer(const sdp::SessionDescription& offer, const MediaEngine& engine,
                                   const AnswerPlan& plan);

// RIDs in the order of their layers: q, h, f or 2, 1, 0 by name, anything else as listed (signal.md: the list
// is lowest first).
std::vector<std::string> OrderRids(std::vector<std::string> rids);

}  // namespace weir::rtc
