#include "dtls/transport.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#include <algorithm>
#include <utility>

namespace weir::dtls {

using base::TimeDelta;
using base::Timestamp;

// OpenSSL's side of a transport: a BIO that keeps datagram boundaries, and the retransmission timer.
//
// OpenSSL reads the wall clock when it starts its timer and again when it asks whether the timer has expired
// (which it does on every read, not only in DTLSv1_handle_timeout). It tells the BIO each new expiry by
// pointer, BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT. The BIO therefore keeps the real deadline on the caller's clock
// and writes through the pointer: "in the distant future" while the deadline is ahead, "long ago" for the one
// call of DTLSv1_handle_timeout that is due.
struct BioGlue {
  static constexpr long kIpAndUdpHeaders = 28;  // Lowers OpenSSL's least MTU from 256 to 228.

  static Transport& Owner(BIO* bio) { return *static_cast<Transport*>(BIO_get_data(bio)); }

  static int Read(BIO* bio, char* out, int size) {
    Transport& owner = Owner(bio);
    BIO_clear_retry_flags(bio);
    if (owner.incoming_.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const base::ConstBytes datagram = std::exchange(owner.incoming_, {});
    const size_t count = std::min(datagram.size(), static_cast<size_t>(std::max(size, 0)));
    std::copy_n(datagram.data(), count, reinterpret_cast<uint8_t*>(out));
    return static_cast<int>(count);
  }

  static int Write(BIO* bio, const char* in, int size) {
    BIO_clear_retry_flags(bio);
    Owner(bio).PushDatagram({reinterpret_cast<const uint8_t*>(in), static_cast<size_t>(size)});
    return size;  // A full queue loses the datagram, as a network would.
  }

  static long Ctrl(BIO* bio, int command, long, void* argument) {
    switch (command) {
      case BIO_CTRL_FLUSH:
        return 1;
      case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
        Owner(bio).OnTimerSet(static_cast<timeval*>(argument));
        return 1;
      case BIO_CTRL_DGRAM_QUERY_MTU:
      case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return static_cast<long>(Owner(bio).config_.mtu);
      case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
        return kIpAndUdpHeaders;
      default:
        return 0;
    }
  }

  // `previous` is zero for the first transmission of a flight.
  static unsigned int NextInterval(SSL* ssl, unsigned int previous) {
    auto& owner = *static_cast<Transport*>(SSL_get_app_data(ssl));
    owner.interval_ = previous == 0 ? owner.config_.retransmit_first
                                    : std::min(owner.interval_ * 2, owner.config_.retransmit_max);
    return static_cast<unsigned int>(owner.interval_.micros());
  }

  static const BIO_METHOD* Method() {
    static const BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir datagrams");
      BIO_meth_set_read(made, Read);
      BIO_meth_set_write(made, Write);
      BIO_meth_set_ctrl(made, Ctrl);
      BIO_meth_set_create(made, [](BIO* bio) {
        BIO_set_init(bio, 1);
        return 1;
      });
      return made;
    }();
    return method;
  }
};

namespace {

constexpr timeval kLongAgo{.tv_sec = 1, .tv_usec = 0};  // Zero would mean that no timer runs.
constexpr timeval kNeverExpires{.tv_sec = int64_t{1} << 40, .tv_usec = 0};
constexpr size_t kMaxRecord = 16'384;

const char* Reason(base::ParseError error) {
  return error == base::ParseError::kUnsupported ? "the fingerprint's hash is not supported"
                                                 : "the fingerprint is malformed";
}

}  // namespace

void Transport::SslDeleter::operator()(ssl_st* ssl) const { SSL_free(ssl); }

Transport::Transport(const Config& config, const Certificate& certificate)
    : config_(config), certificate_(certificate), ssl_(SSL_new(certificate.context())) {
  BIO* bio = BIO_new(BioGlue::Method());
  if (ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    ssl_.reset();
    Fail("out of memory");
    return;
  }
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_.get(), bio, bio);  // Takes the one reference for both directions.
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_mtu(ssl_.get(), static_cast<long>(config_.mtu));
  DTLS_set_timer_cb(ssl_.get(), BioGlue::NextInterval);
  if (config_.role == Role::kClient) {
    SSL_set_connect_state(ssl_.get());
  } else {
    SSL_set_accept_state(ssl_.get());
  }
}

