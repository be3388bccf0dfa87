#include "server/metric_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::server {
namespace {

using testing::HasSubstr;

WorkerSnapshot Snapshot(int index) {
  WorkerSnapshot snapshot;
  snapshot.index = index;
  snapshot.totals.stream.packets = 10;
  snapshot.totals.stream.rtx_packets = 2;
  snapshot.totals.down_track.packets = 30;
  snapshot.totals.down_track.bytes = 3000;
  snapshot.totals.down_track.header_bytes = 300;
  snapshot.totals.down_track.plis = 4;
  snapshot.totals.nack.requested = 5;
  snapshot.totals.peer.srtp_replayed = 6;
  snapshot.population.rooms = 1;
  snapshot.population.participants = 2;
  snapshot.population.published[livekit::VIDEO][livekit::SCREEN_SHARE] = 1;
  snapshot.udp.sent = 100;
  snapshot.udp.dropped_full = 3;
  snapshot.router.unknown_ufrag = 7;
  snapshot.worker.tasks_dropped = 8;
  snapshot.cpu_seconds = 0.5;
  snapshot.timer_lateness.Observe(0.002);
  return snapshot;
}

TEST(MetricSeries, AddsUpWorkersAndKeepsTheirOwnApart) {
  telemetry::Exposition out;
  WriteWorker(Snapshot(0), out);
  WriteWorker(Snapshot(1), out);
  const std::string text = out.Text();
  for (const char* line : {
           "livekit_room_total 2\n",
           "livekit_participant_total 4\n",
           R"(livekit_packet_total{direction="incoming",transmission="initial"} 20)",
           R"(livekit_packet_total{direction="incoming",transmission="retransmit"} 4)",
           R"(livekit_packet_total{direction="outgoing",transmission="initial"} 60)",
           R"(livekit_packet_bytes{direction="outgoing",transmission="initial"} 6600)",
           R"(livekit_nack_total{direction="incoming"} 10)",
           R"(livekit_pli_total{direction="outgoing"} 8)",
           R"(livekit_fir_total{direction="outgoing"} 0)",
           R"(livekit_track_published_total{kind="VIDEO",source="SCREEN_SHARE"} 2)",
           R"(livekit_track_published_total{kind="AUDIO",source="MICROPHONE"} 0)",
           R"(livekit_node_packet_total{type="out"} 200)",
           R"(livekit_node_packet_total{type="dropped"} 6)",
           "weir_peer_srtp_replayed_total 12\n",
           "weir_router_unknown_ufrag_total 14\n",
           "weir_worker_tasks_dropped_total 16\n",
           R"(weir_worker_cpu_seconds_total{worker="0"} 0.5)",
           R"(weir_worker_cpu_seconds_total{worker="1"} 0.5)",
           R"(weir_worker_timer_lateness_seconds_bucket{worker="1",le="0.0025"} 1)",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(MetricSeries, HasASeriesForEveryCounterOfTheRooms) {
  telemetry::Exposition out;
  WriteWorker(Snapshot(0), out);
  const std::string text = out.Text();
  rtc::ForEachPart([&](std::string_view part, std::string_view, auto member) {
    base::VisitCounters(rtc::Totals().*member, [&](std::string_view field, uint64_t) {
      EXPECT_THAT(text, HasSubstr("\nweir_" + std::string(part) + "_" + std::string(field) + "_total "));
    });
  });
}

TEST(MetricSeries, TellsHowFarJoinsCame) {
  telemetry::Exposition out;
  SignalStats signal;
  signal.connected = 5;
  signal.refused = 2;
  signal.rejected = 1;
  signal.requests_malformed = 1;
  signal.requests_dropped = 1;
  WriteSignalling(signal, SessionStats(), out);
  const std::string text = out.Text();
  for (const char* line : {R"(livekit_participant_join_total{state="signal_connected"} 5)",
                           R"(livekit_participant_join_total{state="signal_failed"} 3)",
                           R"(livekit_participant_join_total{state="signal_validation_failed"} 2)",
                           R"(livekit_node_messages{type="signal",status="failure",direction="request"} 2)",
                           "weir_signal_requests_dropped_total 1\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(MetricSeries, KnowsItsOwnProcess) {
  telemetry::Exposition out;
  WriteProcess(base::WallTime{1'700'000'000'500'000}, out);
  const std::string text = out.Text();
  EXPECT_THAT(text, HasSubstr("process_start_time_seconds 1700000000.5\n"));
  EXPECT_THAT(text, testing::ContainsRegex("process_resident_memory_bytes [1-9][0-9]{5,}"));
  EXPECT_THAT(text, testing::ContainsRegex("process_open_fds [1-9]"));
  EXPECT_THAT(text, testing::ContainsRegex("process_cpu_seconds_total [0-9.]+"));
}

}  // namespace
}  // namespace weir::server
