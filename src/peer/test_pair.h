// Two connections that call each other through a simulated network, and what each of them heard.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "peer/connection.h"
#include "sim/network.h"

namespace weir::peer::test {

inline const dtls::Certificate& TestCertificate() {
  static const dtls::Certificate certificate = *dtls::Certificate::Generate(sim::Clock::kWallStart);
  return certificate;
}

class TestEnd final : public sim::Host, public Observer, public net::PacketOutput {
 public:
  TestEnd(sim::Network& network, const net::SocketAddress& own, const Connection::Config& config)
      : address(own), network_(network), connection(config, TestCertificate(), network.random(), *this) {
    network_.AddHost(*this, {address});
    connection.ice().AddLocalCandidate(ice::MakeHostCandidate(net::Protocol::kUdp, address, 65535));
  }

  // What the other side's description says.
  void SetRemote(TestEnd& other) {
    const base::Now now = network_.both();
    connection.SetRemoteFingerprint("sha-256", TestCertificate().fingerprint());
    connection.ice().SetRemoteCredentials(other.connection.ice().local_credentials(), now.mono);
    connection.ice().AddRemoteCandidate(other.connection.ice().local_candidates().front(), now.mono);
  }
  void Receive(base::ConstBytes bytes, const net::SocketAddress& from) {
    const base::Now now = network_.both();
    connection.OnDatagram(now, {net::Protocol::kUdp, address, from}, pool.Copy(bytes, now.mono));
  }

  // sim::Host
  void OnDatagram(base::Now now, const sim::Datagram& datagram) override {
    connection.OnDatagram(now, datagram.path, pool.Copy(datagram.bytes, now.mono));
  }
  base::Timestamp NextTimeout() const override { return connection.NextTimeout(); }
  void OnTimeout(base::Now now) override { connection.OnTimeout(now); }
  void Flush(base::Now now, sim::Network& network) override {
    connection.Drain(now, *this);
    for (const auto& [path, bytes] : std::exchange(waiting_, {})) {
      network.Send(path, bytes);
    }
  }

  // net::PacketOutput
  base::MutableBytes Reserve(const net::FiveTuple&, size_t max) override {
    return full ? base::MutableBytes() : base::MutableBytes(space_).first(std::min(max, sizeof space_));
  }
  void Commit(const net::FiveTuple& path, size_t size) override {
    sent_sizes.push_back(size);
    waiting_.emplace_back(path, base::Buffer(space_, space_ + size));
  }

  // Observer
  void OnRtp(base::Now, base::PacketRef packet) override {
    const base::ConstBytes bytes = std::as_const(*packet).bytes();
    rtp.emplace_back(bytes.begin(), bytes.end());
  }
  void OnRtcp(base::Now, base::ConstBytes compound) override {
    rtcp.emplace_back(compound.begin(), compound.end());
  }
  void OnIceState(base::Now, ice::State state) override { ice_states.push_back(state); }
  void OnConnected(base::Now) override { ++connected; }
  void OnChannelOpened(base::Now, uint16_t channel, std::string_view label) override {
    channels.emplace_back(channel, label);
  }
  void OnChannelMessage(base::Now, uint16_t channel, bool, base::ConstBytes message) override {
    messages.emplace_back(channel, base::AsText(message));
  }
  void OnChannelClosed(base::Now, uint16_t channel) override { closed_channels.push_back(channel); }
  void OnFailed(base::Now, const std::string& reason) override { failures.push_back(reason); }

  const net::SocketAddress address;
  bool full = false;  // The output takes nothing.
  std::vector<size_t> sent_sizes;
  std::vector<base::Buffer> rtp;
  std::vector<base::Buffer> rtcp;
  std::vector<ice::State> ice_states;
  int connected = 0;
  std::vector<std::pair<uint16_t, std::string>> channels;
  std::vector<std::pair<uint16_t, std::string>> messages;
  std::vector<uint16_t> closed_channels;
  std::vector<std::string> failures;
  base::PacketPool pool;

 private:
  sim::Network& network_;
  uint8_t space_[1600];
  std::vector<std::pair<net::FiveTuple, base::Buffer>> waiting_;

 public:
  Connection connection;
};

inline sim::Link::Config SmoothLink() {
  sim::Link::Config link;
  link.delay = base::TimeDelta::Millis(10);
  return link;
}

// `client` is the controlling side and the DTLS client, as a browser that offered.
class TestPair {
 public:
  explicit TestPair(uint64_t seed = 1, const sim::Link::Config& link = SmoothLink(),
                    Connection::Config config = {})
      : network(seed),
        server(network, {net::IpAddress::V4(192, 0, 2, 1), 7882}, WithRole(config, ice::Role::kControlled)),
        client(network, {net::IpAddress::V4(10, 0, 0, 1), 4000}, WithRole(config, ice::Role::kControlling)) {
    network.set_default_link(link);
  }
  // Both descriptions arrive.
  void Describe() {
    server.SetRemote(client);
    server.connection.SetDtlsRole(now(), dtls::Role::kServer);
    client.SetRemote(server);
    client.connection.SetDtlsRole(now(), dtls::Role::kClient);
  }
  bool Connect(base::TimeDelta span = base::TimeDelta::Seconds(20)) {
    Describe();
    return network.RunUntilDone(
        span, [&] { return server.connection.connected() && client.connection.connected(); });
  }
  base::Now now() const { return network.both(); }
  void RunMillis(int64_t millis) { network.RunFor(base::TimeDelta::Millis(millis)); }

  sim::Network network;
  TestEnd server;
  TestEnd client;

 private:
  static Connection::Config WithRole(Connection::Config config, ice::Role role) {
    config.ice.role = role;
    return config;
  }
};

}  // namespace weir::peer::test
