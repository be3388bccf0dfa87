// How a worker counts itself.

#include "server/worker_snapshot.h"

#include <time.h>

#include <utility>

#include "server/worker.h"

namespace weir::server {
namespace {

// Connections and tracks counted in one turn: a fraction of a millisecond.
constexpr size_t kEntriesPerTurn = 1000;

double ThreadCpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace

bool Worker::TakeSnapshot(std::function<void(WorkerSnapshot)> done) {
  return Post([this, done = std::move(done)](base::Now, rtc::RoomManager&) {
    census_.Begin();
    CountRooms(++reading_, done);
  });
}

void Worker::CountRooms(uint64_t reading, const std::function<void(WorkerSnapshot)>& done) {
  if (reading != reading_) {
    return;
  }
  if (census_.Step(kEntriesPerTurn)) {
    done(MakeSnapshot());
    return;
  }
  Post([this, reading, done](base::Now, rtc::RoomManager&) { CountRooms(reading, done); });
}

WorkerSnapshot Worker::MakeSnapshot() const {
  WorkerSnapshot snapshot;
  snapshot.index = config_.index;
  snapshot.totals = census_.totals();
  snapshot.population = census_.population();
  for (const auto& socket : sockets_) {
    base::AddCounters(snapshot.udp, socket->counters());
  }
  snapshot.ice_tcp = tcp_->counters();
  for (const auto& listener : tcp_listeners_) {
    base::AddCounters(snapshot.ice_tcp_listener, listener->counters());
  }
  snapshot.router = router_.counters();
  snapshot.forged_checks = router_.forged().counters();
  snapshot.revocations = revocations_.counters();
  snapshot.worker = {.packets_unplaced = output_.no_socket(),
                     .pool_exhausted = pool_.exhausted(),
                     .tasks_dropped = mailbox_.dropped()};
  snapshot.packets_in_use = pool_.in_use();
  snapshot.packets_total = pool_.total();
  snapshot.paths = router_.paths();
  snapshot.ice_tcp_connections = tcp_->size();
  snapshot.removals = revocations_.size();
  snapshot.cpu_seconds = ThreadCpuSeconds();
  snapshot.timer_lateness = timer_lateness_;
  return snapshot;
}

}  // namespace weir::server
