#include "srtp/stream_table.h"

#include <algorithm>

namespace weir::srtp {

ReplayWindow::Verdict ReplayWindow::Accept(uint64_t index, uint64_t size) {
  if (index > highest_) {
    if (index - highest_ >= kSize) {
      seen_.fill(0);
    } else {
      for (uint64_t skipped = highest_ + 1; skipped < index; ++skipped) {
        Word(skipped) &= ~(uint64_t{1} << (skipped % 64));
      }
    }
    highest_ = index;
    Mark(index);
    return Verdict::kFresh;
  }
  if (highest_ - index >= size) {
    return Verdict::kTooOld;
  }
  if ((Word(index) >> (index % 64) & 1) != 0) {
    return Verdict::kReplayed;
  }
  Mark(index);
  return Verdict::kFresh;
}

// RFC 3711 section 3.3.1 and appendix A. Before the first wrap there is no previous rollover to belong to, so
// a sequence number far above is taken as a jump forward (libsrtp does the same).
uint64_t ReplayWindow::Guess(uint16_t sequence) const {
  constexpr int kHalf = 0x8000;
  const int last = static_cast<int>(highest_ & 0xffff);
  const uint64_t roc = highest_ >> 16;
  uint64_t guess = roc;
  if (last < kHalf) {
    if (sequence - last > kHalf && roc > 0) {
      guess = roc - 1;
    }
  } else if (last - kHalf > sequence) {
    guess = (roc + 1) & 0xffff'ffff;
  }
  return guess << 16 | sequence;
}

ReplayWindow* StreamTable::Find(uint32_t ssrc) {
  if (slots_.empty()) {
    return nullptr;
  }
  for (size_t i = Start(ssrc);; i = (i + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[i];
    if (slot.position == 0) {
      return nullptr;
    }
    if (slot.ssrc == ssrc) {
      return &streams_[slot.position - 1].window;
    }
  }
}

bool StreamTable::Add(uint32_t ssrc, uint64_t first_index) {
  if (streams_.size() >= max_streams_) {
    return false;
  }
  streams_.push_back({ssrc, ReplayWindow(first_index)});
  if (streams_.size() * 2 > slots_.size()) {
    Rebuild(std::max<size_t>(8, slots_.size() * 2));
  } else {
    Place(static_cast<uint32_t>(streams_.size()));
  }
  return true;
}

void StreamTable::Remove(uint32_t ssrc) {
  const auto removed = std::ranges::find(streams_, ssrc, &Stream::ssrc);
  if (removed == streams_.end()) {
    return;
  }
  *removed = streams_.back();
  streams_.pop_back();
  Rebuild(slots_.size());
}

void StreamTable::Rebuild(size_t slots) {
  slots_.assign(slots, {});
  for (uint32_t position = 1; position <= streams_.size(); ++position) {
    Place(position);
  }
}

void StreamTable::Place(uint32_t position) {
  const uint32_t ssrc = streams_[position - 1].ssrc;
  size_t i = Start(ssrc);
  while (slots_[i].position != 0) {
    i = (i + 1) & (slots_.size() - 1);
  }
  slots_[i] = {ssrc, position};
}

}  // namespace weir::srtp
