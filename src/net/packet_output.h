// Where datagrams go, as an interface: the io module's batch implements it, a simulation's network as well.
#pragma once

#include "base/bytes.h"
#include "net/address.h"

namespace weir::net {

// A packet is sealed straight into the space that Reserve returns, which is the only copy it ever gets. Used
// on one thread.
class PacketOutput {
 public:
  virtual ~PacketOutput() = default;
  // Space for one packet of at most `max` bytes towards `path`; empty when no more can be taken now (counted
  // there). Valid until the next call.
  virtual base::MutableBytes Reserve(const FiveTuple& path, size_t max) = 0;
  // The reserved packet has `size` bytes (at most `max`) and leaves with the owner's next flush, in order
  // within its path.
  virtual void Commit(const FiveTuple& path, size_t size) = 0;

  // Copies `bytes` out whole; false when no space was left.
  bool Send(const FiveTuple& path, base::ConstBytes bytes) {
    const base::MutableBytes space = Reserve(path, bytes.size());
    if (space.size() < bytes.size() || bytes.empty()) {
      return false;
    }
    std::memcpy(space.data(), bytes.data(), bytes.size());
    Commit(path, bytes.size());
    return true;
  }
};

}  // namespace weir::net
