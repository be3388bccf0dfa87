// Fuzz support: two ends whose packets are delivered, lost, repeated, damaged or invented as input bytes say.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>

#include "base/random.h"
#include "sctp/crc32c.h"
#include "sctp/packet.h"

namespace weir::sctp {

inline void Require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

template <typename End>
class FuzzLine {
 public:
  FuzzLine(base::ConstBytes input, End& a, End& b) : input_(input), ends_{&a, &b} {}

  bool done() const { return input_.remaining() == 0; }
  base::ByteReader& input() { return input_; }
  base::Timestamp now() const { return now_; }
  End& end(int index) { return *ends_[static_cast<size_t>(index)]; }

  // One step of the line itself; `choice` below 8. Polls both ends.
  void Step(uint8_t choice, int target) {
    switch (choice) {
      case 0:
      case 1:
      case 2:
        Deliver(target, 0);
        break;
      case 3:
        Deliver(target, input_.ReadU8());  // Out of order.
        break;
      case 4:
        Deliver(target, 0, /*keep=*/true);
        break;
      case 5:
        Damage(target);
        break;
      case 6:
        Invent(target);
        break;
      default:
        Advance(input_.ReadU8());
        break;
    }
    Poll();
  }
  void Poll() {
    for (size_t from = 0; from < 2; ++from) {
      int packets = 0;
      while (auto packet = ends_[from]->PollTransmit(now_)) {
        Require(++packets < 100'000);  // An end that never runs dry would hang the shell.
        Require(packet->size() >= kPacketHeaderSize + kChunkHeaderSize);
        tags_[1 - from] = base::LoadU32(packet->data() + 4);
        if (flying_[1 - from].size() < 256) {
          flying_[1 - from].push_back(*std::move(packet));
        }
      }
      while (ends_[from]->PollEvent()) {
      }
    }
  }

 private:
  void Deliver(int target, size_t at, bool keep = false) {
    auto& queue = flying_[static_cast<size_t>(target)];
    if (queue.empty()) {
      return;
    }
    const auto packet = queue.begin() + static_cast<ptrdiff_t>(at % queue.size());
    const base::Buffer bytes = *packet;
    if (!keep) {
      queue.erase(packet);
    }
    ends_[static_cast<size_t>(target)]->OnPacket(now_, bytes);
  }
  void Damage(int target) {
    auto& queue = flying_[static_cast<size_t>(target)];
    if (queue.empty()) {
      return;
    }
    base::Buffer& bytes = queue.front();
    bytes[input_.ReadU16() % bytes.size()] = input_.ReadU8();
    Seal(bytes);
    Deliver(target, 0);
  }
  // Chunks from the input, in a packet that the target takes for its peer's.
  void Invent(int target) {
    base::Buffer bytes(kPacketHeaderSize);
    base::StoreU32(bytes.data() + 4, tags_[static_cast<size_t>(target)]);
    const size_t size = std::min<size_t>(input_.ReadU8(), input_.remaining());
    const base::ConstBytes chunks = input_.ReadBytes(size);
    bytes.insert(bytes.end(), chunks.begin(), chunks.end());
    Seal(bytes);
    ends_[static_cast<size_t>(target)]->OnPacket(now_, bytes);
  }
  static void Seal(base::Buffer& bytes) {
    base::StoreU32(bytes.data() + 8, 0);
    base::StoreU32(bytes.data() + 8, __builtin_bswap32(Crc32c(bytes)));
  }
  // To the next deadline, or by so many milliseconds when it is further away.
  void Advance(uint8_t millis) {
    const base::Timestamp next = std::min(ends_[0]->NextTimeout(), ends_[1]->NextTimeout());
    now_ = std::max(now_, std::min(next, now_ + base::TimeDelta::Millis(int64_t{millis} * millis)));
    for (End* end : ends_) {
      if (end->NextTimeout() <= now_) {
        end->OnTimeout(now_);
      }
    }
  }

  base::ByteReader input_;
  std::array<End*, 2> ends_;
  std::array<std::deque<base::Buffer>, 2> flying_;
  std::array<uint32_t, 2> tags_ = {};
  base::Timestamp now_ = base::Timestamp::Seconds(1);
};

}  // namespace weir::sctp
