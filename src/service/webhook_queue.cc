#include "service/webhook_queue.h"

#include <algorithm>
#include <utility>

#include "service/webhook.h"

namespace weir::service {
namespace {

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

bool WebhookFilter::Allows(std::string_view event) const {
  return include.empty() ? !Contains(exclude, event) : Contains(include, event);
}

WebhookQueue::WebhookQueue(Config config) : config_(std::move(config)), urls_(config_.urls) {}

WebhookQueue::~WebhookQueue() = default;

void WebhookQueue::Add(base::Timestamp now, livekit::WebhookEvent event) {
  if (!config_.filter.Allows(event.event())) {
    counters_.filtered += urls_.size();
    return;
  }
  const std::string key = WebhookOrderingKey(event);
  Entry entry;
  entry.bytes = event.ByteSizeLong();
  entry.added = now;
  entry.event = std::make_shared<const livekit::WebhookEvent>(std::move(event));
  for (Url& url : urls_) {
    AddTo(url, key, entry);
  }
}

void WebhookQueue::AddTo(Url& url, const std::string& key, const Entry& entry) {
  if (queued_ >= config_.max_events || bytes_ + entry.bytes > config_.max_bytes) {
    ++counters_.dropped_full;
    return;
  }
  std::unique_ptr<Queue>& queue = url.queues[key];
  if (queue == nullptr) {
    queue = std::make_unique<Queue>();
    queue->key = key;
    url.ready.push_back(queue.get());
  } else if (queue->entries.size() >= config_.max_depth) {
    ++counters_.dropped_depth;
    return;
  }
  queue->entries.push_back(entry);
  ++queued_;
  bytes_ += entry.bytes;
}

std::vector<WebhookQueue::Post> WebhookQueue::TakeDue(base::Timestamp now) {
  std::vector<Post> due;
  for (size_t index = 0; index < urls_.size(); ++index) {
    Url& url = urls_[index];
    while (!url.backing_off.empty() && url.backing_off.begin()->first <= now) {
      // Before those that have not begun: they waited longest.
      url.ready.push_front(url.backing_off.begin()->second);
      url.backing_off.erase(url.backing_off.begin());
    }
    while (!url.ready.empty() && url.in_flight < config_.max_in_flight) {
      Queue& queue = *url.ready.front();
      url.ready.pop_front();
      if (!DropOld(now, url, queue)) {
        continue;
      }
      Entry& entry = queue.entries.front();
      const uint64_t id = next_id_++;
      in_flight_.emplace(id, InFlight{index, &queue});
      ++url.in_flight;
      counters_.retried += entry.attempts > 0 ? 1 : 0;
      due.push_back({id, index, entry.attempts++, entry.event});
    }
  }
  return due;
}

bool WebhookQueue::DropOld(base::Timestamp now, Url& url, Queue& queue) {
  // Whoever has been tried already was in time at its turn.
  while (queue.entries.front().attempts == 0 && now - queue.entries.front().added > config_.max_age) {
    ++counters_.dropped_age;
    if (!PopFirst(url, queue)) {
      return false;
    }
  }
  return true;
}

std::optional<WebhookQueue::InFlight> WebhookQueue::Land(uint64_t id) {
  const auto found = in_flight_.find(id);
  if (found == in_flight_.end()) {
    return std::nullopt;
  }
  const InFlight post = found->second;
  in_flight_.erase(found);
  --urls_[post.url].in_flight;
  return post;
}

bool WebhookQueue::PopFirst(Url& url, Queue& queue) {
  --queued_;
  bytes_ -= queue.entries.front().bytes;
  queue.entries.pop_front();
  if (!queue.entries.empty()) {
    return true;
  }
  url.queues.erase(std::string(queue.key));  // A copy: the key dies with the queue.
  return false;
}

void WebhookQueue::Finish(const InFlight& post) {
  Url& url = urls_[post.url];
  if (PopFirst(url, *post.queue)) {
    url.ready.push_back(post.queue);
  }
}

void WebhookQueue::OnAnswer(base::Timestamp now, uint64_t id, int status) {
  const auto post = Land(id);
  if (!post) {
    return;
  }
  if (IsFinal(status)) {
    ++counters_.delivered;
    counters_.refused += IsSuccess(status) ? 0 : 1;
    return Finish(*post);
  }
  const int attempts = post->queue->entries.front().attempts;
  if (attempts > config_.max_retries) {
    ++counters_.dropped_failed;
    return Finish(*post);
  }
  urls_[post->url].backing_off.emplace(now + BackoffAfter(attempts), post->queue);
}

void WebhookQueue::Discard(uint64_t id) {
  if (const auto post = Land(id)) {
    ++counters_.dropped_invalid;
    Finish(*post);
  }
}

base::TimeDelta WebhookQueue::BackoffAfter(int attempts) const {
  base::TimeDelta backoff = config_.first_backoff;
  for (int i = 1; i < attempts && backoff < config_.max_backoff; ++i) {
    backoff = backoff * 2;
  }
  return std::min(backoff, config_.max_backoff);
}

base::Timestamp WebhookQueue::NextTimeout() const {
  base::Timestamp next = base::Timestamp::Infinity();
  for (const Url& url : urls_) {
    if (url.in_flight < config_.max_in_flight && !url.backing_off.empty()) {
      next = std::min(next, url.backing_off.begin()->first);
    }
  }
  return next;
}

size_t WebhookQueue::queues() const {
  size_t count = 0;
  for (const Url& url : urls_) {
    count += url.queues.size();
  }
  return count;
}

}  // namespace weir::service
