// Session descriptions (SDP, RFC 8866) as values, reduced to what WebRTC endpoints exchange (RFC 8829, JSEP).
//
// Parse turns text into a SessionDescription and Write turns it back; Parse(Write(x)) == x for every x that
// Parse returned and whose text fits kMaxSize. Nothing here judges an offer or makes an answer: codecs,
// extensions and candidates stay as they were written, and candidates stay text (ice reads them).
//
// Parse is lenient to attributes it does not know and strict with those it does: a description whose mid or
// fingerprint is garbled is refused as a whole, with the line and the reason. It returns kInvalidArgument, or
// kResourceExhausted for a description over one of the limits below. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weir::sdp {

// Limits of Parse. Each is well above what a browser writes; together they bound memory to a small multiple
// of the text, since the session's values are copied into every section.
constexpr size_t kMaxSize = 1 << 20;             // Bytes of the whole text.
constexpr size_t kMaxLineLength = 16 * 1024;     // Bytes of one line.
constexpr size_t kMaxSections = 256;             // m= lines.
constexpr size_t kMaxCodecs = 128;               // A section's payload types.
constexpr size_t kMaxExtensions = 64;            // A section's extmaps.
constexpr size_t kMaxRids = 64;                  // A section's rids; each side of its simulcast line.
constexpr size_t kMaxSsrcs = 64;                 // A section's SSRCs; also of one group.
constexpr size_t kMaxSsrcGroups = 64;            // A section's SSRC groups.
constexpr size_t kMaxMsids = 16;                 // A section's msid lines.
constexpr size_t kMaxFeedback = 16;              // RTCP feedback lines of one codec, those for '*' included.
constexpr size_t kMaxFeedbackLength = 48;        // Bytes of one of them.
constexpr size_t kMaxFmtpLength = 4096;          // Bytes of one codec's parameters.
constexpr size_t kMaxFingerprints = 8;           // Of the session or a section.
constexpr size_t kMaxFingerprintLength = 256;    // Bytes; SHA-512 needs 191.
constexpr size_t kMaxIceCredentialLength = 256;  // RFC 8839 section 5.4.
constexpr size_t kMaxIceOptions = 16;            // Of the session or a section.
constexpr size_t kMaxIceOptionLength = 64;       // Bytes of one of them.
constexpr size_t kMaxCandidates = 128;           // A section's candidates.

enum class Direction : uint8_t { kSendRecv, kSendOnly, kRecvOnly, kInactive };
Direction Reverse(Direction direction);  // As the other side sees it.
constexpr bool Sends(Direction direction) {
  return direction == Direction::kSendRecv || direction == Direction::kSendOnly;
}
constexpr bool Receives(Direction direction) {
  return direction == Direction::kSendRecv || direction == Direction::kRecvOnly;
}
std::string_view ToString(Direction direction);  // "sendrecv"

// The DTLS role (RFC 4145, RFC 8842): active sends the ClientHello.
enum class Setup : uint8_t { kActpass, kActive, kPassive, kHoldconn };
std::string_view ToString(Setup setup);

struct Codec {
  uint8_t payload_type = 0;  // 0 to 127.
  std::string name;          // As written: "opus", "VP8", "rtx", "red". Compare without case.
  uint32_t clock_rate = 0;   // Hz.
  int channels = 1;
  std::string fmtp;                   // Raw parameters, may be empty; several lines are joined by ';'.
  std::vector<std::string> feedback;  // "nack", "nack pli", "transport-cc", "ccm fir", "goog-remb".

  // A "key=value" parameter of fmtp; the key is compared without case. A bare "key" gives "".
  std::optional<std::string> FmtpParameter(std::string_view key) const;
  // The payload type that an rtx codec repairs (RFC 4588).
  std::optional<uint8_t> apt() const;
  bool operator==(const Codec&) const = default;
};

// RFC 8285. An id above 255 is an offer to choose an id (4096 and up), which nobody makes: not kept.
struct ExtMap {
  uint8_t id = 0;
  std::string uri;
  std::optional<Direction> direction;
  bool operator==(const ExtMap&) const = default;
};

// The a=ssrc lines of one SSRC (RFC 5576). Lines with other attributes than these two are not kept, and an
// SSRC that has neither is not written.
struct SsrcLine {
  uint32_t ssrc = 0;
  std::string cname;
  std::string msid;  // "stream track"
  bool operator==(const SsrcLine&) const = default;
};

