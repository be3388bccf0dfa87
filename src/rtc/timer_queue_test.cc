#include "rtc/timer_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "base/random.h"

namespace weir::rtc {
namespace {

using base::Now;
using base::TimeDelta;
using base::Timestamp;

class Recorder final : public Timed {
 public:
  Recorder(int id, std::vector<int>& fired) : id_(id), fired_(fired) {}
  void OnTimer(Now) override { fired_.push_back(id_); }

 private:
  int id_;
  std::vector<int>& fired_;
};

TEST(TimerQueue, FiresInOrderOfDeadline) {
  TimerQueue queue;
  std::vector<int> fired;
  Recorder a(1, fired), b(2, fired), c(3, fired);
  queue.Schedule(a, Timestamp::Millis(30));
  queue.Schedule(b, Timestamp::Millis(10));
  queue.Schedule(c, Timestamp::Millis(20));
  queue.Schedule(a, Timestamp::Millis(5));
  queue.Run({Timestamp::Millis(20), {}});
  EXPECT_THAT(fired, testing::ElementsAre(1, 2, 3));
  EXPECT_TRUE(queue.NextTimeout().infinite());
}

TEST(TimerQueue, ADestroyedTimerLeavesTheQueue) {
  TimerQueue queue;
  std::vector<int> fired;
  auto gone = std::make_unique<Recorder>(1, fired);
  queue.Schedule(*gone, Timestamp::Millis(1));
  gone.reset();
  queue.Run({Timestamp::Seconds(1), {}});
  EXPECT_TRUE(fired.empty());
}

TEST(TimerQueue, HoldsItsOrderUnderRandomMoves) {
  TimerQueue queue;
  base::SeededRandom random(11);
  std::vector<int> fired;
  std::vector<std::unique_ptr<Recorder>> timers;
  for (int i = 0; i < 50; ++i) {
    timers.push_back(std::make_unique<Recorder>(i, fired));
  }
  std::vector<Timestamp> expected(timers.size());
  for (int step = 0; step < 2000; ++step) {
    const size_t i = random.Below(50);
    expected[i] = Timestamp::Millis(random.Below(1000));
    queue.Schedule(*timers[i], expected[i]);
    if (random.Below(10) == 0) {
      queue.Cancel(*timers[i]);
      expected[i] = Timestamp::Infinity();
    }
  }
  while (!queue.NextTimeout().infinite()) {
    const Timestamp next = queue.NextTimeout();
    fired.clear();
    queue.Run({next, {}});
    ASSERT_FALSE(fired.empty());
    for (const int id : fired) {
      EXPECT_EQ(expected[static_cast<size_t>(id)], next);
    }
  }
}

}  // namespace
}  // namespace weir::rtc
