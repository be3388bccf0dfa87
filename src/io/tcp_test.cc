#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <optional>
#include <string>
#include <vector>

#include "io/clock.h"
#include "io/event_loop.h"
#include "io/socket_address.h"
#include "io/tcp_connections.h"
#include "io/tcp_framing.h"
#include "io/tcp_listener.h"

namespace weir::io {
namespace {

using base::Buffer;
using base::TimeDelta;
using base::Timestamp;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Buffer Framed(std::initializer_list<std::string> packets) {
  Buffer stream;
  for (const std::string& packet : packets) {
    EXPECT_TRUE(AppendFrame(stream, base::AsBytes(packet)));
  }
  return stream;
}

TEST(FrameReader, PutsFramesTogetherWhateverTheirPieces) {
  const Buffer stream = Framed({"one", std::string(1500, 'x'), "three"});
  for (const size_t piece : {size_t{1}, size_t{2}, size_t{7}, stream.size()}) {
    FrameReader reader;
    std::vector<size_t> sizes;
    for (size_t at = 0; at < stream.size(); at += piece) {
      ASSERT_TRUE(reader.Push(base::ConstBytes(stream).subspan(at, std::min(piece, stream.size() - at))));
      while (const auto frame = reader.Next()) {
        sizes.push_back(frame->size());
      }
    }
    EXPECT_THAT(sizes, ElementsAre(3, 1500, 5));
    EXPECT_THAT(reader.pending(), IsEmpty());
  }
}

TEST(FrameReader, EndsAtAFrameThatIsTooLarge) {
  Buffer stream = Framed({"ok"});
  stream.insert(stream.end(), {0x05, 0xdd, 1, 2});  // 1501
  FrameReader reader;
  ASSERT_TRUE(reader.Push(stream));
  EXPECT_TRUE(reader.Next());
  EXPECT_FALSE(reader.Next());
  EXPECT_TRUE(reader.failed());
  EXPECT_EQ(reader.Push(stream).error(), base::ParseError::kTooLarge);
}

TEST(FrameReader, HoldsNoMoreThanItsLimitAndSkipsEmptyFrames) {
  FrameReader reader;
  EXPECT_FALSE(reader.Push(Buffer(FrameReader::kMaxBuffered + 1)));
  FrameReader empty;
  EXPECT_TRUE(empty.Push(Buffer{0, 0, 0, 0, 0, 1, 'a', 0}));
  EXPECT_EQ(base::AsText(*empty.Next()), "a");
  EXPECT_FALSE(empty.Next());
  EXPECT_EQ(empty.pending().size(), 1u);
}

TEST(AppendFrame, RefusesWhatAReaderWould) {
  Buffer stream;
  EXPECT_FALSE(AppendFrame(stream, Buffer(base::kMaxPacketSize + 1)));
  EXPECT_FALSE(AppendFrame(stream, {}));
  EXPECT_THAT(stream, IsEmpty());
}

// A plain blocking client.
struct Client {
  explicit Client(const net::SocketAddress& server) : fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    KernelAddress address;
    const socklen_t size = ToKernel(server, address);
    EXPECT_EQ(connect(fd.get(), &address.any, size), 0);
    const timeval timeout{5, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  }
  void Send(const Buffer& bytes) const {
    EXPECT_EQ(send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  std::string ReceiveFrame() {
    while (true) {
      if (const auto frame = reader.Next()) {
        return std::string(base::AsText(*frame));
      }
      uint8_t chunk[2048];
      const ssize_t size = recv(fd.get(), chunk, sizeof chunk, 0);
      if (size <= 0) {
        return "closed";
      }
      EXPECT_TRUE(reader.Push({chunk, static_cast<size_t>(size)}));
    }
  }
  UniqueFd fd;
  FrameReader reader;
};

// A listener whose connections are all taken by one table.
struct Server {
  explicit Server(const TcpListener::Config& config = {},
                  const TcpConnections::Config& connections_config = {})
      : connections(
            loop, connections_config,
            [this](const net::FiveTuple& path, base::ConstBytes frame) {
              frames.emplace_back(base::AsText(frame));
              last_path = path;
              if (frames.back() == "close me") {
                connections.Close(path);
              }
            },
            [this](const net::FiveTuple&) { ++closed; }) {
    auto made = TcpListener::Listen(loop, {net::IpAddress::V4(127, 0, 0, 1), 0}, config,
                                    [this](AcceptedConnection connection, base::ConstBytes frame) {
                                      first_frames.emplace_back(base::AsText(frame));
                                      if (first_frames.back() == "stranger") {
                                        return false;
                                      }
                                      if (park) {
                                        parked = std::move(connection);
                                        return true;
                                      }
                                      return connections.Add(std::move(connection));
                                    });
    EXPECT_TRUE(made);
    listener = *std::move(made);
  }
  template <typename Condition>
  bool RunUntil(Condition done) {
    const Timestamp end = MonotonicNow() + TimeDelta::Seconds(5);
    while (!done() && MonotonicNow() < end) {
      loop.RunOnce(end);
    }
    return done();
  }

  EventLoop loop;
  std::vector<std::string> first_frames;
  std::vector<std::string> frames;
  net::FiveTuple last_path;
  int closed = 0;
  bool park = false;
  std::optional<AcceptedConnection> parked;
  TcpConnections connections;
  std::unique_ptr<TcpListener> listener;
};

TEST(Tcp, FramesGoBothWays) {
  Server server;
  Client client(server.listener->address());
  client.Send(Framed({"hello", "again"}));
  ASSERT_TRUE(server.RunUntil([&] { return server.frames.size() == 2; }));
  EXPECT_THAT(server.first_frames, ElementsAre("hello"));
  EXPECT_THAT(server.frames, ElementsAre("hello", "again"));
  EXPECT_EQ(server.last_path.local, server.listener->address());
  EXPECT_EQ(server.last_path.remote, LocalAddressOf(client.fd.get()));
  EXPECT_EQ(server.last_path.protocol, net::Protocol::kTcp);
  EXPECT_EQ(server.listener->waiting(), 0u);
  EXPECT_TRUE(server.connections.Send(server.last_path, base::AsBytes("answer")));
  EXPECT_EQ(client.ReceiveFrame(), "answer");

  client.fd = UniqueFd();
  ASSERT_TRUE(server.RunUntil([&] { return server.closed == 1; }));
  EXPECT_EQ(server.connections.size(), 0u);
  EXPECT_FALSE(server.connections.Send(server.last_path, base::AsBytes("late")));
  EXPECT_EQ(server.connections.counters().frames_dropped, 1u);
}

TEST(Tcp, AConnectionMovesToAnotherLoopWithAllThatWasRead) {
  Server first;
  first.park = true;
  Client client(first.listener->address());
  Buffer bytes = Framed({"hello", "second", "third"});
  const Buffer tail(bytes.end() - 3, bytes.end());
  bytes.resize(bytes.size() - 3);  // The third is cut short.
  client.Send(bytes);
  ASSERT_TRUE(first.RunUntil([&] { return first.parked.has_value(); }));

  Server second;
  ASSERT_TRUE(second.connections.Add(*std::move(first.parked)));
  EXPECT_THAT(second.frames, ElementsAre("hello", "second"));
  client.Send(tail);
  ASSERT_TRUE(second.RunUntil([&] { return second.frames.size() == 3; }));
  EXPECT_EQ(second.frames[2], "third");
  EXPECT_TRUE(second.connections.Send(second.last_path, base::AsBytes("from there")));
  EXPECT_EQ(client.ReceiveFrame(), "from there");
}

TEST(Tcp, AConnectionMayBeClosedFromInsideItsFrame) {
  Server server;
  Client client(server.listener->address());
  client.Send(Framed({"hello", "close me", "unheard"}));
  ASSERT_TRUE(server.RunUntil([&] { return server.frames.size() == 2; }));
  EXPECT_EQ(client.ReceiveFrame(), "closed");
  EXPECT_EQ(server.connections.size(), 0u);
  EXPECT_EQ(server.closed, 0);
  EXPECT_THAT(server.frames, ElementsAre("hello", "close me"));
}

TEST(Tcp, AStreamThatIsNoFramingIsClosed) {
  Server server;
  Client client(server.listener->address());
  client.Send(Framed({"hello"}));
  ASSERT_TRUE(server.RunUntil([&] { return server.frames.size() == 1; }));
  client.Send({0xff, 0xff, 1, 2, 3});
  ASSERT_TRUE(server.RunUntil([&] { return server.closed == 1; }));
  EXPECT_EQ(client.ReceiveFrame(), "closed");

  Client http(server.listener->address());
  http.Send(Buffer{'G', 'E', 'T', ' ', '/'});
  ASSERT_TRUE(server.RunUntil([&] { return server.listener->counters().refused_frame == 1; }));
  EXPECT_EQ(http.ReceiveFrame(), "closed");
}

TEST(Tcp, AnUnwantedConnectionIsClosed) {
  Server server;
  Client client(server.listener->address());
  client.Send(Framed({"stranger"}));
  ASSERT_TRUE(server.RunUntil([&] { return server.listener->counters().refused_frame == 1; }));
  EXPECT_EQ(client.ReceiveFrame(), "closed");
}

TEST(Tcp, AReceiverThatStopsReadingFillsItsQueueAndLosesWholeFrames) {
  Server server({}, {.connection = {.max_queued = 20'000}});
  Client client(server.listener->address());
  client.Send(Framed({"hello"}));
  ASSERT_TRUE(server.RunUntil([&] { return server.frames.size() == 1; }));
  size_t sent = 0;
  for (uint32_t i = 0; server.connections.counters().frames_dropped < 5; ++i) {
    ASSERT_LT(i, 100'000u);
    sent +=
        server.connections.Send(server.last_path, base::AsBytes(std::to_string(i) + std::string(1200, 'p')));
  }
  // It reads again: what was accepted arrives whole and in order, with gaps where frames were dropped.
  int previous = -1;
  for (size_t i = 0; i < sent; ++i) {
    server.loop.RunOnce(Timestamp::Never());
    const std::string frame = client.ReceiveFrame();
    ASSERT_GT(frame.size(), 1200u);
    const int number = std::stoi(frame);
    EXPECT_GT(number, previous);
    previous = number;
  }
  EXPECT_EQ(server.closed, 0);
}

TEST(TcpListener, ClosesConnectionsThatSayNothingInTime) {
  Server server;
  Client silent(server.listener->address());
  Client half(server.listener->address());
  half.Send({0, 5, 'h'});
  ASSERT_TRUE(server.RunUntil([&] { return server.listener->waiting() == 2; }));
  const Timestamp deadline = server.listener->NextTimeout();
  EXPECT_LE(deadline - MonotonicNow(), TimeDelta::Seconds(5));
  server.listener->OnTimeout(deadline - TimeDelta::Micros(1));
  EXPECT_EQ(server.listener->waiting(), 2u);
  server.listener->OnTimeout(deadline + TimeDelta::Seconds(1));
  EXPECT_EQ(server.listener->waiting(), 0u);
  EXPECT_EQ(server.listener->counters().timed_out, 2u);
  EXPECT_TRUE(server.listener->NextTimeout().infinite());
  EXPECT_EQ(silent.ReceiveFrame(), "closed");
}

TEST(TcpListener, LimitsThoseThatWait) {
  Server server({.max_waiting = 3, .max_waiting_per_source = 2});
  std::vector<Client> clients;
  for (int i = 0; i < 5; ++i) {
    clients.emplace_back(server.listener->address());
  }
  ASSERT_TRUE(server.RunUntil([&] { return server.listener->counters().refused_full == 3; }));
  EXPECT_EQ(server.listener->waiting(), 2u);
  clients[0].fd = UniqueFd();
  ASSERT_TRUE(server.RunUntil([&] { return server.listener->counters().closed_early == 1; }));
  Client next(server.listener->address());
  ASSERT_TRUE(server.RunUntil([&] { return server.listener->waiting() == 2; }));
}

TEST(TcpConnections, AreLimited) {
  Server server({}, {.max_connections = 1});
  Client first(server.listener->address());
  first.Send(Framed({"one"}));
  ASSERT_TRUE(server.RunUntil([&] { return server.frames.size() == 1; }));
  Client second(server.listener->address());
  second.Send(Framed({"two"}));
  EXPECT_TRUE(server.RunUntil([&] { return server.connections.counters().refused == 1; }));
  EXPECT_EQ(second.ReceiveFrame(), "closed");
  EXPECT_EQ(server.connections.size(), 1u);
}

}  // namespace
}  // namespace weir::io