struct SsrcGroup {
  std::string semantics;  // "FID" (primary and its rtx), "SIM"
  std::vector<uint32_t> ssrcs;
  bool operator==(const SsrcGroup&) const = default;
};

// RFC 8851.
struct Rid {
  std::string id;
  bool send = true;          // The direction that the writer of the description means.
  std::string restrictions;  // Raw: "pt=96;max-width=1280".
  bool operator==(const Rid&) const = default;
};

// RFC 8853, also the draft's form "send rid=a;b". '~' (paused at the start) is stripped: layers are paused by
// signalling. Of alternatives ("a,b") the first is taken.
struct Simulcast {
  std::vector<std::string> send;
  std::vector<std::string> recv;
  bool empty() const { return send.empty() && recv.empty(); }
  bool operator==(const Simulcast&) const = default;
};

// RFC 8830. `track` is empty when the line has one token only.
struct Msid {
  std::string stream;
  std::string track;
  bool operator==(const Msid&) const = default;
};

struct Fingerprint {
  std::string algorithm;  // As written, usually "sha-256".
  std::string value;      // "AB:CD:.."
  bool operator==(const Fingerprint&) const = default;
};

struct MediaSection {
  enum class Kind : uint8_t { kAudio, kVideo, kApplication, kOther };

  // Refused or stopped (RFC 8829 section 5.2.1). Bundle-only sections also have port 0.
  bool rejected() const { return port == 0 && !bundle_only; }
  const Codec* FindCodec(uint8_t payload_type) const;
  const ExtMap* FindExtension(std::string_view uri) const;

  Kind kind = Kind::kAudio;
  std::string kind_name;  // For kOther: the media token ("text"), so that a refusal can repeat it.
  std::string mid;
  uint16_t port = 9;
  bool bundle_only = false;
  std::string protocol;  // "UDP/TLS/RTP/SAVPF", "UDP/DTLS/SCTP"
  // The m= line's formats for kApplication and kOther, and for RTP sections of which no codec is known: a
  // refusal has to repeat them. Empty otherwise.
  std::string format_list_raw;
  Direction direction = Direction::kSendRecv;

  std::vector<Codec> codecs;  // In the order of the m= line. Payload types without a name are left out.
  std::vector<ExtMap> extensions;
  bool extmap_allow_mixed = false;  // This section's own line; the session's counts as well.
  bool rtcp_mux = false;
  bool rtcp_rsize = false;

  std::vector<Msid> msids;
  std::vector<SsrcLine> ssrcs;
  std::vector<SsrcGroup> ssrc_groups;
  std::vector<Rid> rids;
  Simulcast simulcast;

  // Transport. After Parse the effective values: the session's where the section has none.
  std::string ice_ufrag;
  std::string ice_pwd;
  std::vector<std::string> ice_options;
  std::vector<Fingerprint> fingerprints;
  std::optional<Setup> setup;
  std::vector<std::string> candidates;  // "candidate:1 1 udp ..."
  bool end_of_candidates = false;

  std::optional<uint16_t> sctp_port;
  std::optional<uint64_t> max_message_size;  // Bytes; 0 is without limit (RFC 8841 section 6).

  bool operator==(const MediaSection&) const = default;
};

struct SessionDescription {
  const MediaSection* Find(std::string_view mid) const;  // nullptr when there is none.
  MediaSection* Find(std::string_view mid);

  uint64_t session_id = 0;
  uint64_t session_version = 0;
  std::vector<std::string> bundle;  // The mids of the first BUNDLE group (RFC 9143).
  bool ice_lite = false;
  bool extmap_allow_mixed = false;
  std::string msid_semantic;  // "WMS *"

  // Defaults for the sections, as written at session level.
  std::string ice_ufrag;
  std::string ice_pwd;
  std::vector<std::string> ice_options;
  std::vector<Fingerprint> fingerprints;
  std::optional<Setup> setup;

  std::vector<MediaSection> media;

  bool operator==(const SessionDescription&) const = default;
};

base::Result<SessionDescription> Parse(std::string_view text);

// Lines end with CRLF. Control characters inside a value are dropped, so that no value can add a line.
std::string Write(const SessionDescription& description);

}  // namespace weir::sdp
