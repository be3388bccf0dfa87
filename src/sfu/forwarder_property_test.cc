// The invariants of forwarding (sfu.md 3.1) under random loss, reordering, duplication, repair, layer
// switches and pauses.

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "sfu/test_kit.h"

namespace weir::sfu {
namespace {

using namespace test;  // The kit of this module.

// What a frame is, written into the payload of each of its packets.
struct FrameMark {
  uint8_t layer = 0;
  uint16_t frame = 0;      // Of this layer.
  uint16_t reference = 0;  // The frame it needs; itself for a key frame.
  uint8_t index = 0;       // Packet within the frame.
  uint8_t count = 0;

  void Append(base::Buffer& payload) const {
    const uint8_t bytes[] = {layer,
                             static_cast<uint8_t>(frame >> 8),
                             static_cast<uint8_t>(frame),
                             static_cast<uint8_t>(reference >> 8),
                             static_cast<uint8_t>(reference),
                             index,
                             count};
    payload.insert(payload.end(), std::begin(bytes), std::end(bytes));
  }
  static FrameMark Of(base::ConstBytes payload) {
    const base::ConstBytes tail = payload.last(7);
    return {.layer = tail[0],
            .frame = base::LoadU16(&tail[1]),
            .reference = base::LoadU16(&tail[3]),
            .index = tail[5],
            .count = tail[6]};
  }
};

// A simulcast publisher: temporal pattern 0-2-1-2, one to three packets a frame.
struct Publisher {
  Vp8Source source;
  uint16_t frame = 0;
  uint16_t last_t0 = 0;
  uint16_t last_t1 = 0;
  int phase = 0;