Transport::~Transport() = default;

void Transport::SetRemoteFingerprint(std::string_view algorithm, std::string_view value) {
  if (state_ == State::kClosed) {
    return;
  }
  auto parsed = ParseFingerprint(algorithm, value);
  if (!parsed) {
    Fail(Reason(parsed.error()));
    return;
  }
  remote_fingerprint_ = *std::move(parsed);
  if (state_ == State::kUnverified || state_ == State::kConnected) {
    VerifyRemote();
  }
}

void Transport::Start(Timestamp now) {
  if (state_ == State::kNew) {
    Begin(now);
    Drive();
  }
}

void Transport::Begin(Timestamp now) {
  now_ = now;
  state_ = State::kHandshaking;
  give_up_at_ = now + config_.handshake_timeout;
}

void Transport::OnDatagram(Timestamp now, base::ConstBytes datagram) {
  ++counters_.datagrams_in;
  if (state_ == State::kNew && config_.role == Role::kServer) {
    Begin(now);
  }
  if (state_ == State::kClosed || state_ == State::kNew || !LooksLikeDtls(datagram)) {
    ++counters_.ignored_in;
    return;
  }
  now_ = now;
  incoming_ = datagram;
  Drive();
  incoming_ = {};
}

void Transport::Drive() {
  ERR_clear_error();
  if (state_ == State::kHandshaking && !Handshake()) {
    return;
  }
  ReadRecords();
}

// True when the handshake is over, and over well.
bool Transport::Handshake() {
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) {
    const int error = SSL_get_error(ssl_.get(), result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      FailWithSslError("handshake");
    }
    return false;
  }
  state_ = State::kUnverified;
  if (remote_fingerprint_) {
    VerifyRemote();
  }
  return state_ != State::kClosed;
}

// Also what answers a remote that repeats its last flight, so it runs whether or not anybody wants the data.
void Transport::ReadRecords() {
  uint8_t record[kMaxRecord];
  while (state_ != State::kClosed) {
    const int size = SSL_read(ssl_.get(), record, sizeof(record));
    if (size > 0) {
      Deliver({record, static_cast<size_t>(size)});
      continue;
    }
    switch (SSL_get_error(ssl_.get(), size)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return;
      case SSL_ERROR_ZERO_RETURN:
        if (!std::exchange(remote_closed_, true)) {
          events_.emplace_back(RemoteClosed{});
        }
        return;
      default:
        FailWithSslError("record");
        return;
    }
  }
}

void Transport::Deliver(base::ConstBytes data) {
  const bool verified = state_ == State::kConnected;
  if ((verified ? events_.size() : unverified_data_.size()) >= config_.max_queued) {
    ++counters_.dropped_events;
    return;
  }
  base::Buffer bytes(data.begin(), data.end());
  if (verified) {
    events_.emplace_back(Data{std::move(bytes)});
  } else {
    unverified_data_.push_back(std::move(bytes));
  }
}

void Transport::VerifyRemote() {
  const X509* remote = SSL_get0_peer_certificate(ssl_.get());
  if (remote == nullptr ||
      CertificateDigest(remote, remote_fingerprint_->algorithm) != remote_fingerprint_->digest) {
    SendCloseNotify();
    Fail("the remote certificate does not have the signalled fingerprint");
    return;
  }
  if (state_ == State::kConnected) {
    return;
  }
  std::optional<SrtpKeys> keys = ExportKeys();
  if (!keys) {
    SendCloseNotify();
    Fail("the remote side offers no SRTP profile that is known here");
    return;
  }
  state_ = State::kConnected;
  give_up_at_ = Timestamp::Infinity();
  events_.emplace_back(Connected{*std::move(keys)});
  for (base::Buffer& bytes : unverified_data_) {
    events_.emplace_back(Data{std::move(bytes)});
  }
  unverified_data_.clear();
}

