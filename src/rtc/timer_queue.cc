#include "rtc/timer_queue.h"

namespace weir::rtc {

Timed::~Timed() {
  if (queue_ != nullptr) {
    queue_->Cancel(*this);
  }
}

TimerQueue::~TimerQueue() {
  for (Timed* timed : heap_) {
    timed->queue_ = nullptr;
    timed->position_ = Timed::kNotQueued;
  }
}

void TimerQueue::Place(size_t index, Timed* timed) {
  heap_[index] = timed;
  timed->position_ = index;
}

void TimerQueue::Up(size_t index) {
  Timed* timed = heap_[index];
  while (index > 0) {
    const size_t parent = (index - 1) / 2;
    if (heap_[parent]->deadline_ <= timed->deadline_) {
      break;
    }
    Place(index, heap_[parent]);
    index = parent;
  }
  Place(index, timed);
}

void TimerQueue::Down(size_t index) {
  Timed* timed = heap_[index];
  while (true) {
    size_t child = 2 * index + 1;
    if (child >= heap_.size()) {
      break;
    }
    if (child + 1 < heap_.size() && heap_[child + 1]->deadline_ < heap_[child]->deadline_) {
      ++child;
    }
    if (heap_[child]->deadline_ >= timed->deadline_) {
      break;
    }
    Place(index, heap_[child]);
    index = child;
  }
  Place(index, timed);
}

void TimerQueue::Schedule(Timed& timed, base::Timestamp deadline) {
  if (deadline.infinite()) {
    Cancel(timed);
    return;
  }
  if (timed.position_ == Timed::kNotQueued) {
    timed.queue_ = this;
    timed.deadline_ = deadline;
    heap_.push_back(&timed);
    timed.position_ = heap_.size() - 1;
    Up(timed.position_);
    return;
  }
  if (timed.deadline_ == deadline) {
    return;
  }
  timed.deadline_ = deadline;
  Up(timed.position_);
  Down(timed.position_);
}

void TimerQueue::Cancel(Timed& timed) {
  const size_t index = timed.position_;
  if (index == Timed::kNotQueued) {
    return;
  }
  timed.position_ = Timed::kNotQueued;
  timed.queue_ = nullptr;
  timed.deadline_ = base::Timestamp::Infinity();
  Timed* last = heap_.back();
  heap_.pop_back();
  if (last != &timed) {
    Place(index, last);
    Up(index);
    Down(last->position_);
  }
}

void TimerQueue::Run(base::Now now) {
  // Bounded by what was due at entry, so that a timer that keeps re-arming cannot hold the loop.
  for (size_t budget = heap_.size(); budget > 0 && !heap_.empty() && heap_[0]->deadline_ <= now.mono;
       --budget) {
    Timed& timed = *heap_[0];
    Cancel(timed);
    timed.OnTimer(now);
  }
}

}  // namespace weir::rtc
