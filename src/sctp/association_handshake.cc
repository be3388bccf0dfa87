#include <algorithm>

#include "sctp/association.h"

// The four-way handshake of RFC 9260 section 5, from either side or from both at once.

namespace weir::sctp {

using base::Timestamp;

void Association::Connect(Timestamp now) {
  last_now_ = now;
  if (state_ != State::kIdle) {
    return;
  }
  local_tag_ = std::max(random_.Next32(), 1u);
  local_initial_tsn_ = random_.Next32();
  state_ = State::kCookieWait;
  SendInit(now);
}

void Association::SendInit(Timestamp now) {
  Init init;
  init.tag = local_tag_;
  init.window = Window();
  init.outgoing_streams = config_.streams;
  init.incoming_streams = config_.streams;
  init.initial_tsn = local_initial_tsn_;
  QueuePacket(0, EncodeInit(ChunkType::kInit, init));
  handshake_deadline_ = now + rto_.rto();
}

void Association::SendCookieEcho(Timestamp now) {
  QueuePacket(peer_tag_, EncodeChunk(ChunkType::kCookieEcho, 0, echoed_cookie_));
  handshake_deadline_ = now + rto_.rto();
}

void Association::OnHandshakeTimeout(Timestamp now) {
  handshake_deadline_ = Timestamp::Infinity();
  rto_.BackOff();
  if (CountFailure()) {
    return;
  }
  switch (state_) {
    case State::kCookieWait:
      SendInit(now);
      break;
    case State::kCookieEchoed:
      SendCookieEcho(now);
      break;
    case State::kShutdownAckSent:
      QueueControl(EncodeChunk(ChunkType::kShutdownAck, 0, {}));
      handshake_deadline_ = now + rto_.rto();
      break;
    case State::kIdle:
    case State::kEstablished:
    case State::kShutdownReceived:
    case State::kClosed:
      break;
  }
}

// RFC 9260 section 8.5. INIT and COOKIE ECHO are looked at by their own handlers.
bool Association::TagMatches(const Packet& packet) const {
  const Chunk& first = packet.chunks.front();
  const auto type = static_cast<ChunkType>(first.type);
  const bool reflects = (first.flags & 1) != 0;  // The T bit: the sender knows our side's tag only.
  if ((type == ChunkType::kAbort || type == ChunkType::kShutdownComplete) && reflects) {
    return peer_tag_ != 0 && packet.tag == peer_tag_;
  }
  return local_tag_ != 0 && packet.tag == local_tag_;
}

void Association::OnInit(Timestamp now, const Packet& packet, const Chunk& chunk) {
  if (packet.tag != 0 || packet.chunks.size() != 1) {
    ++counters_.packets_malformed;
    return;
  }
  const auto init = ParseInit(chunk);
  if (!init) {
    ++counters_.packets_malformed;
    return;
  }
  if (state_ == State::kShutdownAckSent) {
    ++counters_.chunks_unexpected;
    return;
  }
  Cookie cookie;
  cookie.made = now;
  cookie.peer_tag = init->tag;
  cookie.peer_initial_tsn = init->initial_tsn;
  cookie.peer_window = init->window;
  cookie.outgoing_streams = std::min(config_.streams, init->incoming_streams);
  cookie.incoming_streams = std::min(config_.streams, init->outgoing_streams);
  cookie.peer_capabilities = init->capabilities;
  if (state_ == State::kCookieWait || state_ == State::kCookieEchoed) {
    // Both opened: the answer repeats our own INIT (section 5.2.1).
    cookie.local_tag = local_tag_;
    cookie.local_initial_tsn = local_initial_tsn_;
  } else {
    cookie.local_tag = std::max(random_.Next32(), 1u);
    cookie.local_initial_tsn = random_.Next32();
    cookie.local_tie_tag = local_tag_;  // Zero in kIdle.
    cookie.peer_tie_tag = peer_tag_;
  }
  const base::Buffer sealed = cookies_.Seal(cookie);
  Init answer;
  answer.tag = cookie.local_tag;
  answer.window = Window();
  answer.outgoing_streams = cookie.outgoing_streams;
  answer.incoming_streams = config_.streams;
  answer.initial_tsn = cookie.local_initial_tsn;
  answer.cookie = sealed;
  answer.unrecognized = init->unrecognized;
  QueuePacket(init->tag, EncodeInit(ChunkType::kInitAck, answer));
}

void Association::Adopt(const Cookie& cookie) {
  local_tag_ = cookie.local_tag;
  local_initial_tsn_ = cookie.local_initial_tsn;
  peer_tag_ = cookie.peer_tag;
  outgoing_streams_ = cookie.outgoing_streams;
  incoming_streams_ = cookie.incoming_streams;
  peer_capabilities_ = cookie.peer_capabilities;
  received_ = ReceivedTsns(cookie.peer_initial_tsn);
  outstanding_.Start(cookie.local_initial_tsn, cookie.peer_window, peer_capabilities_.forward_tsn);
  resets_.Start(cookie.local_initial_tsn, cookie.peer_initial_tsn);
}

void Association::OnInitAck(Timestamp now, const Chunk& chunk) {
  if (state_ != State::kCookieWait) {
    ++counters_.chunks_unexpected;
    return;
  }
  const auto init = ParseInit(chunk);
  if (!init || init->cookie.empty()) {
    ++counters_.packets_malformed;
    return;
  }
  Cookie terms;
  terms.local_tag = local_tag_;
  terms.local_initial_tsn = local_initial_tsn_;
  terms.peer_tag = init->tag;
  terms.peer_initial_tsn = init->initial_tsn;
  terms.peer_window = init->window;
  terms.outgoing_streams = std::min(config_.streams, init->incoming_streams);
  terms.incoming_streams = std::min(config_.streams, init->outgoing_streams);
  terms.peer_capabilities = init->capabilities;
  Adopt(terms);
  echoed_cookie_.assign(init->cookie.begin(), init->cookie.end());
  failures_ = 0;
  state_ = State::kCookieEchoed;
  SendCookieEcho(now);
}

// RFC 9260 section 5.2.4, table 12.
void Association::OnCookieEcho(Timestamp now, const Packet& packet, const Chunk& chunk) {
  const std::optional<Cookie> cookie = cookies_.Open(chunk.value);
  if (!cookie || packet.tag != cookie->local_tag) {
    ++counters_.packets_wrong_tag;
    return;
  }
  if (state_ == State::kIdle || state_ == State::kCookieWait || state_ == State::kCookieEchoed) {
    if (cookie->made + config_.cookie_lifetime < now) {
      const uint8_t staleness[4] = {};
      QueuePacket(cookie->peer_tag, EncodeError(ChunkType::kError, cause::kStaleCookie, staleness));
      return;
    }
    const bool ours = state_ == State::kIdle || cookie->local_tag == local_tag_;
    if (!ours) {
      ++counters_.chunks_unexpected;  // Action C: a cookie from before our INIT.
      return;
    }
    if (cookie->peer_tag != peer_tag_) {
      Adopt(*cookie);
    }
    Establish(now);
    QueueControl(EncodeChunk(ChunkType::kCookieAck, 0, {}));
    return;
  }
  if (cookie->local_tag == local_tag_ && cookie->peer_tag == peer_tag_) {
    QueueControl(EncodeChunk(ChunkType::kCookieAck, 0, {}));  // Action D: our COOKIE ACK was lost.
    return;
  }
  if (cookie->local_tie_tag == local_tag_ && cookie->peer_tie_tag == peer_tag_) {
    Abort("the peer restarted the association");  // Action A. Its data channels are gone with it.
    return;
  }
  ++counters_.chunks_unexpected;
}

void Association::OnCookieAck(Timestamp now) {
  if (state_ == State::kCookieEchoed) {
    Establish(now);
  } else {
    ++counters_.chunks_unexpected;
  }
}

void Association::Establish(Timestamp now) {
  state_ = State::kEstablished;
  failures_ = 0;
  handshake_deadline_ = Timestamp::Infinity();
  heartbeat_deadline_ = now + config_.heartbeat_interval;
  echoed_cookie_.clear();
  // Copies of INIT, INIT ACK or COOKIE ECHO that wait to be sent have done their part.
  packets_.clear();
  counters_.sends_refused_other += send_queue_.LimitStreams(outgoing_streams_);
  events_.push_back(Connected{outgoing_streams_, incoming_streams_});
}

}  // namespace weir::sctp
