#include "base/packet_pool.h"

#include <algorithm>
#include <cstring>

namespace weir::base {

bool PacketPool::Grow() {
  const size_t count = std::min(config_.slab_packets, config_.max_packets - total_);
  if (count == 0) {
    return false;
  }
  auto slab = std::make_unique_for_overwrite<Packet[]>(count);
  for (size_t i = 0; i < count; ++i) {
    slab[i].pool_ = this;
    Free(&slab[i]);
  }
  total_ += count;
  slabs_.push_back(std::move(slab));
  return true;
}

PacketRef PacketPool::Allocate() {
  if (free_ == nullptr && !Grow()) {
    ++exhausted_;
    return {};
  }
  Packet* packet = free_;
  free_ = packet->next_free_;
  --free_count_;
  packet->begin = 0;
  packet->size = 0;
  return PacketRef(packet);
}

PacketRef PacketPool::Copy(ConstBytes bytes, Timestamp arrival) {
  if (bytes.size() > kMaxPacketSize) {
    return {};
  }
  PacketRef packet = Allocate();
  if (packet) {
    if (!bytes.empty()) {
      std::memcpy(packet->storage().data(), bytes.data(), bytes.size());
    }
    packet->size = static_cast<uint16_t>(bytes.size());
    packet->arrival = arrival;
  }
  return packet;
}

}  // namespace weir::base