  std::vector<RtpSpec> Next(bool key, int packets) {
    ++frame;
    phase = key ? 0 : (phase + 1) % 4;
    const int tid = phase == 0 ? 0 : phase == 2 ? 1 : 2;
    const bool y = phase == 1 || phase == 2;
    const uint16_t reference = key ? frame : phase == 3 ? last_t1 : last_t0;
    auto specs = source.Frame(key, packets, tid, y);
    for (size_t i = 0; i < specs.size(); ++i) {
      FrameMark{.layer = static_cast<uint8_t>(source.layer),
                .frame = frame,
                .reference = reference,
                .index = static_cast<uint8_t>(i),
                .count = static_cast<uint8_t>(specs.size())}
          .Append(specs[i].payload);
    }
    last_t0 = tid == 0 ? frame : last_t0;
    last_t1 = tid == 1 ? frame : last_t1;
    return specs;
  }
};

struct Network {
  double loss = 0;
  double duplicate = 0;
  double reorder = 0;
  double repair = 0;  // Of what was lost.
};

class Simulation {
 public:
  Simulation(uint64_t seed, const Network& network) : random_(seed), network_(network) {
    rig_.receiver.SetSimulcastStreams(3);
    for (int layer = 0; layer < 3; ++layer) {
      Publisher& publisher = publishers_[static_cast<size_t>(layer)];
      publisher.source = {.ssrc = static_cast<uint32_t>(layer + 1),
                          .layer = layer,
                          .sequence = static_cast<uint16_t>(random_.Next32()),
                          .timestamp = random_.Next32(),
                          .picture_id = static_cast<int32_t>(random_.Below(32'768)),
                          .tl0picidx = static_cast<int>(random_.Below(256)),
                          .keyidx = static_cast<int>(random_.Below(32))};
      publisher.source.sequence = static_cast<uint16_t>(65'400 + random_.Below(100));
    }
  }

  void Run(int ticks) {
    for (int tick = 0; tick < ticks; ++tick) {
      millis_ = tick * 33;
      Act();
      for (int layer = 0; layer < 3; ++layer) {
        Deliver(layer);
      }
      rig_.RunUntil(millis_ + 20);
      Repair();
      Nack();
    }
  }

  // Lossless runs must be perfect; lossy ones may only lack what was lost.
  void Check() const {
    CheckNumbersAndTime();
    CheckReferences();
    CheckRepairs();
  }
  size_t forwarded() const { return rig_.track.stats().packets; }
  uint64_t switches() const { return rig_.track.forwarder().counters().switches; }

 private:
  bool Chance(double probability) { return random_.NextDouble() < probability; }

  void Act() {
    const base::Now now = At(millis_);
    if (Chance(0.04)) {
      rig_.track.SetMaxLayers(static_cast<int>(random_.Below(3)), static_cast<int>(random_.Below(3)),
                              now.mono);
    }
    if (Chance(rig_.track.disabled() ? 0.1 : 0.01)) {
      rig_.track.SetDisabled(!rig_.track.disabled(), now.mono);
    }
    if (Chance(rig_.receiver.muted() ? 0.1 : 0.005)) {
      rig_.receiver.SetMuted(!rig_.receiver.muted(), now);
    }
    if (Chance(0.03)) {
      for (const Publisher& publisher : publishers_) {
        const uint64_t ntp = NtpFromMicros(1'000'000'000 + millis_ * 1000);
        rig_.receiver.OnSenderReport(
            now, {.sender = Ssrc(publisher.source.ssrc), .ntp = ntp, .rtp = publisher.source.timestamp});
      }
    }
  }

  void Deliver(int layer) {
    bool key = Chance(0.01);
    std::erase_if(rig_.plis, [&](const rtcp::Pli& pli) {
      const bool ours = pli.media == Ssrc(static_cast<uint32_t>(layer + 1));
      key = key || ours;
      return ours;
    });
    rig_.pli_times.resize(rig_.plis.size());
    auto specs = publishers_[static_cast<size_t>(layer)].Next(key, 1 + static_cast<int>(random_.Below(3)));
    if (specs.size() > 1 && Chance(network_.reorder)) {
      std::swap(specs[0], specs[1]);
    }
    for (const RtpSpec& spec : specs) {
      if (Chance(network_.loss)) {
        if (Chance(network_.repair)) {
          to_repair_.push_back({spec, layer});
        }
        ++lost_;
        continue;
      }
      rig_.Receive(spec, millis_ + layer, layer);
      if (Chance(network_.duplicate)) {
        rig_.Receive(spec, millis_ + layer, layer);
      }
    }
  }

  void Repair() {
    while (!to_repair_.empty() && Chance(0.3)) {
      auto [spec, layer] = to_repair_.front();
      to_repair_.pop_front();
      const uint16_t original = spec.sequence;
      spec.payload_type = kVp8RtxType;
      spec.ssrc += 100;
      spec.payload.insert(spec.payload.begin(),
                          {static_cast<uint8_t>(original >> 8), static_cast<uint8_t>(original)});
      rig_.Receive(spec, millis_ + 25, layer, true);
    }
  }

  void Nack() {
    if (!rig_.sender.packets.empty() && Chance(0.2)) {
      const size_t back = 1 + random_.Below(30);
      if (back <= rig_.sender.packets.size()) {
        const Sent& sent = rig_.sender.packets[rig_.sender.packets.size() - back];
        if (!sent.out.retransmission) {
          rig_.track.OnNack(At(millis_ + 30), std::vector<uint16_t>{sent.header.sequence});
        }
      }
    }
  }

  static int64_t Extended(const Sent& sent) { return int64_t{sent.out.roc} << 16 | sent.header.sequence; }

  void CheckNumbersAndTime() const {
    std::map<int64_t, const Sent*> by_number;
    for (const Sent& sent : rig_.sender.packets) {
      if (!sent.out.retransmission) {
        ASSERT_TRUE(by_number.emplace(Extended(sent), &sent).second) << "a number went out twice";
        ASSERT_EQ(sent.header.ssrc, Ssrc(0xabcd));  // F-INV5
        ASSERT_EQ(sent.header.payload_type, 120);
      }
    }
    const Sent* before = nullptr;
    uint64_t holes = 0;
    int64_t number_before = 0;
    for (const auto& [number, sent] : by_number) {
      if (sent->header.payload_size == 0) {
        number_before = number;
        continue;  // A filler.
      }
      const FrameMark mark = FrameMark::Of(sent->payload());
      if (before != nullptr) {
        holes += static_cast<uint64_t>(number - number_before - 1);
        const FrameMark mark_before = FrameMark::Of(before->payload());
        const bool same = mark.layer == mark_before.layer && mark.frame == mark_before.frame;
        const auto elapsed = static_cast<int32_t>(sent->header.timestamp - before->header.timestamp);
        if (same) {
          ASSERT_EQ(elapsed, 0);  // F-INV2
        } else {
          ASSERT_GT(elapsed, 0) << "frame " << mark.frame << " of layer " << int{mark.layer};
        }
        const auto vp8_before = codec::ParseVp8(before->payload()).value();
        const auto vp8 = codec::ParseVp8(sent->payload()).value();
        const int pictures = (vp8.picture_id - vp8_before.picture_id) & 0x7fff;
        ASSERT_EQ(pictures == 0, same);
        ASSERT_LT(pictures, 200);
        if (lost_ == 0 && !same) {
          ASSERT_EQ(pictures, 1);
        }
      }
      before = sent;
      number_before = number;
    }
    // F-INV1: a hole is something lost on the way in, or one number after a cut picture.
    ASSERT_LE(holes, lost_ == 0 && network_.reorder == 0 ? 0 : lost_ + switches() + reordered_allowance());
  }
  // A key frame that is reordered at its very beginning is begun late or not at all.
  uint64_t reordered_allowance() const { return network_.reorder > 0 ? 2 * switches() : 0; }

  // F-INV3: what a frame refers to was forwarded, unless it was lost.
  void CheckReferences() const {
    if (lost_ > 0 || network_.reorder > 0) {
      return;
    }
    std::set<std::pair<int, int>> seen;
    for (const Sent& sent : rig_.sender.packets) {
      if (sent.out.retransmission || sent.header.payload_size == 0) {
        continue;
      }
      const FrameMark mark = FrameMark::Of(sent.payload());
      ASSERT_TRUE(mark.reference == mark.frame || seen.contains({mark.layer, mark.reference}))
          << "frame " << mark.frame << " of layer " << int{mark.layer} << " needs " << mark.reference;
      if (mark.reference == mark.frame && mark.index == 0) {
        seen.clear();  // A key frame forgets everything.
      }
      seen.insert({mark.layer, mark.frame});
    }
  }

  // F-INV4.
  void CheckRepairs() const {
    std::map<uint16_t, const Sent*> originals;
    for (const Sent& sent : rig_.sender.packets) {
      if (!sent.out.retransmission) {
        originals[sent.header.sequence] = &sent;
        continue;
      }
      const Sent* original = originals[base::LoadU16(sent.payload().data())];
      ASSERT_NE(original, nullptr);
      ASSERT_TRUE(std::ranges::equal(sent.payload().subspan(2), original->payload()));
      ASSERT_EQ(sent.header.timestamp, original->header.timestamp);
      ASSERT_EQ(sent.header.marker, original->header.marker);
    }
  }

  base::SeededRandom random_;
  const Network network_;
  Rig rig_{VideoConfig(), VideoDownConfig()};
  std::array<Publisher, 3> publishers_;
  std::deque<std::pair<RtpSpec, int>> to_repair_;
  uint64_t lost_ = 0;
  int64_t millis_ = 0;
};

void RunSeeds(const Network& network) {
  uint64_t forwarded = 0;
  uint64_t switches = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Simulation simulation(seed, network);
    simulation.Run(600);
    simulation.Check();
    if (testing::Test::HasFatalFailure()) {
      return;
    }
    forwarded += simulation.forwarded();
    switches += simulation.switches();
  }
  EXPECT_GT(forwarded, 20'000u);  // It did run.
  EXPECT_GT(switches, 500u);
}

TEST(ForwarderInvariants, HoldWithoutLoss) { RunSeeds({}); }

TEST(ForwarderInvariants, HoldWithDuplicates) { RunSeeds({.duplicate = 0.1}); }

TEST(ForwarderInvariants, HoldWithLossAndRepairs) {
  RunSeeds({.loss = 0.05, .duplicate = 0.02, .repair = 0.8});
}

TEST(ForwarderInvariants, HoldWithEverythingAtOnce) {
  RunSeeds({.loss = 0.1, .duplicate = 0.05, .reorder = 0.1, .repair = 0.6});
}

}  // namespace
}  // namespace weir::sfu
