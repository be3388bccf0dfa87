#include "peer/connection.h"

#include <algorithm>
#include <utility>

#include "base/overloaded.h"
#include "rtp/packet.h"
#include "stun/message.h"

namespace weir::peer {
namespace {

using base::ConstBytes;
using base::MutableBytes;
using base::Now;
using base::Timestamp;

// A DTLS 1.2 record adds 13 bytes of header and, for AES-GCM, 8 of explicit nonce and 16 of tag.
constexpr size_t kDtlsOverhead = 40;
constexpr size_t kMaxSrtcpOverhead = 32;

srtp::Profile ToSrtp(dtls::SrtpProfile profile) { return static_cast<srtp::Profile>(profile); }

}  // namespace

Connection::Connection(const Config& config, const dtls::Certificate& certificate, base::Random& random,
                       Observer& observer)
    : config_(config),
      certificate_(certificate),
      random_(random),
      observer_(observer),
      ice_(config.ice, random) {}

void Connection::SetRemoteFingerprint(const std::string& algorithm, const std::string& value) {
  fingerprint_ = {algorithm, value};
  if (dtls_) {
    dtls_->SetRemoteFingerprint(algorithm, value);
  }
}

void Connection::SetDtlsRole(Now now, dtls::Role role) {
  if (dtls_) {
    return;
  }
  role_ = role;
  dtls::Transport::Config config;
  config.role = role;
  config.mtu = config_.mtu;
  dtls_.emplace(config, certificate_);
  if (fingerprint_) {
    dtls_->SetRemoteFingerprint(fingerprint_->first, fingerprint_->second);
  }
  DrainEarly(now);
  Poll(now);
}

void Connection::EnableData(Now now) {
  data_enabled_ = true;
  StartData(now);
}

void Connection::StartData(Now now) {
  if (!data_enabled_ || data_ || !connected()) {
    return;
  }
  sctp::DataChannels::Config config = config_.data;
  config.dtls_client = role_ == dtls::Role::kClient;
  config.association.mtu = config_.mtu - kDtlsOverhead;
  data_.emplace(config, random_);
  data_->Start(now.mono);
  data_due_ = true;
  for (const auto& channel : std::exchange(channels_to_open_, {})) {
    data_->Open(now.mono, channel);
  }
}

void Connection::OpenChannel(Now now, const sctp::DataChannels::ChannelConfig& config) {
  if (data_) {
    data_->Open(now.mono, config);
    data_due_ = true;
  } else if (channels_to_open_.size() < config_.data.max_channels) {
    channels_to_open_.push_back(config);
  }
}

bool Connection::SendData(Now now, uint16_t channel, std::shared_ptr<const base::Buffer> message,
                          bool binary) {
  data_due_ = true;
  return data_ && data_->Send(now.mono, channel, std::move(message), binary);
}

size_t Connection::buffered_amount(uint16_t channel) const {
  return data_ ? data_->buffered_amount(channel) : 0;
}

void Connection::OnDatagram(Now now, const net::FiveTuple& path, base::PacketRef packet) {
  if (closed_ || packet->size == 0) {
    return;
  }
  const ConstBytes bytes = std::as_const(*packet).bytes();
  if (rtp::LooksLikeRtpOrRtcp(bytes)) {  // First, for it is nearly every packet.
    OnSrtp(now, path, std::move(packet));
    return;
  }
  if (stun::LooksLikeStun(bytes)) {
    ice_.OnDatagram(now.mono, path, bytes);
    PollIce(now);
    DrainEarly(now);
  } else if (dtls::LooksLikeDtls(bytes)) {
    OnDtls(now, path, std::move(packet));
  } else {
    ++counters_.unknown_protocol;
  }
}

void Connection::OnDtls(Now now, const net::FiveTuple& path, base::PacketRef packet) {
  if (!dtls_ || !ice_.IsValidPath(path)) {
    // The client's hello can overtake our answer to its check, or the description that names its fingerprint.
    if (early_.size() >= config_.max_early_datagrams) {
      ++counters_.early_overflow;
      return;
    }
    early_.emplace_back(path, std::move(packet));
    return;
  }
  dtls_path_ = path;
  ice_.OnPathTraffic(now.mono, path);
  dtls_->OnDatagram(now.mono, std::as_const(*packet).bytes());
  Poll(now);
}

void Connection::DrainEarly(Now now) {
  if (early_.empty() || !dtls_) {
    return;
  }
  auto waiting = std::exchange(early_, {});
  for (auto& [path, packet] : waiting) {
    if (ice_.IsValidPath(path)) {
      OnDtls(now, path, std::move(packet));
    } else {
      early_.emplace_back(path, std::move(packet));
    }
  }
}

void Connection::OnSrtp(Now now, const net::FiveTuple& path, base::PacketRef packet) {
  if (!ice_.IsValidPath(path)) {
    ++counters_.unproved_path;
    return;
  }
  if (!receive_) {
    ++counters_.before_keys;
    return;
  }
  if (rtp::LooksLikeRtcp(std::as_const(*packet).bytes())) {
    OnSrtcp(now, path, std::move(packet));
    return;
  }
  const auto size = receive_->UnprotectRtp(packet->bytes());
  if (!size) {
    CountSrtpError(size.error());
    return;
  }
  packet->size = static_cast<uint16_t>(*size);
  ice_.OnPathTraffic(now.mono, path);
  observer_.OnRtp(now, std::move(packet));
}

void Connection::OnSrtcp(Now now, const net::FiveTuple& path, base::PacketRef packet) {
  const auto size = receive_->UnprotectRtcp(packet->bytes());
  if (!size) {
    CountSrtpError(size.error());
    return;
  }
  ice_.OnPathTraffic(now.mono, path);
  observer_.OnRtcp(now, std::as_const(*packet).bytes().first(*size));
}

void Connection::CountSrtpError(srtp::Error error) {
  switch (error) {
    case srtp::Error::kReplayed:
      ++counters_.srtp_replayed;
      break;
    case srtp::Error::kUnauthentic:
      ++counters_.srtp_unauthentic;
      break;
    default:
      ++counters_.srtp_malformed;
      break;
  }
}

void Connection::OnPathClosed(Now now, const net::FiveTuple& path) {
  ice_.OnPathClosed(now.mono, path);
  PollIce(now);
}

void Connection::Poll(Now now) {
  PollIce(now);
  PollDtls(now);
  PollData(now);
}

void Connection::PollIce(Now now) {
  while (const auto event = ice_.PollEvent()) {
    std::visit(base::Overloaded{
                   [&](const ice::Agent::StateChanged& changed) { observer_.OnIceState(now, changed.state); },
                   [&](const ice::Agent::PathSelected&) {},
               },
               *event);
  }
  if (dtls_ && role_ == dtls::Role::kClient && !handshake_started_ && ice_.selected_path()) {
    handshake_started_ = true;
    dtls_->Start(now.mono);
  }
}

void Connection::PollDtls(Now now) {
  while (dtls_ && !failed_) {
    const auto event = dtls_->PollEvent();
    if (!event) {
      return;
    }
    std::visit(base::Overloaded{
                   [&](const dtls::Transport::Connected& connected) { OnDtlsConnected(now, connected.keys); },
                   [&](const dtls::Transport::Data& data) {
                     if (data_) {
                       data_->OnPacket(now.mono, data.bytes);
                       data_due_ = true;
                     }
                   },
                   [&](const dtls::Transport::RemoteClosed&) {
                   },  // A close_notify ends nothing: ICE and signalling decide.
                   [&](const dtls::Transport::Closed& closed) { Fail(now, closed.reason); },
               },
               *event);
  }
}

void Connection::OnDtlsConnected(Now now, const dtls::SrtpKeys& keys) {
  auto send = srtp::SendSession::Create(ToSrtp(keys.profile), keys.local_key, keys.local_salt);
  auto receive =
      srtp::ReceiveSession::Create(ToSrtp(keys.profile), keys.remote_key, keys.remote_salt, config_.srtp);
  if (!send || !receive) {
    Fail(now, "no SRTP session for the negotiated keys");
    return;
  }
  send_.emplace(std::move(*send));
  receive_.emplace(std::move(*receive));
  StartData(now);
  observer_.OnConnected(now);
}

void Connection::PollData(Now now) {
  while (data_) {
    const auto event = data_->PollEvent();
    if (!event) {
      return;
    }
    std::visit(base::Overloaded{
                   [&](const sctp::DataChannels::Opened& opened) {
                     observer_.OnChannelOpened(now, opened.channel, opened.label);
                   },
                   [&](const sctp::DataChannels::Message& message) {
                     observer_.OnChannelMessage(now, message.channel, message.binary, message.bytes);
                   },
                   [&](const sctp::DataChannels::ChannelClosed& closed) {
                     observer_.OnChannelClosed(now, closed.channel);
                   },
                   // Not the end of the connection: a browser that closes its page aborts SCTP first, and
                   // media may live on without data. The channels' own events have said that they are closed.
                   [&](const sctp::DataChannels::Closed&) { ++counters_.data_closed; },
               },
               *event);
  }
}

void Connection::Fail(Now now, const std::string& reason) {
  if (!std::exchange(failed_, true)) {
    observer_.OnFailed(now, reason);
  }
}

std::optional<net::FiveTuple> Connection::SendPath() const {
  return ice_.selected_path() ? ice_.selected_path() : dtls_path_;
}

size_t Connection::SendRtp(net::PacketOutput& output, ConstBytes header, ConstBytes prefix,
                           ConstBytes payload, uint8_t padding, uint32_t roc) {
  const auto path = SendPath();
  if (!path || !send_ || closed_) {
    ++counters_.no_path;
    return 0;
  }
  const size_t needed = header.size() + prefix.size() + payload.size() + padding + send_->overhead_rtp();
  const MutableBytes space = output.Reserve(*path, needed);
  const size_t size =
      space.size() < needed ? 0 : send_->ProtectRtp(header, prefix, payload, padding, roc, space);
  if (size == 0) {
    ++counters_.no_space;
    return 0;
  }
  output.Commit(*path, size);
  return size;
}

bool Connection::SendRtcp(net::PacketOutput& output, ConstBytes compound) {
  const auto path = SendPath();
  if (!path || !send_ || closed_) {
    ++counters_.no_path;
    return false;
  }
  const size_t needed = compound.size() + kMaxSrtcpOverhead;
  const MutableBytes space = output.Reserve(*path, needed);
  const size_t size = space.size() < needed ? 0 : send_->ProtectRtcp(compound, space);
  if (size == 0) {
    ++counters_.no_space;
    return false;
  }
  output.Commit(*path, size);
  return true;
}

void Connection::Drain(Now now, net::PacketOutput& output) {
  Poll(now);
  while (const auto transmit = ice_.PollTransmit()) {
    if (!output.Send(transmit->path, transmit->bytes)) {
      ++counters_.no_space;
    }
  }
  // SCTP builds its packets in buffers of its own; a turn in which nothing happened to it must not ask.
  if (data_ && dtls_ && dtls_->connected() && std::exchange(data_due_, false)) {
    while (const auto packet = data_->PollTransmit(now.mono)) {
      dtls_->Send(*packet);
    }
  }
  while (dtls_) {
    const auto path = SendPath();
    if (!path) {
      break;  // Records wait in the transport until ICE knows where to send them.
    }
    const auto datagram = dtls_->PollTransmit();
    if (!datagram) {
      break;
    }
    if (!output.Send(*path, *datagram)) {
      ++counters_.no_space;
    }
  }
}

Timestamp Connection::NextTimeout() const {
  Timestamp next = ice_.NextTimeout();
  if (dtls_) {
    next = std::min(next, dtls_->NextTimeout());
  }
  if (data_) {
    next = std::min(next, data_->NextTimeout());
  }
  return closed_ ? Timestamp::Infinity() : next;
}

void Connection::OnTimeout(Now now) {
  if (closed_) {
    return;
  }
  if (ice_.NextTimeout() <= now.mono) {
    ice_.OnTimeout(now.mono);
  }
  if (dtls_ && dtls_->NextTimeout() <= now.mono) {
    dtls_->OnTimeout(now.mono);
  }
  if (data_ && data_->NextTimeout() <= now.mono) {
    data_->OnTimeout(now.mono);
    data_due_ = true;
  }
  Poll(now);
}

void Connection::Close(Now now, net::PacketOutput& output) {
  if (closed_) {
    return;
  }
  if (dtls_ && dtls_->connected()) {
    dtls_->Close();
    Drain(now, output);
  }
  closed_ = true;
}

dtls::Transport::Counters Connection::dtls_counters() const {
  return dtls_ ? dtls_->counters() : dtls::Transport::Counters();
}
srtp::ReceiveSession::Counters Connection::srtp_counters() const {
  return receive_ ? receive_->counters() : srtp::ReceiveSession::Counters();
}
sctp::DataChannels::Counters Connection::data_counters() const {
  return data_ ? data_->counters() : sctp::DataChannels::Counters();
}
sctp::Association::Counters Connection::sctp_counters() const {
  return data_ ? data_->association().counters() : sctp::Association::Counters();
}

}  // namespace weir::peer
