// What the agent does with strangers, forgeries and floods.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ice/agent.h"
#include "ice/test_network.h"

namespace weir::ice {
namespace {

using net::Protocol;

const net::SocketAddress kServer = Address("198.51.100.1:7882");
const net::SocketAddress kClient = Address("192.0.2.5:40000");
constexpr Timestamp kStart = Timestamp::Seconds(1);
const Credentials kRemote = {"them", "0123456789012345678901"};

struct Lone {
  explicit Lone(const Agent::Config& config = {}) : random(7), agent(config, random) {
    agent.AddLocalCandidate(MakeHostCandidate(Protocol::kUdp, kServer, 1));
  }
  Buffer Request(std::string_view password, bool controlling_claim = true) {
    stun::MessageBuilder builder(stun::Class::kRequest, stun::Method::kBinding,
                                 stun::MakeTransactionId(random));
    builder.AddText(stun::Attribute::kUsername, agent.local_credentials().ufrag + ":" + kRemote.ufrag)
        .AddU32(stun::Attribute::kPriority, 1000)
        .AddU64(controlling_claim ? stun::Attribute::kIceControlling : stun::Attribute::kIceControlled, 5);
    return builder.Finish(base::AsBytes(password));
  }
  Buffer GoodRequest() { return Request(agent.local_credentials().pwd); }
  size_t DrainTransmits() {
    size_t count = 0;
    while (agent.PollTransmit()) {
      ++count;
    }
    return count;
  }

