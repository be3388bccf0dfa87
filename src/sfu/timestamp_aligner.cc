#include "sfu/timestamp_aligner.h"

#include <algorithm>
#include <cstdlib>

namespace weir::sfu {

using base::TimeDelta;
using base::Timestamp;

namespace {
constexpr TimeDelta kMaxBehind = TimeDelta::Millis(50);
constexpr TimeDelta kMaxAhead = TimeDelta::Millis(25);
constexpr TimeDelta kMemoryAgreement = TimeDelta::Millis(50);
constexpr TimeDelta kMaxResidual = TimeDelta::Seconds(2);  // Past this a sender report is nonsense.
constexpr TimeDelta kResumeBehind = TimeDelta::Seconds(2);
constexpr TimeDelta kResumeBehindAfterMute = TimeDelta::Millis(200);
constexpr TimeDelta kResumeAhead = TimeDelta::Seconds(10);
constexpr TimeDelta kLookInterval = TimeDelta::Millis(500);
constexpr int64_t kSlewDivisor = 100;  // 1 ms in 100.
}  // namespace

void TimestampAligner::Start(const Source& source, uint32_t first, Timestamp now) {
  started_ = true;
  last_ = static_cast<int64_t>(first) - 1;
  last_sent_ = now;
  // The first stream makes the line.
  Adopt(source, Candidate{.exact = true}, static_cast<int64_t>(first) - source.timestamp, 0, now);
}

int64_t TimestampAligner::Elapsed(const StreamTimeline& timeline, Timestamp now) const {
  return timeline.TicksOf(std::max((now - last_sent_).micros(), int64_t{0}));
}

TimestampAligner::Candidate TimestampAligner::Choose(const Source& source, const StreamTimeline* previous,
                                                     Timestamp now) const {
  const StreamTimeline& to = *source.timeline;
  const Memory& memory = memory_[static_cast<size_t>(source.layer)];
  const bool remembered = memory.valid && memory.epoch == source.epoch;
  const Candidate from_memory{.level = Level::kMemory, .offset = memory.offset, .exact = memory.exact};
  // The stream before, unless it is this one in another epoch: its timeline has begun anew then.
  const bool comparable = previous != nullptr && previous != source.timeline;
  if (comparable) {
    const auto from_offset = previous->SenderOffset(now);
    const auto to_offset = to.SenderOffset(now);
    if (from_offset && to_offset) {
      const int64_t offset = offset_ + slew_ + to.TicksOf(*to_offset - *from_offset);
      const bool agrees =
          remembered && std::abs(memory.offset - offset) <= to.TicksOf(kMemoryAgreement.micros());
      return agrees && (memory.exact || !exact_)
                 ? from_memory
                 : Candidate{.level = Level::kSenderReports, .offset = offset, .exact = exact_};
    }
  }
  if (remembered) {
    return from_memory;
  }
  if (comparable) {
    const auto from_offset = previous->ArrivalOffset();
    const auto to_offset = to.ArrivalOffset();
    if (from_offset && to_offset) {
      return Candidate{.level = Level::kArrivals,
                       .offset = offset_ + slew_ + to.TicksOf(*to_offset - *from_offset)};
    }
  }
  const int64_t out = last_ + std::max<int64_t>(1, Elapsed(to, now));
  return Candidate{.level = Level::kElapsed, .offset = out - source.timestamp};
}

int64_t TimestampAligner::OffsetOf(int64_t timestamp) const {
  int64_t offset = offset_;
  for (size_t i = 1; i <= past_.size(); ++i) {
    const Past& past = past_[(next_past_ + past_.size() - i) % past_.size()];
    if (timestamp >= past.until) {
      break;
    }
    offset = past.offset;
  }
  return offset;
}

// `residual`: what the offset still lacks of where the candidate wants it.
void TimestampAligner::Adopt(const Source& source, const Candidate& candidate, int64_t offset,
                             int64_t residual, Timestamp now) {
  if (exact_) {
    reference_layer_ = layer_;
    reference_epoch_ = epoch_;
    reference_offset_ = offset_ + slew_;
  }
  adopted_at_ = now;
  layer_ = source.layer;
  epoch_ = source.epoch;
  offset_ = offset;
  level_ = candidate.level;
  exact_ = candidate.exact;
  slew_ = residual;
  past_ = {};
  frame_timestamp_ = source.timestamp;
  next_look_ = Timestamp::Never();
  waiting_since_ = Timestamp::Never();
  memory_[static_cast<size_t>(source.layer)] =
      Memory{.valid = true, .exact = exact_, .epoch = source.epoch, .offset = offset + residual};
}

bool TimestampAligner::Switch(const Source& source, const StreamTimeline* previous, Timestamp now) {
  Candidate candidate = Choose(source, previous, now);
  const StreamTimeline& timeline = *source.timeline;
  const int64_t elapsed = Elapsed(timeline, now);
  const int64_t out = source.timestamp + candidate.offset;
  int64_t placed = out;
  if (out <= last_ - timeline.TicksOf(kMaxBehind.micros())) {
    if (waiting_since_.never()) {
      waiting_since_ = now;
      return false;
    }
    placed = last_ + std::max<int64_t>(1, elapsed);
    candidate.level = Level::kElapsed;
  }
  const int64_t latest = last_ + elapsed + timeline.TicksOf(kMaxAhead.micros());
  placed = std::clamp(placed, last_ + 1, std::max(latest, last_ + 1));
  const bool credible = std::abs(out - placed) <= timeline.TicksOf(kMaxResidual.micros());
  Adopt(source, candidate, placed - source.timestamp, credible ? out - placed : 0, now);
  return true;
}

void TimestampAligner::Resume(const Source& source, const StreamTimeline* previous, bool after_mute,
                              Timestamp now) {
  Candidate candidate = Choose(source, previous, now);
  const StreamTimeline& timeline = *source.timeline;
  const int64_t expected = last_ + std::max<int64_t>(1, Elapsed(timeline, now));
  int64_t out = source.timestamp + candidate.offset;
  const TimeDelta behind = after_mute ? kResumeBehindAfterMute : kResumeBehind;
  if (out < expected - timeline.TicksOf(behind.micros()) ||
      out > expected + timeline.TicksOf(kResumeAhead.micros())) {
    out = expected;
    // The publisher's time stood still or jumped, in all of its streams: a new line begins.
    candidate = Candidate{.level = Level::kElapsed, .exact = true};
    memory_ = {};
    exact_ = false;
    reference_layer_ = -1;
  }
  out = std::max(out, last_ + 1);
  Adopt(source, candidate, out - source.timestamp, 0, now);
}

void TimestampAligner::OnFrame(int64_t timestamp, const StreamTimeline& current,
                               const StreamTimeline* reference, Timestamp now) {
  const int64_t step = timestamp - frame_timestamp_;
  frame_timestamp_ = std::max(timestamp, frame_timestamp_);
  if (!exact_ && reference_layer_ >= 0 && reference != nullptr && reference != &current &&
      now >= next_look_) {
    next_look_ = now + kLookInterval;
    const auto from = reference->SenderOffset(now);
    const auto to = current.SenderOffset(now);
    if (from && to) {
      const int64_t offset = reference_offset_ + current.TicksOf(*to - *from);
      if (std::abs(offset - offset_) <= current.TicksOf(kMaxResidual.micros())) {
        level_ = Level::kSenderReports;
        exact_ = true;
        slew_ = offset - offset_;
        memory_[static_cast<size_t>(layer_)].exact = true;
        memory_[static_cast<size_t>(layer_)].offset = offset;
      }
    }
  }
  if (slew_ == 0 || step <= 0) {
    return;
  }
  const int64_t most = std::max<int64_t>(step / kSlewDivisor, 1);
  const int64_t part = std::clamp(slew_, -most, most);
  past_[next_past_] = Past{.until = timestamp, .offset = offset_};
  next_past_ = (next_past_ + 1) % past_.size();
  slew_ -= part;
  offset_ += part;
}

}  // namespace weir::sfu
