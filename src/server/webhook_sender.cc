#include "server/webhook_sender.h"

#include <algorithm>
#include <utility>

#include "io/clock.h"
#include "rtc/ids.h"
#include "service/webhook.h"

namespace weir::server {
namespace {

using base::Result;
using service::WebhookQueue;

constexpr base::TimeDelta kBetweenDropLogs = base::TimeDelta::Seconds(5);

WebhookQueue::Config QueueConfig(const config::Webhook& webhook) {
  WebhookQueue::Config queue;
  queue.urls = webhook.urls.size();
  queue.max_depth = static_cast<size_t>(webhook.max_depth);
  queue.max_age = webhook.max_age;
  queue.filter = {webhook.events.includes, webhook.events.excludes};
  return queue;
}

}  // namespace

std::optional<livekit::WebhookEvent> ToWebhook(const rtc::RoomEvent& event, std::string id, bool full_room) {
  namespace names = service::webhook_event;
  using Kind = rtc::RoomEvent::Kind;
  const auto of_participant = [&](std::string_view name) {
    return service::ParticipantEvent(name, std::move(id), event.room, event.participant, event.at);
  };
  const auto of_track = [&](std::string_view name) {
    return service::TrackEvent(name, std::move(id), event.room, event.participant, event.track, event.at,
                               full_room);
  };
  switch (event.kind) {
    case Kind::kRoomStarted:
      return service::RoomEvent(names::kRoomStarted, std::move(id), event.room, event.at);
    case Kind::kRoomFinished:
      return service::RoomEvent(names::kRoomFinished, std::move(id), event.room, event.at);
    case Kind::kParticipantJoined:
      return std::nullopt;
    case Kind::kParticipantActive:
      return of_participant(names::kParticipantJoined);
    case Kind::kParticipantLeft:
      return of_participant(event.was_active ? names::kParticipantLeft
                                             : names::kParticipantConnectionAborted);
    case Kind::kTrackPublished:
      return of_track(names::kTrackPublished);
    case Kind::kTrackUnpublished:
      return of_track(names::kTrackUnpublished);
  }
  return std::nullopt;
}

Result<std::unique_ptr<WebhookSender>> WebhookSender::Create(const config::Config& config,
                                                             front::Server& front, base::Logger log) {
  std::vector<Target> targets;
  for (const std::string& text : config.webhook.urls) {
    auto url = front::ParseUrl(text);
    if (!url) {
      return base::Fail(url.error().code, "webhook.urls: " + url.error().message);
    }
    targets.push_back({*std::move(url)});
  }
  front::HttpClient::Config client;
  client.https = std::ranges::any_of(targets, [](const Target& target) { return target.url.tls; });
  std::unique_ptr<WebhookSender> sender(new WebhookSender(
      config, std::move(targets), TRY(front.MakeHttpClient(std::move(client))), std::move(log)));
  front.AddBackground(*sender);
  return sender;
}

WebhookSender::WebhookSender(const config::Config& config, std::vector<Target> targets,
                             std::unique_ptr<front::HttpClient> client, base::Logger log)
    : config_(config),
      log_(std::move(log)),
      targets_(std::move(targets)),
      client_(std::move(client)),
      queue_(QueueConfig(config.webhook)) {}

WebhookSender::~WebhookSender() {
  const WebhookQueue::Counters& counters = queue_.counters();
  log_.Info("webhooks ended", {{"delivered", counters.delivered},
                               {"retried", counters.retried},
                               {"dropped", counters.dropped()},
                               {"undelivered", queue_.queued()}});
}

void WebhookSender::OnRoomEvent(const rtc::RoomEvent& event) {
  auto webhook = ToWebhook(event, rtc::MakeSid("EV_", random_), config_.room.enable_full_room_in_webhooks);
  if (webhook) {
    queue_.Add(io::MonotonicNow(), *std::move(webhook));
    Pump();
  }
}

void WebhookSender::OnTick(base::Timestamp now) {
  if (queue_.NextTimeout() <= now) {
    Pump();
  }
  LogDrops(now);
}

void WebhookSender::Pump() {
  const base::Now now = io::ReadClock();
  // Again, since a discarded event makes way for the next one.
  for (auto due = queue_.TakeDue(now.mono); !due.empty(); due = queue_.TakeDue(now.mono)) {
    for (const WebhookQueue::Post& post : due) {
      Send(post, now.wall);
    }
  }
}

void WebhookSender::Send(const WebhookQueue::Post& post, base::WallTime now) {
  const std::string& key = config_.webhook.api_key;
  auto made = service::MakeWebhookPost(*post.event, key, *config_.keys.Secret(key), now);
  if (!made) {
    log_.Warn("webhook cannot be written",
              {{"event", post.event->event()}, {"reason", made.error().message}});
    queue_.Discard(post.id);
    return;
  }
  client_->Post(targets_[post.url].url, made->headers, std::move(made->body),
                [this, post](const front::HttpClient::Outcome& outcome) { OnOutcome(post, outcome); });
}

void WebhookSender::OnOutcome(const WebhookQueue::Post& post, const front::HttpClient::Outcome& outcome) {
  LogStanding(post, outcome);
  queue_.OnAnswer(io::MonotonicNow(), post.id, outcome.status);
  Pump();
}

// A line when a receiver's ways change, and not one for each event.
void WebhookSender::LogStanding(const WebhookQueue::Post& post, const front::HttpClient::Outcome& outcome) {
  Target& target = targets_[post.url];
  const Standing before = target.standing;
  if (WebhookQueue::IsFinal(outcome.status)) {
    target.standing = WebhookQueue::IsSuccess(outcome.status) ? Standing::kTakes : Standing::kRefuses;
  } else {
    target.standing = Standing::kFails;
  }
  const base::Logger log = log_.With({{"url", target.url.ForLog()}, {"event", post.event->event()}});
  if (outcome.status != 0) {
    log.Debug("webhook answered", {{"status", outcome.status}, {"attempt", post.attempt}});
  }
  if (before == target.standing) {
    return;
  }
  switch (target.standing) {
    case Standing::kFails:
      log.Warn("webhooks fail, and are tried again", {{"status", outcome.status}, {"reason", outcome.error}});
      break;
    case Standing::kRefuses:
      log.Warn("webhooks are refused", {{"status", outcome.status}});
      break;
    case Standing::kTakes:
      log.Info("webhooks are taken");
      break;
    case Standing::kUnknown:
      break;
  }
}

void WebhookSender::LogDrops(base::Timestamp now) {
  const WebhookQueue::Counters& counters = queue_.counters();
  if (counters.dropped() == drops_logged_ || now < log_drops_at_) {
    return;
  }
  drops_logged_ = counters.dropped();
  log_drops_at_ = now + kBetweenDropLogs;
  log_.Warn("webhooks were dropped; the figures are sums", {{"queue_full", counters.dropped_depth},
                                                            {"all_queues_full", counters.dropped_full},
                                                            {"too_old", counters.dropped_age},
                                                            {"retries_used_up", counters.dropped_failed},
                                                            {"cannot_be_written", counters.dropped_invalid}});
}

}  // namespace weir::server