  base::SeededRandom random;
  Agent agent;
};

net::FiveTuple From(net::SocketAddress remote) { return {Protocol::kUdp, kServer, remote}; }
net::SocketAddress Source(uint32_t i) { return {net::IpAddress::V4(0x0a000000 + i), 5000}; }

TEST(Hostile, AWrongPasswordIsRefusedCountedAndNotAnswered) {
  Lone lone;
  lone.agent.SetRemoteCredentials(kRemote, kStart);
  lone.agent.OnDatagram(kStart, From(kClient), lone.Request("not the password at all"));
  EXPECT_EQ(lone.DrainTransmits(), 0u);
  EXPECT_EQ(lone.agent.counters().unauthentic, 1u);
  EXPECT_FALSE(lone.agent.IsValidPath(From(kClient)));
}

TEST(Hostile, AnAnswerWithAWrongPasswordProvesNothing) {
  Lone lone;
  lone.agent.SetRemoteCredentials(kRemote, kStart);
  lone.agent.AddRemoteCandidate(MakeHostCandidate(Protocol::kUdp, kClient, 1), kStart);
  const auto check = lone.agent.PollTransmit();
  ASSERT_TRUE(check);
  const auto id = stun::ParseMessage(check->bytes)->transaction_id();
  const auto answer = [&](std::string_view password) {
    return stun::MessageBuilder(stun::Class::kSuccess, stun::Method::kBinding, id)
        .AddXorAddress(stun::Attribute::kXorMappedAddress, kServer)
        .Finish(base::AsBytes(password));
  };
  lone.agent.OnDatagram(kStart, From(kClient), answer("wrong"));
  EXPECT_FALSE(lone.agent.IsValidPath(From(kClient)));
  EXPECT_EQ(lone.agent.counters().unauthentic, 1u);
  lone.agent.OnDatagram(kStart, From(Source(9)), answer(kRemote.pwd));  // Not from where it was sent to.
  EXPECT_FALSE(lone.agent.IsValidPath(From(Source(9))));
  EXPECT_EQ(lone.agent.counters().unmatched, 1u);
  lone.agent.OnDatagram(kStart, From(kClient), answer(kRemote.pwd));
  EXPECT_TRUE(lone.agent.IsValidPath(From(kClient)));
  lone.agent.OnDatagram(kStart, From(kClient), answer(kRemote.pwd));  // A second time.
  EXPECT_EQ(lone.agent.counters().unmatched, 2u);
}

TEST(Hostile, UnknownSourcesBeyondTheLimitPushOutUnprovenOnesOnly) {
  Lone lone({.max_paths = 8});
  lone.agent.SetRemoteCredentials(kRemote, kStart);
  lone.agent.OnDatagram(kStart, From(kClient), lone.GoodRequest());
  // The client's own path is proved.
  lone.agent.PollTransmit();
  const auto check = lone.agent.PollTransmit();
  lone.agent.OnDatagram(kStart, From(kClient),
                        stun::MessageBuilder(stun::Class::kSuccess, stun::Method::kBinding,
                                             stun::ParseMessage(check->bytes)->transaction_id())
                            .AddXorAddress(stun::Attribute::kXorMappedAddress, kServer)
                            .Finish(base::AsBytes(kRemote.pwd)));
  ASSERT_EQ(lone.agent.selected_path(), From(kClient));
  lone.DrainTransmits();

  size_t sent = 0;
  for (uint32_t i = 0; i < 10'000; ++i) {
    lone.agent.OnDatagram(kStart + TimeDelta::Micros(i), From(Source(i)), lone.GoodRequest());
    sent += lone.DrainTransmits();
  }
  EXPECT_EQ(lone.agent.counters().paths_evicted, 10'000u - 7);
  EXPECT_EQ(lone.agent.selected_path(), From(kClient));
  EXPECT_TRUE(lone.agent.IsValidPath(From(kClient)));
  EXPECT_LE(sent, 20'100u);  // An answer and a check for each, no more.
}

TEST(Hostile, AFloodThatNobodyDrainsIsBounded) {
  Lone lone({.max_transmits = 16});
  lone.agent.SetRemoteCredentials(kRemote, kStart);
  for (uint32_t i = 0; i < 1000; ++i) {
    lone.agent.OnDatagram(kStart, From(Source(i)), lone.GoodRequest());
  }
  EXPECT_EQ(lone.DrainTransmits(), 16u);
  EXPECT_EQ(lone.agent.counters().transmits_dropped, 2000u - 16);
}

TEST(Hostile, EventsThatNobodyReadsAreBounded) {
  Lone lone({.max_events = 4});
  for (int i = 0; i < 10; ++i) {
    lone.agent.SetRemoteCredentials(MakeCredentials(lone.random), kStart + TimeDelta::Seconds(20 * i));
    lone.agent.OnTimeout(kStart + TimeDelta::Seconds(20 * i + 16));
  }
  size_t events = 0;
  while (lone.agent.PollEvent()) {
    ++events;
  }
  EXPECT_EQ(events, 4u);
  EXPECT_EQ(lone.agent.counters().events_dropped, 16u);
}

TEST(Hostile, UnknownSourcesCanBeRefusedAltogether) {
  Lone lone({.accept_unknown_sources = false});
  lone.agent.SetRemoteCredentials(kRemote, kStart);
  lone.agent.OnDatagram(kStart, From(kClient), lone.GoodRequest());
  EXPECT_EQ(lone.DrainTransmits(), 0u);
  EXPECT_EQ(lone.agent.counters().refused_sources, 1u);
  lone.agent.AddRemoteCandidate(MakeHostCandidate(Protocol::kUdp, kClient, 1), kStart);
  lone.DrainTransmits();
  lone.agent.OnDatagram(kStart + TimeDelta::Millis(1), From(kClient), lone.GoodRequest());
  EXPECT_EQ(lone.DrainTransmits(), 1u);
}

TEST(Hostile, RemoteCandidatesBeyondTheLimitAreRefusedAndPairsAreFew) {
  Lone lone({.max_remote_candidates = 64, .max_paths = 32});
  lone.agent.SetRemoteCredentials(kRemote, kStart);
  for (uint32_t i = 0; i < 100; ++i) {
    lone.agent.AddRemoteCandidate(MakeHostCandidate(Protocol::kUdp, Source(i), 1), kStart);
  }
  EXPECT_EQ(lone.agent.counters().candidates_refused, 36u);
  size_t sent = lone.DrainTransmits();
  EXPECT_EQ(sent, 1u);  // Paced.
  for (Timestamp now = kStart; now < kStart + TimeDelta::Seconds(14); now = lone.agent.NextTimeout()) {
    lone.agent.OnTimeout(now);
    sent += lone.DrainTransmits();
  }
  EXPECT_EQ(sent, 32u * 7);
}

TEST(Hostile, LocalCandidatesAreBoundedAndDuplicatesIgnored) {
  Lone lone({.max_local_candidates = 4});
  for (uint32_t i = 0; i < 10; ++i) {
    lone.agent.AddLocalCandidate(MakeHostCandidate(Protocol::kUdp, Source(i / 2), 1));
  }
  EXPECT_EQ(lone.agent.local_candidates().size(), 4u);
}

TEST(Hostile, WhatMustBeUnderstoodAndIsNotGetsAnError) {
  Lone lone;
  stun::MessageBuilder builder(stun::Class::kRequest, stun::Method::kBinding, {});
  builder.AddText(stun::Attribute::kUsername, lone.agent.local_credentials().ufrag + ":them")
      .AddFlag(stun::Attribute(0x7abc));
  lone.agent.OnDatagram(kStart, From(kClient),
                        builder.Finish(base::AsBytes(lone.agent.local_credentials().pwd)));
  const auto answer = lone.agent.PollTransmit();
  ASSERT_TRUE(answer);
  EXPECT_EQ(stun::ParseMessage(answer->bytes)->FindError()->code, stun::kUnknownAttribute);
}

TEST(Hostile, NoiseIsCounted) {
  Lone lone;
  lone.agent.OnDatagram(kStart, From(kClient), Buffer(30, 0xff));
  lone.agent.OnDatagram(kStart, From(kClient), {});
  Buffer flipped = lone.GoodRequest();
  flipped.back() ^= 1;  // The fingerprint.
  lone.agent.OnDatagram(kStart, From(kClient), flipped);
  lone.agent.OnDatagram(kStart, From(kClient),
                        stun::MessageBuilder(stun::Class::kRequest, stun::Method::kBinding, {}).Finish());
  EXPECT_EQ(lone.agent.counters().malformed, 4u);
  EXPECT_EQ(lone.DrainTransmits(), 0u);
}

}  // namespace
}  // namespace weir::ice
