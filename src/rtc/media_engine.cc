#include "rtc/media_engine.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace weir::rtc {
namespace {

using codec::Codec;

constexpr const char* kOpusParameters = "minptime=10;useinbandfec=1";

struct OfferedCodec {
  Codec codec;
  uint8_t payload_type;
  const char* name;
  uint32_t clock_rate;
  int channels;
  const char* parameters;
};

constexpr std::array kAudioTable = {
    OfferedCodec{Codec::kOpus, 111, "opus", 48000, 2, kOpusParameters},
    OfferedCodec{Codec::kRed, 63, "red", 48000, 2, "111/111"},
    OfferedCodec{Codec::kPcmu, 0, "PCMU", 8000, 1, ""},
    OfferedCodec{Codec::kPcma, 8, "PCMA", 8000, 1, ""},
};

constexpr std::array kVideoTable = {
    OfferedCodec{Codec::kVp8, 96, "VP8", 90000, 1, ""},
    OfferedCodec{Codec::kH264, 125, "H264", 90000, 1,
                 "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f"},
    OfferedCodec{Codec::kH264, 108, "H264", 90000, 1,
                 "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"},
    OfferedCodec{Codec::kVp9, 98, "VP9", 90000, 1, "profile-id=0"},
    OfferedCodec{Codec::kVp9, 100, "VP9", 90000, 1, "profile-id=1"},
    OfferedCodec{Codec::kAv1, 35, "AV1", 90000, 1, ""},
    OfferedCodec{Codec::kH265, 116, "H265", 90000, 1, ""},
};

constexpr std::array kVideoFeedback = {"transport-cc", "ccm fir", "nack", "nack pli", "goog-remb"};
constexpr std::array kOfferedVideoFeedback = {"ccm fir", "nack", "nack pli", "goog-remb"};

// What we understand of a publisher and of a subscriber, by kind.
constexpr std::array kAudioExtensions = {rtp::Extension::kMid,         rtp::Extension::kRid,
                                         rtp::Extension::kAudioLevel,  rtp::Extension::kTransportCc,
                                         rtp::Extension::kAbsSendTime, rtp::Extension::kAbsCaptureTime};
constexpr std::array kVideoExtensions = {rtp::Extension::kMid,
                                         rtp::Extension::kRid,
                                         rtp::Extension::kRepairedRid,
                                         rtp::Extension::kTransportCc,
                                         rtp::Extension::kAbsSendTime,
                                         rtp::Extension::kAbsCaptureTime,
                                         rtp::Extension::kDependencyDescriptor,
                                         rtp::Extension::kPlayoutDelay,
                                         rtp::Extension::kVideoOrientation};
constexpr std::array kOfferedAudioExtensions = {rtp::Extension::kAbsSendTime, rtp::Extension::kAbsCaptureTime,
                                                rtp::Extension::kAudioLevel};
constexpr std::array kOfferedVideoExtensions = {rtp::Extension::kAbsSendTime, rtp::Extension::kAbsCaptureTime,
                                                rtp::Extension::kDependencyDescriptor,
                                                rtp::Extension::kVideoOrientation};

template <typename List, typename Value>
bool Contains(const List& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool IsAudio(const sdp::MediaSection& section) { return section.kind == sdp::MediaSection::Kind::kAudio; }

// RFC 6184 section 8.1: absent means 0.
std::string PacketizationMode(const sdp::Codec& codec) {
  return codec.FmtpParameter("packetization-mode").value_or("0");
}
std::string Vp9Profile(const sdp::Codec& codec) { return codec.FmtpParameter("profile-id").value_or("0"); }

bool IsBaselineH264(const sdp::Codec& codec) {
  const std::string profile = codec.FmtpParameter("profile-level-id").value_or("42e01f");
  return profile.starts_with("42");
}

Codec Identify(const sdp::Codec& offered) { return codec::CodecFromMime(offered.name); }

bool ClockRateFits(Codec codec, uint32_t rate) {
  switch (codec) {
    case Codec::kOpus:
    case Codec::kRed:
      return rate == 48000;
    case Codec::kPcmu:
    case Codec::kPcma:
      return rate == 8000;
    default:
      return rate == 90000;
  }
}

bool IsRtx(const sdp::Codec& codec) {
  return std::ranges::equal(codec.name, std::string_view("rtx"),
                            [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
}

std::optional<uint8_t> FindRtx(const sdp::MediaSection& section, uint8_t payload_type) {
  for (const sdp::Codec& codec : section.codecs) {
    if (IsRtx(codec) && codec.apt() == payload_type) {
      return codec.payload_type;
    }
  }
  return std::nullopt;
}

// One numbering for all sections of a connection: within a bundle an id may mean one thing only (RFC 8843
// section 9).
std::vector<sdp::ExtMap> Number(const auto& extensions) {
  std::vector<sdp::ExtMap> numbered;
  for (const rtp::Extension extension : extensions) {
    const auto id = static_cast<uint8_t>(1 + static_cast<int>(extension));
    numbered.push_back({id, std::string(rtp::Uri(extension)), std::nullopt});
  }
  return numbered;
}
static_assert(static_cast<int>(rtp::Extension::kCount) <= 14,
              "ids have to fit the one-byte form of RFC 8285");

// Parameters that only steer the offerer's own encoder do not belong into an answer.
std::string WithoutVendorParameters(const std::string& fmtp) {
  std::string kept;
  for (size_t start = 0; start < fmtp.size();) {
    const size_t end = std::min(fmtp.find(';', start), fmtp.size());
    const std::string parameter = fmtp.substr(start, end - start);
    if (!parameter.starts_with("x-google-")) {
      kept += (kept.empty() ? "" : ";") + parameter;
    }
    start = end + 1;
  }
  return kept;
}

}  // namespace

bool MediaEngine::Enabled(Codec codec) const { return Contains(enabled_, codec); }

Codec MediaEngine::FirstEnabled(bool audio) const {
  for (const Codec codec : enabled_) {
    if (codec::IsVideo(codec) != audio) {
      return codec;
    }
  }
  return Codec::kUnknown;
}

std::vector<sdp::Codec> MediaEngine::Offer(bool audio, bool nack) const {
  std::vector<sdp::Codec> codecs;
  const auto add = [&](const OfferedCodec& entry) {
    if (!Enabled(entry.codec)) {
      return;
    }
    sdp::Codec codec{entry.payload_type, entry.name, entry.clock_rate, entry.channels, entry.parameters, {}};
    if (!audio) {
      codec.feedback.assign(kOfferedVideoFeedback.begin(), kOfferedVideoFeedback.end());
    } else if (nack) {
      codec.feedback = {"nack"};
    }
    codecs.push_back(codec);
    if (!audio) {
      const auto rtx = static_cast<uint8_t>(entry.payload_type + 1);
      codecs.push_back({rtx, "rtx", 90000, 1, "apt=" + std::to_string(entry.payload_type), {}});
    }
  };
  if (audio) {
    std::for_each(kAudioTable.begin(), kAudioTable.end(), add);
  } else {
    std::for_each(kVideoTable.begin(), kVideoTable.end(), add);
  }
  return codecs;
}

std::vector<sdp::ExtMap> MediaEngine::OfferExtensions(bool audio) {
  return audio ? Number(kOfferedAudioExtensions) : Number(kOfferedVideoExtensions);
}

std::vector<NegotiatedCodec> MediaEngine::Match(const sdp::MediaSection& offered) const {
  std::vector<NegotiatedCodec> matched;
  const bool audio = IsAudio(offered);
  for (const sdp::Codec& codec : offered.codecs) {
    const Codec identity = Identify(codec);
    const bool known = identity != Codec::kUnknown && codec::IsVideo(identity) != audio &&
                       Enabled(identity) && ClockRateFits(identity, codec.clock_rate);
    if (known && (identity != Codec::kH264 || IsBaselineH264(codec))) {
      matched.push_back({identity, codec, FindRtx(offered, codec.payload_type)});
    }
  }
  return matched;
}

std::vector<sdp::Codec> MediaEngine::Answer(const sdp::MediaSection& offered,
                                            const std::vector<NegotiatedCodec>& codecs) {
  std::vector<sdp::Codec> answer;
  const bool transport_cc = offered.FindExtension(rtp::Uri(rtp::Extension::kTransportCc)) != nullptr;
  for (const NegotiatedCodec& negotiated : codecs) {
    sdp::Codec codec = negotiated.sdp;
    codec.fmtp = negotiated.codec == Codec::kOpus ? kOpusParameters : WithoutVendorParameters(codec.fmtp);
    codec.feedback.clear();
    if (IsAudio(offered)) {
      if (negotiated.codec == Codec::kOpus) {
        codec.feedback = {"nack"};
      }
      if (transport_cc && Contains(negotiated.sdp.feedback, "transport-cc")) {
        codec.feedback.push_back("transport-cc");
      }
    } else {
      for (const char* feedback : kVideoFeedback) {
        // A transport-cc line without its extension makes libwebrtc turn transport feedback off altogether.
        const bool usable = feedback != std::string_view("transport-cc") || transport_cc;
        if (usable && Contains(negotiated.sdp.feedback, feedback)) {
          codec.feedback.push_back(feedback);
        }
      }
    }
    answer.push_back(codec);
    if (negotiated.rtx_payload_type) {
      answer.push_back({*negotiated.rtx_payload_type,
                        "rtx",
                        90000,
                        1,
                        "apt=" + std::to_string(negotiated.sdp.payload_type),
                        {}});
    }
  }
  return answer;
}

std::vector<sdp::ExtMap> MediaEngine::AnswerExtensions(const sdp::MediaSection& offered) {
  std::vector<sdp::ExtMap> taken;
  for (const sdp::ExtMap& extension : offered.extensions) {
    const auto known = rtp::ExtensionFromUri(extension.uri);
    const bool wanted =
        known && (IsAudio(offered) ? Contains(kAudioExtensions, *known) : Contains(kVideoExtensions, *known));
    if (wanted) {
      taken.push_back({extension.id, extension.uri, std::nullopt});
    }
  }
  return taken;
}

std::vector<NegotiatedCodec> MediaEngine::Accepted(const sdp::MediaSection& answer) const {
  return Match(answer);
}

rtp::ExtensionMap MediaEngine::ToMap(const std::vector<sdp::ExtMap>& extensions) {
  rtp::ExtensionMap map;
  for (const sdp::ExtMap& extension : extensions) {
    if (const auto known = rtp::ExtensionFromUri(extension.uri)) {
      map.Set(*known, extension.id);
    }
  }
  return map;
}

bool Compatible(const NegotiatedCodec& source, const NegotiatedCodec& target) {
  if (source.codec != target.codec) {
    return false;
  }
  switch (source.codec) {
    case Codec::kH264:
      return PacketizationMode(source.sdp) == PacketizationMode(target.sdp);
    case Codec::kVp9:
      return Vp9Profile(source.sdp) == Vp9Profile(target.sdp);
    default:
      return true;
  }
}

}  // namespace weir::rtc
