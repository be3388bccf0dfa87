// SRTP and SRTCP: the packet transform of RFC 3711 (AES-CM, HMAC-SHA1-80) and RFC 7714 (AES-GCM).
//
// A SendSession seals for one remote, a ReceiveSession opens what that remote sends; each covers every SSRC
// of its direction under one master key. MKI, key derivation rates, header encryption (RFC 6904) and
// retransmission of sealed bytes are not covered. Neither is thread-safe: a session lives on its connection's
// thread. Nothing here allocates per packet; a stream that is new to a ReceiveSession may.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>

#include "base/bytes.h"
#include "base/counters.h"
#include "base/result.h"
#include "srtp/key_derivation.h"
#include "srtp/profile.h"

namespace weir::srtp {

enum class Error : uint8_t {
  kTruncated,       // Too short, or its RTP header is longer than the packet.
  kReplayed,        // Authentic, but seen before or older than the replay window.
  kUnauthentic,     // The tag is wrong: forged, damaged or under another key.
  kTooManyStreams,  // Authentic and of a new SSRC, but the table is full.
  kNoSpace,         // Kept for callers that seal into fixed buffers.
};
const char* ToString(Error error);

class SendSession {
 public:
  // Fails for an unknown profile, or a key or salt of the wrong size.
  static base::Result<SendSession> Create(Profile profile, base::ConstBytes key, base::ConstBytes salt);
  // From session keys instead of the master key, for test vectors.
  static base::Result<SendSession> FromSessionKeys(Profile profile, const SessionKeys& keys);

  SendSession(SendSession&&) noexcept;
  SendSession& operator=(SendSession&&) noexcept;
  ~SendSession();

  // Seals one RTP packet into `out`, in one pass: header (with CSRCs and extensions, left clear), then
  // prefix, payload and `padding` bytes of RTP padding as one encrypted run, then the tag. `out` overlaps no
  // input. `roc` is the rollover counter of the header's sequence number; the caller owns the index and must
  // never seal one (SSRC, roc, sequence) twice with different bytes: GCM would give its authentication key
  // away. The caller has set the header's P bit iff padding > 0. Returns the bytes written, or 0 when `out`
  // is too small or the header shorter than 12 bytes.
  size_t ProtectRtp(base::ConstBytes header, base::ConstBytes prefix, base::ConstBytes payload,
                    uint8_t padding, uint32_t roc, base::MutableBytes out);
  // Seals one RTCP packet (compound or not) under the session's next SRTCP index. Returns the bytes written,
  // or 0 when `out` is too small, the packet shorter than 8 bytes, or 2^31 packets have been sealed.
  size_t ProtectRtcp(base::ConstBytes packet, base::MutableBytes out);

  size_t overhead_rtp() const;
  size_t overhead_rtcp() const;
  Profile profile() const;

 private:
  struct Impl;
  explicit SendSession(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

class ReceiveSession {
 public:
  struct Config {
    size_t max_streams = 1024;  // SSRCs, counted for RTP and RTCP each.
    int replay_window = 1024;   // Packets, 64 to 1024. Chosen for senders that probe with old packets.
  };
  struct Counters {
    uint64_t rtp_packets = 0;  // Opened.
    uint64_t rtcp_packets = 0;
    uint64_t truncated = 0;
    uint64_t replayed = 0;  // Inside the window.
    uint64_t too_old = 0;   // Behind the window; reported as kReplayed as well.
    uint64_t unauthentic = 0;
    uint64_t too_many_streams = 0;

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"rtp_packets", &Counters::rtp_packets},
          {"rtcp_packets", &Counters::rtcp_packets},
          {"truncated", &Counters::truncated},
          {"replayed", &Counters::replayed},
          {"too_old", &Counters::too_old},
          {"unauthentic", &Counters::unauthentic},
          {"too_many_streams", &Counters::too_many_streams},
      });
    }
  };

  static base::Result<ReceiveSession> Create(Profile profile, base::ConstBytes key, base::ConstBytes salt);
  static base::Result<ReceiveSession> Create(Profile profile, base::ConstBytes key, base::ConstBytes salt,
                                             const Config& config);
  static base::Result<ReceiveSession> FromSessionKeys(Profile profile, const SessionKeys& keys,
                                                      const Config& config);

  ReceiveSession(ReceiveSession&&) noexcept;
  ReceiveSession& operator=(ReceiveSession&&) noexcept;
  ~ReceiveSession();

  // Opens in place and returns the plain size, header included. On kReplayed the header may still be trusted
  // (it was authenticated and is never encrypted), so a probe can be acknowledged; the rest of the packet is
  // unspecified after any error.
  std::expected<size_t, Error> UnprotectRtp(base::MutableBytes packet);
  std::expected<size_t, Error> UnprotectRtcp(base::MutableBytes packet);

  // Makes room for another SSRC: its track was taken down for good. A late packet of it is a new stream.
  void ForgetStream(uint32_t ssrc);

  const Counters& counters() const;
  size_t rtp_streams() const;
  Profile profile() const;

 private:
  struct Impl;
  explicit ReceiveSession(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::srtp
