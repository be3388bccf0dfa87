#include "sdp/section_reader.h"

#include <algorithm>
#include <array>

namespace weir::sdp {

using base::Result;
namespace {

// RFC 3551 table 4: audio payload types that need no rtpmap. The others of that table are in nobody's WebRTC.
struct StaticCodec {
  uint8_t payload_type;
  std::string_view name;
  uint32_t clock_rate;
};
constexpr std::array kStaticCodecs = {StaticCodec{0, "PCMU", 8000}, StaticCodec{8, "PCMA", 8000},
                                      StaticCodec{9, "G722", 8000}, StaticCodec{13, "CN", 8000}};

// A stream of a simulcast list: the first of its alternatives, without the marks that do not matter here.
std::string_view SimulcastRid(std::string_view stream) {
  std::string_view rid = Cut(stream, ',').first;
  while (rid.starts_with('~') || rid.starts_with("rid=")) {
    rid.remove_prefix(rid.starts_with('~') ? 1 : 4);
  }
  return rid;
}

}  // namespace

std::optional<Direction> ParseDirection(std::string_view text) {
  for (const Direction direction :
       {Direction::kSendRecv, Direction::kSendOnly, Direction::kRecvOnly, Direction::kInactive}) {
    if (ToString(direction) == text) {
      return direction;
    }
  }
  return std::nullopt;
}

std::optional<Setup> ParseSetup(std::string_view text) {
  for (const Setup setup : {Setup::kActpass, Setup::kActive, Setup::kPassive, Setup::kHoldconn}) {
    if (ToString(setup) == text) {
      return setup;
    }
  }
  return std::nullopt;
}

const SectionReader::Entry SectionReader::kReaders[] = {
    {"mid", &SectionReader::ReadMid},
    {"rtpmap", &SectionReader::ReadRtpmap},
    {"fmtp", &SectionReader::ReadFmtp},
    {"rtcp-fb", &SectionReader::ReadFeedback},
    {"extmap", &SectionReader::ReadExtmap},
    {"msid", &SectionReader::ReadMsid},
    {"ssrc", &SectionReader::ReadSsrc},
    {"ssrc-group", &SectionReader::ReadSsrcGroup},
    {"rid", &SectionReader::ReadRid},
    {"simulcast", &SectionReader::ReadSimulcast},
    {"candidate", &SectionReader::ReadCandidate},
    {"sctp-port", &SectionReader::ReadSctpPort},
    {"sctpmap", &SectionReader::ReadSctpMap},
    {"max-message-size", &SectionReader::ReadMaxMessageSize},
};

Status SectionReader::Start(std::string_view media_line, Direction direction) {
  const std::string_view kind = NextWord(media_line);
  const std::string_view port = Cut(NextWord(media_line), '/').first;
  const std::string_view protocol = NextWord(media_line);
  const auto number = ParseNumber<uint16_t>(port);
  if (!number || protocol.empty() || media_line.empty()) {
    return Bad("not a kind, a port, a protocol and formats");
  }
  section_.direction = direction;
  section_.port = *number;
  section_.protocol = protocol;
  section_.format_list_raw = media_line;
  if (kind == "application") {
    section_.kind = MediaSection::Kind::kApplication;
    return {};
  }
  if (kind != "audio" && kind != "video") {
    section_.kind = MediaSection::Kind::kOther;
    section_.kind_name = kind;
    return {};
  }
  section_.kind = kind == "audio" ? MediaSection::Kind::kAudio : MediaSection::Kind::kVideo;
  for (size_t count = 0; !media_line.empty(); ++count) {
    if (count == kMaxCodecs) {
      return TooMany("formats", kMaxCodecs);
    }
    const auto payload_type = ParseNumber<uint8_t>(NextWord(media_line));
    if (payload_type && *payload_type <= 127 && section_.FindCodec(*payload_type) == nullptr) {
      section_.codecs.push_back({.payload_type = *payload_type});
    }
  }
  return {};
}

Status SectionReader::Attribute(std::string_view name, std::string_view value) {
  if (TRY(ReadTransport(name, value, section_))) {
    return {};
  }
  const auto it = std::ranges::find(kReaders, name, &Entry::name);
  return it == std::end(kReaders) ? ReadFlag(name) : (this->*it->read)(value);
}

Status SectionReader::ReadFlag(std::string_view name) {
  if (const auto direction = ParseDirection(name)) {
    section_.direction = *direction;
  } else if (name == "rtcp-mux") {
    section_.rtcp_mux = true;
  } else if (name == "rtcp-rsize") {
    section_.rtcp_rsize = true;
  } else if (name == "bundle-only") {
    section_.bundle_only = true;
  } else if (name == "extmap-allow-mixed") {
    section_.extmap_allow_mixed = true;
  } else if (name == "end-of-candidates") {
    section_.end_of_candidates = true;
  }
  return {};  // Anything else: unknown, and none of our business.
}

Status SectionReader::ReadMid(std::string_view value) {
  if (value.empty() || HasBlank(value)) {
    return Bad("empty or with a blank");
  }
  section_.mid = value;
  return {};
}

// nullptr for a payload type that the m= line does not list: its attributes mean nothing.
Codec* SectionReader::CodecOf(std::string_view payload_type) {
  const auto number = ParseNumber<uint8_t>(payload_type);
  return number ? const_cast<Codec*>(section_.FindCodec(*number)) : nullptr;
}

Status SectionReader::ReadRtpmap(std::string_view value) {
  Codec* const codec = CodecOf(NextWord(value));
  if (codec == nullptr) {
    return {};
  }
  const auto [name, after_name] = Cut(value, '/');
  const auto [rate, channels] = Cut(after_name, '/');
  const auto clock_rate = ParseNumber<uint32_t>(rate);
  const auto count = channels.empty() ? uint8_t{1} : ParseNumber<uint8_t>(channels);
  if (name.empty() || HasBlank(name) || !clock_rate || !count || *count == 0) {
    return Bad("not a name, a clock rate and channels");
  }
  codec->name = name;
  codec->clock_rate = *clock_rate;
  codec->channels = *count;
  return {};
}

Status SectionReader::ReadFmtp(std::string_view value) {
  Codec* const codec = CodecOf(NextWord(value));
  if (codec == nullptr || value.empty()) {
    return {};
  }
  if (codec->fmtp.size() + value.size() + 1 > kMaxFmtpLength) {
    return TooMany("bytes of parameters", kMaxFmtpLength);
  }
  codec->fmtp += codec->fmtp.empty() ? "" : ";";
  codec->fmtp += value;
  return {};
}

Status SectionReader::ReadFeedback(std::string_view value) {
  const std::string_view payload_type = NextWord(value);
  std::string feedback;
  while (!value.empty()) {
    feedback += feedback.empty() ? "" : " ";
    feedback += NextWord(value);
  }
  if (feedback.empty() || feedback.size() > kMaxFeedbackLength) {
    return Bad("empty or too long");
  }
  if (payload_type == "*") {
    if (feedback_for_all_.size() == kMaxFeedback) {
      return TooMany("feedback lines", kMaxFeedback);
    }
    feedback_for_all_.push_back(feedback);
    return {};
  }
  Codec* const codec = CodecOf(payload_type);
  return codec == nullptr ? Status() : AddFeedback(*codec, feedback);
}

Status SectionReader::AddFeedback(Codec& codec, const std::string& feedback) {
  if (std::ranges::find(codec.feedback, feedback) != codec.feedback.end()) {
    return {};
  }
  if (codec.feedback.size() == kMaxFeedback) {
    return TooMany("feedback lines for one codec", kMaxFeedback);
  }
  codec.feedback.push_back(feedback);
  return {};
}

Status SectionReader::ReadExtmap(std::string_view value) {
  const auto [id_text, direction_text] = Cut(NextWord(value), '/');
  const auto id = ParseNumber<uint32_t>(id_text);
  const auto direction = ParseDirection(direction_text);
  const std::string_view uri = NextWord(value);
  if (!id || *id == 0 || uri.empty() || (!direction_text.empty() && !direction)) {
    return Bad("not an id and a URI");
  }
  if (*id > 255) {
    return {};
  }
  if (section_.extensions.size() == kMaxExtensions) {
    return TooMany("header extensions", kMaxExtensions);
  }
  section_.extensions.push_back({static_cast<uint8_t>(*id), std::string(uri), direction});
  return {};
}

Status SectionReader::ReadMsid(std::string_view value) {
  const std::string_view stream = NextWord(value);
  const std::string_view track = NextWord(value);
  if (stream.empty()) {
    return Bad("empty");
  }
  if (section_.msids.size() == kMaxMsids) {
    return TooMany("msids", kMaxMsids);
  }
  section_.msids.push_back({std::string(stream), std::string(track)});
  return {};
}

Status SectionReader::ReadSsrc(std::string_view value) {
  const auto ssrc = ParseNumber<uint32_t>(NextWord(value));
  if (!ssrc) {
    return Bad("not an SSRC");
  }
  const auto [name, text] = Cut(value, ':');
  const std::string_view content = Trim(text);
  if ((name != "cname" && name != "msid") || content.empty()) {
    return {};
  }
  auto it = std::ranges::find(section_.ssrcs, *ssrc, &SsrcLine::ssrc);
  if (it == section_.ssrcs.end()) {
    if (section_.ssrcs.size() == kMaxSsrcs) {
      return TooMany("SSRCs", kMaxSsrcs);
    }
    section_.ssrcs.push_back({.ssrc = *ssrc});
    it = std::prev(section_.ssrcs.end());
  }
  (name == "cname" ? it->cname : it->msid) = content;
  return {};
}

Status SectionReader::ReadSsrcGroup(std::string_view value) {
  SsrcGroup group{.semantics = std::string(NextWord(value))};
  while (!value.empty()) {
    const auto ssrc = ParseNumber<uint32_t>(NextWord(value));
    if (!ssrc) {
      return Bad("not a list of SSRCs");
    }
    if (group.ssrcs.size() == kMaxSsrcs) {
      return TooMany("SSRCs in a group", kMaxSsrcs);
    }
    group.ssrcs.push_back(*ssrc);
  }
  if (group.semantics.empty() || group.ssrcs.empty()) {
    return Bad("empty");
  }
  if (section_.ssrc_groups.size() == kMaxSsrcGroups) {
    return TooMany("SSRC groups", kMaxSsrcGroups);
  }
  section_.ssrc_groups.push_back(std::move(group));
  return {};
}

Status SectionReader::ReadRid(std::string_view value) {
  const std::string_view id = NextWord(value);
  const std::string_view direction = NextWord(value);
  if (id.empty() || (direction != "send" && direction != "recv")) {
    return Bad("not an id and send or recv");
  }
  if (section_.rids.size() == kMaxRids) {
    return TooMany("rids", kMaxRids);
  }
  section_.rids.push_back({std::string(id), direction == "send", std::string(value)});
  return {};
}

Status SectionReader::ReadSimulcast(std::string_view value) {
  section_.simulcast = {};
  while (!value.empty()) {
    const std::string_view direction = NextWord(value);
    std::string_view list = NextWord(value);
    if ((direction != "send" && direction != "recv") || list.empty()) {
      return Bad("not send or recv and a list of rids");
    }
    auto& rids = direction == "send" ? section_.simulcast.send : section_.simulcast.recv;
    while (!list.empty()) {
      const auto [stream, after] = Cut(list, ';');
      const std::string_view rid = SimulcastRid(stream);
      list = after;
      if (rid.empty()) {
        return Bad("an empty rid");
      }
      if (rids.size() == kMaxRids) {
        return TooMany("simulcast streams", kMaxRids);
      }
      rids.emplace_back(rid);
    }
  }
  return {};
}

Status SectionReader::ReadCandidate(std::string_view value) {
  if (value.empty()) {
    return Bad("empty");
  }
  if (section_.candidates.size() == kMaxCandidates) {
    return TooMany("candidates", kMaxCandidates);
  }
  section_.candidates.push_back("candidate:" + std::string(value));
  return {};
}

Status SectionReader::ReadSctpPort(std::string_view value) {
  section_.sctp_port = ParseNumber<uint16_t>(value);
  return section_.sctp_port ? Status() : Bad("not a port");
}

// The draft's form, "sctpmap:5000 webrtc-datachannel 1024", of older endpoints.
Status SectionReader::ReadSctpMap(std::string_view value) {
  return section_.sctp_port ? Status() : ReadSctpPort(NextWord(value));
}

Status SectionReader::ReadMaxMessageSize(std::string_view value) {
  section_.max_message_size = ParseNumber<uint64_t>(value);
  return section_.max_message_size ? Status() : Bad("not a number");
}

Result<MediaSection> SectionReader::Finish(const SessionDescription& session) {
  for (Codec& codec : section_.codecs) {
    const auto known = std::ranges::find(kStaticCodecs, codec.payload_type, &StaticCodec::payload_type);
    if (codec.name.empty() && known != kStaticCodecs.end() && section_.kind == MediaSection::Kind::kAudio) {
      codec.name = known->name;
      codec.clock_rate = known->clock_rate;
    }
  }
  std::erase_if(section_.codecs, [](const Codec& codec) { return codec.name.empty(); });
  for (Codec& codec : section_.codecs) {
    for (const std::string& feedback : feedback_for_all_) {
      TRY(AddFeedback(codec, feedback));
    }
  }
  if (!section_.codecs.empty()) {
    section_.format_list_raw.clear();
  }
  if (section_.ice_ufrag.empty()) {
    section_.ice_ufrag = session.ice_ufrag;
  }
  if (section_.ice_pwd.empty()) {
    section_.ice_pwd = session.ice_pwd;
  }
  if (section_.ice_options.empty()) {
    section_.ice_options = session.ice_options;
  }
  if (section_.fingerprints.empty()) {
    section_.fingerprints = session.fingerprints;
  }
  if (!section_.setup) {
    section_.setup = session.setup;
  }
  return std::move(section_);
}

}  // namespace weir::sdp
