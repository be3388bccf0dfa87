// One WebRTC connection: ICE, DTLS, SRTP and SCTP behind one door.
//
// It decides which datagrams belong to which protocol (RFC 7983), which of them to believe (media and DTLS
// only from paths that ICE has proved), and in what order the layers come up. It knows nothing of SDP, tracks
// or rooms: the owner (rtc) gives it what was negotiated and hears of packets and data through an Observer.
//
// Sans-IO and single-threaded: bytes and `now` in; datagrams leave through net::PacketOutput in Drain. After
// every call the owner calls Drain, then reads NextTimeout. Observer calls come from inside OnDatagram,
// OnTimeout and Drain; an observer must not destroy the connection from within one.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/counters.h"
#include "base/packet_pool.h"
#include "base/random.h"
#include "base/time.h"
#include "dtls/certificate.h"
#include "dtls/transport.h"
#include "ice/agent.h"
#include "net/packet_output.h"
#include "sctp/data_channels.h"
#include "srtp/session.h"

namespace weir::peer {

class Observer {
 public:
  virtual ~Observer() = default;
  // A decrypted RTP packet; it may be kept.
  virtual void OnRtp(base::Now now, base::PacketRef packet) = 0;
  // A decrypted RTCP compound, valid during the call.
  virtual void OnRtcp(base::Now now, base::ConstBytes compound) = 0;
  virtual void OnIceState(base::Now now, ice::State state) = 0;
  // DTLS is up and the SRTP keys are in place. Once.
  virtual void OnConnected(base::Now now) = 0;
  virtual void OnChannelOpened(base::Now now, uint16_t channel, std::string_view label) = 0;
  virtual void OnChannelMessage(base::Now now, uint16_t channel, bool binary, base::ConstBytes message) = 0;
  virtual void OnChannelClosed(base::Now now, uint16_t channel) = 0;
  // The connection cannot go on: the handshake was refused or timed out.
  virtual void OnFailed(base::Now now, const std::string& reason) = 0;
};

class Connection {
 public:
  struct Config {
    ice::Agent::Config ice;
    sctp::DataChannels::Config data;
    srtp::ReceiveSession::Config srtp;
    size_t mtu = 1200;               // Of DTLS records, and with what DTLS adds taken off, of SCTP packets.
    size_t max_early_datagrams = 8;  // DTLS datagrams that arrive before their path is proved.
  };

