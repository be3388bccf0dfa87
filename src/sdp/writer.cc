#include <string>
#include <string_view>

#include "sdp/session_description.h"

namespace weir::sdp {
namespace {

// Collects lines. Values come from clients as well (msid, cname), so a line break inside one must not become
// a line of ours.
class Lines {
 public:
  template <typename... Parts>
  void Add(const Parts&... parts) {
    (Append(parts), ...);
    text_ += "\r\n";
  }
  std::string Take() { return std::move(text_); }

 private:
  void Append(std::string_view part) {
    for (const char c : part) {
      if (static_cast<unsigned char>(c) >= 0x20 || c == '\t') {
        text_ += c;
      }
    }
  }
  template <std::unsigned_integral T>
  void Append(T number) {
    text_ += std::to_string(number);
  }
  void Append(int number) { text_ += std::to_string(number); }

  std::string text_;
};

template <typename List>
std::string Join(const List& list, std::string_view separator) {
  std::string joined;
  for (const auto& item : list) {
    if (!joined.empty()) {
      joined += separator;
    }
    if constexpr (std::is_integral_v<std::decay_t<decltype(item)>>) {
      joined += std::to_string(item);
    } else {
      joined += item;
    }
  }
  return joined;
}

std::string_view KindName(const MediaSection& section) {
  switch (section.kind) {
    case MediaSection::Kind::kAudio:
      return "audio";
    case MediaSection::Kind::kVideo:
      return "video";
    case MediaSection::Kind::kApplication:
      return "application";
    case MediaSection::Kind::kOther:
      return section.kind_name;
  }
  return section.kind_name;
}

bool IsRtp(const MediaSection& section) {
  return section.kind == MediaSection::Kind::kAudio || section.kind == MediaSection::Kind::kVideo;
}

// The m= line needs at least one format (RFC 8866 section 5.14), also where there is nothing to name.
std::string Formats(const MediaSection& section) {
  if (!section.codecs.empty()) {
    std::string formats;
    for (const Codec& codec : section.codecs) {
      formats += (formats.empty() ? "" : " ") + std::to_string(codec.payload_type);
    }
    return formats;
  }
  if (!section.format_list_raw.empty()) {
    return section.format_list_raw;
  }
  return section.kind == MediaSection::Kind::kApplication ? "webrtc-datachannel" : "0";
}

// Session and section write these alike.
template <typename Level>
void WriteTransport(const Level& level, Lines& lines) {
  if (!level.ice_ufrag.empty()) {
    lines.Add("a=ice-ufrag:", level.ice_ufrag);
  }
  if (!level.ice_pwd.empty()) {
    lines.Add("a=ice-pwd:", level.ice_pwd);
  }
  if (!level.ice_options.empty()) {
    lines.Add("a=ice-options:", Join(level.ice_options, " "));
  }
  for (const Fingerprint& fingerprint : level.fingerprints) {
    lines.Add("a=fingerprint:", fingerprint.algorithm, " ", fingerprint.value);
  }
  if (level.setup) {
    lines.Add("a=setup:", ToString(*level.setup));
  }
}

void WriteExtensions(const MediaSection& section, Lines& lines) {
  for (const ExtMap& extension : section.extensions) {
    const std::string direction =
        extension.direction ? "/" + std::string(ToString(*extension.direction)) : std::string();
    lines.Add("a=extmap:", extension.id, direction, " ", extension.uri);
  }
  if (section.extmap_allow_mixed) {
    lines.Add("a=extmap-allow-mixed");
  }
}

void WriteCodecs(const MediaSection& section, Lines& lines) {
  for (const Codec& codec : section.codecs) {
    const std::string channels = codec.channels == 1 ? "" : "/" + std::to_string(codec.channels);
    lines.Add("a=rtpmap:", codec.payload_type, " ", codec.name, "/", codec.clock_rate, channels);
    for (const std::string& feedback : codec.feedback) {
      lines.Add("a=rtcp-fb:", codec.payload_type, " ", feedback);
    }
    if (!codec.fmtp.empty()) {
      lines.Add("a=fmtp:", codec.payload_type, " ", codec.fmtp);
    }
  }
}

void WriteStreams(const MediaSection& section, Lines& lines) {
  for (const Msid& msid : section.msids) {
    lines.Add("a=msid:", msid.stream, msid.track.empty() ? "" : " ", msid.track);
  }
  for (const Rid& rid : section.rids) {
    lines.Add("a=rid:", rid.id, rid.send ? " send" : " recv", rid.restrictions.empty() ? "" : " ",
              rid.restrictions);
  }
  if (!section.simulcast.empty()) {
    const std::string send = Join(section.simulcast.send, ";");
    const std::string recv = Join(section.simulcast.recv, ";");
    lines.Add("a=simulcast:", send.empty() ? "" : "send ", send, send.empty() || recv.empty() ? "" : " ",
              recv.empty() ? "" : "recv ", recv);
  }
  for (const SsrcGroup& group : section.ssrc_groups) {
    lines.Add("a=ssrc-group:", group.semantics, " ", Join(group.ssrcs, " "));
  }
  for (const SsrcLine& line : section.ssrcs) {
    if (!line.cname.empty()) {
      lines.Add("a=ssrc:", line.ssrc, " cname:", line.cname);
    }
    if (!line.msid.empty()) {
      lines.Add("a=ssrc:", line.ssrc, " msid:", line.msid);
    }
  }
}

void WriteSection(const MediaSection& section, Lines& lines) {
  lines.Add("m=", KindName(section), " ", section.port, " ", section.protocol, " ", Formats(section));
  lines.Add("c=IN IP4 0.0.0.0");
  if (IsRtp(section)) {
    lines.Add("a=rtcp:9 IN IP4 0.0.0.0");
  }
  for (const std::string& candidate : section.candidates) {
    lines.Add("a=", candidate);
  }
  if (section.end_of_candidates) {
    lines.Add("a=end-of-candidates");
  }
  WriteTransport(section, lines);
  if (!section.mid.empty()) {
    lines.Add("a=mid:", section.mid);
  }
  if (section.bundle_only) {
    lines.Add("a=bundle-only");
  }
  WriteExtensions(section, lines);
  // Firefox writes and accepts a direction on data sections; libwebrtc ignores it there.
  if (IsRtp(section) || section.direction != Direction::kSendRecv) {
    lines.Add("a=", ToString(section.direction));
  }
  if (section.rtcp_mux) {
    lines.Add("a=rtcp-mux");
  }
  if (section.rtcp_rsize) {
    lines.Add("a=rtcp-rsize");
  }
  WriteCodecs(section, lines);
  WriteStreams(section, lines);
  if (section.sctp_port) {
    lines.Add("a=sctp-port:", *section.sctp_port);
  }
  if (section.max_message_size) {
    lines.Add("a=max-message-size:", *section.max_message_size);
  }
}

}  // namespace

std::string Write(const SessionDescription& description) {
  Lines lines;
  lines.Add("v=0");
  lines.Add("o=- ", description.session_id, " ", description.session_version, " IN IP4 0.0.0.0");
  lines.Add("s=-");
  lines.Add("t=0 0");
  if (!description.bundle.empty()) {
    lines.Add("a=group:BUNDLE ", Join(description.bundle, " "));
  }
  if (description.extmap_allow_mixed) {
    lines.Add("a=extmap-allow-mixed");
  }
  if (!description.msid_semantic.empty()) {
    lines.Add("a=msid-semantic:", description.msid_semantic);
  }
  if (description.ice_lite) {
    lines.Add("a=ice-lite");
  }
  WriteTransport(description, lines);
  for (const MediaSection& section : description.media) {
    WriteSection(section, lines);
  }
  return lines.Take();
}

}  // namespace weir::sdp
