#include "server/metric_series.h"

#include <algorithm>
#include <string>

#include "proto/livekit_models.pb.h"

namespace weir::server {
namespace {

using telemetry::Exposition;

double Number(uint64_t value) { return static_cast<double>(value); }

// weir_<part>_<field>_total for each field.
template <class Counters>
void WriteCounters(Exposition& out, std::string_view part, std::string_view help, const Counters& counters) {
  base::VisitCounters(counters, [&](std::string_view field, uint64_t value) {
    std::string words(field);
    std::ranges::replace(words, '_', ' ');
    out.Counter("weir_" + std::string(part) + "_" + std::string(field) + "_total",
                std::string(help) + ": " + words + ".", Number(value));
  });
}

void WriteTracks(Exposition& out, std::string_view name, std::string_view help,
                 const rtc::Population::ByKind& tracks) {
  for (size_t type = 0; type < tracks.size(); ++type) {
    for (size_t source = 0; source < tracks[type].size(); ++source) {
      const bool usual = source == livekit::MICROPHONE ? type == livekit::AUDIO
                                                       : source == livekit::CAMERA && type == livekit::VIDEO;
      if (tracks[type][source] > 0 || usual) {
        out.Gauge(name, help, Number(tracks[type][source]),
                  {{"kind", livekit::TrackType_Name(static_cast<livekit::TrackType>(type))},
                   {"source", livekit::TrackSource_Name(static_cast<livekit::TrackSource>(source))}});
      }
    }
  }
}

void WriteMedia(const rtc::Totals& totals, Exposition& out) {
  const auto packets = [&](const char* direction, const char* transmission, uint64_t value) {
    out.Counter("livekit_packet_total", "RTP packets.", Number(value),
                {{"direction", direction}, {"transmission", transmission}});
  };
  packets("incoming", "initial", totals.stream.packets);
  packets("incoming", "retransmit", totals.stream.rtx_packets);
  packets("outgoing", "initial", totals.down_track.packets);
  packets("outgoing", "retransmit", totals.down_track.retransmitted_packets);
  const auto bytes = [&](const char* direction, const char* transmission, uint64_t value) {
    out.Counter("livekit_packet_bytes", "Bytes of RTP: incoming payload, outgoing headers and payload.",
                Number(value), {{"direction", direction}, {"transmission", transmission}});
  };
  bytes("incoming", "initial", totals.stream.bytes);
  bytes("outgoing", "initial", totals.down_track.bytes + totals.down_track.header_bytes);
  bytes("outgoing", "retransmit", totals.down_track.retransmitted_bytes);
  const auto feedback = [&](const char* name, const char* help, uint64_t incoming, uint64_t outgoing) {
    out.Counter(name, help, Number(incoming), {{"direction", "incoming"}});
    out.Counter(name, help, Number(outgoing), {{"direction", "outgoing"}});
  };
  // The direction is that of the media, as in LiveKit: what is asked about incoming media is sent by us.
  feedback("livekit_nack_total", "Packets asked for again.", totals.nack.requested, totals.down_track.nacked);
  feedback("livekit_pli_total", "Key frames asked for by PLI.", totals.keyframe.sent, totals.down_track.plis);
  feedback("livekit_fir_total", "Key frames asked for by FIR.", 0, totals.down_track.firs);
}

}  // namespace

void WriteWorker(const WorkerSnapshot& snapshot, Exposition& out) {
  WriteMedia(snapshot.totals, out);
  const rtc::Population& there = snapshot.population;
  out.Gauge("livekit_room_total", "Rooms that are open.", Number(there.rooms));
  out.Gauge("livekit_participant_total", "Participants that are in a room.", Number(there.participants));
  WriteTracks(out, "livekit_track_published_total", "Tracks that are published.", there.published);
  WriteTracks(out, "livekit_track_subscribed_total", "Tracks that are sent to a subscriber.",
              there.subscribed);
  const auto node_packets = [&](const char* type, uint64_t value) {
    out.Counter("livekit_node_packet_total", "Datagrams and ICE/TCP frames.", Number(value),
                {{"type", type}});
  };
  node_packets("out", snapshot.udp.sent + snapshot.ice_tcp.frames_sent);
  node_packets("dropped",
               snapshot.udp.dropped_full + snapshot.udp.dropped_errors + snapshot.ice_tcp.frames_dropped);

  rtc::ForEachPart([&](std::string_view part, std::string_view help, auto member) {
    WriteCounters(out, part, help, snapshot.totals.*member);
  });
  WriteCounters(out, "udp", "UDP sockets", snapshot.udp);
  WriteCounters(out, "ice_tcp", "ICE/TCP connections", snapshot.ice_tcp);
  WriteCounters(out, "ice_tcp_listener", "ICE/TCP connections before their first frame",
                snapshot.ice_tcp_listener);
  WriteCounters(out, "router", "datagrams without a connection", snapshot.router);
  WriteCounters(out, "forged_checks", "ICE requests with a wrong password", snapshot.forged_checks);
  WriteCounters(out, "removals", "removed participants whose tokens are refused", snapshot.revocations);
  WriteCounters(out, "worker", "media threads", snapshot.worker);

  out.Gauge("weir_transports", "Peer connections.", Number(there.transports));
  out.Gauge("weir_paths", "Network paths that are known.", Number(snapshot.paths));
  out.Gauge("weir_ice_tcp_connections", "ICE/TCP connections that are open.",
            Number(snapshot.ice_tcp_connections));
  out.Gauge("weir_packet_pool_in_use", "Packet buffers in use.", Number(snapshot.packets_in_use));
  out.Gauge("weir_packet_pool_size", "Packet buffers that exist.", Number(snapshot.packets_total));
  out.Gauge("weir_removals", "Removals of participants that are remembered.", Number(snapshot.removals));

  const telemetry::Labels worker = {{"worker", std::to_string(snapshot.index)}};
  out.Counter("weir_worker_cpu_seconds_total", "CPU time of a media thread.", snapshot.cpu_seconds, worker);
  out.Gauge("weir_worker_rooms", "Rooms of a media thread.", Number(there.rooms), worker);
  out.Gauge("weir_worker_participants", "Participants of a media thread.", Number(there.participants),
            worker);
  out.Add("weir_worker_timer_lateness_seconds", "How late the timers of a media thread ran.",
          snapshot.timer_lateness, worker);
}

void WriteSignalling(const SignalStats& signal, const SessionStats& sessions, Exposition& out) {
  const auto joins = [&](const char* state, uint64_t value) {
    out.Counter("livekit_participant_join_total", "Joins, by how far they came.", Number(value),
                {{"state", state}});
  };
  joins("signal_connected", signal.connected);
  joins("signal_failed", signal.refused + signal.rejected + signal.lost);
  joins("signal_validation_failed", signal.refused);
  joins("signal_upgrade_failed", signal.lost);
  joins("rtc_init", sessions.joined());
  joins("rtc_connected", sessions.joined());
  joins("rtc_active", sessions.active());
  joins("rtc_canceled", sessions.canceled());
  joins("rtc_failure", signal.rejected);
  const auto messages = [&](const char* status, const char* direction, uint64_t value) {
    out.Counter("livekit_node_messages", "Messages of signalling.", Number(value),
                {{"type", "signal"}, {"status", status}, {"direction", direction}});
  };
  messages("success", "request", signal.requests);
  messages("failure", "request", signal.requests_malformed + signal.requests_dropped);
  messages("success", "response", signal.responses);
  WriteCounters(out, "signal", "signal connections", signal);
  sessions.Write(out);
}

void WriteHttp(const front::Server::Counters& counters, const net::RateLimiter::Counters& failures,
               Exposition& out) {
  const auto count = [&](const char* name, const char* help, const std::atomic<uint64_t>& value) {
    out.Counter(name, help, Number(value.load(std::memory_order_relaxed)));
  };
  count("weir_http_connections_accepted_total", "TCP connections.", counters.connections_accepted);
  count("weir_http_connections_refused_total", "TCP connections over a limit.", counters.connections_refused);
  count("weir_http_requests_total", "Requests.", counters.requests);
  count("weir_http_bad_requests_total", "Requests that are no HTTP, or too large.", counters.bad_requests);
  count("weir_http_timeouts_total", "Connections that took too long.", counters.timeouts);
  count("weir_web_sockets_opened_total", "WebSockets.", counters.web_sockets_opened);
  count("weir_web_sockets_overflowed_total", "WebSockets closed because their client does not read.",
        counters.web_sockets_overflowed);
  out.Gauge("weir_http_connections", "TCP connections that are open.",
            Number(counters.connections_open.load(std::memory_order_relaxed)));
  WriteCounters(out, "failed_requests", "joins and API calls with bad tokens", failures);
}

void WriteWebhooks(const service::WebhookQueue& queue, Exposition& out) {
  WriteCounters(out, "webhook", "webhooks, of events times URLs", queue.counters());
  const service::WebhookQueue::Counters& counters = queue.counters();
  const auto dispatched = [&](const char* status, const char* reason, uint64_t value) {
    out.Counter("livekit_webhook_dispatch_total", "Webhooks by what became of them.", Number(value),
                {{"status", status}, {"reason", reason}});
  };
  dispatched("success", "", counters.delivered - counters.refused);
  dispatched("failure", "response", counters.refused);
  dispatched("failure", "retries", counters.dropped_failed);
  dispatched("dropped", "depth", counters.dropped_depth + counters.dropped_full);
  dispatched("dropped", "age", counters.dropped_age);
  out.Gauge("livekit_webhook_queue_length", "Webhooks that wait or are on their way.",
            Number(queue.queued()));
}

void WriteAgents(const service::AgentPool& pool, const service::AgentDispatcher& dispatcher,
                 Exposition& out) {
  WriteCounters(out, "agents", "workers of agents and their jobs", pool.counters());
  WriteCounters(out, "agent_dispatch", "dispatches of agents", dispatcher.counters());
  out.Gauge("weir_agent_workers", "Workers of agents that are connected.", Number(pool.workers()));
  out.Gauge("weir_agent_jobs", "Jobs that run.", Number(pool.running_jobs()));
}

}  // namespace weir::server
