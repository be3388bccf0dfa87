// Control messages between threads: a bounded queue behind a mutex, and a wake-up of the reader's event loop.
//
// Never for media: a media packet takes no lock. Post may be called from any thread; Drain by the reader
// only.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include "io/event_loop.h"

namespace weir::io {

template <class T>
class Mailbox {
 public:
  // `loop` must outlive the mailbox.
  Mailbox(EventLoop& loop, size_t capacity) : loop_(loop), capacity_(capacity) {}
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // False when full: the message is dropped and counted. Wakes the reader once per batch, not per message.
  bool Post(T message) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      if (messages_.size() >= capacity_) {
        dropped_.fetch_add(1, std::memory_order_relaxed);
        return false;
      }
      first = messages_.empty();
      messages_.push_back(std::move(message));
    }
    if (first) {
      loop_.Wake();
    }
    return true;
  }

  // Appends everything posted so far to `out`, oldest first. An `out` that is empty and used again and again
  // keeps its memory: the two vectors change places.
  void Drain(std::vector<T>& out) {
    const std::lock_guard lock(mutex_);
    if (out.empty()) {
      out.swap(messages_);
      return;
    }
    out.insert(out.end(), std::make_move_iterator(messages_.begin()),
               std::make_move_iterator(messages_.end()));
    messages_.clear();
  }

  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  EventLoop& loop_;
  const size_t capacity_;
  std::mutex mutex_;
  std::vector<T> messages_;  // Under mutex_.
  std::atomic<uint64_t> dropped_ = 0;
};

}  // namespace weir::io
