#include "sctp/reassembly.h"

#include <algorithm>
#include <iterator>
#include <ranges>

namespace weir::sctp {
namespace {

constexpr size_t kFragmentCost = 64;  // Of a buffer and its places in the containers.
constexpr size_t kMessageCost = 96;

}  // namespace

Reassembly::Outcome Reassembly::Add(Tsn tsn, const Data& data) {
  Run fresh{.last = tsn,
            .stream = data.stream,
            .ssn = data.ssn,
            .ppid = data.ppid,
            .unordered = (data.flags & Data::kUnordered) != 0,
            .begins = (data.flags & Data::kBegin) != 0,
            .ends = (data.flags & Data::kEnd) != 0,
            .bytes = data.payload.size()};
  fresh.fragments.emplace_back(data.payload.begin(), data.payload.end());
  buffered_ += data.payload.size() + kFragmentCost;
  auto run = runs_.emplace(tsn, std::move(fresh)).first;

  if (run != runs_.begin()) {
    const auto left = std::prev(run);
    if (left->second.last == tsn - 1 && Continues(left->second, run->second)) {
      if (const Outcome outcome = Join(left, run); outcome != Outcome::kOk) {
        return outcome;
      }
      run = left;
    }
  }
  const auto right = std::next(run);
  if (right != runs_.end() && right->first == run->second.last + 1 && Continues(run->second, right->second)) {
    if (const Outcome outcome = Join(run, right); outcome != Outcome::kOk) {
      return outcome;
    }
  }
  if (run->second.bytes > max_message_size_) {
    return Outcome::kTooLarge;
  }
  if (run->second.begins && run->second.ends) {
    Complete(run);
  } else if (!run->second.begins && skipped_to_ && run->first == *skipped_to_ + 1) {
    DropTail(run);
  }
  return Outcome::kOk;
}

// Moves the shorter run's fragments, so that no order of arrival costs more than n log n in all.
Reassembly::Outcome Reassembly::Join(Runs::iterator left, Runs::iterator right) {
  Run& a = left->second;
  Run& b = right->second;
  if (a.stream != b.stream || a.unordered != b.unordered || (!a.unordered && a.ssn != b.ssn)) {
    return Outcome::kInconsistent;
  }
  if (a.fragments.size() >= b.fragments.size()) {
    std::ranges::move(b.fragments, std::back_inserter(a.fragments));
  } else {
    std::ranges::move(a.fragments.rbegin(), a.fragments.rend(), std::front_inserter(b.fragments));
    a.fragments = std::move(b.fragments);
  }
  a.last = b.last;
  a.ends = b.ends;
  a.bytes += b.bytes;
  runs_.erase(right);
  return Outcome::kOk;
}

void Reassembly::Erase(Runs::iterator run) {
  buffered_ -= run->second.bytes + run->second.fragments.size() * kFragmentCost;
  runs_.erase(run);
}

void Reassembly::Complete(Runs::iterator position) {
  Run& run = position->second;
  Message message{run.stream, run.ppid, std::move(run.fragments.front())};
  message.bytes.reserve(run.bytes);
  for (const base::Buffer& fragment : run.fragments | std::views::drop(1)) {
    message.bytes.insert(message.bytes.end(), fragment.begin(), fragment.end());
  }
  const bool unordered = run.unordered;
  const uint16_t wire_ssn = run.ssn;
  Erase(position);
  const size_t cost = message.bytes.size() + kMessageCost;
  if (unordered) {
    buffered_ += cost;
    ready_.push_back(std::move(message));
    return;
  }
  Stream& stream = streams_[message.stream];
  const int64_t ssn = UnwrapSsn(stream.next_ssn, wire_ssn);
  if (ssn < stream.next_ssn || stream.waiting.contains(ssn)) {
    ++stale_;
    return;
  }
  buffered_ += cost;
  stream.waiting.emplace(ssn, std::move(message));
  Advance(stream);
}

void Reassembly::Advance(Stream& stream) {
  while (!stream.waiting.empty() && stream.waiting.begin()->first <= stream.next_ssn) {
    stream.next_ssn = std::max(stream.next_ssn, stream.waiting.begin()->first + 1);
    ready_.push_back(std::move(stream.waiting.begin()->second));
    stream.waiting.erase(stream.waiting.begin());
  }
}

std::optional<Reassembly::Message> Reassembly::Poll() {
  if (ready_.empty()) {
    return std::nullopt;
  }
  Message message = std::move(ready_.front());
  ready_.pop_front();
  buffered_ -= message.bytes.size() + kMessageCost;
  return message;
}

void Reassembly::Skip(Tsn cumulative, std::span<const std::pair<uint16_t, uint16_t>> skipped) {
  skipped_to_ = std::max(cumulative, skipped_to_.value_or(cumulative));
  while (!runs_.empty() && runs_.begin()->first <= cumulative) {
    const auto first = runs_.begin();
    if (!first->second.ends) {
      skipped_to_ = std::max(*skipped_to_, first->second.last);
    }
    Erase(first);
  }
  if (!runs_.empty() && !runs_.begin()->second.begins && runs_.begin()->first == *skipped_to_ + 1) {
    DropTail(runs_.begin());
  }
  for (const auto& [id, wire_ssn] : skipped) {
    Stream& stream = streams_[id];
    const int64_t ssn = UnwrapSsn(stream.next_ssn, wire_ssn);
    if (ssn >= stream.next_ssn) {
      // Whole messages that waited for a skipped one are older than the new point: out they go, in order.
      while (!stream.waiting.empty() && stream.waiting.begin()->first <= ssn) {
        ready_.push_back(std::move(stream.waiting.begin()->second));
        stream.waiting.erase(stream.waiting.begin());
      }
      stream.next_ssn = ssn + 1;
      Advance(stream);
    }
  }
}

void Reassembly::DropTail(Runs::iterator run) {
  skipped_to_ = run->second.ends ? std::nullopt : std::optional(run->second.last);
  Erase(run);
}

void Reassembly::ResetStreams(std::span<const uint16_t> streams) {
  if (streams.empty()) {
    for (auto& [id, stream] : streams_) {
      ResetStream(stream);
    }
  }
  for (const uint16_t id : streams) {
    if (const auto stream = streams_.find(id); stream != streams_.end()) {
      ResetStream(stream->second);
    }
  }
}

void Reassembly::ResetStream(Stream& stream) {
  for (const auto& [ssn, message] : stream.waiting) {
    buffered_ -= message.bytes.size() + kMessageCost;
    ++stale_;
  }
  stream.waiting.clear();
  stream.next_ssn = 0;
}

}  // namespace weir::sctp
