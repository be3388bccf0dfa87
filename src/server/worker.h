// One media thread: its event loop, its sockets, its rooms.
//
// A turn of the loop: handle what arrived (datagrams, messages from other threads, timers), then flush what
// peers want to send, then hand the batch to the kernel. Everything below is touched by this thread only;
// other threads Post tasks to it. A task must be short: no file, no lock, no waiting.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "auth/revocations.h"
#include "base/log.h"
#include "base/packet_pool.h"
#include "base/result.h"
#include "dtls/certificate.h"
#include "io/event_loop.h"
#include "io/mailbox.h"
#include "io/system_random.h"
#include "io/tcp_connections.h"
#include "io/tcp_listener.h"
#include "io/udp_socket.h"
#include "rtc/census.h"
#include "rtc/environment.h"
#include "rtc/room_manager.h"
#include "server/datagram_output.h"
#include "server/worker_snapshot.h"

namespace weir::server {

class EventHub;
class UfragDirectory;

class Worker final : public rtc::RoomObserver {
 public:
  struct Config {
    int index = 0;
    std::vector<net::SocketAddress> udp;  // At most one of each family; all of one port.
    size_t socket_buffer = 4 << 20;
    size_t max_tcp_connections = 4096;
    size_t mailbox_capacity = 65'536;  // Tasks that wait; one more is refused and counted.
    std::vector<ice::Candidate> candidates;
    rtc::PacketRouter::Config router;
    auth::Revocations::Config revocations;
  };
  using Task = std::move_only_function<void(base::Now now, rtc::RoomManager& rooms)>;

  // Binds the sockets; Start runs the thread. `directory`, `events`, `settings`, `keys` and `certificate`
  // outlive the worker.
  static base::Result<std::unique_ptr<Worker>> Create(const Config& config, const rtc::Settings& settings,
                                                      const auth::KeyProvider& keys,
                                                      const dtls::Certificate& certificate,
                                                      UfragDirectory& directory, EventHub& events,
                                                      base::Logger log);
  ~Worker() override;

  // Before Start: accepts ICE/TCP connections on this worker's loop; `on_first_frame` says whose they are.
  base::Result<void> ListenTcp(const net::SocketAddress& address,
                               io::TcpListener::OnFirstFrame on_first_frame);
  void Start();
  // Any thread. False: the mailbox is full and the task is gone.
  bool Post(Task task);
  // Any thread: an ICE/TCP connection whose first frame is for this worker. False: it is closed.
  bool Post(io::AcceptedConnection connection);
  // Any thread: calls back on the worker's, within a few turns. One at a time: a second call before that ends
  // the first. False as above; then, and when the worker ends meanwhile, `done` is not called.
  bool TakeSnapshot(std::function<void(WorkerSnapshot)> done);
  // Tells everybody that the server goes, sends that, and ends the thread. Any thread; returns when it has
  // ended.
  void Shutdown();

  int index() const { return config_.index; }
  io::EventLoop& loop() { return loop_; }
  // This thread's rooms' removals; in tasks only.
  auth::Revocations& revocations() { return revocations_; }

  // rtc::RoomObserver
  void OnUfragAdded(const std::string& ufrag) override;
  void OnUfragRemoved(const std::string& ufrag) override;
  void OnRoomEvent(rtc::RoomEvent event) override;

 private:
  Worker(const Config& config, const rtc::Settings& settings, const auth::KeyProvider& keys,
         const dtls::Certificate& certificate, UfragDirectory& directory, EventHub& events, base::Logger log);
  base::Result<void> Bind();
  void Run();
  void Turn(base::Timestamp deadline);
  void Receive(io::UdpSocket& socket);
  void RunTasks(base::Now now);
  base::Timestamp NextTimeout() const;
  void CountRooms(uint64_t reading, const std::function<void(WorkerSnapshot)>& done);
  WorkerSnapshot MakeSnapshot() const;

  const Config config_;
  UfragDirectory& directory_;
  EventHub& events_;
  base::Logger log_;
  io::EventLoop loop_;
  io::SystemRandom random_;
  base::PacketPool pool_;
  rtc::TimerQueue timers_;
  rtc::FlushList flush_;
  rtc::PacketRouter router_;
  DatagramOutput output_;
  io::Mailbox<Task> mailbox_;
  rtc::Census census_;
  rtc::Environment environment_;
  std::vector<std::unique_ptr<io::UdpSocket>> sockets_;
  std::unique_ptr<io::TcpConnections> tcp_;
  std::vector<std::unique_ptr<io::TcpListener>> tcp_listeners_;
  std::unique_ptr<rtc::RoomManager> rooms_;  // Goes before what it stands on.
  auth::Revocations revocations_;
  telemetry::Histogram timer_lateness_{kLatenessBounds};
  uint64_t reading_ = 0;  // Of the census.
  std::vector<Task> tasks_;
  std::vector<io::Datagram> batch_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace weir::server
