// Forwarding allocates nothing in steady state: counted by the global operator new of this test program.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "sfu/test_kit.h"

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
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace weir::sfu {
namespace {

using namespace test;  // The kit of this module.

class CountingSender : public PacketSender {
 public:
  bool Send(const OutgoingRtp& packet) override {
    ++packets;
    bytes += packet.size();
    return true;
  }
  uint64_t packets = 0;
  uint64_t bytes = 0;
};

class AllocationTest : public testing::Test {
 protected:
  AllocationTest() {
    for (int i = 0; i < 3; ++i) {
      tracks_.push_back(std::make_unique<DownTrack>(VideoDownConfig(), sender_, random_));
      receiver_.AddDownTrack(tracks_.back().get());
    }
    tracks_[2]->SetMaxLayers(0, 0, At(0).mono);  // One that leaves out temporal layers.
  }
  // `count` frames of one packet, one in 50 lost and repaired a little later.
  void Forward(int count) {
    const int pattern[] = {0, 2, 1, 2};
    for (int i = 0; i < count; ++i) {
      ++frame_;
      millis_ += 10;
      const bool key = frame_ % 300 == 1;
      RtpSpec spec = source_.Frame(key, 1, key ? 0 : pattern[frame_ % 4], true)[0];
      if (frame_ % 50 == 0) {
        lost_ = spec;
        continue;
      }
      packets_.push_back({Bytes(spec), false});
      if (frame_ % 50 == 3 && !lost_.payload.empty()) {
        lost_.payload.insert(lost_.payload.begin(), {static_cast<uint8_t>(lost_.sequence >> 8),
                                                     static_cast<uint8_t>(lost_.sequence)});
        lost_.payload_type = kVp8RtxType;
        packets_.push_back({Bytes(lost_), true});
      }
    }
  }
  uint64_t Deliver() {
    const uint64_t before = allocations;
    int64_t millis = delivered_millis_;
    for (const auto& [bytes, rtx] : packets_) {
      millis += 10;
      const base::Now now = At(millis);
      base::PacketRef packet = pool_.Copy(bytes, now.mono);
      const auto header = rtp::ParseHeader(packet->bytes());
      receiver_.OnRtp(now, std::move(packet), *header, 0, rtx, Ssrc(rtx ? 9 : 1));
      if (now.mono >= receiver_.NextTimeout()) {
        receiver_.OnTimeout(now);
        receiver_.AppendFeedback(now, Ssrc(2), nacks_, plis_);
      }
    }
    delivered_millis_ = millis;
    packets_.clear();
    return allocations - before;
  }

  base::SeededRandom random_{1};
  base::PacketPool pool_;
  CountingSender sender_;
  TrackReceiver receiver_{VideoConfig(), random_};
  std::vector<std::unique_ptr<DownTrack>> tracks_;
  Vp8Source source_;
  RtpSpec lost_;
  std::vector<std::pair<base::Buffer, bool>> packets_;  // And whether it comes by RTX.
  std::vector<rtcp::Nack> nacks_;
  std::vector<rtcp::Pli> plis_;
  int frame_ = 0;
  int64_t millis_ = 0;
  int64_t delivered_millis_ = 0;
};

TEST_F(AllocationTest, TenThousandPacketsToThreeSubscribersAllocateNothing) {
  Forward(2000);
  Deliver();  // Buffers grow to their working size.
  nacks_.reserve(10'000);
  Forward(10'000);
  const uint64_t sent_before = sender_.packets;
  const uint64_t nacks_before = nacks_.size();
  const uint64_t allocated = Deliver();
  EXPECT_GT(sender_.packets - sent_before, 20'000u);
  // The list of numbers in each NACK that is sent is the only memory that is asked for.
  EXPECT_EQ(allocated, nacks_.size() - nacks_before);
  EXPECT_GT(nacks_.size(), nacks_before);
}

TEST_F(AllocationTest, WithoutLossNothingAtAllIsAllocated) {
  Forward(1990);
  Deliver();
  for (int i = 0; i < 10'000; ++i) {
    ++frame_;
    packets_.push_back({Bytes(source_.Frame(frame_ % 300 == 1)[0]), false});
  }
  EXPECT_EQ(Deliver(), 0u);
}

}  // namespace
}  // namespace weir::sfu
