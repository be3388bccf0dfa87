#include "io/event_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "io/clock.h"

namespace weir::io {
namespace {

int OrAbort(int fd, const char* what) {
  if (fd < 0) {
    std::perror(what);
    std::abort();
  }
  return fd;
}

epoll_event Event(uint32_t events, int fd, uint32_t token) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = uint64_t{token} << 32 | static_cast<uint32_t>(fd);
  return event;
}

}  // namespace

EventLoop::EventLoop()
    : epoll_(OrAbort(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_(OrAbort(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {
  epoll_event event = Event(EPOLLIN, wake_, 0);
  OrAbort(epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event), "epoll_ctl");
}

EventLoop::~EventLoop() {
  close(wake_);
  close(epoll_);
}

void EventLoop::Add(int fd, uint32_t events, Callback callback) {
  const uint32_t token = next_token_++;
  if (next_token_ == 0) {
    next_token_ = 1;
  }
  auto handler = std::make_shared<Handler>(Handler{token, std::move(callback)});
  const bool replaced = !handlers_.insert_or_assign(fd, std::move(handler)).second;
  epoll_event event = Event(events, fd, token);
  OrAbort(epoll_ctl(epoll_, replaced ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

void EventLoop::Modify(int fd, uint32_t events) {
  if (const auto handler = handlers_.find(fd); handler != handlers_.end()) {
    epoll_event event = Event(events, fd, handler->second->token);
    epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
  }
}

void EventLoop::Remove(int fd) {
  if (handlers_.erase(fd) > 0) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  }
}

void EventLoop::Wake() {
  if (!wake_pending_.exchange(true)) {
    const uint64_t one = 1;
    // Cannot fail: the counter never comes near its limit.
    [[maybe_unused]] const auto written = write(wake_, &one, sizeof one);
  }
}

int EventLoop::Wait(base::Timestamp deadline) {
  timespec timeout{};
  if (!deadline.infinite()) {
    const int64_t micros = std::max<int64_t>(0, (deadline - MonotonicNow()).micros());
    timeout.tv_sec = micros / 1'000'000;
    timeout.tv_nsec = micros % 1'000'000 * 1000;
  }
  const int capacity = static_cast<int>(ready_.size());
  const int count =
      epoll_pwait2(epoll_, ready_.data(), capacity, deadline.infinite() ? nullptr : &timeout, nullptr);
  if (count >= 0 || errno != ENOSYS) {
    return count;
  }
  // Kernels before 5.11 know milliseconds only: rounded up, so as not to spin through the last one.
  const int64_t millis = timeout.tv_sec * 1000 + (timeout.tv_nsec + 999'999) / 1'000'000;
  return epoll_wait(epoll_, ready_.data(), capacity,
                    deadline.infinite() ? -1 : static_cast<int>(std::min<int64_t>(millis, 1'000'000'000)));
}

void EventLoop::RunOnce(base::Timestamp deadline) {
  const int count = Wait(deadline);  // Negative when a signal came: the caller comes back.
  for (int i = 0; i < count; ++i) {
    Dispatch(ready_[static_cast<size_t>(i)]);
  }
}

void EventLoop::Dispatch(const epoll_event& event) {
  const int fd = static_cast<int>(static_cast<uint32_t>(event.data.u64));
  const auto token = static_cast<uint32_t>(event.data.u64 >> 32);
  if (token == 0) {
    uint64_t count;
    [[maybe_unused]] const auto bytes = read(wake_, &count, sizeof count);
    // After the read: a Wake in between writes nothing, and its message is seen when this turn ends. The
    // other way round its write could be read away with the flag left set, and no Wake would ever write
    // again.
    wake_pending_.store(false);
    return;
  }
  const auto found = handlers_.find(fd);
  if (found == handlers_.end() || found->second->token != token) {
    return;  // Removed by a callback before this one.
  }
  const std::shared_ptr<Handler> handler = found->second;
  handler->callback(event.events);
}

}  // namespace weir::io
