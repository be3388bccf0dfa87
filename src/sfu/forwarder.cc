#include "sfu/forwarder.h"

#include "sfu/track_receiver.h"

namespace weir::sfu {

namespace {
// Clear of an early wrap, whose rollover counter receivers can only guess (sfu.md 3.3).
int64_t RandomFirstSequence(base::Random& random) { return 1000 + random.Below(31'000); }
}  // namespace

Forwarder::Forwarder(bool audio, const LayerSelector::Config& config, base::Random& random)
    : audio_(audio),
      selector_(config),
      vp8_(static_cast<uint16_t>(random.Below(1 << 14))),
      first_timestamp_(random.Next32() & 0x7fffffff),
      last_seq_(RandomFirstSequence(random) - 1) {}

void Forwarder::Interrupt(bool muted) {
  interrupted_ = started_;
  after_mute_ = after_mute_ || muted;
  source_open_ = false;
  selector_.Interrupt();
}

// Another source, or the same after a pause, takes over with `packet`. False when its time does not fit yet.
bool Forwarder::BeginSource(base::Now now, const ReceivedPacket& packet, const TrackReceiver& receiver) {
  const ReceiveStream* stream = receiver.stream(packet.layer);
  if (stream == nullptr) {
    return false;
  }
  const TimestampAligner::Source source{.layer = packet.layer,
                                        .epoch = packet.epoch,
                                        .timestamp = packet.timestamp,
                                        .timeline = &stream->timeline()};
  const ReceiveStream* before = receiver.stream(aligner_.layer());
  const StreamTimeline* previous = before == nullptr ? nullptr : &before->timeline();
  if (!aligner_.started()) {
    aligner_.Start(source, first_timestamp_, now.mono);
  } else if (interrupted_) {
    aligner_.Resume(source, previous, after_mute_, now.mono);
  } else if (!aligner_.Switch(source, previous, now.mono)) {
    ++counters_.switches_put_off;
    return false;
  }
  // Without its marker the last picture is incomplete for good: one number is left out, so that receivers do
  // not join its packets to the new ones.
  const int64_t skipped = started_ && !audio_ && !last_marker_ ? 1 : 0;
  mapper_.Start(packet.seq, last_seq_ + 1 + skipped);
  vp8_.Switch();
  if (!started_) {
    first_seq_ = last_seq_ + 1;
  } else {
    ++counters_.switches;
  }
  started_ = true;
  interrupted_ = after_mute_ = false;
  source_open_ = true;
  source_epoch_ = packet.epoch;
  seen_timestamp_ = INT64_MIN;
  seen_dropped_ = false;
  return true;
}

Forwarder::Outcome Forwarder::Process(base::Now now, const ReceivedPacket& packet,
                                      const TrackReceiver& receiver, Forwarded& out) {
  if (packet.filler) {
    return Fill(packet, out);
  }
  bool wanted = true;
  if (audio_) {
    const bool current = source_open_ && packet.epoch == source_epoch_;
    if (!current && (packet.late || !BeginSource(now, packet, receiver))) {
      ++counters_.too_late;
      return Outcome::kDrop;
    }
  } else {
    switch (selector_.Decide(now.mono, packet, receiver)) {
      case LayerSelector::Verdict::kOther:
        return Outcome::kDrop;
      case LayerSelector::Verdict::kSwitch:
        if (!BeginSource(now, packet, receiver)) {
          return Outcome::kDrop;
        }
        wanted = selector_.Commit(packet, receiver);
        break;
      case LayerSelector::Verdict::kDrop:
        wanted = false;
        break;
      case LayerSelector::Verdict::kForward:
        break;
    }
  }
  if (!wanted) {
    return LeaveOut(packet, out);
  }
  return Place(now, packet, receiver, out);
}

Forwarder::Outcome Forwarder::Place(base::Now now, const ReceivedPacket& packet,
                                    const TrackReceiver& receiver, Forwarded& out) {
  if (packet.vp8 != nullptr) {
    out.vp8 = vp8_.Rewrite(*packet.vp8, packet.timestamp);
    if (!out.vp8) {
      return LeaveOut(packet, out);
    }
  }
  const bool in_order = packet.seq > mapper_.highest();
  const auto seq = mapper_.Map(packet.seq);
  if (!seq || !sent_.Insert(*seq)) {
    ++counters_.too_late;
    return Outcome::kDrop;
  }
  if (in_order) {
    if (packet.timestamp > seen_timestamp_) {
      const ReceiveStream* current = receiver.stream(packet.layer);
      const ReceiveStream* reference = receiver.stream(aligner_.reference_layer());
      const bool comparable = reference != nullptr && reference->epoch() == aligner_.reference_epoch();
      if (current != nullptr) {
        aligner_.OnFrame(packet.timestamp, current->timeline(), comparable ? &reference->timeline() : nullptr,
                         now.mono);
      }
    }
    seen_timestamp_ = packet.timestamp;
    seen_dropped_ = false;
  }
  const int64_t timestamp = aligner_.Map(packet.timestamp);
  out.seq = *seq;
  out.timestamp = static_cast<uint32_t>(timestamp);
  if (audio_) {
    out.marker = packet.marker;
  } else {
    out.marker = selector_.MarksEnd(packet);
    out.target_mask = selector_.target_mask(packet);
  }
  if (*seq > last_seq_) {
    last_seq_ = *seq;
    last_marker_ = out.marker;
  }
  aligner_.OnSent(timestamp, now.mono);
  return Outcome::kForward;
}

Forwarder::Outcome Forwarder::LeaveOut(const ReceivedPacket& packet, Forwarded& out) {
  ++counters_.left_out;
  if (packet.seq <= mapper_.highest()) {
    return Fill(packet, out);
  }
  if (packet.vp8 != nullptr) {
    vp8_.Drop(*packet.vp8, packet.timestamp);
  }
  // What was lost between two dropped packets of one frame belonged to that frame (sfu.md FW-3).
  if (seen_dropped_ && packet.timestamp == seen_timestamp_) {
    mapper_.DropGap(packet.seq);
  }
  mapper_.Drop(packet.seq);
  seen_timestamp_ = packet.timestamp;
  seen_dropped_ = true;
  return Outcome::kDrop;
}

// A number that was kept for a packet which then turns out not to be forwarded.
Forwarder::Outcome Forwarder::Fill(const ReceivedPacket& packet, Forwarded& out) {
  const bool current = audio_ ? source_open_ && packet.epoch == source_epoch_
                              : packet.layer == selector_.current_stream() && packet.epoch == source_epoch_;
  if (!current || !mapper_.started() || packet.seq > mapper_.highest()) {
    return Outcome::kDrop;
  }
  const auto seq = mapper_.Map(packet.seq);
  if (!seq || !sent_.Insert(*seq)) {
    return Outcome::kDrop;
  }
  out.seq = *seq;
  out.timestamp = static_cast<uint32_t>(aligner_.Map(packet.timestamp));
  return Outcome::kFill;
}

bool Forwarder::ProcessRecovered(base::Now now, const ReceivedPacket& carrier, int64_t back, uint32_t ticks,
                                 Forwarded& out) {
  if (!audio_ || !source_open_ || carrier.epoch != source_epoch_ || carrier.seq - back <= mapper_.highest()) {
    return false;
  }
  const auto seq = mapper_.Map(carrier.seq - back);
  const int64_t timestamp = aligner_.Map(carrier.timestamp - ticks);
  if (!seq || timestamp <= aligner_.last() || !sent_.Insert(*seq)) {
    return false;
  }
  out.seq = *seq;
  out.timestamp = static_cast<uint32_t>(timestamp);
  last_seq_ = *seq;
  aligner_.OnSent(timestamp, now.mono);
  return true;
}

Forwarded Forwarder::Append(uint32_t ticks, base::Timestamp now) {
  Forwarded out;
  const int64_t timestamp = aligner_.last() + ticks;
  out.seq = ++last_seq_;
  sent_.Insert(out.seq);
  out.timestamp = static_cast<uint32_t>(timestamp);
  last_marker_ = true;
  aligner_.OnSent(timestamp, now);
  return out;
}

}  // namespace weir::sfu
