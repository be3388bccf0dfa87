// What every description of one peer connection repeats: ICE credentials, certificate, DTLS role; and the
// tracks that we send.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ice/candidate.h"
#include "rtp/packet.h"
#include "sdp/session_description.h"

namespace weir::rtc {

// Data messages up to this size are taken. What is forwarded grows by its sender's identity and sid, so the
// announced size stays below what we send at most; livekit-client cuts its own messages at 64,000 bytes.
inline constexpr size_t kMaxInboundMessage = 65'000;

struct TransportParameters {
  ice::Credentials ice;
  std::string fingerprint;  // sha-256
  sdp::Setup setup = sdp::Setup::kActpass;
  uint64_t session_id = 0;
  uint64_t session_version = 0;
};

// One track that we send, as its section says it.
struct OutgoingTrack {
  sdp::Msid msid;
  std::string cname;
  rtp::Ssrc ssrc;
  std::optional<rtp::Ssrc> rtx;
};

sdp::SessionDescription MakeSession(const TransportParameters& parameters);
// Transport attributes of a section, the same in every section of a bundle.
void SetTransport(const TransportParameters& parameters, sdp::MediaSection& section);
void SetOutgoingTrack(const OutgoingTrack& track, sdp::MediaSection& section);
sdp::MediaSection MakeDataSection(const TransportParameters& parameters, const std::string& mid);

}  // namespace weir::rtc
