// Which webhook is posted next, and what becomes of it: order, retries, filters and limits of delivery.
//
// Every URL has its own queues, one for each ordering key (see WebhookOrderingKey), and a queue has one post
// in flight at a time: events of one room reach a receiver in order, also when some have to be tried again.
// URLs never wait for each other, rooms only for a URL's max_in_flight.
//
// An event is given up when its queue already holds max_depth, when all queues together are full, when it
// waited longer than max_age before its first attempt, or when its last retry failed. Each of these is
// counted; the events behind it go on. No answer, 429 and 5xx are tried again; every other answer is final,
// and the receiver's to mend. An empty queue is forgotten at once.
//
// Sans-IO: the caller posts what TakeDue returns, tells OnAnswer what came of it, and calls TakeDue again
// then and at NextTimeout(). Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/counters.h"
#include "base/time.h"
#include "proto/livekit_webhook.pb.h"

namespace weir::service {

// The names of events to post, and those to keep back. A non-empty `include` decides alone, as in LiveKit.
struct WebhookFilter {
  bool Allows(std::string_view event) const;
  std::vector<std::string> include;
  std::vector<std::string> exclude;
};

class WebhookQueue {
 public:
  struct Config {
    size_t urls = 0;         // How many; they are known by their index here.
    size_t max_depth = 200;  // Events of one queue, the one in flight included. 0 counts as 1.
    base::TimeDelta max_age = base::TimeDelta::Seconds(30);
    size_t max_events = 50'000;   // Of all queues. An event for two URLs counts twice.
    size_t max_bytes = 64 << 20;  // The same in serialized bytes: metadata can be large.
    size_t max_in_flight = 16;    // Posts of one URL.
    int max_retries = 4;
    base::TimeDelta first_backoff = base::TimeDelta::Seconds(1);  // Doubled with every retry.
    base::TimeDelta max_backoff = base::TimeDelta::Seconds(30);
    WebhookFilter filter;
  };
  // Of events times URLs.
  struct Counters {
    uint64_t delivered = 0;  // Answered for good, `refused` included.
    uint64_t refused = 0;    // With a status that is not 2xx.
    uint64_t retried = 0;    // Attempts after the first one.
    uint64_t filtered = 0;
    uint64_t dropped_depth = 0;
    uint64_t dropped_full = 0;  // max_events or max_bytes.
    uint64_t dropped_age = 0;
    uint64_t dropped_failed = 0;   // Retries used up.
    uint64_t dropped_invalid = 0;  // See Discard.
    uint64_t dropped() const {
      return dropped_depth + dropped_full + dropped_age + dropped_failed + dropped_invalid;
    }

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"delivered", &Counters::delivered},
          {"refused", &Counters::refused},
          {"retried", &Counters::retried},
          {"filtered", &Counters::filtered},
          {"dropped_depth", &Counters::dropped_depth},
          {"dropped_full", &Counters::dropped_full},
          {"dropped_age", &Counters::dropped_age},
          {"dropped_failed", &Counters::dropped_failed},
          {"dropped_invalid", &Counters::dropped_invalid},
      });
    }
  };
  struct Post {
    uint64_t id = 0;
    size_t url = 0;
    int attempt = 0;  // 0 is the first.
    std::shared_ptr<const livekit::WebhookEvent> event;
  };

  // What the status of an answer means; 0 is none.
  static bool IsFinal(int status) { return status != 0 && status != 429 && status < 500; }
  static bool IsSuccess(int status) { return status >= 200 && status < 300; }

  explicit WebhookQueue(Config config);
  ~WebhookQueue();
  WebhookQueue(const WebhookQueue&) = delete;
  WebhookQueue& operator=(const WebhookQueue&) = delete;

  // For every URL, unless the filter keeps it back.
  void Add(base::Timestamp now, livekit::WebhookEvent event);
  // Posts to make now. Each is in flight until OnAnswer or Discard.
  std::vector<Post> TakeDue(base::Timestamp now);
  // `status` of the HTTP response; 0 when there was none. An id that is not in flight is ignored.
  void OnAnswer(base::Timestamp now, uint64_t id, int status);
  // The event cannot be posted at all.
  void Discard(uint64_t id);
  // When TakeDue may have something new, other than by Add and OnAnswer. Plus infinity: never.
  base::Timestamp NextTimeout() const;

  const Counters& counters() const { return counters_; }
  size_t queued() const { return queued_; }  // Events that wait or are in flight.
  size_t in_flight() const { return in_flight_.size(); }
  size_t queues() const;  // That exist, of all URLs.

 private:
  struct Entry {
    std::shared_ptr<const livekit::WebhookEvent> event;
    size_t bytes = 0;
    base::Timestamp added;
    int attempts = 0;
  };
  struct Queue {
    std::string key;
    std::deque<Entry> entries;  // The first one is next, or in flight, or waits to be tried again.
  };
  struct Url {
    std::unordered_map<std::string, std::unique_ptr<Queue>> queues;
    std::deque<Queue*> ready;
    std::multimap<base::Timestamp, Queue*> backing_off;
    size_t in_flight = 0;
  };
  struct InFlight {
    size_t url = 0;
    Queue* queue = nullptr;
  };

  void AddTo(Url& url, const std::string& key, const Entry& entry);
  // False when nothing is left of the queue.
  bool DropOld(base::Timestamp now, Url& url, Queue& queue);
  // Ends a post. Empty when no such post is in flight.
  std::optional<InFlight> Land(uint64_t id);
  // Takes the first event out, and forgets the queue when that was the last one; then it returns false.
  bool PopFirst(Url& url, Queue& queue);
  void Finish(const InFlight& post);
  base::TimeDelta BackoffAfter(int attempts) const;

  const Config config_;
  std::vector<Url> urls_;
  std::unordered_map<uint64_t, InFlight> in_flight_;
  uint64_t next_id_ = 1;
  size_t queued_ = 0;
  size_t bytes_ = 0;
  Counters counters_;
};

}  // namespace weir::service
