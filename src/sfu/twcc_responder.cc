#include "sfu/twcc_responder.h"

#include <algorithm>
#include <array>

namespace weir::sfu {

using base::Timestamp;

namespace {
// Beyond this a jump is a restarted sender, not loss.
constexpr int64_t kMaxJump = 4096;
constexpr size_t kMaxFeedbackSize = 1200;
}  // namespace

TwccResponder::TwccResponder() : TwccResponder(Config()) {}
TwccResponder::TwccResponder(const Config& config) : config_(config) {
  held_.reserve(config.max_packets + 1);
}

void TwccResponder::OnPacket(Timestamp arrival, uint16_t sequence, rtp::Ssrc media) {
  media_ = media;
  const int64_t extended = unwrapper_.Unwrap(sequence);
  if (!started_ || extended > (held_.empty() ? base_ : held_.back().sequence) + kMaxJump) {
    started_ = true;
    counters_.overflow += held_.size();
    held_.clear();
    base_ = extended;
  }
  // A packet that a report called lost may still be told of in the next one, as long as it is not ancient.
  if (extended < base_ - kMaxJump) {
    ++counters_.overflow;
    return;
  }
  base_ = std::min(base_, extended);
  Hold(extended, arrival);
}

void TwccResponder::Hold(int64_t sequence, Timestamp arrival) {
  auto it = held_.end();
  while (it != held_.begin() && std::prev(it)->sequence >= sequence) {
    --it;
  }
  if (it != held_.end() && it->sequence == sequence) {
    ++counters_.duplicates;
    return;
  }
  if (held_.empty()) {
    first_held_ = arrival;
  }
  ++counters_.packets;
  held_.insert(it, rtcp::PacketArrival{.sequence = sequence, .arrival = arrival});
  if (held_.size() > config_.max_packets) {
    DropOldest();
  }
}

void TwccResponder::DropOldest() {
  ++counters_.overflow;
  base_ = held_.front().sequence + 1;
  held_.erase(held_.begin());
}

Timestamp TwccResponder::NextTimeout() const {
  if (held_.empty()) {
    return Timestamp::Infinity();
  }
  return building_ || held_.size() >= config_.flush_packets ? first_held_ : first_held_ + config_.interval;
}

std::optional<base::Buffer> TwccResponder::Build(Timestamp now, rtp::Ssrc local_ssrc) {
  if (held_.empty() || now < NextTimeout()) {
    return std::nullopt;
  }
  if (!writer_) {
    writer_.emplace(local_ssrc, media_);
  }
  writer_->SetMedia(media_);
  std::array<uint8_t, kMaxFeedbackSize> bytes;
  base::ByteWriter out(base::MutableBytes(bytes).first(std::min(config_.max_size, bytes.size())));
  const size_t covered = writer_->Write(base_, held_, out);
  if (covered == 0) {
    DropOldest();  // Cannot be expressed; the next one can.
    return std::nullopt;
  }
  ++counters_.reports;
  base_ = held_[covered - 1].sequence + 1;
  held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(covered));
  building_ = !held_.empty();
  first_held_ = held_.empty() ? Timestamp::Infinity() : now;
  return base::Buffer(out.written().begin(), out.written().end());
}

}  // namespace weir::sfu
