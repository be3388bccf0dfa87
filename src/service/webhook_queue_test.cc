#include "service/webhook_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::service {
namespace {

using base::TimeDelta;
using base::Timestamp;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const Timestamp kStart = Timestamp::Seconds(1000);

livekit::WebhookEvent Event(const std::string& name, const std::string& room = "r") {
  livekit::WebhookEvent event;
  event.set_event(name);
  event.mutable_room()->set_name(room);
  return event;
}

WebhookQueue::Config OneUrl() { return {.urls = 1}; }

std::vector<std::string> Names(const std::vector<WebhookQueue::Post>& posts) {
  std::vector<std::string> names;
  for (const auto& post : posts) {
    names.push_back(post.event->event());
  }
  return names;
}

// A receiver that gives every post the same status, and the clock; keeps what was answered for good.
struct Receiver {
  explicit Receiver(const WebhookQueue::Config& config) : queue(config) {}

  // Runs until nothing is left to do before `end`.
  void RunUntil(Timestamp end) {
    while (true) {
      for (auto posts = queue.TakeDue(now); !posts.empty(); posts = queue.TakeDue(now)) {
        for (const auto& post : posts) {
          attempts.push_back(post.event->event() + "@" + std::to_string((now - kStart).millis()));
          if (status == 200) {
            received.push_back(post.event->event());
          }
          queue.OnAnswer(now, post.id, status);
        }
      }
      if (queue.NextTimeout() > end) {
        now = end;
        return;
      }
      now = queue.NextTimeout();
    }
  }

