// A worker of rooms in virtual time: everything an Environment needs, a server that stands in a simulated
// network, and signalling that takes a while.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rtc/environment.h"
#include "rtc/room_manager.h"
#include "rtc/test_media.h"
#include "rtp/packet.h"
#include "sim/network.h"

namespace weir::rtc::test {

inline const net::SocketAddress kServerAddress{net::IpAddress::V4(192, 0, 2, 1), 7882};

// One for the process: generating a key is the slowest step of a test, and nothing depends on which it is.
inline const dtls::Certificate& TestCertificate() {
  static const dtls::Certificate certificate = *dtls::Certificate::Generate(sim::Clock::kWallStart);
  return certificate;
}

inline Settings TestSettings() {
  Settings settings;
  settings.node_id = "ND_test";
  settings.server_version = "0.0.0";
  settings.signing_key = "key";
  using codec::Codec;
  settings.enabled_codecs = {Codec::kPcmu, Codec::kPcma, Codec::kOpus, Codec::kRed, Codec::kVp8,
                             Codec::kH264, Codec::kVp9,  Codec::kAv1,  Codec::kH265};
  return settings;
}

// Collects packets for a network, and allocates nothing once it has been as full as it gets. `on_packet` sees
// every packet as it leaves.
class NetworkOutput final : public net::PacketOutput {
 public:
  base::MutableBytes Reserve(const net::FiveTuple&, size_t max) override {
    if (used_ == waiting_.size()) {
      waiting_.emplace_back();
    }
    return base::MutableBytes(waiting_[used_].bytes).first(std::min(max, kSpace));
  }
  void Commit(const net::FiveTuple& path, size_t size) override {
    Waiting& packet = waiting_[used_++];
    packet.path = path;
    packet.size = size;
    if (on_packet) {
      on_packet(path, ConstBytes(packet.bytes).first(size));
    }
  }
  // `as` stands for `from` on the way: a NAT.
  void Flush(sim::Network& network, const net::SocketAddress& from = {}, const net::SocketAddress& as = {}) {
    const size_t count = std::exchange(used_, 0);
    for (size_t i = 0; i < count; ++i) {
      Waiting& packet = waiting_[i];
      packet.path.local = packet.path.local == from ? as : packet.path.local;
      network.Send(packet.path, ConstBytes(packet.bytes).first(packet.size));
    }
  }

  std::function<void(const net::FiveTuple&, ConstBytes)> on_packet;

 private:
  static constexpr size_t kSpace = 1600;
  struct Waiting {
    net::FiveTuple path;
    size_t size = 0;
    std::array<uint8_t, kSpace> bytes;
  };
  std::deque<Waiting> waiting_;
  size_t used_ = 0;
};

// Told of each turn of the server that a datagram begins, for those who measure it.
class TurnProbe {
 public:
  virtual ~TurnProbe() = default;
  virtual void OnTurnBegins(Now now, ConstBytes datagram) = 0;
  virtual void OnTurnEnds() = 0;
};

class TestWorld final : public RoomObserver {
 public:
  explicit TestWorld(uint64_t seed, const Settings& settings_in = TestSettings())
      : settings(settings_in),
        network(seed),
        random(seed ^ 0x5eed),
        environment{random,   base::Logger(), TestCertificate(),
                    settings, keys,           host_candidates,
                    pool,     timers,         flush,
                    router,   output,         *this,
                    &census},
        rooms(environment),
        server_(*this),
        mailbox_(*this) {
    keys.keys["key"] = "a secret of at least thirty-two bytes";
    host_candidates.push_back(ice::MakeHostCandidate(net::Protocol::kUdp, kServerAddress, 65535));
    network.AddHost(server_, {kServerAddress});
    network.AddHost(mailbox_, {});
    network.AddInvariant(
        [this] { return violations.empty() ? std::nullopt : std::optional(violations.front()); });
    output.on_packet = [this](const net::FiveTuple& path, ConstBytes bytes) { CheckNonce(path, bytes); };
  }

  ~TestWorld() override {
    rooms.Shutdown(now());
    rooms.EndTurn(now());
  }

  Now now() const { return network.both(); }
  bool RunFor(TimeDelta span) { return network.RunFor(span); }
  bool RunUntil(TimeDelta span, const std::function<bool()>& done) {
    return network.RunUntilDone(span, done);
  }
  std::string violation() const { return network.violation().value_or(""); }

