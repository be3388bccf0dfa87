// Which codecs, RTCP feedback and header extensions weir negotiates: the tables, and how an offered list is
// met.
//
// As offerer we choose the payload types; as answerer we keep those that were offered. Tables: the payload
// types and parameters that LiveKit's server uses (clients have seen no others), RFC 7742 and 7874 for what
// must be spoken.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "codec/codec.h"
#include "rtp/extensions.h"
#include "sdp/session_description.h"

namespace weir::rtc {

// What one codec of a section is: its identity in our terms, and as negotiated.
struct NegotiatedCodec {
  codec::Codec codec = codec::Codec::kUnknown;
  sdp::Codec sdp;  // Payload type and parameters of this section.
  std::optional<uint8_t> rtx_payload_type;
};

class MediaEngine {
 public:
  explicit MediaEngine(std::vector<codec::Codec> enabled) : enabled_(std::move(enabled)) {}

  bool Enabled(codec::Codec codec) const;
  const std::vector<codec::Codec>& enabled() const { return enabled_; }
  // The first enabled codec of that kind, when a client asks for one that is not.
  codec::Codec FirstEnabled(bool audio) const;

  // The codecs of a section that we offer to send, RTX included.
  std::vector<sdp::Codec> Offer(bool audio, bool nack) const;
  // The extensions of a section that we offer to send.
  static std::vector<sdp::ExtMap> OfferExtensions(bool audio);

  // The offered codecs that we take, in the offered order. H264 above constrained baseline is left out: not
  // every subscriber decodes it, and every publisher that offers it offers baseline as well.
  std::vector<NegotiatedCodec> Match(const sdp::MediaSection& offered) const;
  // The answer's codec lines for `codecs`: payload types and parameters as offered, feedback as far as we
  // speak it.
  static std::vector<sdp::Codec> Answer(const sdp::MediaSection& offered,
                                        const std::vector<NegotiatedCodec>& codecs);
  // The offered extensions that we take. One list for both directions: a browser that sends simulcast in a
  // section that began as receive-only needs the RID extension in the first answer.
  static std::vector<sdp::ExtMap> AnswerExtensions(const sdp::MediaSection& offered);

  // Reads what an answer to our own offer took.
  std::vector<NegotiatedCodec> Accepted(const sdp::MediaSection& answer) const;

  static rtp::ExtensionMap ToMap(const std::vector<sdp::ExtMap>& extensions);

 private:
  std::vector<codec::Codec> enabled_;
};

// Whether a stream of `source` (as published) can be sent as `target` (as the subscriber negotiated it): the
// same codec, and for H264 the same packetization mode, for VP9 the same profile.
bool Compatible(const NegotiatedCodec& source, const NegotiatedCodec& target);

}  // namespace weir::rtc