  // What was dropped, and why. None of it disturbs the connection.
  struct Counters {
    uint64_t unknown_protocol = 0;  // First byte of no protocol that we speak.
    uint64_t unproved_path = 0;     // Media or DTLS from a path without a successful check.
    uint64_t before_keys = 0;       // SRTP before the handshake was done.
    uint64_t srtp_unauthentic = 0;
    uint64_t srtp_replayed = 0;
    uint64_t srtp_malformed = 0;  // Truncated, or of one SSRC too many.
    uint64_t early_overflow = 0;  // DTLS datagrams over max_early_datagrams.
    uint64_t no_space = 0;        // Outgoing packets that the output could not take.
    uint64_t data_closed = 0;     // SCTP associations that ended before the connection.
    uint64_t no_path = 0;         // Outgoing packets with no selected path.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"unknown_protocol", &Counters::unknown_protocol},
          {"unproved_path", &Counters::unproved_path},
          {"before_keys", &Counters::before_keys},
          {"srtp_unauthentic", &Counters::srtp_unauthentic},
          {"srtp_replayed", &Counters::srtp_replayed},
          {"srtp_malformed", &Counters::srtp_malformed},
          {"early_overflow", &Counters::early_overflow},
          {"no_space", &Counters::no_space},
          {"data_closed", &Counters::data_closed},
          {"no_path", &Counters::no_path},
      });
    }
  };

  Connection(const Config& config, const dtls::Certificate& certificate, base::Random& random,
             Observer& observer);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  ice::Agent& ice() { return ice_; }
  const ice::Agent& ice() const { return ice_; }

  // ---- What was negotiated.
  // The remote's certificate; before the handshake ends or after it (media waits until it is known).
  void SetRemoteFingerprint(const std::string& algorithm, const std::string& value);
  // Our DTLS role; the first call decides, later ones change nothing. A client starts its handshake when ICE
  // connects.
  void SetDtlsRole(base::Now now, dtls::Role role);
  bool dtls_role_known() const { return dtls_.has_value(); }
  std::optional<dtls::Role> dtls_role() const { return role_; }
  // Data channels were negotiated: SCTP starts when DTLS is up.
  void EnableData(base::Now now);

  // ---- Data channels.
  void OpenChannel(base::Now now,
                   const sctp::DataChannels::ChannelConfig& config);  // Announced by OnChannelOpened.
  // The message may be shared among many connections. False: not open, or its queue is full; dropped and
  // counted there.
  bool SendData(base::Now now, uint16_t channel, std::shared_ptr<const base::Buffer> message,
                bool binary = true);
  size_t buffered_amount(uint16_t channel) const;

  // ---- Packets.
  void OnDatagram(base::Now now, const net::FiveTuple& path, base::PacketRef packet);
  void OnPathClosed(base::Now now, const net::FiveTuple& path);
  // Seals one RTP packet of header, prefix, payload and `padding` bytes straight into the output. See
  // srtp::SendSession on `roc`. Returns the bytes sent, 0 when there is no path, no key or no space
  // (counted).
  size_t SendRtp(net::PacketOutput& output, base::ConstBytes header, base::ConstBytes prefix,
                 base::ConstBytes payload, uint8_t padding, uint32_t roc);
  bool SendRtcp(net::PacketOutput& output, base::ConstBytes compound);
  // SSRCs with SRTP state of the other side.
  size_t received_streams() const { return receive_ ? receive_->rtp_streams() : 0; }
  void ForgetReceivedStream(uint32_t ssrc) {
    if (receive_) {
      receive_->ForgetStream(ssrc);
    }
  }
  // What ICE, DTLS and SCTP want to send now.
  void Drain(base::Now now, net::PacketOutput& output);

  base::Timestamp NextTimeout() const;
  void OnTimeout(base::Now now);

  bool connected() const { return send_.has_value(); }
  const Counters& counters() const { return counters_; }
  // Of the layers inside; zeros for one that is not up yet. ICE has its own accessor.
  dtls::Transport::Counters dtls_counters() const;
  srtp::ReceiveSession::Counters srtp_counters() const;
  sctp::DataChannels::Counters data_counters() const;
  sctp::Association::Counters sctp_counters() const;
  void Close(base::Now now,
             net::PacketOutput& output);  // Says goodbye (close_notify); nothing is sent afterwards.

 private:
  void OnDtls(base::Now now, const net::FiveTuple& path, base::PacketRef packet);
  void OnSrtp(base::Now now, const net::FiveTuple& path, base::PacketRef packet);
  void OnSrtcp(base::Now now, const net::FiveTuple& path, base::PacketRef packet);
  void PollIce(base::Now now);
  void PollDtls(base::Now now);
  void PollData(base::Now now);
  void OnDtlsConnected(base::Now now, const dtls::SrtpKeys& keys);
  void StartData(base::Now now);
  void Poll(base::Now now);
  void DrainEarly(base::Now now);
  void Fail(base::Now now, const std::string& reason);
  void CountSrtpError(srtp::Error error);
  // The selected path, or while there is none the one that DTLS last came from.
  std::optional<net::FiveTuple> SendPath() const;

  const Config config_;
  const dtls::Certificate& certificate_;
  base::Random& random_;
  Observer& observer_;
  ice::Agent ice_;
  std::optional<dtls::Role> role_;
  std::optional<dtls::Transport> dtls_;
  std::optional<std::pair<std::string, std::string>> fingerprint_;
  std::optional<net::FiveTuple> dtls_path_;
  std::optional<srtp::SendSession> send_;
  std::optional<srtp::ReceiveSession> receive_;
  std::optional<sctp::DataChannels> data_;
  std::vector<sctp::DataChannels::ChannelConfig> channels_to_open_;
  std::deque<std::pair<net::FiveTuple, base::PacketRef>> early_;
  bool data_enabled_ = false;
  bool data_due_ = false;  // Something happened to SCTP since it was last asked for packets.
  bool handshake_started_ = false;
  bool failed_ = false;
  bool closed_ = false;
  Counters counters_;
};

}  // namespace weir::peer
