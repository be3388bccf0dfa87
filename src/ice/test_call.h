// For tests of this module: a server and a client, as LiveKit's, on a network.
#pragma once

#include <gtest/gtest.h>

#include "ice/agent.h"
#include "ice/test_network.h"

namespace weir::ice {

inline const net::SocketAddress kServerUdp = Address("198.51.100.1:7882");
inline const net::SocketAddress kServerTcp = Address("198.51.100.1:7881");
inline const net::SocketAddress kClientUdp = Address("192.0.2.5:40000");
inline const net::SocketAddress kClientTcp = Address("192.0.2.5:9");

// A server and a client, as LiveKit's: the server offers its port, the client whatever it has.
struct Call {
  explicit Call(Role server_role = Role::kControlled) : Call(Agent::Config{.role = server_role}) {}
  explicit Call(const Agent::Config& server_config)
      : Call(server_config,
             Agent::Config{.role = server_config.role == Role::kControlled ? Role::kControlling
                                                                           : Role::kControlled}) {}
  Call(const Agent::Config& server_config, const Agent::Config& client_config)
      : server(server_config, 1), client(client_config, 2) {
    network.Attach(server, net::Protocol::kUdp, kServerUdp);
    network.Attach(client, net::Protocol::kUdp, kClientUdp);
    server.agent.AddLocalCandidate(MakeHostCandidate(net::Protocol::kUdp, kServerUdp, 100));
    client.agent.AddLocalCandidate(MakeHostCandidate(net::Protocol::kUdp, kClientUdp, 100));
  }

  void AddTcp() {
    network.Attach(server, net::Protocol::kTcp, kServerTcp);
    network.Attach(client, net::Protocol::kTcp, kClientTcp);
    network.Move(net::Protocol::kTcp, kClientTcp,
                 Address("192.0.2.5:50123"));  // The port that the kernel chose.
    server.agent.AddLocalCandidate(MakeHostCandidate(net::Protocol::kTcp, kServerTcp, 100));
    Candidate active = MakeHostCandidate(net::Protocol::kTcp, kClientTcp, 100);
    active.tcp_type = TcpType::kActive;
    client.agent.AddLocalCandidate(active);
  }

  void TellServer() {
    server.agent.SetRemoteCredentials(client.agent.local_credentials(), network.now);
    for (const Candidate& candidate : client.agent.local_candidates()) {
      server.agent.AddRemoteCandidate(candidate, network.now);
    }
  }
  void TellClient() {
    client.agent.SetRemoteCredentials(server.agent.local_credentials(), network.now);
    for (const Candidate& candidate : server.agent.local_candidates()) {
      client.agent.AddRemoteCandidate(candidate, network.now);
    }
  }
  // Both learn of each other as by signalling, the client half a round trip later.
  void Signal() {
    TellServer();
    network.Run(network.delay);
    TellClient();
  }
  bool connected() const {
    return server.agent.state() == State::kConnected && client.agent.state() == State::kConnected;
  }
  bool RunUntilConnected(TimeDelta limit = TimeDelta::Seconds(5)) {
    return network.RunUntil(network.now + limit, [this] { return connected(); });
  }
  void Connect() {
    Signal();
    ASSERT_TRUE(RunUntilConnected());
    network.Run(TimeDelta::Millis(200));
  }

  TestNetwork network;
  Side server;
  Side client;
};

inline net::FiveTuple UdpFromServer(net::SocketAddress client = kClientUdp) {
  return {net::Protocol::kUdp, kServerUdp, client};
}

}  // namespace weir::ice
