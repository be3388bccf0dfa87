// Test support: two ends that exchange packets over a line with delay, loss and reordering, in virtual time.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "sctp/association.h"

namespace weir::sctp {

using base::TimeDelta;
using base::Timestamp;

// `End` is an Association or a DataChannels: anything with OnPacket, PollTransmit, PollEvent, NextTimeout and
// OnTimeout.
template <typename End>
class TestWire {
 public:
  struct Config {
    TimeDelta delay = TimeDelta::Millis(10);
    TimeDelta jitter;  // Reorders when it exceeds the gaps between packets.
    double loss = 0;
    uint64_t seed = 1;
  };
  using Event = typename End::Event;
  // Decides about one packet: true to lose it.
  using Filter = std::function<bool(int from, const base::Buffer& packet)>;

  TestWire(End& a, End& b, const Config& config) : ends_{&a, &b}, config_(config), random_(config.seed) {}
  TestWire(End& a, End& b) : TestWire(a, b, Config()) {}

  Timestamp now() const { return now_; }
  void set_loss(double loss) { config_.loss = loss; }
  void set_filter(Filter filter) { filter_ = std::move(filter); }
  std::vector<Event>& events(int end) { return events_[end]; }
  void set_polls(int end, bool polls) { polls_[end] = polls; }
  uint64_t sent(int end) const { return sent_[end]; }
  uint64_t steps() const { return steps_; }

  // Sends what both ends have to send, takes their events.
  void Flush() {
    for (int end = 0; end < 2; ++end) {
      while (auto packet = ends_[end]->PollTransmit(now_)) {
        Transmit(end, *std::move(packet));
      }
      while (polls_[end]) {
        auto event = ends_[end]->PollEvent();
        if (!event) {
          break;
        }
        events_[end].push_back(*std::move(event));
      }
    }
  }

  void RunFor(TimeDelta span) {
    RunUntil(now_ + span, [] { return false; });
  }
  // Until `done`, at most `span`. Returns whether it was done.
  bool RunUntilDone(TimeDelta span, const std::function<bool()>& done) { return RunUntil(now_ + span, done); }

 private:
  bool RunUntil(Timestamp end, const std::function<bool()>& done) {
    for (;;) {
      Flush();
      if (done()) {
        return true;
      }
      Timestamp next = std::min(ends_[0]->NextTimeout(), ends_[1]->NextTimeout());
      if (!flying_.empty()) {
        next = std::min(next, flying_.begin()->first);
      }
      if (next > end) {
        now_ = end;
        return false;
      }
      Step(std::max(next, now_));
    }
  }
  void Step(Timestamp to) {
    ++steps_;
    now_ = to;
    if (!flying_.empty() && flying_.begin()->first <= now_) {
      const auto [target, packet] = flying_.begin()->second;
      flying_.erase(flying_.begin());
      ends_[target]->OnPacket(now_, packet);
      return;
    }
    for (End* end : ends_) {
      if (end->NextTimeout() <= now_) {
        end->OnTimeout(now_);
      }
    }
  }
  void Transmit(int from, base::Buffer packet) {
    ++sent_[from];
    if ((filter_ && filter_(from, packet)) || random_.NextDouble() < config_.loss) {
      return;
    }
    const int64_t jitter = config_.jitter.micros();
    const TimeDelta extra = TimeDelta::Micros(jitter > 0 ? random_.Below(static_cast<uint32_t>(jitter)) : 0);
    flying_.emplace(now_ + config_.delay + extra, std::pair(1 - from, std::move(packet)));
  }

  std::array<End*, 2> ends_;
  Config config_;
  base::SeededRandom random_;
  Filter filter_;
  Timestamp now_ = Timestamp::Seconds(1000);
  std::multimap<Timestamp, std::pair<int, base::Buffer>> flying_;
  std::array<std::vector<Event>, 2> events_;
  std::array<bool, 2> polls_ = {true, true};
  std::array<uint64_t, 2> sent_ = {};
  uint64_t steps_ = 0;
};

template <typename T, typename Event>
std::vector<T> Of(const std::vector<Event>& events) {
  std::vector<T> found;
  for (const Event& event : events) {
    if (const T* value = std::get_if<T>(&event)) {
      found.push_back(*value);
    }
  }
  return found;
}

}  // namespace weir::sctp
