#include "sfu/red_converter.h"

#include <algorithm>

namespace weir::sfu {

RedConverter::Recovered RedConverter::Recover(const ReceivedPacket& carrier, int64_t highest) {
  Recovered recovered;
  if (carrier.red == nullptr || carrier.late || highest == INT64_MIN) {
    return recovered;
  }
  const auto redundant = carrier.red->redundant();
  const auto most = static_cast<int64_t>(std::min(redundant.size(), kMaxRecovered));
  for (int64_t back = std::min(carrier.seq - highest - 1, most); back >= 1; --back) {
    const codec::RedBlock& block = redundant[redundant.size() - static_cast<size_t>(back)];
    if (block.data.empty()) {
      continue;  // Nothing was said there (DTX).
    }
    recovered.packets[recovered.count++] =
        RecoveredAudio{.back = back,
                       .ticks = block.timestamp_offset,
                       .payload_offset = static_cast<uint16_t>(block.data.data() - carrier.bytes().data()),
                       .payload_size = static_cast<uint16_t>(block.data.size())};
  }
  return recovered;
}

void RedConverter::OnRecovered(int64_t seq) {
  if (seq > newest_) {
    const bool far = newest_ == INT64_MIN || seq - newest_ >= 64;
    mask_ = far ? 0 : mask_ << (seq - newest_);
    newest_ = seq;
  }
  if (newest_ - seq < 64) {
    mask_ |= uint64_t{1} << (newest_ - seq);
  }
}

bool RedConverter::WasRecovered(int64_t seq) const {
  return newest_ != INT64_MIN && seq <= newest_ && newest_ - seq < 64 && (mask_ >> (newest_ - seq) & 1) != 0;
}

}  // namespace weir::sfu
