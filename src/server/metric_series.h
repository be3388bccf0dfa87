// Which series this server has: LiveKit's names where there is something true to say under them, weir's own
// for every counter.
#pragma once

#include "front/server.h"
#include "net/rate_limiter.h"
#include "server/front_stats.h"
#include "server/worker_snapshot.h"
#include "service/agent_dispatcher.h"
#include "service/agent_pool.h"
#include "service/webhook_queue.h"
#include "telemetry/exposition.h"

namespace weir::server {

// Adds a worker's part; call it for each of them.
void WriteWorker(const WorkerSnapshot& snapshot, telemetry::Exposition& out);
void WriteSignalling(const SignalStats& signal, const SessionStats& sessions, telemetry::Exposition& out);
void WriteHttp(const front::Server::Counters& counters, const net::RateLimiter::Counters& failures,
               telemetry::Exposition& out);
// Memory, CPU time and descriptors of this process, under the names that Prometheus' clients have for them.
void WriteProcess(base::WallTime started, telemetry::Exposition& out);

void WriteWebhooks(const service::WebhookQueue& queue, telemetry::Exposition& out);
void WriteAgents(const service::AgentPool& pool, const service::AgentDispatcher& dispatcher,
                 telemetry::Exposition& out);

}  // namespace weir::server