  // Something that reaches the other end of a signalling connection `signal_delay` from now, in order.
  void Post(std::function<void(Now)> call) {
    mailbox_.calls.emplace(std::pair(network.now() + signal_delay, next_post_++), std::move(call));
  }

  // The events of a run, as plain text: keys differ between runs, so the network's own log does.
  void Log(uint64_t value) { log_hash_ = (log_hash_ ^ value) * 1099511628211u; }
  uint64_t log_hash() const { return log_hash_; }

  void OnUfragAdded(const std::string& ufrag) override { ufrags.insert(ufrag); }
  void OnUfragRemoved(const std::string& ufrag) override { ufrags.erase(ufrag); }
  void OnRoomEvent(RoomEvent event) override { events.push_back(std::move(event)); }

  std::vector<std::string> violations;
  std::vector<RoomEvent> events;  // All that the rooms reported.
  std::set<std::string> ufrags;   // Known to the router, as the shell is told.
  Settings settings;
  auth::KeyProvider keys;
  std::vector<ice::Candidate> host_candidates;
  sim::Network network;
  base::SeededRandom random;
  base::PacketPool pool;
  TimerQueue timers;
  FlushList flush;
  PacketRouter router;
  NetworkOutput output;
  Census census;
  Environment environment;
  RoomManager rooms;

  TurnProbe* probe = nullptr;
  TimeDelta signal_delay = TimeDelta::Millis(20);
  MediaLedger ledger;
  struct Publication {
    std::string publisher;
    std::string cid;
    bool audio = true;
  };
  std::map<std::string, Publication> publications;  // By track sid.
  std::vector<sim::Host*> clients;

 private:
  class Server final : public sim::Host {
   public:
    explicit Server(TestWorld& world) : world_(world) {}
    void OnDatagram(Now now, const sim::Datagram& datagram) override {
      base::PacketRef packet = world_.pool.Copy(datagram.bytes, now.mono);
      if (world_.probe != nullptr) {
        world_.probe->OnTurnBegins(now, datagram.bytes);
      }
      world_.router.OnDatagram(now, datagram.path, std::move(packet));
    }
    Timestamp NextTimeout() const override { return world_.timers.NextTimeout(); }
    void OnTimeout(Now now) override { world_.timers.Run(now); }
    void Flush(Now now, sim::Network& net) override {
      world_.rooms.EndTurn(now);
      if (world_.probe != nullptr) {
        world_.probe->OnTurnEnds();
      }
      world_.output.Flush(net);
    }

   private:
    TestWorld& world_;
  };

  // Signalling in flight.
  class Mailbox final : public sim::Host {
   public:
    explicit Mailbox(TestWorld& world) : world_(world) {}
    void OnDatagram(Now, const sim::Datagram&) override {}
    Timestamp NextTimeout() const override {
      return calls.empty() ? Timestamp::Infinity() : calls.begin()->first.first;
    }
    void OnTimeout(Now now) override {
      while (NextTimeout() <= now.mono) {
        const auto call = std::move(calls.begin()->second);
        calls.erase(calls.begin());
        call(now);
      }
    }
    void Flush(Now now, sim::Network& net) override {
      world_.server_.Flush(now, net);
      for (sim::Host* client : world_.clients) {
        client->Flush(now, net);
      }
    }

    std::map<std::pair<Timestamp, uint64_t>, std::function<void(Now)>> calls;

   private:
    TestWorld& world_;
  };

  // SRTP must never seal two contents under one SSRC and sequence number (RFC 3711 section 9.1). Runs are too
  // short for a number to come round.
  void CheckNonce(const net::FiveTuple& path, ConstBytes bytes) {
    if (!rtp::LooksLikeRtpOrRtcp(bytes) || rtp::LooksLikeRtcp(bytes)) {
      return;
    }
    const uint64_t key = uint64_t{base::LoadU32(bytes.data() + 8)} << 16 | base::LoadU16(bytes.data() + 2);
    const uint64_t content = HashBytes(bytes);
    const auto [known, added] = sealed_.emplace(key, content);
    if (!added && known->second != content) {
      violations.push_back("two packets sealed under one number, to " + path.remote.ToString());
    }
  }

  std::unordered_map<uint64_t, uint64_t> sealed_;
  uint64_t next_post_ = 0;
  uint64_t log_hash_ = 14695981039346656037u;
  Server server_;
  Mailbox mailbox_;
};

}  // namespace weir::rtc::test
