#include "io/udp_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <vector>

#include "io/clock.h"
#include "io/event_loop.h"
#include "io/send_batch.h"

namespace weir::io {
namespace {

using base::Buffer;
using base::Timestamp;
using ::testing::ElementsAre;

const net::SocketAddress kLoopback = {net::IpAddress::V4(127, 0, 0, 1), 0};

std::unique_ptr<UdpSocket> Bind(const net::SocketAddress& address = kLoopback) {
  auto socket = UdpSocket::Bind(address);
  EXPECT_TRUE(socket) << (socket ? "" : socket.error().message);
  return *std::move(socket);
}

net::FiveTuple To(const UdpSocket& from, const UdpSocket& to) {
  return {net::Protocol::kUdp, from.address(), to.address()};
}

Buffer Packet(size_t size, uint8_t fill) { return Buffer(size, fill); }

// Receives until `count` datagrams are there, waiting on the socket in between.
std::vector<Datagram> Take(UdpSocket& socket, base::PacketPool& pool, size_t count) {
  EventLoop loop;
  loop.Add(socket.fd(), EPOLLIN, [](uint32_t) {});
  std::vector<Datagram> all;
  const Timestamp end = MonotonicNow() + base::TimeDelta::Seconds(5);
  while (all.size() < count && MonotonicNow() < end) {
    std::array<Datagram, UdpSocket::kMaxReceive> batch;
    const size_t received = socket.Receive(pool, batch, Timestamp::Millis(7));
    std::move(batch.begin(), batch.begin() + static_cast<ptrdiff_t>(received), std::back_inserter(all));
    if (all.size() < count && received == 0) {
      loop.RunOnce(end);
    }
  }
  EXPECT_EQ(all.size(), count);
  return all;
}

TEST(UdpSocket, DatagramsArriveInPoolPacketsWithTheirPath) {
  base::PacketPool pool;
  const auto a = Bind();
  const auto b = Bind();
  SendBatch batch;
  ASSERT_TRUE(batch.Add(To(*a, *b), Packet(100, 1)));
  ASSERT_TRUE(batch.Add(To(*a, *b), Packet(200, 2)));
  batch.Flush(*a);
  EXPECT_TRUE(batch.empty());
  const auto received = Take(*b, pool, 2);
  EXPECT_EQ(received[0].path, (net::FiveTuple{net::Protocol::kUdp, b->address(), a->address()}));
  EXPECT_EQ(received[0].packet->arrival, Timestamp::Millis(7));
  EXPECT_THAT(received[0].packet->bytes(), ::testing::ElementsAreArray(Packet(100, 1)));
  EXPECT_THAT(received[1].packet->bytes(), ::testing::ElementsAreArray(Packet(200, 2)));
  EXPECT_EQ(a->counters().sent, 2u);
  EXPECT_EQ(a->counters().sent_bytes, 300u);
  EXPECT_EQ(b->counters().received, 2u);
}

TEST(UdpSocket, PacketsOfOneSizeLeaveAsOneMessageAndArriveApart) {
  base::PacketPool pool;
  const auto a = Bind();
  const auto b = Bind();
  SendBatch batch;
  for (uint8_t i = 0; i < 9; ++i) {
    ASSERT_TRUE(batch.Add(To(*a, *b), Packet(1000, i)));
  }
  ASSERT_TRUE(batch.Add(To(*a, *b), Packet(300, 9)));   // Shorter: the last of this message.
  ASSERT_TRUE(batch.Add(To(*a, *b), Packet(300, 10)));  // Begins the next.
  EXPECT_EQ(batch.messages(), 2u);
  EXPECT_EQ(batch.packets(), 11u);
  batch.Flush(*a);
  const auto received = Take(*b, pool, 11);
  for (uint8_t i = 0; i < 11; ++i) {
    EXPECT_EQ(received[i].packet->bytes()[0], i);
    EXPECT_EQ(received[i].packet->size, i < 9 ? 1000 : 300);
  }
  EXPECT_EQ(a->counters().sent, 11u);
}

TEST(UdpSocket, AMessageHoldsAtMost64PacketsAnd65000Bytes) {
  base::PacketPool pool;
  const auto a = Bind();
  const auto b = Bind();
  SendBatch batch;
  for (int i = 0; i < 65; ++i) {
    ASSERT_TRUE(batch.Add(To(*a, *b), Packet(100, 1)));
  }
  EXPECT_EQ(batch.messages(), 2u);
  batch.Flush(*a);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(batch.Add(To(*a, *b), Packet(1400, 1)));
  }
  EXPECT_EQ(batch.messages(), 2u);  // 46 and 4.
  batch.Flush(*a);
  Take(*b, pool, 115);
}

TEST(UdpSocket, PathsTakeTurnsInOneBatch) {
  base::PacketPool pool;
  const auto a = Bind();
  const auto b = Bind();
  const auto c = Bind();
  SendBatch batch;
  for (uint8_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(batch.Add(To(*a, i % 2 == 0 ? *b : *c), Packet(50, i)));
  }
  EXPECT_EQ(batch.messages(), 4u);
  batch.Flush(*a);
  EXPECT_EQ(a->counters().send_calls, 1u);
  EXPECT_EQ(Take(*b, pool, 2)[1].packet->bytes()[0], 2);
  EXPECT_EQ(Take(*c, pool, 2)[1].packet->bytes()[0], 3);
}

TEST(UdpSocket, WithoutSegmentationEveryPacketIsAMessage) {
  base::PacketPool pool;
  const auto a = Bind();
  const auto b = Bind();
  SendBatch batch;
  a->DisableSegmentation();
  for (uint8_t i = 0; i < 5; ++i) {
    ASSERT_TRUE(batch.Add(To(*a, *b), Packet(i < 4 ? 500 : 20, i)));
  }
  batch.Flush(*a);
  EXPECT_EQ(a->counters().sent_messages, 5u);
  EXPECT_EQ(a->counters().send_calls, 1u);
  const auto received = Take(*b, pool, 5);
  EXPECT_EQ(received[4].packet->bytes()[0], 4);
  EXPECT_EQ(received[4].packet->size, 20);
}

TEST(UdpSocket, WhereTheKernelRefusesSegmentsItStopsAskingAndLosesNothing) {
  base::PacketPool pool;
  const auto a = Bind();
  const auto b = Bind();
  SendBatch batch;
  const int on = 1;
  // The kernel segments only what it may checksum.
  ASSERT_EQ(setsockopt(a->fd(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
  EXPECT_TRUE(a->segmentation());
  for (uint8_t i = 0; i < 6; ++i) {
    ASSERT_TRUE(batch.Add(To(*a, *b), Packet(i % 3 < 2 ? 500 : 20, i)));  // Two messages.
  }
  batch.Flush(*a);
  EXPECT_FALSE(a->segmentation());
  const auto received = Take(*b, pool, 6);
  for (uint8_t i = 0; i < 6; ++i) {
    EXPECT_EQ(received[i].packet->bytes()[0], i);
  }
  ASSERT_TRUE(batch.Add(To(*a, *b), Packet(500, 1)));
  ASSERT_TRUE(batch.Add(To(*a, *b), Packet(500, 1)));
  const uint64_t calls = a->counters().send_calls;
  batch.Flush(*a);
  EXPECT_EQ(a->counters().send_calls, calls + 1);
  EXPECT_EQ(a->counters().dropped_errors, 0u);
  Take(*b, pool, 2);
}

TEST(UdpSocket, AMessageThatCannotLeaveIsCountedAndTheOthersGo) {
  base::PacketPool pool;
  const auto a = Bind();
  const auto b = Bind();
  SendBatch batch;
  net::FiveTuple broadcast = To(*a, *b);
  broadcast.remote.ip = net::IpAddress::V4(255, 255, 255, 255);  // Not permitted without SO_BROADCAST.
  net::FiveTuple other_family = To(*a, *b);
  other_family.remote.ip = *net::IpAddress::Parse("::1");
  ASSERT_TRUE(batch.Add(broadcast, Packet(10, 0)));
  ASSERT_TRUE(batch.Add(broadcast, Packet(10, 0)));
  ASSERT_TRUE(batch.Add(other_family, Packet(10, 0)));
  ASSERT_TRUE(batch.Add(To(*a, *b), Packet(10, 3)));
  batch.Flush(*a);
  EXPECT_EQ(a->counters().dropped_errors, 3u);
  EXPECT_EQ(Take(*b, pool, 1)[0].packet->bytes()[0], 3);
  EXPECT_TRUE(a->segmentation());
}

TEST(UdpSocket, BoundToEveryAddressItAnswersFromTheOneThatWasAsked) {
  base::PacketPool pool;
  const auto server = Bind({*net::IpAddress::Parse("0.0.0.0"), 0});
  const auto client = Bind();
  const net::SocketAddress asked = {net::IpAddress::V4(127, 0, 0, 77), server->address().port};
  SendBatch batch;
  ASSERT_TRUE(batch.Add({net::Protocol::kUdp, client->address(), asked}, Packet(10, 1)));
  batch.Flush(*client);
  const auto received = Take(*server, pool, 1);
  EXPECT_EQ(received[0].path.local, asked);
  for (int i = 0; i < 3; ++i) {  // Source and segments in one message.
    ASSERT_TRUE(batch.Add(received[0].path, Packet(10, 2)));
  }
  batch.Flush(*server);
  for (const Datagram& answer : Take(*client, pool, 3)) {
    EXPECT_EQ(answer.path.remote, asked);
  }
}

TEST(UdpSocket, Ipv6WorksTheSameWay) {
  base::PacketPool pool;
  const auto server = Bind({*net::IpAddress::Parse("::"), 0});
  const auto client = Bind({*net::IpAddress::Parse("::1"), 0});
  SendBatch batch;
  const net::SocketAddress asked = {*net::IpAddress::Parse("::1"), server->address().port};
  ASSERT_TRUE(batch.Add({net::Protocol::kUdp, client->address(), asked}, Packet(10, 1)));
  batch.Flush(*client);
  const auto received = Take(*server, pool, 1);
  EXPECT_EQ(received[0].path.local, asked);
  ASSERT_TRUE(batch.Add(received[0].path, Packet(10, 2)));
  batch.Flush(*server);
  EXPECT_EQ(Take(*client, pool, 1)[0].path.remote, asked);
}

TEST(UdpSocket, DatagramsTooLongForAPacketAreDroppedAndCounted) {
  base::PacketPool pool;
  const auto a = Bind();
  const auto b = Bind();
  SendBatch batch;
  ASSERT_TRUE(batch.Add(To(*a, *b), Packet(base::kMaxPacketSize + 1, 1)));
  ASSERT_TRUE(batch.Add(To(*a, *b), Packet(base::kMaxPacketSize, 2)));
  batch.Flush(*a);
  EXPECT_EQ(Take(*b, pool, 1)[0].packet->size, base::kMaxPacketSize);
  EXPECT_EQ(b->counters().truncated, 1u);
}

TEST(UdpSocket, AnExhaustedPoolDropsInsteadOfSpinning) {
  base::PacketPool pool({.slab_packets = 1, .max_packets = 1});
  const auto a = Bind();
  const auto b = Bind();
  SendBatch batch;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(batch.Add(To(*a, *b), Packet(10, 1)));
  }
  batch.Flush(*a);
  const auto held = Take(*b, pool, 1);
  std::array<Datagram, 4> more;
  EXPECT_EQ(b->Receive(pool, more, Timestamp()), 0u);
  EXPECT_EQ(b->Receive(pool, more, Timestamp()), 0u);
  EXPECT_EQ(b->counters().no_packet, 2u);
}

TEST(UdpSocket, SteadyStateKeepsItsPackets) {
  base::PacketPool pool;
  const auto a = Bind();
  const auto b = Bind();
  SendBatch batch;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 40; ++i) {
      ASSERT_TRUE(batch.Add(To(*a, *b), Packet(60, 1)));
    }
    batch.Flush(*a);
    Take(*b, pool, 40);
  }
  EXPECT_EQ(pool.total(), 256u);  // One slab, used again and again.
}

TEST(UdpSocket, ATakenPortIsAnErrorThatNamesIt) {
  const auto a = Bind();
  const auto second = UdpSocket::Bind(a->address());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, ::testing::HasSubstr(a->address().ToString()));
}

TEST(SendBatch, SaysWhenItIsFull) {
  SendBatch batch({.arena = 1000, .max_messages = 2});
  const auto a = Bind();
  const auto b = Bind();
  EXPECT_EQ(batch.Reserve(1001).size(), 0u);
  EXPECT_EQ(batch.refused(), 1u);
  EXPECT_EQ(batch.Reserve(1000).size(), 1000u);
  EXPECT_EQ(batch.Reserve(500).size(), 500u);  // The larger one was given up.
  batch.Commit(To(*a, *b), 0);
  batch.Commit(To(*a, *b), 501);
  EXPECT_TRUE(batch.empty());
  batch.Commit(To(*a, *b), 400);
  EXPECT_TRUE(batch.Add(To(*b, *a), Packet(10, 1)));
  EXPECT_FALSE(batch.Add(To(*a, *b), Packet(10, 1)));
  EXPECT_EQ(batch.refused(), 2u);
  batch.Flush(*a);
  EXPECT_EQ(batch.Reserve(1000).size(), 1000u);
}

}  // namespace
}  // namespace weir::io
