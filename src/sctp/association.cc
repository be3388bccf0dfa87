#include "sctp/association.h"

#include <algorithm>
#include <utility>

namespace weir::sctp {

using base::Buffer;
using base::ConstBytes;
using base::Timestamp;

Association::Association(const Config& config, base::Random& random)
    : config_(config),
      random_(random),
      cookies_(random),
      outgoing_streams_(config.streams),
      incoming_streams_(config.streams),
      rto_(config.rto_initial, config.rto_min, config.rto_max, config.rto_margin),
      send_queue_(config.max_send_buffer, config.max_queued_messages),
      outstanding_(config.mtu & ~size_t{3}, config.max_burst, send_queue_, rto_),
      reassembly_(config.max_message_size) {}

void Association::QueueControl(Buffer chunk) {
  if (control_.size() >= config_.max_control) {
    ++counters_.control_dropped_full;
    return;
  }
  control_.push_back(std::move(chunk));
}

PacketBuilder Association::NewPacket(uint32_t tag) const {
  return PacketBuilder(config_.port, config_.remote_port, tag, config_.mtu);
}

void Association::QueuePacket(uint32_t tag, ConstBytes chunk) {
  if (packets_.size() >= config_.max_control) {
    ++counters_.control_dropped_full;
    return;
  }
  PacketBuilder builder = NewPacket(tag);
  builder.Add(chunk);
  packets_.push_back(builder.Finish());
}

void Association::Abort(std::string reason) {
  if (peer_tag_ != 0) {
    QueuePacket(peer_tag_, EncodeError(ChunkType::kAbort, cause::kProtocolViolation, base::AsBytes(reason)));
  }
  End(std::move(reason));
}

void Association::End(std::string reason) {
  if (state_ == State::kClosed) {
    return;
  }
  state_ = State::kClosed;
  control_.clear();
  handshake_deadline_ = sack_deadline_ = heartbeat_deadline_ = Timestamp::Infinity();
  events_.push_back(Closed{std::move(reason)});
}

void Association::Close() {
  if (state_ == State::kClosed) {
    return;
  }
  if (peer_tag_ != 0) {
    QueuePacket(peer_tag_, EncodeError(ChunkType::kAbort, cause::kUserInitiated, {}));
  }
  End({});
  events_.pop_back();
}

bool Association::CountFailure() {
  if (++failures_ <= config_.max_failures) {
    return false;
  }
  Abort("the peer does not answer");
  return true;
}

SendStatus Association::CheckSend(uint16_t stream, size_t size) const {
  if (state_ >= State::kShutdownReceived) {
    return SendStatus::kClosed;
  }
  if (size == 0) {
    return SendStatus::kEmpty;
  }
  if (size > config_.max_message_size) {
    return SendStatus::kTooLarge;
  }
  return stream < outgoing_streams_ ? SendStatus::kOk : SendStatus::kInvalidStream;
}

SendStatus Association::Send(Timestamp now, uint16_t stream, uint32_t ppid, ConstBytes bytes,
                             const SendOptions& options) {
  if (bytes.size() > config_.max_message_size) {
    ++counters_.sends_refused_other;
    return SendStatus::kTooLarge;  // Before the copy.
  }
  return Send(now, stream, ppid, std::make_shared<const Buffer>(bytes.begin(), bytes.end()), options);
}

SendStatus Association::Send(Timestamp now, uint16_t stream, uint32_t ppid,
                             std::shared_ptr<const Buffer> bytes, const SendOptions& options) {
  SendStatus status = CheckSend(stream, bytes->size());
  if (status == SendStatus::kOk) {
    status = send_queue_.Add(now, stream, ppid, std::move(bytes), options);
  }
  switch (status) {
    case SendStatus::kOk:
      ++counters_.messages_sent;
      break;
    case SendStatus::kBufferFull:
      ++counters_.sends_refused_full;
      break;
    default:
      ++counters_.sends_refused_other;
      break;
  }
  return status;
}

bool Association::ResetStream(Timestamp, uint16_t stream) {
  if (state_ >= State::kShutdownReceived || stream >= outgoing_streams_ ||
      (connected() && !peer_capabilities_.reconfig)) {
    return false;
  }
  send_queue_.RequestReset(stream);
  return true;
}

std::optional<Buffer> Association::PollTransmit(Timestamp now) {
  if (!packets_.empty()) {
    Buffer packet = std::move(packets_.front());
    packets_.pop_front();
    ++counters_.packets_sent;
    return packet;
  }
  if (state_ < State::kEstablished || state_ == State::kClosed) {
    return std::nullopt;
  }
  PacketBuilder builder = NewPacket(peer_tag_);
  AppendControl(builder);
  if (connected()) {
    AppendSack(now, builder);
    AppendReset(now, builder);
    AppendData(now, builder);
  }
  if (builder.empty()) {
    return std::nullopt;
  }
  ++counters_.packets_sent;
  return builder.Finish();
}

void Association::AppendControl(PacketBuilder& builder) {
  while (!control_.empty() && builder.Add(control_.front())) {
    control_.pop_front();
  }
}

void Association::AppendSack(Timestamp now, PacketBuilder& builder) {
  const bool due = sack_now_ || (packets_since_sack_ > 0 && outstanding_.HasWork(now));
  const auto gaps = due ? received_.Gaps() : std::vector<std::pair<uint16_t, uint16_t>>();
  const auto duplicates = due ? received_.TakeDuplicates() : std::vector<uint32_t>();
  if (due && builder.AddSack(WireTsn(received_.cumulative()), Window(), gaps, duplicates)) {
    window_was_closed_ = Window() < config_.mtu;
    sack_now_ = false;
    packets_since_sack_ = 0;
    sack_deadline_ = Timestamp::Infinity();
  }
}

void Association::AppendReset(Timestamp now, PacketBuilder& builder) {
  if (!resets_.busy()) {
    std::vector<uint16_t> ready = send_queue_.ReadyToReset();
    if (ready.empty()) {
      return;
    }
    ready.resize(std::min(ready.size(), StreamResets::kMaxStreamsInRequest));
    if (!peer_capabilities_.reconfig) {
      FinishReset({std::move(ready), false});
      return;
    }
    resets_.Begin(std::move(ready), WireTsn(outstanding_.next_tsn() - 1));
  }
  constexpr size_t kLargest = 20 + 2 * StreamResets::kMaxStreamsInRequest;
  if (builder.space() < kLargest) {
    return;  // In the next packet.
  }
  if (const auto request = resets_.Take(now, rto_.rto())) {
    builder.Add(EncodeReconfig(*request));
  }
}

void Association::AppendData(Timestamp now, PacketBuilder& builder) {
  if (builder.space() > kDataHeaderSize) {
    if (const auto forward = outstanding_.NextForwardTsn(now)) {
      builder.Add(EncodeForwardTsn(*forward));
    }
  }
  while (const auto data = outstanding_.Next(now, builder.space())) {
    builder.AddData(*data);
  }
  outstanding_.EndPacket();
}

std::optional<Association::Event> Association::PollEvent() {
  if (events_.empty()) {
    return std::nullopt;
  }
  Event event = std::move(events_.front());
  events_.pop_front();
  if (const auto* message = std::get_if<Message>(&event)) {
    event_bytes_ -= message->bytes.size();
    Deliver();
  }
  if (window_was_closed_ && connected() && Window() >= config_.max_receive_buffer / 2) {
    window_was_closed_ = false;
    sack_now_ = true;  // The peer waits for this; NextTimeout() says at once.
    sack_deadline_ = last_now_;
  }
  return event;
}

Timestamp Association::NextTimeout() const {
  if (state_ == State::kClosed) {
    return Timestamp::Infinity();
  }
  return std::min({handshake_deadline_, sack_deadline_, heartbeat_deadline_, outstanding_.deadline(),
                   resets_.deadline()});
}

void Association::OnTimeout(Timestamp now) {
  last_now_ = now;
  if (state_ == State::kClosed) {
    return;
  }
  if (handshake_deadline_ <= now) {
    OnHandshakeTimeout(now);
  }
  if (outstanding_.deadline() <= now) {
    ++counters_.retransmission_timeouts;
    outstanding_.OnTimeout(now);
    if (CountFailure()) {
      return;
    }
  }
  if (sack_deadline_ <= now) {
    sack_now_ = true;
    sack_deadline_ = Timestamp::Infinity();
  }
  if (resets_.deadline() <= now) {
    resets_.OnTimeout();
    if (CountFailure()) {
      return;
    }
  }
  if (heartbeat_deadline_ <= now) {
    OnHeartbeatTimeout(now);
  }
  MaybeFinishShutdown(now);
}

void Association::OnHeartbeatTimeout(Timestamp now) {
  if (heartbeat_) {
    rto_.BackOff();
    if (CountFailure()) {
      return;
    }
  }
  heartbeat_ = random_.Next64();
  heartbeat_sent_ = now;
  heartbeat_deadline_ = now + rto_.rto();
  Buffer info(12);
  base::ByteWriter writer(info);
  writer.WriteU16(1);
  writer.WriteU16(12);
  writer.WriteU64(*heartbeat_);
  QueueControl(EncodeChunk(ChunkType::kHeartbeat, 0, info));
}

void Association::MaybeFinishShutdown(Timestamp now) {
  if (state_ == State::kShutdownReceived && outstanding_.empty() && send_queue_.empty()) {
    state_ = State::kShutdownAckSent;
    QueueControl(EncodeChunk(ChunkType::kShutdownAck, 0, {}));
    handshake_deadline_ = now + rto_.rto();
    heartbeat_deadline_ = Timestamp::Infinity();
  }
}

Association::Counters Association::counters() const {
  Counters counters = counters_;
  counters.messages_abandoned = outstanding_.counters().abandoned + send_queue_.expired();
  counters.messages_stale = reassembly_.stale_messages();
  counters.data_retransmitted = outstanding_.counters().retransmitted;
  counters.fast_recoveries = outstanding_.counters().fast_recoveries;
  return counters;
}

}  // namespace weir::sctp
