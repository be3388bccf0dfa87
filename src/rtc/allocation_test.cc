// Forwarding allocates nothing: a media packet's whole way through a worker, from the datagram (router, SRTP,
// receiver, down tracks, send queues, sealing) to the output, counted by the global operator new of this test
// program.
//
// Left out are turns that bring no RTP, and turns in which some deadline falls due as well: reports once a
// second and transport feedback are built in vectors.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "rtc/test_room.h"

namespace {
std::atomic<uint64_t> allocations = 0;
}  // namespace

void* operator new(size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) {
    return memory;
  }
  throw std::bad_alloc();
}
void* operator new[](size_t size) { return operator new(size); }
// stable_sort uses these; all forms have to agree on malloc, or AddressSanitizer sees a mismatch.
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size == 0 ? 1 : size);
}
void* operator new[](size_t size, const std::nothrow_t& tag) noexcept { return operator new(size, tag); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace weir::rtc::test {
namespace {

class Probe final : public TurnProbe {
 public:
  explicit Probe(TestWorld& world) : world_(world) {}
  void OnTurnBegins(Now now, ConstBytes datagram) override {
    measuring_ = rtp::LooksLikeRtpOrRtcp(datagram) && !rtp::LooksLikeRtcp(datagram) &&
                 world_.timers.NextTimeout() > now.mono;
    before_ = allocations;
  }
  void OnTurnEnds() override {
    if (std::exchange(measuring_, false)) {
      ++turns;
      const uint64_t made = allocations - before_;
      allocated += made;
      turns_that_allocated += made > 0 ? 1 : 0;
    }
  }
  uint64_t turns = 0;
  uint64_t allocated = 0;
  uint64_t turns_that_allocated = 0;

 private:
  TestWorld& world_;
  bool measuring_ = false;
  uint64_t before_ = 0;
};

class Forwarding : public BothModes {};
INSTANTIATE_TEST_SUITE_P(Modes, Forwarding, testing::Bool(), ModeName);

TEST_P(Forwarding, OfOnePublisherToEightSubscribersAllocatesNothing) {
  sim::Link::Config link = GoodLink();
  link.jitter = TimeDelta::Micros(500);  // Arrivals and deadlines seldom meet in one microsecond.
  RoomSim sim(1, link);
  sim.world.output.on_packet = nullptr;  // The nonce check has a table that grows.
  TestClient& publisher = sim.Add("p", single());
  PublishBoth(publisher);
  for (int i = 0; i < 8; ++i) {
    sim.Add("s" + std::to_string(i), single());
  }
  for (const auto& client : sim.clients) {
    if (client.get() != &publisher) {
      ASSERT_TRUE(sim.RunUntilFlows(*client, "p-cam"));
      ASSERT_TRUE(sim.RunUntilFlows(*client, "p-mic"));
    }
  }
  sim.RunMillis(5000);  // Tables and buffers reach their sizes.

  uint64_t received = 0;
  for (const auto& client : sim.clients) {
    received -= client->PacketsOf("p-cam") + client->PacketsOf("p-mic");
  }
  Probe probe(sim.world);
  sim.world.probe = &probe;
  sim.RunMillis(20'000);
  sim.world.probe = nullptr;
  for (const auto& client : sim.clients) {
    received += client->PacketsOf("p-cam") + client->PacketsOf("p-mic");
  }
  EXPECT_GT(probe.turns, 3000u);
  EXPECT_GT(received, 8u * 2000u);
  EXPECT_EQ(probe.allocated, 0u) << probe.turns_that_allocated << " of " << probe.turns << " turns";
}

}  // namespace
}  // namespace weir::rtc::test
