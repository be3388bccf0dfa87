#include "sctp/send_queue.h"

#include <algorithm>
#include <utility>

namespace weir::sctp {

SendStatus SendQueue::Add(base::Timestamp now, uint16_t stream_id, uint32_t ppid,
                          std::shared_ptr<const base::Buffer> bytes, const SendOptions& options) {
  if (messages_ >= max_messages_ || buffered_ + bytes->size() > max_bytes_) {
    return SendStatus::kBufferFull;
  }
  Stream& stream = streams_[stream_id];
  stream.buffered += bytes->size();
  buffered_ += bytes->size();
  ++messages_;
  stream.messages.push_back(
      Message{.id = next_id_++,
              .bytes = std::move(bytes),
              .ppid = ppid,
              .unordered = !options.ordered,
              .max_retransmits = options.max_retransmits,
              .expires = options.lifetime ? now + *options.lifetime : base::Timestamp::Infinity()});
  UpdateActive(stream_id, stream);
  return SendStatus::kOk;
}

bool SendQueue::HasData(base::Timestamp now) {
  while (!active_.empty()) {
    if (!current_) {
      const auto next = active_.upper_bound(last_);
      current_ = next != active_.end() ? *next : *active_.begin();
    }
    Stream& stream = streams_.at(*current_);
    const Message& message = stream.messages.front();
    if (message.sent > 0 || message.expires > now) {
      return true;
    }
    ++expired_;
    DropFront(*current_, stream);
  }
  return false;
}

size_t SendQueue::next_size() const {
  const Message& message = streams_.at(*current_).messages.front();
  return message.bytes->size() - message.sent;
}

Fragment SendQueue::Produce(size_t max_size) {
  const uint16_t id = *current_;
  Stream& stream = streams_.at(id);
  Message& message = stream.messages.front();
  Fragment fragment = Describe(id, stream);
  fragment.size = std::min(max_size, message.bytes->size() - message.sent);
  message.sent += fragment.size;
  fragment.ends = message.sent == message.bytes->size();
  if (fragment.ends) {
    PopFront(id, stream);
  }
  return fragment;
}

Fragment SendQueue::Describe(uint16_t id, const Stream& stream) const {
  const Message& message = stream.messages.front();
  return Fragment{.message = message.id,
                  .bytes = message.bytes,
                  .offset = message.sent,
                  .ppid = message.ppid,
                  .stream = id,
                  .ssn = message.unordered ? uint16_t{0} : stream.next_ssn,
                  .unordered = message.unordered,
                  .begins = message.sent == 0,
                  .max_retransmits = message.max_retransmits,
                  .expires = message.expires};
}

std::optional<Fragment> SendQueue::ExpiredRest(base::Timestamp now) const {
  if (!current_) {
    return std::nullopt;
  }
  const Stream& stream = streams_.at(*current_);
  const Message& message = stream.messages.front();
  return message.sent > 0 && message.expires <= now ? std::optional(Describe(*current_, stream))
                                                    : std::nullopt;
}

// The message at the front has been sent, or its rest will not be.
void SendQueue::PopFront(uint16_t id, Stream& stream) {
  const Message& message = stream.messages.front();
  if (message.sent > 0 && !message.unordered) {
    ++stream.next_ssn;
  }
  stream.messages.pop_front();
  --messages_;
  if (stream.before_reset && *stream.before_reset > 0) {
    --*stream.before_reset;
  }
  if (current_ == id) {
    last_ = id;
    current_.reset();
  }
  UpdateActive(id, stream);
}

void SendQueue::DropFront(uint16_t id, Stream& stream) {
  const Message& message = stream.messages.front();
  Release(id, message.bytes->size() - message.sent);
  PopFront(id, stream);
}

bool SendQueue::Discard(uint64_t message) {
  if (!current_) {
    return false;
  }
  Stream& stream = streams_.at(*current_);  // Only the current message can be sent in part.
  const Message& front = stream.messages.front();
  if (front.id != message || front.sent == 0) {
    return false;
  }
  DropFront(*current_, stream);
  return true;
}

void SendQueue::Release(uint16_t stream, size_t bytes) {
  streams_.at(stream).buffered -= bytes;
  buffered_ -= bytes;
}

size_t SendQueue::LimitStreams(uint16_t count) {
  const size_t before = messages_;
  for (auto stream = streams_.lower_bound(count); stream != streams_.end(); stream = streams_.erase(stream)) {
    messages_ -= stream->second.messages.size();
    buffered_ -= stream->second.buffered;
    active_.erase(stream->first);
    resetting_.erase(stream->first);
  }
  current_.reset();  // Called before anything has been sent, so no message is half way.
  return before - messages_;
}

void SendQueue::RequestReset(uint16_t id) {
  Stream& stream = streams_[id];
  if (!stream.before_reset) {
    stream.before_reset = stream.messages.size();
    resetting_.insert(id);
    UpdateActive(id, stream);
  }
}

std::vector<uint16_t> SendQueue::ReadyToReset() const {
  std::vector<uint16_t> ready;
  for (const uint16_t id : resetting_) {
    if (streams_.at(id).before_reset == 0u) {
      ready.push_back(id);
    }
  }
  return ready;
}

void SendQueue::FinishReset(uint16_t id, bool performed) {
  Stream& stream = streams_[id];
  stream.before_reset.reset();
  resetting_.erase(id);
  if (performed) {
    stream.next_ssn = 0;
  }
  UpdateActive(id, stream);
}

void SendQueue::UpdateActive(uint16_t id, const Stream& stream) {
  if (!stream.messages.empty() && stream.before_reset != 0u) {
    active_.insert(id);
  } else {
    active_.erase(id);
    if (current_ == id) {
      current_.reset();
    }
  }
}

size_t SendQueue::buffered(uint16_t stream) const {
  const auto found = streams_.find(stream);
  return found == streams_.end() ? 0 : found->second.buffered;
}

}  // namespace weir::sctp