  WebhookQueue queue;
  Timestamp now = kStart;
  int status = 200;
  std::vector<std::string> attempts;
  std::vector<std::string> received;
};

TEST(WebhookQueue, PostsOneOfARoomAtATimeAndRoomsBesideEachOther) {
  WebhookQueue queue(OneUrl());
  queue.Add(kStart, Event("a1", "a"));
  queue.Add(kStart, Event("a2", "a"));
  queue.Add(kStart, Event("b1", "b"));
  const auto posts = queue.TakeDue(kStart);
  ASSERT_THAT(Names(posts), ElementsAre("a1", "b1"));
  EXPECT_THAT(queue.TakeDue(kStart), IsEmpty());
  queue.OnAnswer(kStart, posts[0].id, 200);
  EXPECT_THAT(Names(queue.TakeDue(kStart)), ElementsAre("a2"));
}

TEST(WebhookQueue, UrlsDoNotWaitForEachOther) {
  WebhookQueue queue({.urls = 2});
  queue.Add(kStart, Event("1"));
  queue.Add(kStart, Event("2"));
  auto posts = queue.TakeDue(kStart);
  ASSERT_THAT(posts, SizeIs(2));
  EXPECT_NE(posts[0].url, posts[1].url);
  queue.OnAnswer(kStart, posts[0].id, 0);
  queue.OnAnswer(kStart, posts[1].id, 200);
  const auto next = queue.TakeDue(kStart);
  ASSERT_THAT(Names(next), ElementsAre("2"));
  EXPECT_EQ(next[0].url, posts[1].url);
}

TEST(WebhookQueue, RetriesDoubleTheirDelayAndThenGiveUp) {
  Receiver receiver(OneUrl());
  receiver.status = 503;
  receiver.queue.Add(kStart, Event("x"));
  receiver.RunUntil(kStart + TimeDelta::Seconds(100));
  EXPECT_THAT(receiver.attempts, ElementsAre("x@0", "x@1000", "x@3000", "x@7000", "x@15000"));
  EXPECT_EQ(receiver.queue.counters().retried, 4u);
  EXPECT_EQ(receiver.queue.counters().dropped_failed, 1u);
  EXPECT_EQ(receiver.queue.queued(), 0u);
}

TEST(WebhookQueue, TheDelayHasALimit) {
  WebhookQueue::Config config = OneUrl();
  config.max_retries = 7;
  Receiver receiver(config);
  receiver.status = 0;
  receiver.queue.Add(kStart, Event("x"));
  receiver.RunUntil(kStart + TimeDelta::Seconds(1000));
  EXPECT_THAT(receiver.attempts,
              ElementsAre("x@0", "x@1000", "x@3000", "x@7000", "x@15000", "x@31000", "x@61000", "x@91000"));
}

TEST(WebhookQueue, KeepsTheOrderOverRetries) {
  Receiver receiver(OneUrl());
  receiver.status = 0;
  for (const char* name : {"1", "2", "3"}) {
    receiver.queue.Add(kStart, Event(name));
  }
  receiver.RunUntil(kStart + TimeDelta::Millis(3500));
  EXPECT_THAT(receiver.attempts, ElementsAre("1@0", "1@1000", "1@3000"));
  receiver.status = 200;
  receiver.queue.Add(receiver.now, Event("4"));
  receiver.RunUntil(kStart + TimeDelta::Seconds(60));
  EXPECT_THAT(receiver.received, ElementsAre("1", "2", "3", "4"));
}

TEST(WebhookQueue, TooManyRequestsIsTriedAgainAndOtherRefusalsAreFinal) {
  for (const int status : {429, 500, 502, 599, 0}) {
    WebhookQueue queue(OneUrl());
    queue.Add(kStart, Event("x"));
    queue.OnAnswer(kStart, queue.TakeDue(kStart)[0].id, status);
    EXPECT_EQ(queue.NextTimeout(), kStart + TimeDelta::Seconds(1)) << status;
    EXPECT_EQ(queue.counters().delivered, 0u) << status;
  }
  for (const int status : {400, 401, 404, 302}) {
    WebhookQueue queue(OneUrl());
    queue.Add(kStart, Event("x"));
    queue.OnAnswer(kStart, queue.TakeDue(kStart)[0].id, status);
    EXPECT_EQ(queue.NextTimeout(), Timestamp::Infinity()) << status;
    EXPECT_EQ(queue.counters().delivered, 1u) << status;
    EXPECT_EQ(queue.counters().refused, 1u) << status;
  }
}

TEST(WebhookQueue, DropsTheNewestWhenAQueueIsFull) {
  WebhookQueue::Config config = OneUrl();
  config.max_depth = 3;
  Receiver receiver(config);
  for (const char* name : {"1", "2", "3", "4", "5"}) {
    receiver.queue.Add(kStart, Event(name));
  }
  receiver.queue.Add(kStart, Event("other room", "s"));
  EXPECT_EQ(receiver.queue.counters().dropped_depth, 2u);
  receiver.RunUntil(kStart + TimeDelta::Seconds(1));
  EXPECT_THAT(receiver.received, ElementsAre("1", "other room", "2", "3"));
}

TEST(WebhookQueue, AllQueuesTogetherHaveALimitOfEventsAndOfBytes) {
  WebhookQueue::Config config = OneUrl();
  config.max_events = 2;
  WebhookQueue few(config);
  for (const char* room : {"a", "b", "c"}) {
    few.Add(kStart, Event("x", room));
  }
  EXPECT_EQ(few.queued(), 2u);
  EXPECT_EQ(few.counters().dropped_full, 1u);

  config = OneUrl();
  config.max_bytes = 3000;
  WebhookQueue small(config);
  livekit::WebhookEvent large = Event("x");
  large.mutable_room()->set_metadata(std::string(1400, 'm'));
  for (int i = 0; i < 3; ++i) {
    small.Add(kStart, large);
  }
  EXPECT_EQ(small.queued(), 2u);
  EXPECT_EQ(small.counters().dropped_full, 1u);
  small.OnAnswer(kStart, small.TakeDue(kStart)[0].id, 200);
  small.Add(kStart, large);
  EXPECT_EQ(small.queued(), 2u) << "what was delivered makes room";
}

TEST(WebhookQueue, DropsWhatIsTooOldAtItsTurn) {
  Receiver receiver(OneUrl());
  receiver.status = 0;
  receiver.queue.Add(kStart, Event("1"));
  receiver.queue.Add(kStart, Event("2"));
  receiver.RunUntil(kStart + TimeDelta::Seconds(10));
  receiver.queue.Add(receiver.now, Event("3"));
  receiver.RunUntil(kStart + TimeDelta::Seconds(29));  // 1 was given up after 15 s, 2 is being retried.
  EXPECT_EQ(receiver.attempts.back(), "2@22000");
  receiver.queue.Add(receiver.now, Event("4"));
  receiver.RunUntil(kStart + TimeDelta::Seconds(50));
  // 2 was in time at its turn and keeps its retries. 3 got its turn at 30 s, 20 s old; 4 at 45 s, 16 s old.
  EXPECT_THAT(receiver.attempts, testing::Contains("3@30000"));
  EXPECT_THAT(receiver.attempts, testing::Contains("4@45000"));
  EXPECT_EQ(receiver.queue.counters().dropped_age, 0u);

  Receiver slow(OneUrl());
  slow.queue.Add(kStart, Event("1"));
  slow.queue.Add(kStart, Event("2"));
  slow.queue.Add(kStart + TimeDelta::Seconds(5), Event("3"));
  const auto first = slow.queue.TakeDue(kStart);
  slow.now = kStart + TimeDelta::Millis(30'001);
  slow.queue.OnAnswer(slow.now, first[0].id, 200);
  slow.RunUntil(slow.now);
  EXPECT_THAT(slow.received, ElementsAre("3"));
  EXPECT_EQ(slow.queue.counters().dropped_age, 1u);
  EXPECT_EQ(slow.queue.queues(), 0u);
}

TEST(WebhookQueue, AUrlHasSoManyPostsInFlight) {
  WebhookQueue::Config config = OneUrl();
  config.max_in_flight = 2;
  WebhookQueue queue(config);
  for (const char* room : {"a", "b", "c"}) {
    queue.Add(kStart, Event(room, room));
  }
  const auto posts = queue.TakeDue(kStart);
  EXPECT_THAT(Names(posts), ElementsAre("a", "b"));
  EXPECT_EQ(queue.in_flight(), 2u);
  // A post that failed leaves its place to others while it waits.
  queue.OnAnswer(kStart, posts[0].id, 500);
  EXPECT_THAT(Names(queue.TakeDue(kStart)), ElementsAre("c"));
  EXPECT_EQ(queue.NextTimeout(), Timestamp::Infinity()) << "only an answer makes room";
}

TEST(WebhookQueue, KeepsBackWhatTheFilterSays) {
  WebhookQueue::Config config = OneUrl();
  config.filter.exclude = {"track_published"};
  WebhookQueue without(config);
  without.Add(kStart, Event("track_published"));
  without.Add(kStart, Event("room_started"));
  EXPECT_THAT(Names(without.TakeDue(kStart)), ElementsAre("room_started"));
  EXPECT_EQ(without.counters().filtered, 1u);

  config.filter.include = {"track_published"};  // Decides alone.
  WebhookQueue only(config);
  only.Add(kStart, Event("track_published"));
  only.Add(kStart, Event("room_started"));
  EXPECT_THAT(Names(only.TakeDue(kStart)), ElementsAre("track_published"));
}

TEST(WebhookQueue, ForgetsEmptyQueues) {
  WebhookQueue queue(OneUrl());
  for (int i = 0; i < 100; ++i) {
    queue.Add(kStart, Event("x", "room" + std::to_string(i)));
    const auto posts = queue.TakeDue(kStart);
    EXPECT_EQ(queue.queues(), 1u);
    queue.OnAnswer(kStart, posts[0].id, 200);
    EXPECT_EQ(queue.queues(), 0u);
  }
  EXPECT_EQ(queue.counters().delivered, 100u);
}

TEST(WebhookQueue, WhatCannotBePostedDoesNotHoldUpTheRest) {
  WebhookQueue queue(OneUrl());
  queue.Add(kStart, Event("broken"));
  queue.Add(kStart, Event("sound"));
  queue.Discard(queue.TakeDue(kStart)[0].id);
  EXPECT_EQ(queue.counters().dropped_invalid, 1u);
  EXPECT_THAT(Names(queue.TakeDue(kStart)), ElementsAre("sound"));
}

TEST(WebhookQueue, IgnoresAnswersToNothing) {
  WebhookQueue queue(OneUrl());
  queue.Add(kStart, Event("x"));
  const uint64_t id = queue.TakeDue(kStart)[0].id;
  queue.OnAnswer(kStart, id + 1, 200);
  EXPECT_EQ(queue.queued(), 1u);
  queue.OnAnswer(kStart, id, 200);
  queue.OnAnswer(kStart, id, 200);
  EXPECT_EQ(queue.counters().delivered, 1u);
}

}  // namespace
}  // namespace weir::service
