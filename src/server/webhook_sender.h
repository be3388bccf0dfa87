// Posts webhooks: from the rooms' events through service's queue to the configured URLs.
//
// Lives on the front thread. At a stop, what is queued still goes out within the front's grace; the rest is
// counted in the log.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "front/server.h"
#include "io/system_random.h"
#include "rtc/room_event.h"
#include "service/webhook_queue.h"

namespace weir::server {

class WebhookSender final : public front::Server::Background {
 public:
  // Before the front runs; `config` and `front` outlive it or end with it. The error names a URL that is
  // none.
  static base::Result<std::unique_ptr<WebhookSender>> Create(const config::Config& config,
                                                             front::Server& front, base::Logger log);
  ~WebhookSender() override;

  void OnRoomEvent(const rtc::RoomEvent& event);
  const service::WebhookQueue& queue() const { return queue_; }

  void OnTick(base::Timestamp now) override;
  bool busy() const override { return queue_.queued() > 0; }

 private:
  enum class Standing { kUnknown, kTakes, kRefuses, kFails };
  struct Target {
    front::Url url;
    Standing standing = Standing::kUnknown;  // As logged last.
  };

  WebhookSender(const config::Config& config, std::vector<Target> targets,
                std::unique_ptr<front::HttpClient> client, base::Logger log);
  void Pump();
  void Send(const service::WebhookQueue::Post& post, base::WallTime now);
  void OnOutcome(const service::WebhookQueue::Post& post, const front::HttpClient::Outcome& outcome);
  void LogStanding(const service::WebhookQueue::Post& post, const front::HttpClient::Outcome& outcome);
  void LogDrops(base::Timestamp now);

  const config::Config& config_;
  const base::Logger log_;
  std::vector<Target> targets_;
  const std::unique_ptr<front::HttpClient> client_;
  io::SystemRandom random_;
  service::WebhookQueue queue_;
  uint64_t drops_logged_ = 0;
  base::Timestamp log_drops_at_ = base::Timestamp::Never();
};

// The webhook that an event becomes; none for those that only insiders care for. `id` starts with EV_.
std::optional<livekit::WebhookEvent> ToWebhook(const rtc::RoomEvent& event, std::string id, bool full_room);

}  // namespace weir::server
