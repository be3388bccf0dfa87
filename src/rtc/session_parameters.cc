#include "rtc/session_parameters.h"

namespace weir::rtc {

sdp::SessionDescription MakeSession(const TransportParameters& parameters) {
  sdp::SessionDescription session;
  session.session_id = parameters.session_id;
  session.session_version = parameters.session_version;
  session.msid_semantic = "WMS *";
  session.extmap_allow_mixed = true;
  return session;
}

void SetTransport(const TransportParameters& parameters, sdp::MediaSection& section) {
  section.ice_ufrag = parameters.ice.ufrag;
  section.ice_pwd = parameters.ice.pwd;
  section.ice_options = {"trickle"};
  section.fingerprints = {{"sha-256", parameters.fingerprint}};
  section.setup = parameters.setup;
  section.rtcp_mux = section.kind != sdp::MediaSection::Kind::kApplication;
  section.rtcp_rsize = section.rtcp_mux;
}

void SetOutgoingTrack(const OutgoingTrack& track, sdp::MediaSection& section) {
  section.msids = {track.msid};
  const std::string msid = track.msid.stream + " " + track.msid.track;
  section.ssrcs = {{track.ssrc.value(), track.cname, msid}};
  if (track.rtx) {
    section.ssrcs.push_back({track.rtx->value(), track.cname, msid});
    section.ssrc_groups = {{"FID", {track.ssrc.value(), track.rtx->value()}}};
  }
}

sdp::MediaSection MakeDataSection(const TransportParameters& parameters, const std::string& mid) {
  sdp::MediaSection section;
  section.kind = sdp::MediaSection::Kind::kApplication;
  section.protocol = "UDP/DTLS/SCTP";
  section.format_list_raw = "webrtc-datachannel";
  section.mid = mid;
  section.sctp_port = 5000;
  section.max_message_size = kMaxInboundMessage;
  SetTransport(parameters, section);
  return section;
}

}  // namespace weir::rtc
