#include "io/event_loop.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "io/clock.h"
#include "io/interfaces.h"
#include "io/mailbox.h"
#include "io/system_random.h"
#include "io/unique_fd.h"

namespace weir::io {
namespace {

using base::TimeDelta;
using base::Timestamp;
using ::testing::ElementsAre;

constexpr Timestamp kPoll = Timestamp::Never();

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    read_end = UniqueFd(ends[0]);
    write_end = UniqueFd(ends[1]);
  }
  void Put() const { EXPECT_EQ(write(write_end.get(), "x", 1), 1); }
  void Take() const {
    char c;
    EXPECT_EQ(read(read_end.get(), &c, 1), 1);
  }
  UniqueFd read_end;
  UniqueFd write_end;
};

TEST(EventLoop, CallsBackWhatIsReadyUntilItIsNot) {
  EventLoop loop;
  Pipe pipe;
  int calls = 0;
  loop.Add(pipe.read_end.get(), EPOLLIN, [&](uint32_t events) {
    EXPECT_NE(events & EPOLLIN, 0u);
    if (++calls == 2) {
      pipe.Take();
    }
  });
  loop.RunOnce(kPoll);
  EXPECT_EQ(calls, 0);
  pipe.Put();
  loop.RunOnce(Timestamp::Infinity());
  loop.RunOnce(Timestamp::Infinity());  // Level-triggered: still there.
  EXPECT_EQ(calls, 2);
  loop.RunOnce(kPoll);
  EXPECT_EQ(calls, 2);
}

TEST(EventLoop, ModifyAndRemoveTakeEffect) {
  EventLoop loop;
  Pipe pipe;
  int calls = 0;
  loop.Add(pipe.read_end.get(), EPOLLIN, [&](uint32_t) { ++calls; });
  pipe.Put();
  loop.Modify(pipe.read_end.get(), 0);
  loop.RunOnce(kPoll);
  EXPECT_EQ(calls, 0);
  loop.Modify(pipe.read_end.get(), EPOLLIN);
  loop.RunOnce(kPoll);
  EXPECT_EQ(calls, 1);
  loop.Remove(pipe.read_end.get());
  loop.RunOnce(kPoll);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(loop.size(), 0u);
}

TEST(EventLoop, ACallbackMayRemoveItselfAndOthersThatAreReady) {
  EventLoop loop;
  Pipe a;
  Pipe b;
  int calls = 0;
  const auto remove_both = [&](uint32_t) {
    ++calls;
    loop.Remove(a.read_end.get());
    loop.Remove(b.read_end.get());
  };
  loop.Add(a.read_end.get(), EPOLLIN, remove_both);
  loop.Add(b.read_end.get(), EPOLLIN, remove_both);
  a.Put();
  b.Put();
  loop.RunOnce(Timestamp::Infinity());
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, ADescriptorThatIsReusedDuringATurnDoesNotGetTheOldOnesEvent) {
  EventLoop loop;
  Pipe a;
  auto b = std::make_unique<Pipe>();
  auto c = std::make_unique<Pipe>();
  int stale = 0;
  std::vector<std::unique_ptr<Pipe>> fresh;
  const auto replace = [&](std::unique_ptr<Pipe>& other) {
    if (other) {
      const int number = other->read_end.get();
      loop.Remove(number);
      other.reset();
      fresh.push_back(std::make_unique<Pipe>());
      EXPECT_EQ(fresh.back()->read_end.get(), number);
      loop.Add(number, EPOLLIN, [&](uint32_t) { ++stale; });
    }
  };
  loop.Add(b->read_end.get(), EPOLLIN, [&](uint32_t) { replace(c); });
  loop.Add(c->read_end.get(), EPOLLIN, [&](uint32_t) { replace(b); });
  b->Put();
  c->Put();
  loop.RunOnce(Timestamp::Infinity());
  EXPECT_EQ(fresh.size(), 1u);
  EXPECT_EQ(stale, 0);
}

TEST(EventLoop, WaitsUntilItsDeadlineAndNotMuchLonger) {
  EventLoop loop;
  const Timestamp start = MonotonicNow();
  loop.RunOnce(start + TimeDelta::Millis(5));
  EXPECT_GE(MonotonicNow() - start, TimeDelta::Millis(5));
}

TEST(EventLoop, WakesFromAnotherThreadEveryTime) {
  EventLoop loop;
  for (int i = 0; i < 200; ++i) {
    std::thread other([&] { loop.Wake(); });
    loop.RunOnce(Timestamp::Infinity());
    other.join();
  }
  loop.Wake();
  loop.Wake();
  loop.RunOnce(Timestamp::Infinity());
}

TEST(Mailbox, KeepsOrderAndDropsWhatIsTooMuch) {
  EventLoop loop;
  Mailbox<std::string> mailbox(loop, 2);
  EXPECT_TRUE(mailbox.Post("a"));
  EXPECT_TRUE(mailbox.Post("b"));
  EXPECT_FALSE(mailbox.Post("c"));
  EXPECT_EQ(mailbox.dropped(), 1u);
  loop.RunOnce(Timestamp::Infinity());  // It was woken.
  std::vector<std::string> messages = {"before"};
  mailbox.Drain(messages);
  EXPECT_THAT(messages, ElementsAre("before", "a", "b"));
  EXPECT_TRUE(mailbox.Post("d"));
  messages.clear();
  mailbox.Drain(messages);
  EXPECT_THAT(messages, ElementsAre("d"));
}

TEST(Mailbox, LosesNothingBetweenManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kEach = 5000;
  EventLoop loop;
  Mailbox<std::unique_ptr<int>> mailbox(loop, kThreads * kEach);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        EXPECT_TRUE(mailbox.Post(std::make_unique<int>(i)));
      }
    });
  }
  size_t received = 0;
  std::vector<std::unique_ptr<int>> batch;
  while (received < size_t{kThreads} * kEach) {
    loop.RunOnce(Timestamp::Infinity());  // Would hang if a wake-up were lost.
    batch.clear();
    mailbox.Drain(batch);
    received += batch.size();
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(mailbox.dropped(), 0u);
}

TEST(Clock, GoesForwardAndKnowsTheYear) {
  const base::Now a = ReadClock();
  const base::Now b = ReadClock();
  EXPECT_GE(b.mono, a.mono);
  EXPECT_GT(a.wall.seconds(), 1'700'000'000);
}

TEST(SystemRandom, FillsRequestsOfEverySize) {
  SystemRandom random;
  for (const size_t size : {0u, 1u, 12u, 511u, 512u, 513u, 5000u}) {
    base::Buffer a(size);
    base::Buffer b(size);
    random.Fill(a);
    random.Fill(b);
    if (size >= 12) {
      EXPECT_NE(a, b);
    }
  }
}

TEST(Interfaces, KnowLoopbackAndNoLinkLocalAddress) {
  bool loopback = false;
  for (const InterfaceAddress& found : Interfaces()) {
    loopback = loopback || found.loopback;
    EXPECT_FALSE(found.ip.is_link_local());
    EXPECT_FALSE(found.interface.empty());
  }
  EXPECT_TRUE(loopback);
  EXPECT_EQ(LocalAddresses().size(), Interfaces().size());
}

}  // namespace
}  // namespace weir::io
