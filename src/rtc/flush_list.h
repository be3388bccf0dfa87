// What has to send before this turn of the worker's loop ends. Members join in any order, once; the worker
// runs the list after it has handled everything that arrived, so that what one subscriber gets in a turn
// leaves together.
#pragma once

#include <cstddef>
#include <vector>

#include "base/time.h"

namespace weir::rtc {

class FlushList;

class Flushable {
 public:
  Flushable() = default;
  Flushable(const Flushable&) = delete;
  Flushable& operator=(const Flushable&) = delete;
  virtual void Flush(base::Now now) = 0;

 protected:
  virtual ~Flushable();

 private:
  friend class FlushList;
  static constexpr size_t kNotListed = static_cast<size_t>(-1);
  FlushList* list_ = nullptr;
  size_t position_ = kNotListed;
};

// Not thread-safe. Allocates only while it grows to the number of members that were ever listed at once.
class FlushList {
 public:
  void Add(Flushable& member) {
    if (member.position_ == Flushable::kNotListed) {
      member.list_ = this;
      member.position_ = members_.size();
      members_.push_back(&member);
    }
  }
  void Remove(Flushable& member) {
    if (member.position_ != Flushable::kNotListed) {
      members_[member.position_] = nullptr;
      member.position_ = Flushable::kNotListed;
    }
  }
  // Members that are added by a Flush are flushed as well.
  void Run(base::Now now) {
    for (size_t i = 0; i < members_.size(); ++i) {
      if (Flushable* member = members_[i]) {
        member->position_ = Flushable::kNotListed;
        member->Flush(now);
      }
    }
    members_.clear();
  }
  bool empty() const { return members_.empty(); }

 private:
  std::vector<Flushable*> members_;
};

inline Flushable::~Flushable() {
  if (list_ != nullptr) {
    list_->Remove(*this);
  }
}

}  // namespace weir::rtc
