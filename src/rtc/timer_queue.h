// The deadlines of everything on one worker: an intrusive binary heap, so that moving one deadline is O(log
// n), allocates nothing once the heap has its size, and a destroyed owner leaves by itself.
#pragma once

#include <cstddef>
#include <vector>

#include "base/time.h"

namespace weir::rtc {

class TimerQueue;

// Embedded in (or inherited by) whatever has a deadline. Not thread-safe: one queue, one worker.
class Timed {
 public:
  Timed() = default;
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;
  virtual void OnTimer(base::Now now) = 0;

 protected:
  virtual ~Timed();

 private:
  friend class TimerQueue;
  static constexpr size_t kNotQueued = static_cast<size_t>(-1);
  TimerQueue* queue_ = nullptr;
  size_t position_ = kNotQueued;
  base::Timestamp deadline_ = base::Timestamp::Infinity();
};

class TimerQueue {
 public:
  TimerQueue() = default;
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;
  ~TimerQueue();

  // Replaces the deadline of `timed`; infinity removes it.
  void Schedule(Timed& timed, base::Timestamp deadline);
  void Cancel(Timed& timed);
  base::Timestamp NextTimeout() const {
    return heap_.empty() ? base::Timestamp::Infinity() : heap_[0]->deadline_;
  }
  // Runs what is due. A timer that re-arms itself in the past runs again in the next call, not in this one.
  void Run(base::Now now);
  size_t size() const { return heap_.size(); }

 private:
  void Place(size_t index, Timed* timed);
  void Up(size_t index);
  void Down(size_t index);

  std::vector<Timed*> heap_;
};

}  // namespace weir::rtc
