// One DTLS 1.2 association (RFC 6347) that keys SRTP (RFC 5764) and carries SCTP packets.
//
// Sans-IO: the caller feeds datagrams and time, sends what PollTransmit returns, reads PollEvent, and calls
// OnTimeout at NextTimeout. The retransmission timer runs on the caller's clock alone; OpenSSL's own use of
// the wall clock is overruled (see transport.cc), so a simulation replays exactly but for key material.
//
// The remote certificate is required and is trusted by its fingerprint only (RFC 8122). While the fingerprint
// is unknown the handshake goes on, but Connected and data are withheld until SetRemoteFingerprint; a
// mismatch ends in Closed. A remote close_notify is reported and changes nothing: LiveKit's clients send one
// while their media still flows.
//
// Not thread-safe; one transport lives on one thread. Transports on several threads share their Certificate.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/counters.h"
#include "base/time.h"
#include "dtls/certificate.h"
#include "dtls/fingerprint.h"

struct ssl_st;
struct timeval;

namespace weir::dtls {

enum class Role : uint8_t { kClient, kServer };

// The IANA numbers of use_srtp (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
enum class SrtpProfile : uint16_t { kAes128CmSha1_80 = 1, kAeadAes128Gcm = 7, kAeadAes256Gcm = 8 };

// Master keys and salts of RFC 5764 section 4.2, already told apart by direction: `local` protects what this
// side sends.
struct SrtpKeys {
  SrtpProfile profile = SrtpProfile::kAes128CmSha1_80;
  base::Buffer local_key;
  base::Buffer local_salt;
  base::Buffer remote_key;
  base::Buffer remote_salt;
};

// True for what RFC 7983 section 7 assigns to DTLS on a shared port: first byte 20 to 63.
inline bool LooksLikeDtls(base::ConstBytes datagram) {
  return !datagram.empty() && datagram[0] >= 20 && datagram[0] <= 63;
}

class Transport {
 public:
  struct Config {
    Role role = Role::kServer;
    size_t mtu = 1200;       // Largest datagram of a handshake flight, bytes of UDP payload; at least 228.
    size_t max_queued = 64;  // Datagrams that wait for PollTransmit, and as many events for PollEvent.
    base::TimeDelta handshake_timeout = base::TimeDelta::Seconds(60);  // From Start or the first datagram.
    // Doubles up to retransmit_max. OpenSSL gives up after 12 repeats of one flight without an answer.
    base::TimeDelta retransmit_first = base::TimeDelta::Millis(100);
    base::TimeDelta retransmit_max = base::TimeDelta::Seconds(10);
  };

  struct Connected {
    SrtpKeys keys;
  };
  struct Data {
    base::Buffer bytes;
  };
  struct RemoteClosed {};  // The remote sent close_notify: no more Data will come. Once.
  struct Closed {          // The end, by failure. Not reported for our own Close().
    std::string reason;
  };
  using Event = std::variant<Connected, Data, RemoteClosed, Closed>;

  struct Counters {
    uint64_t datagrams_in = 0;
    uint64_t datagrams_out = 0;
    uint64_t retransmit_timeouts = 0;
    uint64_t dropped_out = 0;     // The transmit queue was full.
    uint64_t dropped_events = 0;  // Data that nobody fetched in time.
    uint64_t ignored_in = 0;      // Not DTLS by its first byte, or after the end.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"datagrams_in", &Counters::datagrams_in},
          {"datagrams_out", &Counters::datagrams_out},
          {"retransmit_timeouts", &Counters::retransmit_timeouts},
          {"dropped_out", &Counters::dropped_out},
          {"dropped_events", &Counters::dropped_events},
          {"ignored_in", &Counters::ignored_in},
      });
    }
  };

  Transport(const Config& config, const Certificate& certificate);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // `algorithm` is sha-256, sha-384 or sha-512, `value` hex pairs with colons; both in any case. Anything
  // else, and a value that the remote certificate does not have, closes. May be repeated with an equal value.
  void SetRemoteFingerprint(std::string_view algorithm, std::string_view value);
  // The client sends its hello. The server only starts the clock of handshake_timeout.
  void Start(base::Timestamp now);
  void OnDatagram(base::Timestamp now, base::ConstBytes datagram);
  std::optional<base::Buffer> PollTransmit();
  std::optional<Event> PollEvent();
  // One record, so at most 16 KiB; the caller keeps it below the path's MTU. False when not connected, too
  // large, or the transmit queue is full.
  bool Send(base::ConstBytes application_data);
  bool connected() const { return state_ == State::kConnected; }
  // Sends close_notify where there is an association to close; ignores everything afterwards.
  void Close();

  base::Timestamp NextTimeout() const;
  void OnTimeout(base::Timestamp now);

  const Counters& counters() const { return counters_; }

 private:
  friend struct BioGlue;
  enum class State : uint8_t { kNew, kHandshaking, kUnverified, kConnected, kClosed };
  struct SslDeleter {
    void operator()(ssl_st* ssl) const;
  };

  void Begin(base::Timestamp now);
  void Drive();
  bool Handshake();
  void ReadRecords();
  void VerifyRemote();
  std::optional<SrtpKeys> ExportKeys() const;
  void Fail(std::string reason);
  void FailWithSslError(std::string_view during);
  void Deliver(base::ConstBytes data);
  void SendCloseNotify();
  void End();
  void PushDatagram(base::ConstBytes bytes);
  void OnTimerSet(timeval* expiry);

  const Config config_;
  const Certificate certificate_;  // Keeps the SSL_CTX alive.
  std::unique_ptr<ssl_st, SslDeleter> ssl_;
  State state_ = State::kNew;
  std::optional<Fingerprint> remote_fingerprint_;
  base::Timestamp now_;  // Time of the call in progress, for OpenSSL's callbacks.
  base::Timestamp give_up_at_ = base::Timestamp::Infinity();
  base::Timestamp retransmit_at_ = base::Timestamp::Infinity();
  base::TimeDelta interval_;
  timeval* ssl_expiry_ = nullptr;  // OpenSSL's own idea of the expiry, inside *ssl_.
  base::ConstBytes incoming_;      // The datagram that OpenSSL may read next.
  std::deque<base::Buffer> outgoing_;
  std::deque<Event> events_;
  std::deque<base::Buffer> unverified_data_;  // Arrived before the fingerprint.
  bool remote_closed_ = false;
  Counters counters_;
};

}  // namespace weir::dtls
