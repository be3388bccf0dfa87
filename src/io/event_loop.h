// One epoll set and one eventfd: what a worker thread sleeps on. (Linux)
//
// The owner thread calls everything; only Wake may be called from any thread. Callbacks run inside RunOnce
// and may add, change and remove any descriptor, their own included.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "base/time.h"

namespace weir::io {

class EventLoop {
 public:
  using Callback = std::function<void(uint32_t events)>;

  // Aborts when the kernel has no descriptor left for it: a worker without a loop can't exist.
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // `events` as in EPOLLIN | EPOLLOUT; level-triggered. The descriptor stays the caller's: Remove it before
  // closing it.
  void Add(int fd, uint32_t events, Callback callback);
  void Modify(int fd, uint32_t events);
  void Remove(int fd);
  size_t size() const { return handlers_.size(); }

  // Makes the current or the next RunOnce return early. From any thread; many calls before the loop wakes
  // cost one system call.
  void Wake();
  // Waits until something is ready, Wake was called, or the monotonic clock reaches `deadline`, and runs the
  // callbacks of what is ready. A deadline that has passed polls.
  void RunOnce(base::Timestamp deadline);

 private:
  struct Handler {
    uint32_t token = 0;
    Callback callback;
  };
  void Dispatch(const epoll_event& event);
  int Wait(base::Timestamp deadline);

  int epoll_ = -1;
  int wake_ = -1;
  std::atomic<bool> wake_pending_ = false;
  // Shared with a running callback, which may remove itself.
  std::unordered_map<int, std::shared_ptr<Handler>> handlers_;
  uint32_t next_token_ = 1;  // Tells a descriptor from an earlier one of the same number. 0 is the eventfd.
  std::array<epoll_event, 128> ready_;
};

}  // namespace weir::io
