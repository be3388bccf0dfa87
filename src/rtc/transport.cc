#include "rtc/transport.h"

#include <algorithm>
#include <utility>

#include "rtc/ids.h"

namespace weir::rtc {
namespace {

using base::Now;
using base::TimeDelta;
using base::Timestamp;

peer::Connection::Config ConnectionConfig(const Environment& environment, const Transport::Config& config) {
  peer::Connection::Config connection;
  connection.ice.role = config.ice_role;
  connection.ice.tcp_only = config.tcp_only;
  // A join that never connects ends by the participant's own deadline, with its own reason.
  connection.ice.checking_timeout = TimeDelta::Seconds(60);
  connection.ice.max_remote_candidates = environment.settings.limits.max_remote_candidates;
  return connection;
}

std::optional<DataChannel> ChannelByLabel(std::string_view label) {
  if (label == kReliableLabel) {
    return DataChannel::kReliable;
  }
  if (label == kLossyLabel) {
    return DataChannel::kLossy;
  }
  if (label == kDataTrackLabel) {
    return DataChannel::kDataTrack;
  }
  return std::nullopt;
}

}  // namespace

Transport::Transport(Environment& environment, const Config& config, Owner& owner)
    : environment_(environment),
      config_(config),
      owner_(owner),
      connection_(ConnectionConfig(environment, config), environment.certificate, environment.random, *this),
      queue_(SendQueue::Config(), environment.flush, *this),
      local_ssrc_(environment.random.Next32() | 1),
      cname_(MakeSid("", environment.random)),
      counted_(environment.census, *this) {
  for (const ice::Candidate& candidate : environment.host_candidates) {
    if (!config.tcp_only || candidate.protocol == net::Protocol::kTcp) {
      connection_.ice().AddLocalCandidate(candidate);
    }
  }
  ufrags_.push_back(connection_.ice().local_credentials().ufrag);
  environment_.router.AddUfrag(ufrags_.back(), *this);
  environment_.observer.OnUfragAdded(ufrags_.back());
  demuxer_.SetTwccResponder(&twcc_);
}

Transport::~Transport() {
  for (const std::string& ufrag : ufrags_) {
    environment_.router.RemoveUfrag(ufrag);
    environment_.observer.OnUfragRemoved(ufrag);
  }
  environment_.router.RemoveTransport(*this);
}

void Transport::Dirty() {
  drain_due_ = true;
  environment_.flush.Add(*this);
}

void Transport::Wake() { Dirty(); }

void Transport::RestartIce(Now now) {
  connection_.ice().Restart(now.mono);
  // The previous generation goes on until the new one has a path; older ones are gone.
  while (ufrags_.size() > 1) {
    environment_.router.RemoveUfrag(ufrags_.front());
    environment_.observer.OnUfragRemoved(ufrags_.front());
    ufrags_.erase(ufrags_.begin());
  }
  ufrags_.push_back(connection_.ice().local_credentials().ufrag);
  environment_.router.AddUfrag(ufrags_.back(), *this);
  environment_.observer.OnUfragAdded(ufrags_.back());
  Dirty();
}

void Transport::SetRemoteIce(Now now, const ice::Credentials& credentials) {
  connection_.ice().SetRemoteCredentials(credentials, now.mono);
  Dirty();
}

void Transport::AddRemoteCandidate(Now now, const ice::Candidate& candidate) {
  if (config_.tcp_only && candidate.protocol != net::Protocol::kTcp) {
    return;
  }
  connection_.ice().AddRemoteCandidate(candidate, now.mono);
  Dirty();
}

void Transport::AddReceiver(sfu::TrackReceiver& receiver) {
  receivers_.push_back(&receiver);
  Dirty();
}

void Transport::RemoveReceiver(sfu::TrackReceiver& receiver) { std::erase(receivers_, &receiver); }

void Transport::RemoveSection(const std::string& mid) {
  constexpr size_t kKeptStreams = 512;  // Half of what a connection may have.
  for (const rtp::Ssrc ssrc : demuxer_.RemoveSection(mid)) {
    retired_.push_back(ssrc);
  }
  while (!retired_.empty() && connection_.received_streams() > kKeptStreams) {
    if (demuxer_.ReceiverOf(retired_.front()) == nullptr) {
      connection_.ForgetReceivedStream(retired_.front().value());
    }
    retired_.pop_front();
  }
}

void Transport::AddDownTrack(sfu::DownTrack& track, rtp::Ssrc ssrc, std::optional<rtp::Ssrc> rtx) {
  outgoing_.push_back({&track, ssrc, rtx});
  by_ssrc_[ssrc.value()] = &track;
  if (rtx) {
    by_ssrc_[rtx->value()] = &track;
  }
  Dirty();
}

void Transport::RemoveDownTrack(sfu::DownTrack& track) {
  std::erase_if(outgoing_, [&](const Outgoing& outgoing) { return outgoing.track == &track; });
  std::erase_if(by_ssrc_, [&](const auto& entry) { return entry.second == &track; });
}

sfu::DownTrack* Transport::FindDownTrack(rtp::Ssrc ssrc) {
  const auto found = by_ssrc_.find(ssrc.value());
  return found == by_ssrc_.end() ? nullptr : found->second;
}

// ---- Data channels.

void Transport::CreateDataChannels(Now now) {
  using ChannelConfig = sctp::DataChannels::ChannelConfig;
  connection_.OpenChannel(now, ChannelConfig{.label = std::string(kReliableLabel)});
  for (const std::string_view label : {kLossyLabel, kDataTrackLabel}) {
    ChannelConfig lossy{.label = std::string(label), .ordered = false};
    lossy.max_retransmits = 0;
    connection_.OpenChannel(now, lossy);
  }
  connection_.EnableData(now);
  Dirty();
}

bool Transport::SendData(Now now, DataChannel channel, std::shared_ptr<const base::Buffer> message) {
  const auto id = ChannelId(channel);
  if (!id || !connection_.SendData(now, *id, std::move(message))) {
    ++counters_.data_dropped;
    return false;
  }
  Dirty();
  return true;
}

DataChannel Transport::ChannelOf(uint16_t id) const {
  const auto found = std::find(channels_.begin(), channels_.end(), std::optional(id));
  return found == channels_.end() ? DataChannel::kUnlabelled
                                  : static_cast<DataChannel>(found - channels_.begin());
}

void Transport::OnChannelOpened(Now now, uint16_t channel, std::string_view label) {
  const auto known = ChannelByLabel(label);
  if (!known) {
    return;
  }
  channels_[static_cast<size_t>(*known)] = channel;  // A re-created channel replaces the old one.
  owner_.OnDataChannelOpened(now, *this, *known);
}

void Transport::OnChannelMessage(Now now, uint16_t channel, bool binary, base::ConstBytes message) {
  owner_.OnData(now, ChannelOf(channel), binary, message);
}

void Transport::OnChannelClosed(Now, uint16_t channel) {
  const DataChannel known = ChannelOf(channel);
  if (known != DataChannel::kUnlabelled) {
    channels_[static_cast<size_t>(known)].reset();
  }
}

// ---- Packets and time.

void Transport::OnDatagram(Now now, const net::FiveTuple& path, base::PacketRef packet) {
  if (!closed_) {
    // Media needs no draining of its own, but the deadlines of its receivers move with it.
    Dirty();
    connection_.OnDatagram(now, path, std::move(packet));
    if (silent_) {
      CheckSilence(now);
    }
  }
}

void Transport::CheckSilence(Now now) {
  const bool silent = connected() && !closed_ && now.mono - connection_.ice().last_heard() >= config_.silence;
  if (std::exchange(silent_, silent) != silent) {
    owner_.OnTransportSilence(now, *this, silent);
  }
}

void Transport::OnPathClosed(Now now, const net::FiveTuple& path) {
  connection_.OnPathClosed(now, path);
  Dirty();
}

void Transport::OnRtp(Now now, base::PacketRef packet) { demuxer_.Route(now, std::move(packet)); }

void Transport::OnIceState(Now now, ice::State state) { owner_.OnTransportIceState(now, *this, state); }

void Transport::OnConnected(Now now) {
  next_report_ =
      now.mono + TimeDelta::Millis(200);  // Early: the first report lets senders stop repeating MID and RID.
  owner_.OnTransportConnected(now, *this);
}

void Transport::OnFailed(Now now, const std::string& reason) { owner_.OnTransportFailed(now, *this, reason); }

void Transport::OnTimer(Now now) {
  if (closed_) {
    return;
  }
  if (connection_.NextTimeout() <= now.mono) {
    connection_.OnTimeout(now);
  }
  for (size_t i = 0; i < receivers_.size(); ++i) {
    if (receivers_[i]->NextTimeout() <= now.mono) {
      receivers_[i]->OnTimeout(now);
    }
  }
  for (size_t i = 0; i < outgoing_.size(); ++i) {
    if (outgoing_[i].track->NextTimeout() <= now.mono) {
      outgoing_[i].track->OnTimeout(now);
    }
  }
  CheckSilence(now);
  Dirty();
}

void Transport::Flush(Now now) {
  if (!queue_.empty()) {
    queue_.Flush(now, connection_, environment_.output);
  }
  if (!std::exchange(drain_due_, false)) {
    return;
  }
  if (connected()) {
    SendFeedback(now);
    if (next_report_ <= now.mono) {
      SendReports(now);
    }
  }
  connection_.Drain(now, environment_.output);
  Reschedule();
}

void Transport::Reschedule() {
  Timestamp next = connection_.NextTimeout();
  if (connected()) {
    next = std::min({next, next_report_, twcc_.NextTimeout()});
    if (!silent_) {
      next = std::min(next, connection_.ice().last_heard() + config_.silence);
    }
    for (const sfu::TrackReceiver* receiver : receivers_) {
      next = std::min(next, receiver->NextTimeout());
    }
    for (const Outgoing& outgoing : outgoing_) {
      next = std::min(next, outgoing.track->NextTimeout());
    }
  }
  environment_.timers.Schedule(*this, closed_ ? Timestamp::Infinity() : next);
}

void Transport::Close(Now now) {
  if (!std::exchange(closed_, true)) {
    connection_.Close(now, environment_.output);
    environment_.timers.Cancel(*this);
  }
}

std::optional<TimeDelta> Transport::rtt() const { return connection_.ice().rtt(); }

}  // namespace weir::rtc
