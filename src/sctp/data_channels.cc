#include "sctp/data_channels.h"

#include <algorithm>
#include <utility>

#include "base/overloaded.h"
#include "sctp/dcep.h"

namespace weir::sctp {

using base::Timestamp;

namespace {

base::TimeDelta LifetimeOf(uint32_t millis) { return base::TimeDelta::Millis(millis); }

DcepOpen OpenMessage(const DataChannels::ChannelConfig& config) {
  DcepOpen open;
  open.ordered = config.ordered;
  open.max_retransmits = config.max_retransmits;
  if (config.max_lifetime) {
    constexpr int64_t kMost = 0xffffffff;
    open.max_lifetime_ms =
        static_cast<uint32_t>(std::clamp<int64_t>(config.max_lifetime->millis(), 0, kMost));
  }
  open.label = config.label;
  open.protocol = config.protocol;
  return open;
}

DataChannels::ChannelConfig ConfigOf(DcepOpen open) {
  DataChannels::ChannelConfig config{std::move(open.label), std::move(open.protocol), open.ordered, {}, {}};
  if (open.max_retransmits) {
    config.max_retransmits = static_cast<uint16_t>(std::min<uint32_t>(*open.max_retransmits, 0xffff));
  }
  if (open.max_lifetime_ms) {
    config.max_lifetime = LifetimeOf(*open.max_lifetime_ms);
  }
  return config;
}

}  // namespace

DataChannels::DataChannels(const Config& config, base::Random& random)
    : config_(config), association_(config.association, random) {}

void DataChannels::Start(Timestamp now) {
  last_now_ = now;
  association_.Connect(now);
}

void DataChannels::OnPacket(Timestamp now, base::ConstBytes packet) {
  association_.OnPacket(now, packet);
  Drain(now);
}

void DataChannels::OnTimeout(Timestamp now) {
  association_.OnTimeout(now);
  Drain(now);
}

std::optional<DataChannels::Event> DataChannels::PollEvent() {
  if (events_.empty()) {
    return std::nullopt;
  }
  Event event = std::move(events_.front());
  events_.pop_front();
  Drain(last_now_);
  return event;
}

void DataChannels::Drain(Timestamp now) {
  last_now_ = now;
  while (events_.size() < config_.max_events) {
    std::optional<Association::Event> event = association_.PollEvent();
    if (!event) {
      return;
    }
    std::visit(base::Overloaded{
                   [&](const Association::Connected& connected) { OnConnected(connected); },
                   [&](Association::Message& message) { OnMessage(now, std::move(message)); },
                   [&](const Association::StreamReset& reset) { OnStreamReset(now, reset.stream); },
                   [&](const Association::OutgoingReset& reset) { OnOutgoingReset(now, reset); },
                   [&](Association::Closed& closed) {
                     channels_.clear();
                     resetting_.clear();
                     events_.push_back(Closed{std::move(closed.reason)});
                   },
               },
               *event);
  }
}

uint16_t DataChannels::Open(Timestamp now, const ChannelConfig& config) {
  const bool fits =
      config.label.size() <= config_.max_label_size && config.protocol.size() <= config_.max_label_size &&
      channels_.size() < config_.max_channels && association_.state() < Association::State::kShutdownReceived;
  uint32_t id = config_.dtls_client ? 0 : 1;
  const auto taken = [&](uint16_t candidate) {
    return channels_.contains(candidate) || resetting_.contains(candidate);
  };
  while (fits && id < association_.outgoing_streams() && taken(static_cast<uint16_t>(id))) {
    id += 2;
  }
  if (!fits || id >= association_.outgoing_streams()) {
    ++counters_.open_failures;
    return kNoChannel;
  }
  const auto channel = static_cast<uint16_t>(id);
  if (association_.Send(now, channel, ppid::kControl, EncodeDcepOpen(OpenMessage(config))) !=
      SendStatus::kOk) {
    ++counters_.open_failures;
    return kNoChannel;
  }
  channels_.emplace(channel, Channel{.state = State::kOpening, .config = config});
  return channel;
}

void DataChannels::OnConnected(const Association::Connected& connected) {
  // Their OPEN was dropped: the peer has fewer streams.
  for (auto channel = channels_.lower_bound(connected.outgoing_streams); channel != channels_.end();) {
    events_.push_back(ChannelClosed{channel->first});
    ++counters_.open_failures;
    channel = channels_.erase(channel);
  }
}

bool DataChannels::Finish(SendStatus status) {
  switch (status) {
    case SendStatus::kOk:
      ++counters_.messages_sent;
      return true;
    case SendStatus::kBufferFull:
      ++counters_.sends_dropped_full;
      return false;
    default:
      ++counters_.sends_refused;
      return false;
  }
}

DataChannels::Channel* DataChannels::SendableChannel(uint16_t channel) {
  const auto found = channels_.find(channel);
  if (found == channels_.end() || found->second.state == State::kClosing) {
    ++counters_.sends_refused;
    return nullptr;
  }
  return &found->second;
}

namespace {

SendOptions OptionsOf(const DataChannels::ChannelConfig& config, bool confirmed) {
  SendOptions options;
  // Until the peer has confirmed the channel, nothing may overtake the OPEN (RFC 8832 section 6).
  options.ordered = config.ordered || !confirmed;
  options.max_retransmits = config.max_retransmits;
  options.lifetime = config.max_lifetime;
  return options;
}

}  // namespace

bool DataChannels::Send(Timestamp now, uint16_t channel, base::ConstBytes bytes, bool binary) {
  const Channel* open = SendableChannel(channel);
  if (open == nullptr) {
    return false;
  }
  const SendOptions options = OptionsOf(open->config, open->state == State::kOpen);
  if (bytes.empty()) {
    static constexpr uint8_t kFiller[1] = {};
    return Finish(association_.Send(now, channel, binary ? ppid::kEmptyBinary : ppid::kEmptyString,
                                    base::ConstBytes(kFiller), options));
  }
  return Finish(association_.Send(now, channel, binary ? ppid::kBinary : ppid::kString, bytes, options));
}

bool DataChannels::Send(Timestamp now, uint16_t channel, std::shared_ptr<const base::Buffer> bytes,
                        bool binary) {
  if (bytes->empty()) {
    return Send(now, channel, base::ConstBytes(), binary);
  }
  const Channel* open = SendableChannel(channel);
  if (open == nullptr) {
    return false;
  }
  return Finish(association_.Send(now, channel, binary ? ppid::kBinary : ppid::kString, std::move(bytes),
                                  OptionsOf(open->config, open->state == State::kOpen)));
}

bool DataChannels::is_open(uint16_t channel) const {
  const auto found = channels_.find(channel);
  return found != channels_.end() && found->second.state == State::kOpen;
}

void DataChannels::MarkOpen(uint16_t stream, Channel& channel) {
  if (channel.state != State::kOpening) {
    return;
  }
  channel.state = State::kOpen;
  ++counters_.opened;
  events_.push_back(
      Opened{stream, channel.config.label, channel.config.protocol, channel.config.ordered, false});
}

void DataChannels::OnMessage(Timestamp now, Association::Message message) {
  if (message.ppid == ppid::kControl) {
    OnControl(now, message.stream, message.bytes);
    return;
  }
  const auto channel = channels_.find(message.stream);
  const bool binary = message.ppid == ppid::kBinary || message.ppid == ppid::kEmptyBinary;
  const bool empty = message.ppid == ppid::kEmptyString || message.ppid == ppid::kEmptyBinary;
  if (channel == channels_.end() || (!binary && !empty && message.ppid != ppid::kString)) {
    ++counters_.messages_dropped;
    return;
  }
  if (channel->second.state == State::kClosing) {
    ++counters_.messages_dropped;
    return;
  }
  MarkOpen(message.stream, channel->second);  // The peer's data confirms as well as its ACK.
  ++counters_.messages_received;
  events_.push_back(Message{message.stream, binary, empty ? base::Buffer() : std::move(message.bytes)});
}

void DataChannels::OnControl(Timestamp now, uint16_t stream, base::ConstBytes bytes) {
  if (!IsDcepAck(bytes)) {
    OnOpen(now, stream, bytes);
    return;
  }
  if (const auto channel = channels_.find(stream); channel != channels_.end()) {
    MarkOpen(stream, channel->second);
  } else {
    ++counters_.control_malformed;
  }
}

void DataChannels::OnOpen(Timestamp now, uint16_t stream, base::ConstBytes bytes) {
  auto open = ParseDcepOpen(bytes, config_.max_label_size);
  if (!open) {
    ++counters_.control_malformed;
    Refuse(now, stream);
    return;
  }
  if (const auto existing = channels_.find(stream); existing != channels_.end()) {
    // A second OPEN on a stream in use: nothing that we could answer without harm to the first.
    ++counters_.opens_refused;
    return;
  }
  const bool ours = (stream % 2 == 0) == config_.dtls_client;
  if (ours || channels_.size() >= config_.max_channels) {
    Refuse(now, stream);
    return;
  }
  static constexpr uint8_t kAck[1] = {kDcepAck};
  if (association_.Send(now, stream, ppid::kControl, base::ConstBytes(kAck)) != SendStatus::kOk) {
    Refuse(now, stream);  // The peer opened a stream that we cannot answer on, or the buffer is full.
    return;
  }
  const auto channel =
      channels_.emplace(stream, Channel{.state = State::kOpen, .config = ConfigOf(*std::move(open))}).first;
  ++counters_.opened;
  const ChannelConfig& config = channel->second.config;
  events_.push_back(Opened{stream, config.label, config.protocol, config.ordered, true});
}

void DataChannels::Refuse(Timestamp now, uint16_t stream) {
  ++counters_.opens_refused;
  if (!channels_.contains(stream)) {
    ResetOutgoing(now, stream);  // RFC 8832 section 6: a channel that is not accepted is closed.
  }
}

// True when an outgoing reset is under way; its end comes as an event.
bool DataChannels::ResetOutgoing(Timestamp now, uint16_t stream) {
  const bool started = association_.ResetStream(now, stream);
  if (started) {
    resetting_.insert(stream);
  }
  return started;
}

void DataChannels::CloseChannel(Timestamp now, uint16_t channel) {
  const auto found = channels_.find(channel);
  if (found == channels_.end() || found->second.state == State::kClosing) {
    return;
  }
  found->second.state = State::kClosing;
  if (!ResetOutgoing(now, channel)) {
    // Without RFC 6525 the peer cannot be told. The id stays taken.
    resetting_.insert(channel);
    Remove(channel);
  }
}

void DataChannels::Remove(uint16_t stream) {
  channels_.erase(stream);
  events_.push_back(ChannelClosed{stream});
}

void DataChannels::OnStreamReset(Timestamp now, uint16_t stream) {
  const auto found = channels_.find(stream);
  if (found == channels_.end()) {
    return;
  }
  Channel& channel = found->second;
  if (channel.state == State::kClosing) {
    channel.incoming_reset = true;
    if (channel.outgoing_reset) {
      Remove(stream);
    }
    return;
  }
  // The peer closes: our direction follows (RFC 8831 section 6.7). It has nothing more to tell us, so for the
  // owner the channel is closed now; the id is free when our reset is confirmed.
  if (!ResetOutgoing(now, stream)) {
    resetting_.insert(stream);
  }
  Remove(stream);
}

void DataChannels::OnOutgoingReset(Timestamp, const Association::OutgoingReset& reset) {
  if (reset.performed) {
    resetting_.erase(reset.stream);
  }
  const auto found = channels_.find(reset.stream);
  if (found == channels_.end() || found->second.state != State::kClosing) {
    return;
  }
  found->second.outgoing_reset = true;
  if (found->second.incoming_reset || !reset.performed) {
    Remove(reset.stream);
  }
}

void DataChannels::Close() { association_.Close(); }

}  // namespace weir::sctp
