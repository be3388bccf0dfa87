#include "sim/media_sink.h"

#include <algorithm>

#include "rtcp/ntp.h"

namespace weir::sim {

using base::Timestamp;

namespace {

constexpr size_t kMaxSeen = 8192;
constexpr size_t kMaxViolations = 20;

}  // namespace

void MediaSink::Violate(std::string text) {
  if (violations_.size() < kMaxViolations) {
    violations_.push_back(std::move(text));
  }
}

void MediaSink::OnRtp(Timestamp now, base::ConstBytes packet) {
  const auto header = rtp::ParseHeader(packet);
  if (!header) {
    ++stats_.ignored;
    return;
  }
  base::ConstBytes payload = header->Payload(packet);
  if (config_.rtx_ssrc && header->ssrc == *config_.rtx_ssrc) {
    if (header->payload_type != config_.rtx_payload_type) {
      ++stats_.ignored;
      return;
    }
    if (payload.size() > 2) {
      OnMedia(now, base::LoadU16(payload.data()), *header, payload.subspan(2), true);
    } else {
      ++stats_.padding;
    }
    return;
  }
  if (header->ssrc != config_.ssrc || header->payload_type != config_.payload_type) {
    ++stats_.ignored;
    return;
  }
  OnMedia(now, header->sequence, *header, payload, false);
}

void MediaSink::OnMedia(Timestamp now, uint16_t wire_sequence, const rtp::Header& header,
                        base::ConstBytes payload, bool repair) {
  const int64_t sequence = unwrapper_.Unwrap(wire_sequence);
  if (!first_) {
    first_ = sequence;
    next_ = sequence;
  }
  ++received_total_;
  const int64_t expected = waiting_.empty() ? next_ : std::max(next_, waiting_.rbegin()->first + 1);
  Waiting arrived{.timestamp = header.timestamp,
                  .marker = header.marker,
                  .vp8 = {},
                  .stamp = ReadStamp(payload),
                  .empty = payload.empty()};
  CheckStamp(sequence, arrived);
  if (sequence < next_ || waiting_.contains(sequence)) {
    ++stats_.duplicates;
    return;
  }
  if (config_.video && !arrived.empty) {
    const auto vp8 = codec::ParseVp8(payload);
    if (!vp8) {
      Violate("a payload that is not VP8");
      return;
    }
    arrived.vp8 = *vp8;
  }
  if (const auto missing = missing_.find(sequence); missing != missing_.end()) {
    stats_.repaired += repair || missing->second.nacks > 0 ? 1 : 0;
    missing_.erase(missing);
  }
  if (!repair) {
    UpdateJitter(now, header.timestamp);
  }
  NoteMissing(now, expected, sequence);
  ++stats_.packets;
  stats_.payload_bytes += payload.size();
  waiting_.emplace(sequence, std::move(arrived));
  Advance(now);
  if (waiting_.size() > config_.max_buffered) {
    GiveUp(now);
  }
}

// One payload has one sequence number, however often it arrives, and one sequence number one payload.
void MediaSink::CheckStamp(int64_t sequence, const Waiting& packet) {
  if (!packet.stamp) {
    if (!packet.empty && config_.video && config_.expect_stamps) {
      Violate("a payload without a stamp");
    }
    return;
  }
  const auto [seen, inserted] = seen_.emplace(*packet.stamp, sequence);
  if (!inserted) {
    if (seen->second != sequence) {
      Violate("payload " + std::to_string(packet.stamp->counter) + " came under two sequence numbers");
    }
    return;
  }
  seen_order_.push_back(*packet.stamp);
  if (seen_order_.size() > kMaxSeen) {
    seen_.erase(seen_order_.front());
    seen_order_.pop_front();
  }
}

void MediaSink::NoteMissing(Timestamp now, int64_t from, int64_t to) {
  for (int64_t sequence = from; sequence < to && missing_.size() < config_.max_buffered; ++sequence) {
    missing_.emplace(sequence, Missing{now, now + config_.nack_delay, 0});
  }
}

void MediaSink::Advance(Timestamp now) {
  while (!waiting_.empty() && waiting_.begin()->first == next_) {
    const Waiting packet = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    ++next_;
    Take(now, packet);
  }
}

// Skips to the oldest packet that is there.
void MediaSink::GiveUp(Timestamp now) {
  if (waiting_.empty()) {
    return;
  }
  const int64_t to = waiting_.begin()->first;
  stats_.given_up += static_cast<uint64_t>(to - next_);
  missing_.erase(missing_.begin(), missing_.lower_bound(to));
  next_ = to;
  gap_ = true;
  if (frame_) {
    frame_.reset();
    ++stats_.frames_lost;
  }
  Advance(now);
}

void MediaSink::Take(Timestamp now, const Waiting& packet) {
  if (packet.empty) {
    ++stats_.padding;
    return;
  }
  if (last_timestamp_ && rtp::TimestampDistance(packet.timestamp, *last_timestamp_) < 0) {
    Violate("the timestamp goes back from " + std::to_string(*last_timestamp_) + " to " +
            std::to_string(packet.timestamp));
  }
  if (config_.video) {
    TakeVideo(now, packet);
  } else {
    if (last_timestamp_ == packet.timestamp) {
      Violate("two audio frames of the same time");
    }
    gap_ = false;
    CountFrame(now, packet.stamp);
  }
  last_timestamp_ = packet.timestamp;
}

void MediaSink::TakeVideo(Timestamp now, const Waiting& packet) {
  if (packet.vp8->start_of_frame) {
    if (frame_ && !gap_) {
      Violate("a frame begins before the last one ended");
    }
    if (last_timestamp_ == packet.timestamp && !gap_) {
      Violate("two frames of the same time");
    }
    frame_ = FrameUnderWay{*packet.vp8, packet.timestamp, packet.stamp};
  } else if (!frame_) {
    if (!gap_) {
      Violate("a frame without its beginning");
    }
    stats_.frames_lost += packet.marker ? 1 : 0;
    return;
  } else if (frame_->timestamp != packet.timestamp || frame_->first.picture_id != packet.vp8->picture_id) {
    Violate("packets of two frames are mixed");
  }
  if (packet.marker) {
    FinishFrame(now, *frame_);
    frame_.reset();
  }
}

void MediaSink::FinishFrame(Timestamp now, const FrameUnderWay& frame) {
  const codec::Vp8Descriptor& first = frame.first;
  if (last_picture_id_ && !gap_ && first.picture_id >= 0 &&
      first.picture_id != ((*last_picture_id_ + 1) & 0x7fff)) {
    Violate("the picture id jumps from " + std::to_string(*last_picture_id_) + " to " +
            std::to_string(first.picture_id));
  }
  last_picture_id_ = first.picture_id;
  if (!IsDecodable(frame)) {
    ++stats_.frames_lost;
    gap_ = false;
    return;
  }
  gap_ = false;
  if (first.keyframe) {
    ++stats_.keyframes;
    stats_.width = first.width;
    stats_.height = first.height;
  }
  ++stats_.frames_by_tid[static_cast<size_t>(std::clamp(first.tid, 0, 3))];
  CountFrame(now, frame.stamp);
}

// A base layer frame needs the base layer frame before it. A higher one needs the base layer frame that it
// names and, unless it is a sync point, the unbroken layers below and its own.
bool MediaSink::IsDecodable(const FrameUnderWay& frame) {
  const codec::Vp8Descriptor& first = frame.first;
  const bool has_layers = first.tl0picidx >= 0 && first.tid >= 0;
  const auto tl0 = static_cast<uint8_t>(first.tl0picidx);
  if (first.keyframe) {
    need_keyframe_ = false;
    broken_tids_.clear();
    last_tl0_ = has_layers ? std::optional(tl0) : std::nullopt;
    return true;
  }
  if (gap_) {
    broken_tids_ = {1, 2, 3};
    // Without layers any loss may have been a reference.
    need_keyframe_ |= !has_layers || !last_tl0_;
  }
  if (need_keyframe_) {
    return false;
  }
  if (!has_layers) {
    return true;
  }
  if (first.tid == 0) {
    if (tl0 != static_cast<uint8_t>(*last_tl0_ + 1)) {
      if (!gap_) {
        Violate("TL0PICIDX jumps from " + std::to_string(*last_tl0_) + " to " + std::to_string(tl0));
      }
      need_keyframe_ = true;
      return false;
    }
    last_tl0_ = tl0;
    return true;
  }
  if (tl0 != *last_tl0_) {
    if (!gap_) {
      Violate("a frame names base layer frame " + std::to_string(tl0) + " after " +
              std::to_string(*last_tl0_));
    }
    need_keyframe_ |= static_cast<int8_t>(static_cast<uint8_t>(tl0 - *last_tl0_)) > 0;
    return false;
  }
  if (first.y) {
    broken_tids_.erase(first.tid);
    return true;
  }
  for (int tid = 1; tid <= first.tid; ++tid) {
    if (broken_tids_.contains(tid)) {
      return false;
    }
  }
  return true;
}

void MediaSink::CountFrame(Timestamp now, const std::optional<Stamp>& stamp) {
  ++stats_.frames;
  stats_.last_stamp = stamp;
  if (!last_frame_.never()) {
    stats_.longest_freeze = std::max(stats_.longest_freeze, now - last_frame_);
  }
  last_frame_ = now;
}

Timestamp MediaSink::NextTimeout() const {
  Timestamp next = Timestamp::Infinity();
  for (const auto& [sequence, missing] : missing_) {
    next = std::min(next, missing.since + config_.max_wait);
    if (config_.nack && missing.nacks < config_.max_nacks) {
      next = std::min(next, missing.next_nack);
    }
  }
  return next;
}

void MediaSink::OnTimeout(Timestamp now) {
  while (!missing_.empty() && !waiting_.empty() && missing_.begin()->second.since + config_.max_wait <= now) {
    GiveUp(now);
  }
  for (auto& [sequence, missing] : missing_) {
    if (config_.nack && missing.next_nack <= now && missing.nacks < config_.max_nacks) {
      missing.next_nack = now + config_.nack_interval;
      ++missing.nacks;
      ++stats_.nacks;
      due_nacks_.push_back(static_cast<uint16_t>(sequence));
    }
  }
}

std::optional<rtcp::Nack> MediaSink::TakeNack() {
  if (due_nacks_.empty()) {
    return std::nullopt;
  }
  return rtcp::Nack{config_.local_ssrc, config_.ssrc, std::exchange(due_nacks_, {})};
}

std::optional<rtcp::Pli> MediaSink::TakePli(Timestamp now) {
  if (!config_.video || !first_ || !need_keyframe_ || now - last_pli_ < config_.pli_interval) {
    return std::nullopt;
  }
  last_pli_ = now;
  ++stats_.plis;
  return rtcp::Pli{config_.local_ssrc, config_.ssrc};
}

void MediaSink::UpdateJitter(Timestamp now, uint32_t timestamp) {
  const int64_t rate = config_.video ? 90'000 : 48'000;
  const int64_t transit = now.micros() * rate / 1'000'000 - timestamp;
  if (last_transit_) {
    const auto difference = static_cast<int32_t>(transit - *last_transit_);  // The timestamp wraps.
    jitter_q4_ += std::abs(int64_t{difference}) - ((jitter_q4_ + 8) >> 4);
  }
  last_transit_ = transit;
}

void MediaSink::OnSenderReport(Timestamp now, const rtcp::SenderReport& report) {
  if (report.sender == config_.ssrc) {
    last_sr_ = rtcp::CompactNtp(report.ntp);
    last_sr_at_ = now;
  }
}

rtcp::ReportBlock MediaSink::MakeReportBlock(Timestamp now) {
  rtcp::ReportBlock block;
  block.ssrc = config_.ssrc;
  if (!first_) {
    return block;
  }
  const int64_t highest = *unwrapper_.highest();
  const int64_t expected = highest - *first_ + 1;
  const int64_t interval_expected = expected - reported_expected_;
  const int64_t interval_lost = interval_expected - (received_total_ - reported_received_);
  reported_expected_ = expected;
  reported_received_ = received_total_;
  if (interval_expected > 0 && interval_lost > 0) {
    block.fraction_lost =
        static_cast<uint8_t>(std::min<int64_t>(255, interval_lost * 256 / interval_expected));
  }
  block.cumulative_lost =
      static_cast<int32_t>(std::clamp<int64_t>(expected - received_total_, -0x800000, 0x7fffff));
  block.highest_seq = static_cast<uint32_t>(highest);
  block.jitter = static_cast<uint32_t>(jitter_q4_ >> 4);
  block.last_sr = last_sr_;
  block.delay_since_last_sr = last_sr_ == 0 ? 0 : rtcp::CompactNtpFromDelta(now - last_sr_at_);
  return block;
}

}  // namespace weir::sim
