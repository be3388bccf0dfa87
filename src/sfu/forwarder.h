// For one subscriber: which packets go on, and under which number, time and codec fields. Puts LayerSelector,
// SequenceMapper, TimestampAligner and Vp8Rewriter together (sfu.md section 3) and keeps their invariants:
//
//   F-INV1 outgoing numbers have gaps only where the uplink lost something;
//   F-INV2 outgoing time rises from frame to frame and is the same within one;
//   F-INV3 no frame goes on whose references were withheld;
//   F-INV5 a switch changes neither SSRC nor clock rate.
//
// Sans-IO, not thread-safe, allocates nothing per packet.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/counters.h"
#include "base/random.h"
#include "base/time.h"
#include "sfu/layer_selector.h"
#include "sfu/received_packet.h"
#include "sfu/sequence_mapper.h"
#include "sfu/sequence_window.h"
#include "sfu/timestamp_aligner.h"
#include "sfu/vp8_rewriter.h"

namespace weir::sfu {

class TrackReceiver;

struct Forwarded {
  int64_t seq = 0;  // Extended; the upper bits are the rollover counter.
  uint32_t timestamp = 0;
  bool marker = false;
  std::optional<Vp8Fields> vp8;
  std::optional<uint32_t> target_mask;  // For the dependency descriptor.
};

class Forwarder {
 public:
  enum class Outcome : uint8_t {
    kDrop,
    kForward,
    kFill,  // Only the number is needed: a padding packet takes the place that was kept for it.
  };
  struct Counters {
    uint64_t switches = 0;
    uint64_t switches_put_off = 0;
    uint64_t left_out = 0;  // Packets of layers above the limit.
    uint64_t too_late = 0;  // No place is known for them any more.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"switches", &Counters::switches},
          {"switches_put_off", &Counters::switches_put_off},
          {"left_out", &Counters::left_out},
          {"too_late", &Counters::too_late},
      });
    }
  };

  Forwarder(bool audio, const LayerSelector::Config& config, base::Random& random);

  Outcome Process(base::Now now, const ReceivedPacket& packet, const TrackReceiver& receiver, Forwarded& out);
  // A packet that was never received itself but found inside `carrier` (RED): `back` numbers and `ticks`
  // before it. Only for a number above all that were processed; call in ascending order, before
  // Process(carrier).
  bool ProcessRecovered(base::Now now, const ReceivedPacket& carrier, int64_t back, uint32_t ticks,
                        Forwarded& out);
  // The next number and time for a packet of our own, `ticks` after the last one.
  Forwarded Append(uint32_t ticks, base::Timestamp now);

  // Nothing goes on until a key frame (audio: the next packet), whose time then continues by wall clock.
  void Interrupt(bool muted);

  LayerSelector& selector() { return selector_; }
  const LayerSelector& selector() const { return selector_; }
  const TimestampAligner& aligner() const { return aligner_; }
  bool started() const { return started_; }
  int64_t last_seq() const { return last_seq_; }
  int64_t first_seq() const { return first_seq_; }
  int64_t highest_source() const { return mapper_.started() ? mapper_.highest() : INT64_MIN; }
  const Counters& counters() const { return counters_; }

 private:
  bool BeginSource(base::Now now, const ReceivedPacket& packet, const TrackReceiver& receiver);
  Outcome Place(base::Now now, const ReceivedPacket& packet, const TrackReceiver& receiver, Forwarded& out);
  Outcome LeaveOut(const ReceivedPacket& packet, Forwarded& out);
  Outcome Fill(const ReceivedPacket& packet, Forwarded& out);

  const bool audio_;
  LayerSelector selector_;
  SequenceMapper mapper_;
  SequenceWindow<512> sent_;  // No number goes out twice.
  TimestampAligner aligner_;
  Vp8Rewriter vp8_;
  uint32_t first_timestamp_;

  bool started_ = false;
  bool interrupted_ = false;
  bool after_mute_ = false;
  bool source_open_ = false;  // Audio: a source is being forwarded.
  uint32_t source_epoch_ = 0;
  int64_t last_seq_;
  int64_t first_seq_ = 0;
  bool last_marker_ = true;             // Of the packet with last_seq_.
  int64_t seen_timestamp_ = INT64_MIN;  // Of the packet at mapper_.highest().
  bool seen_dropped_ = false;
  Counters counters_;
};

}  // namespace weir::sfu
