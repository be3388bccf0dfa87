// Descriptions as Chromium writes them, built by the sdp module: for simulated clients and negotiation tests.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ice/candidate.h"
#include "rtc/session_parameters.h"
#include "rtp/extensions.h"
#include "sdp/session_description.h"

namespace weir::rtc::test {

using Kind = sdp::MediaSection::Kind;

// One section of a client's own description.
struct ClientSection {
  Kind kind = Kind::kAudio;
  std::string mid;
  sdp::Direction direction = sdp::Direction::kInactive;
  std::string stream;  // msid of what it sends.
  std::string track;
  std::vector<std::string> rids;                     // Simulcast, else:
  std::vector<std::pair<uint32_t, uint32_t>> ssrcs;  // Primary and RTX (0: none).
  bool red = true;                                   // Audio: whether RED is offered.
};

struct ClientTransport {
  ice::Credentials ice{"clientfrag", "clientpasswordclientpass"};
  std::string fingerprint = "AA:BB";
  sdp::Setup setup = sdp::Setup::kActpass;
  uint64_t version = 1;
};

inline std::vector<sdp::Codec> ChromiumAudioCodecs(bool red) {
  std::vector<sdp::Codec> codecs = {
      {111, "opus", 48000, 2, "minptime=10;useinbandfec=1", {"transport-cc", "nack"}}};
  if (red) {
    codecs.push_back({63, "red", 48000, 2, "111/111", {}});
  }
  codecs.push_back({9, "G722", 8000, 1, "", {}});
  codecs.push_back({0, "PCMU", 8000, 1, "", {}});
  codecs.push_back({8, "PCMA", 8000, 1, "", {}});
  codecs.push_back({13, "CN", 8000, 1, "", {}});
  codecs.push_back({110, "telephone-event", 48000, 1, "", {}});
  return codecs;
}

inline std::vector<sdp::Codec> ChromiumVideoCodecs() {
  const std::vector<std::string> feedback = {"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"};
  std::vector<sdp::Codec> codecs;
  const auto add = [&](uint8_t payload_type, const char* name, const char* fmtp) {
    codecs.push_back({payload_type, name, 90000, 1, fmtp, feedback});
    const auto rtx = static_cast<uint8_t>(payload_type + 1);
    codecs.push_back({rtx, "rtx", 90000, 1, "apt=" + std::to_string(payload_type), {}});
  };
  add(96, "VP8", "x-google-start-bitrate=1190");
  add(103, "H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f");
  add(107, "H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f");
  add(98, "VP9", "profile-id=0");
  add(45, "AV1", "level-idx=5;profile=0;tier=0");
  codecs.push_back({116, "red", 90000, 1, "", {}});
  codecs.push_back({117, "ulpfec", 90000, 1, "", {}});
  return codecs;
}

inline std::vector<sdp::ExtMap> ChromiumExtensions(bool audio) {
  const auto map = [](uint8_t id, rtp::Extension extension) {
    return sdp::ExtMap{id, std::string(rtp::Uri(extension)), std::nullopt};
  };
  if (audio) {
    return {map(1, rtp::Extension::kAudioLevel), map(2, rtp::Extension::kAbsSendTime),
            map(3, rtp::Extension::kTransportCc), map(4, rtp::Extension::kMid)};
  }
  return {{14, "urn:ietf:params:rtp-hdrext:toffset", std::nullopt},
          map(2, rtp::Extension::kAbsSendTime),
          map(13, rtp::Extension::kVideoOrientation),
          map(3, rtp::Extension::kTransportCc),
          map(4, rtp::Extension::kMid),
          map(10, rtp::Extension::kRid),
          map(11, rtp::Extension::kRepairedRid),
          map(12, rtp::Extension::kDependencyDescriptor)};
}

inline void SetClientTransport(const ClientTransport& transport, sdp::MediaSection& section) {
  section.ice_ufrag = transport.ice.ufrag;
  section.ice_pwd = transport.ice.pwd;
  section.ice_options = {"trickle"};
  section.fingerprints = {{"sha-256", transport.fingerprint}};
  section.setup = transport.setup;
}

inline sdp::MediaSection MakeClientSection(const ClientSection& from, const ClientTransport& transport) {
  sdp::MediaSection section;
  section.kind = from.kind;
  section.mid = from.mid;
  SetClientTransport(transport, section);
  if (from.kind == Kind::kApplication) {
    section.protocol = "UDP/DTLS/SCTP";
    section.format_list_raw = "webrtc-datachannel";
    section.sctp_port = 5000;
    section.max_message_size = 262144;
    return section;
  }
  const bool audio = from.kind == Kind::kAudio;
  section.protocol = "UDP/TLS/RTP/SAVPF";
  section.direction = from.direction;
  section.rtcp_mux = section.rtcp_rsize = true;
  section.codecs = audio ? ChromiumAudioCodecs(from.red) : ChromiumVideoCodecs();
  section.extensions = ChromiumExtensions(audio);
  if (!sdp::Sends(from.direction)) {
    return section;
  }
  section.msids = {{from.stream, from.track}};
  for (const std::string& rid : from.rids) {
    section.rids.push_back({rid, true, ""});
    section.simulcast.send.push_back(rid);
  }
  if (from.rids.empty()) {
    for (const auto& [primary, rtx] : from.ssrcs) {
      const std::string msid = from.stream + " " + from.track;
      section.ssrcs.push_back({primary, "cname", msid});
      if (rtx != 0) {
        section.ssrcs.push_back({rtx, "cname", msid});
        section.ssrc_groups.push_back({"FID", {primary, rtx}});
      }
    }
  }
  return section;
}

inline sdp::SessionDescription MakeClientOffer(const std::vector<ClientSection>& sections,
                                               const ClientTransport& transport) {
  sdp::SessionDescription offer;
  offer.session_id = 7434539829374829384;
  offer.session_version = transport.version;
  offer.extmap_allow_mixed = true;
  offer.msid_semantic = "WMS";
  for (const ClientSection& section : sections) {
    offer.media.push_back(MakeClientSection(section, transport));
    offer.bundle.push_back(section.mid);
  }
  return offer;
}

// What a single-connection client begins with: data, then sections to receive in.
inline std::vector<ClientSection> SingleConnectionSections(int audios, int videos) {
  std::vector<ClientSection> sections = {{.kind = Kind::kApplication, .mid = "0"}};
  const auto add = [&](Kind kind, int count) {
    for (int i = 0; i < count; ++i) {
      ClientSection section;
      section.kind = kind;
      section.mid = std::to_string(sections.size());
      section.direction = sdp::Direction::kRecvOnly;
      sections.push_back(section);
    }
  };
  add(Kind::kAudio, audios);
  add(Kind::kVideo, videos);
  return sections;
}

// Chromium's answer to an offer of sections that the server sends in.
inline sdp::SessionDescription MakeClientAnswer(const sdp::SessionDescription& offer,
                                                const ClientTransport& transport) {
  sdp::SessionDescription answer;
  answer.session_id = 5939823478934;
  answer.session_version = transport.version;
  answer.extmap_allow_mixed = true;
  answer.bundle = offer.bundle;
  for (const sdp::MediaSection& offered : offer.media) {
    sdp::MediaSection section;
    section.kind = offered.kind;
    section.mid = offered.mid;
    section.protocol = offered.protocol;
    section.direction = sdp::Reverse(offered.direction);
    if (offered.kind == Kind::kApplication) {
      section.format_list_raw = offered.format_list_raw;
      section.sctp_port = 5000;
      section.max_message_size = 262144;
      section.direction = sdp::Direction::kSendRecv;
    } else {
      section.codecs = offered.codecs;
      section.extensions = offered.extensions;
      section.rtcp_mux = section.rtcp_rsize = true;
    }
    SetClientTransport(transport, section);
    answer.media.push_back(section);
  }
  return answer;
}

}  // namespace weir::rtc::test
