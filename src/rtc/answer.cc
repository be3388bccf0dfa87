#include "rtc/answer.h"

#include <algorithm>
#include <array>

namespace weir::rtc {
namespace {

using Kind = sdp::MediaSection::Kind;

bool IsMedia(const sdp::MediaSection& section) {
  return section.kind == Kind::kAudio || section.kind == Kind::kVideo;
}

// FID pairs a primary SSRC with its RTX; without a group the first line's SSRC is the stream.
std::vector<std::pair<rtp::Ssrc, std::optional<rtp::Ssrc>>> SignalledSsrcs(const sdp::MediaSection& section) {
  std::vector<std::pair<rtp::Ssrc, std::optional<rtp::Ssrc>>> streams;
  for (const sdp::SsrcGroup& group : section.ssrc_groups) {
    if (group.semantics == "FID" && group.ssrcs.size() == 2) {
      streams.emplace_back(rtp::Ssrc(group.ssrcs[0]), rtp::Ssrc(group.ssrcs[1]));
    }
  }
  if (streams.empty() && !section.ssrcs.empty()) {
    streams.emplace_back(rtp::Ssrc(section.ssrcs[0].ssrc), std::nullopt);
  }
  return streams;
}

std::string CidOf(const sdp::MediaSection& section) {
  if (section.msids.empty()) {
    return "";
  }
  const sdp::Msid& msid = section.msids.front();
  return msid.track.empty() ? msid.stream : msid.track;
}

void OrderCodecs(const PublishPreference& preference, std::vector<NegotiatedCodec>& codecs) {
  const auto is_preferred = [&](const NegotiatedCodec& codec) { return codec.codec == preference.codec; };
  const bool offered = std::any_of(codecs.begin(), codecs.end(), is_preferred);
  if (preference.codec != codec::Codec::kUnknown && offered) {
    if (preference.only_codec && codec::IsVideo(preference.codec)) {
      std::erase_if(codecs, [&](const NegotiatedCodec& codec) { return !is_preferred(codec); });
    }
    std::stable_partition(codecs.begin(), codecs.end(), is_preferred);
  }
  if (preference.red) {
    const bool has_opus = std::any_of(codecs.begin(), codecs.end(), [](const NegotiatedCodec& codec) {
      return codec.codec == codec::Codec::kOpus;
    });
    if (has_opus) {
      std::stable_partition(codecs.begin(), codecs.end(),
                            [](const NegotiatedCodec& codec) { return codec.codec == codec::Codec::kRed; });
    }
  }
}

void AddOpusParameters(const PublishPreference& preference, std::vector<sdp::Codec>& codecs) {
  for (sdp::Codec& codec : codecs) {
    if (codec::CodecFromMime(codec.name) == codec::Codec::kOpus) {
      codec.fmtp += preference.dtx ? ";usedtx=1" : "";
      codec.fmtp += preference.stereo ? ";stereo=1;maxaveragebitrate=510000" : "";
    }
  }
}

void AnswerSimulcast(const sdp::MediaSection& offered, sdp::MediaSection& section) {
  for (const std::string& rid : offered.simulcast.send) {
    section.rids.push_back({.id = rid, .send = false, .restrictions = ""});
    section.simulcast.recv.push_back(rid);
  }
}

sdp::MediaSection Refuse(const sdp::MediaSection& offered) {
  sdp::MediaSection section;
  section.kind = offered.kind;
  section.kind_name = offered.kind_name;
  section.mid = offered.mid;
  section.port = 0;
  section.protocol = offered.protocol;
  section.format_list_raw = offered.format_list_raw;
  section.codecs = offered.codecs;  // A refusal repeats the formats; their meaning is of no interest.
  section.direction = sdp::Direction::kInactive;
  return section;
}

sdp::MediaSection AnswerMedia(const sdp::MediaSection& offered, const MediaEngine& engine,
                              const AnswerPlan& plan) {
  std::vector<NegotiatedCodec> codecs = engine.Match(offered);
  if (codecs.empty()) {
    return Refuse(offered);
  }
  sdp::MediaSection section;
  section.kind = offered.kind;
  section.mid = offered.mid;
  section.protocol = offered.protocol;
  SetTransport(plan.transport, section);

  const auto preference = plan.preferences.find(offered.mid);
  if (preference != plan.preferences.end()) {
    OrderCodecs(preference->second, codecs);
  }
  section.codecs = MediaEngine::Answer(offered, codecs);
  if (preference != plan.preferences.end()) {
    AddOpusParameters(preference->second, section.codecs);
  }
  section.extensions = MediaEngine::AnswerExtensions(offered);

  const bool receives = sdp::Sends(offered.direction);
  const auto outgoing = plan.outgoing.find(offered.mid);
  const bool sends = sdp::Receives(offered.direction) && outgoing != plan.outgoing.end();
  section.direction = receives && sends ? sdp::Direction::kSendRecv
                      : receives        ? sdp::Direction::kRecvOnly
                      : sends           ? sdp::Direction::kSendOnly
                                        : sdp::Direction::kInactive;
  if (receives) {
    AnswerSimulcast(offered, section);
  }
  if (sends) {
    SetOutgoingTrack(outgoing->second, section);
  }
  return section;
}

}  // namespace

std::vector<std::string> OrderRids(std::vector<std::string> rids) {
  static constexpr std::array<std::string_view, 6> kKnown = {"q", "h", "f", "2", "1", "0"};
  const auto rank = [](const std::string& rid) {
    return std::find(kKnown.begin(), kKnown.end(), rid) - kKnown.begin();
  };
  const bool all_known = std::all_of(rids.begin(), rids.end(), [&](const std::string& rid) {
    return rank(rid) < static_cast<ptrdiff_t>(kKnown.size());
  });
  if (all_known) {
    std::stable_sort(rids.begin(), rids.end(),
                     [&](const std::string& a, const std::string& b) { return rank(a) < rank(b); });
  }
  return rids;
}

std::vector<OfferedTrack> FindOfferedTracks(const sdp::SessionDescription& offer, const MediaEngine& engine) {
  std::vector<OfferedTrack> tracks;
  for (const sdp::MediaSection& section : offer.media) {
    if (!IsMedia(section) || section.rejected() || !sdp::Sends(section.direction)) {
      continue;
    }
    OfferedTrack track;
    track.mid = section.mid;
    track.audio = section.kind == Kind::kAudio;
    track.cid = CidOf(section);
    track.codecs = engine.Match(section);
    track.extensions = MediaEngine::ToMap(MediaEngine::AnswerExtensions(section));
    track.rids = OrderRids(section.simulcast.send);
    if (track.rids.empty()) {
      track.ssrcs = SignalledSsrcs(section);
    }
    if (!track.codecs.empty()) {
      tracks.push_back(std::move(track));
    }
  }
  return tracks;
}

sdp::SessionDescription MakeAnswer(const sdp::SessionDescription& offer, const MediaEngine& engine,
                                   const AnswerPlan& plan) {
  sdp::SessionDescription answer = MakeSession(plan.transport);
  for (const sdp::MediaSection& offered : offer.media) {
    if (offered.kind == Kind::kApplication && offered.sctp_port && !offered.rejected()) {
      answer.media.push_back(MakeDataSection(plan.transport, offered.mid));
      answer.media.back().protocol = offered.protocol;
    } else if (IsMedia(offered) && !offered.rejected()) {
      answer.media.push_back(AnswerMedia(offered, engine, plan));
    } else {
      answer.media.push_back(Refuse(offered));
    }
    if (!answer.media.back().rejected()) {
      answer.bundle.push_back(offered.mid);
    }
  }
  return answer;
}

}  // namespace weir::rtc