// RFC 5764 section 4.2: client key, server key, client salt, server salt.
std::optional<SrtpKeys> Transport::ExportKeys() const {
  const SRTP_PROTECTION_PROFILE* selected = SSL_get_selected_srtp_profile(ssl_.get());
  if (selected == nullptr) {
    return std::nullopt;
  }
  SrtpKeys keys;
  keys.profile = static_cast<SrtpProfile>(selected->id);
  const size_t key_size = keys.profile == SrtpProfile::kAeadAes256Gcm ? 32 : 16;
  const size_t salt_size = keys.profile == SrtpProfile::kAes128CmSha1_80 ? 14 : 12;
  constexpr std::string_view kLabel = "EXTRACTOR-dtls_srtp";
  base::Buffer material(2 * (key_size + salt_size));
  if (SSL_export_keying_material(ssl_.get(), material.data(), material.size(), kLabel.data(), kLabel.size(),
                                 nullptr, 0, 0) != 1) {
    return std::nullopt;
  }
  base::ByteReader reader(material);
  const auto take = [&reader](size_t size) {
    const base::ConstBytes bytes = reader.ReadBytes(size);
    return base::Buffer(bytes.begin(), bytes.end());
  };
  keys.local_key = take(key_size);
  keys.remote_key = take(key_size);
  keys.local_salt = take(salt_size);
  keys.remote_salt = take(salt_size);
  if (config_.role == Role::kServer) {
    std::swap(keys.local_key, keys.remote_key);
    std::swap(keys.local_salt, keys.remote_salt);
  }
  return keys;
}

std::optional<base::Buffer> Transport::PollTransmit() {
  if (outgoing_.empty()) {
    return std::nullopt;
  }
  base::Buffer bytes = std::move(outgoing_.front());
  outgoing_.pop_front();
  ++counters_.datagrams_out;
  return bytes;
}

std::optional<Transport::Event> Transport::PollEvent() {
  if (events_.empty()) {
    return std::nullopt;
  }
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

bool Transport::Send(base::ConstBytes application_data) {
  if (state_ != State::kConnected || application_data.empty() || application_data.size() > kMaxRecord) {
    return false;
  }
  if (outgoing_.size() >= config_.max_queued) {
    ++counters_.dropped_out;
    return false;
  }
  ERR_clear_error();
  return SSL_write(ssl_.get(), application_data.data(), static_cast<int>(application_data.size())) > 0;
}

void Transport::Close() {
  SendCloseNotify();
  End();
}

void Transport::SendCloseNotify() {
  if (state_ == State::kUnverified || state_ == State::kConnected) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
}

Timestamp Transport::NextTimeout() const { return std::min(retransmit_at_, give_up_at_); }

void Transport::OnTimeout(Timestamp now) {
  if (state_ == State::kClosed) {
    return;
  }
  now_ = now;
  if (now >= give_up_at_) {
    Fail(state_ == State::kUnverified ? "no fingerprint for the remote certificate arrived in time"
                                      : "handshake timed out");
    return;
  }
  if (now < retransmit_at_) {
    return;
  }
  retransmit_at_ = Timestamp::Infinity();  // Set anew by the call, through OnTimerSet.
  *ssl_expiry_ = kLongAgo;
  ++counters_.retransmit_timeouts;
  ERR_clear_error();
  if (DTLSv1_handle_timeout(ssl_.get()) < 0) {
    FailWithSslError("retransmission");
  }
}

void Transport::OnTimerSet(timeval* expiry) {
  ssl_expiry_ = expiry;
  const bool stopped = expiry->tv_sec == 0 && expiry->tv_usec == 0;
  retransmit_at_ = stopped ? Timestamp::Infinity() : now_ + interval_;
  if (!stopped) {
    *expiry = kNeverExpires;
  }
}

void Transport::Fail(std::string reason) {
  End();
  events_.emplace_back(Closed{std::move(reason)});
}

// OpenSSL stays allocated: this may run inside one of its callbacks. An alert that it queued still goes out.
void Transport::End() {
  state_ = State::kClosed;
  give_up_at_ = Timestamp::Infinity();
  retransmit_at_ = Timestamp::Infinity();
  unverified_data_.clear();
}

void Transport::FailWithSslError(std::string_view during) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  Fail("DTLS " + std::string(during) + ": " + (reason != nullptr ? reason : "closed by the remote side"));
}

void Transport::PushDatagram(base::ConstBytes bytes) {
  if (outgoing_.size() >= config_.max_queued) {
    ++counters_.dropped_out;
    return;
  }
  outgoing_.emplace_back(bytes.begin(), bytes.end());
}

}  // namespace weir::dtls
