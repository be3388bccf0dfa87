#include <algorithm>
#include <numeric>

#include "sctp/association.h"

// What arrives once packets belong to the association.

namespace weir::sctp {

using base::Timestamp;

void Association::OnPacket(Timestamp now, base::ConstBytes bytes) {
  last_now_ = now;
  ++counters_.packets_received;
  if (state_ == State::kClosed) {
    return;
  }
  const auto packet = ParsePacket(bytes);
  if (!packet) {
    ++counters_.packets_malformed;
    return;
  }
  const auto first = static_cast<ChunkType>(packet->chunks.front().type);
  if (first == ChunkType::kInit) {
    OnInit(now, *packet, packet->chunks.front());
    return;
  }
  if (first == ChunkType::kCookieEcho) {
    OnCookieEcho(now, *packet, packet->chunks.front());
  }
  if (!TagMatches(*packet)) {
    counters_.packets_wrong_tag += first == ChunkType::kCookieEcho ? 0 : 1;
    return;
  }
  bool has_data = false;
  for (const Chunk& chunk : packet->chunks) {
    if (state_ == State::kClosed) {
      return;
    }
    has_data |= chunk.type == static_cast<uint8_t>(ChunkType::kData);
    if (OnChunk(now, *packet, chunk) == Next::kStop) {
      break;
    }
  }
  if (has_data && connected()) {
    ScheduleSack(now, false);
  }
  Deliver();
  MaybeFinishShutdown(now);
}

Association::Next Association::OnChunk(Timestamp now, const Packet& packet, const Chunk& chunk) {
  const auto type = static_cast<ChunkType>(chunk.type);
  switch (type) {
    case ChunkType::kInit:
      ++counters_.packets_malformed;  // Never bundled.
      return Next::kStop;
    case ChunkType::kInitAck:
      OnInitAck(now, chunk);
      return Next::kStop;
    case ChunkType::kCookieEcho:  // Done if it was the first; illegal elsewhere.
      return &chunk == packet.chunks.data() ? Next::kContinue : Next::kStop;
    case ChunkType::kCookieAck:
      OnCookieAck(now);
      return Next::kContinue;
    case ChunkType::kAbort:
      End("aborted by the peer: " + DescribeCauses(chunk.value));
      return Next::kStop;
    case ChunkType::kError:
      if (state_ == State::kCookieEchoed && chunk.value.size() >= 2 &&
          base::LoadU16(chunk.value.data()) == cause::kStaleCookie) {
        state_ = State::kCookieWait;
        SendInit(now);
      }
      return Next::kContinue;
    default:
      break;
  }
  // The peer sends these only once it has our COOKIE ECHO: its COOKIE ACK was lost or is late.
  if (state_ == State::kCookieEchoed &&
      (type == ChunkType::kData || type == ChunkType::kForwardTsn || type == ChunkType::kReconfig)) {
    Establish(now);
  }
  if (state_ < State::kEstablished) {
    ++counters_.chunks_unexpected;
    return Next::kStop;
  }
  switch (type) {
    case ChunkType::kData:
      OnData(now, chunk);
      return Next::kContinue;
    case ChunkType::kSack:
      OnSack(now, chunk);
      return Next::kContinue;
    case ChunkType::kHeartbeat:
      QueueControl(EncodeChunk(ChunkType::kHeartbeatAck, 0, chunk.value));
      return Next::kContinue;
    case ChunkType::kHeartbeatAck:
      OnHeartbeatAck(now, chunk);
      return Next::kContinue;
    case ChunkType::kForwardTsn:
      OnForwardTsn(now, chunk);
      return Next::kContinue;
    case ChunkType::kReconfig:
      OnReconfig(now, chunk);
      return Next::kContinue;
    case ChunkType::kShutdown:
      OnShutdown(now, chunk);
      return Next::kContinue;
    case ChunkType::kShutdownComplete:
      OnShutdownComplete();
      return Next::kStop;
    default:
      return OnUnknownChunk(chunk);
  }
}

// RFC 9260 section 3.2: the two highest bits of the type say whether to go on and whether to report.
Association::Next Association::OnUnknownChunk(const Chunk& chunk) {
  constexpr size_t kMaxReported = 128;
  ++counters_.chunks_unknown;
  if ((chunk.type & 0x40) != 0) {
    QueueControl(EncodeError(ChunkType::kError, cause::kUnrecognizedChunk,
                             chunk.whole.first(std::min(kMaxReported, chunk.whole.size()))));
  }
  return (chunk.type & 0x80) != 0 ? Next::kContinue : Next::kStop;
}

uint32_t Association::Window() const {
  const size_t used = reassembly_.buffered() + event_bytes_;
  return static_cast<uint32_t>(config_.max_receive_buffer - std::min(used, config_.max_receive_buffer));
}

// A full buffer still takes the chunk that is next in line, which alone can let waiting messages go. But
// when our own side does not poll, everything has to wait.
bool Association::HasRoom(Tsn tsn) const {
  if (event_bytes_ >= config_.max_receive_buffer || events_.size() >= config_.max_events) {
    return false;
  }
  return Window() > 0 || tsn == received_.cumulative() + 1;
}

void Association::OnData(Timestamp now, const Chunk& chunk) {
  const auto data = ParseData(chunk);
  if (!data) {
    Abort("DATA without data");
    return;
  }
  const Tsn tsn = UnwrapTsn(received_.cumulative(), data->tsn);
  switch (received_.Classify(tsn)) {
    case ReceivedTsns::Verdict::kDuplicate:
      ++counters_.data_duplicate;
      received_.AddDuplicate(tsn);
      ScheduleSack(now, true);
      return;
    case ReceivedTsns::Verdict::kOutOfWindow:
      ++counters_.data_dropped_full;
      ScheduleSack(now, true);
      return;
    case ReceivedTsns::Verdict::kNew:
      break;
  }
  if (!HasRoom(tsn)) {
    ++counters_.data_dropped_full;
    window_was_closed_ = true;
    ScheduleSack(now, true);
    return;
  }
  received_.Add(tsn);
  if (data->stream >= incoming_streams_) {
    ++counters_.data_invalid_stream;
    const uint8_t info[4] = {static_cast<uint8_t>(data->stream >> 8), static_cast<uint8_t>(data->stream)};
    QueueControl(EncodeError(ChunkType::kError, cause::kInvalidStream, info));
    return;
  }
  switch (reassembly_.Add(tsn, *data)) {
    case Reassembly::Outcome::kOk:
      break;
    case Reassembly::Outcome::kInconsistent:
      Abort("fragments that do not fit together");
      return;
    case Reassembly::Outcome::kTooLarge:
      Abort("message over the size limit");
      return;
  }
  if (reassembly_.buffered() > 2 * config_.max_receive_buffer + config_.max_message_size) {
    Abort("data that can never be delivered");
    return;
  }
  if ((data->flags & Data::kImmediate) != 0 || !any_data_) {
    ScheduleSack(now, true);
  }
  any_data_ = true;
}

// RFC 9260 section 6.2: at once for gaps and duplicates, else for every second packet or after the delay.
void Association::ScheduleSack(Timestamp now, bool immediately) {
  if (immediately || received_.has_gaps()) {
    sack_now_ = true;
    return;
  }
  if (++packets_since_sack_ >= 2) {
    sack_now_ = true;
  } else if (sack_deadline_.infinite()) {
    sack_deadline_ = now + config_.delayed_ack;
  }
}

void Association::Deliver() {
  while (events_.size() < config_.max_events) {
    std::optional<Reassembly::Message> message = reassembly_.Poll();
    if (!message) {
      return;
    }
    ++counters_.messages_received;
    event_bytes_ += message->bytes.size();
    events_.push_back(Message{message->stream, message->ppid, std::move(message->bytes)});
  }
}

void Association::OnSack(Timestamp now, const Chunk& chunk) {
  const auto sack = ParseSack(chunk);
  if (!sack) {
    ++counters_.packets_malformed;
    return;
  }
  OnAcknowledged(now, outstanding_.OnSack(now, *sack));
}

void Association::OnAcknowledged(Timestamp now, RetransmissionQueue::SackOutcome outcome) {
  switch (outcome) {
    case RetransmissionQueue::SackOutcome::kInvalid:
      ++counters_.chunks_unexpected;
      break;
    case RetransmissionQueue::SackOutcome::kProgress:
    case RetransmissionQueue::SackOutcome::kAlive:
      failures_ = 0;
      if (!heartbeat_) {
        heartbeat_deadline_ = now + config_.heartbeat_interval;
      }
      break;
    case RetransmissionQueue::SackOutcome::kStale:
    case RetransmissionQueue::SackOutcome::kNoChange:
      break;
  }
}

void Association::OnForwardTsn(Timestamp now, const Chunk& chunk) {
  auto forward = ParseForwardTsn(chunk);
  if (!forward) {
    ++counters_.packets_malformed;
    return;
  }
  const Tsn tsn = UnwrapTsn(received_.cumulative(), forward->new_cumulative_tsn);
  ScheduleSack(now, true);
  if (tsn - received_.cumulative() > ReceivedTsns::kMaxAhead) {
    ++counters_.chunks_unexpected;
    return;
  }
  if (received_.SkipTo(tsn)) {
    std::erase_if(forward->skipped, [&](const auto& skip) { return skip.first >= incoming_streams_; });
    reassembly_.Skip(tsn, forward->skipped);
  }
}

void Association::OnHeartbeatAck(Timestamp now, const Chunk& chunk) {
  base::ByteReader reader(chunk.value);
  reader.Skip(4);
  const uint64_t nonce = reader.ReadU64();
  if (!reader.ok() || heartbeat_ != nonce) {
    ++counters_.chunks_unexpected;
    return;
  }
  rto_.OnSample(now - heartbeat_sent_);
  heartbeat_.reset();
  failures_ = 0;
  heartbeat_deadline_ = now + config_.heartbeat_interval;
}

void Association::OnReconfig(Timestamp now, const Chunk& chunk) {
  const auto reconfig = ParseReconfig(chunk);
  if (!reconfig) {
    ++counters_.packets_malformed;
    return;
  }
  // `perform` decides about a request that was not answered before.
  const auto answer = [&](uint32_t request, auto perform) {
    std::optional<ReconfigResult> result = resets_.Check(request);
    if (!result) {
      result = perform();
      resets_.Answer(request, *result);
    }
    QueueControl(EncodeReconfig(ReconfigResponse{request, *result}));
  };
  if (reconfig->response) {
    failures_ = 0;  // "In progress" is an answer, too.
    if (const auto finished = resets_.OnResponse(*reconfig->response, now, rto_.rto())) {
      FinishReset(*finished);
    }
  }
  if (reconfig->outgoing_reset) {
    answer(reconfig->outgoing_reset->request,
           [&] { return OnOutgoingResetRequest(*reconfig->outgoing_reset); });
  }
  if (reconfig->incoming_reset) {
    answer(reconfig->incoming_reset->request, [&] {
      for (const uint16_t stream : reconfig->incoming_reset->streams) {
        ResetStream(now, stream);
      }
      return ReconfigResult::kPerformed;
    });
  }
  if (reconfig->add_outgoing) {
    answer(reconfig->add_outgoing->request, [&] { return OnAddOutgoing(*reconfig->add_outgoing); });
  }
  if (reconfig->other) {
    answer(reconfig->other->request, [] { return ReconfigResult::kDenied; });
  }
}

ReconfigResult Association::OnOutgoingResetRequest(const OutgoingResetRequest& request) {
  if (std::ranges::any_of(request.streams, [&](uint16_t stream) { return stream >= incoming_streams_; })) {
    return ReconfigResult::kWrongSsn;
  }
  if (events_.size() >= config_.max_events) {
    return ReconfigResult::kDenied;
  }
  const Tsn last = UnwrapTsn(received_.cumulative(), request.last_tsn);
  if (last > received_.cumulative()) {
    // Not remembered: done on the repeated request only, so that one request never resets twice.
    return ReconfigResult::kInProgress;
  }
  ResetIncoming(request.streams);
  return ReconfigResult::kPerformed;
}

ReconfigResult Association::OnAddOutgoing(const AddOutgoingStreams& request) {
  if (request.count > config_.streams - incoming_streams_) {
    return ReconfigResult::kDenied;
  }
  incoming_streams_ = static_cast<uint16_t>(incoming_streams_ + request.count);
  return ReconfigResult::kPerformed;
}

void Association::ResetIncoming(std::span<const uint16_t> streams) {
  Deliver();  // What came before the reset is told before it.
  reassembly_.ResetStreams(streams);
  std::vector<uint16_t> all;
  if (streams.empty()) {
    all.resize(incoming_streams_);
    std::iota(all.begin(), all.end(), uint16_t{0});
    streams = all;
  }
  for (const uint16_t stream : streams) {
    events_.push_back(StreamReset{stream});
  }
}

void Association::FinishReset(const StreamResets::Finished& finished) {
  for (const uint16_t stream : finished.streams) {
    send_queue_.FinishReset(stream, finished.performed);
    events_.push_back(OutgoingReset{stream, finished.performed});
  }
}

void Association::OnShutdown(Timestamp now, const Chunk& chunk) {
  if (chunk.value.size() != 4) {
    ++counters_.packets_malformed;
    return;
  }
  // Usrsctp acknowledges our last data by this alone.
  OnAcknowledged(now, outstanding_.OnCumulativeAck(now, base::LoadU32(chunk.value.data())));
  if (state_ == State::kEstablished) {
    state_ = State::kShutdownReceived;
  } else if (state_ == State::kShutdownAckSent) {
    QueueControl(EncodeChunk(ChunkType::kShutdownAck, 0, {}));  // Ours was lost.
  }
}

void Association::OnShutdownComplete() {
  if (state_ == State::kShutdownAckSent) {
    End("shut down by the peer");
  } else {
    ++counters_.chunks_unexpected;
  }
}

}  // namespace weir::sctp
