#include <algorithm>
#include <cstring>

#include "sctp/crc32c.h"
#include "sctp/packet.h"

namespace weir::sctp {
namespace {

using base::Buffer;
using base::ByteWriter;
using base::ConstBytes;

constexpr size_t kChecksumAt = 8;
constexpr size_t Padded(size_t size) { return (size + 3) & ~size_t{3}; }

// Appends big-endian fields to a growing buffer, for control chunks, which are rare and small.
class Appender {
 public:
  explicit Appender(ChunkType type, uint8_t flags = 0) { bytes_ = {static_cast<uint8_t>(type), flags, 0, 0}; }
  Appender& U16(uint32_t value) {
    bytes_.push_back(static_cast<uint8_t>(value >> 8));
    bytes_.push_back(static_cast<uint8_t>(value));
    return *this;
  }
  Appender& U32(uint32_t value) { return U16(value >> 16).U16(value & 0xffff); }
  Appender& Bytes(ConstBytes value) {
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  Appender& Pad() {
    bytes_.resize(Padded(bytes_.size()));
    return *this;
  }
  Buffer Finish() {
    base::StoreU16(bytes_.data() + 2, static_cast<uint16_t>(bytes_.size()));
    return std::move(bytes_);
  }

 private:
  Buffer bytes_;
};

}  // namespace

Buffer EncodeChunk(ChunkType type, uint8_t flags, ConstBytes value) {
  return Appender(type, flags).Bytes(value).Finish();
}

Buffer EncodeInit(ChunkType type, const Init& init) {
  Appender out(type);
  out.U32(init.tag).U32(init.window).U16(init.outgoing_streams).U16(init.incoming_streams);
  out.U32(init.initial_tsn);
  out.U16(0xc000).U16(4);  // FORWARD-TSN supported.
  const uint8_t extensions[] = {static_cast<uint8_t>(ChunkType::kReconfig),
                                static_cast<uint8_t>(ChunkType::kForwardTsn)};
  out.U16(0x8008).U16(4 + sizeof extensions).Bytes(extensions).Pad();
  if (!init.cookie.empty()) {
    out.U16(7).U16(static_cast<uint32_t>(4 + init.cookie.size())).Bytes(init.cookie).Pad();
  }
  if (!init.unrecognized.empty()) {
    out.U16(8).U16(static_cast<uint32_t>(4 + init.unrecognized.size())).Bytes(init.unrecognized);
  }
  return out.Finish();
}

Buffer EncodeForwardTsn(const ForwardTsn& forward) {
  Appender out(ChunkType::kForwardTsn);
  out.U32(forward.new_cumulative_tsn);
  for (const auto& [stream, ssn] : forward.skipped) {
    out.U16(stream).U16(ssn);
  }
  return out.Finish();
}

Buffer EncodeReconfig(const OutgoingResetRequest& request) {
  Appender out(ChunkType::kReconfig);
  out.U16(13).U16(static_cast<uint32_t>(16 + 2 * request.streams.size()));
  out.U32(request.request).U32(request.response).U32(request.last_tsn);
  for (const uint16_t stream : request.streams) {
    out.U16(stream);
  }
  return out.Finish();
}

Buffer EncodeReconfig(const ReconfigResponse& response) {
  Appender out(ChunkType::kReconfig);
  out.U16(16).U16(12).U32(response.request).U32(static_cast<uint32_t>(response.result));
  return out.Finish();
}

Buffer EncodeError(ChunkType type, uint16_t cause, ConstBytes info) {
  return Appender(type).U16(cause).U16(static_cast<uint32_t>(4 + info.size())).Bytes(info).Finish();
}

PacketBuilder::PacketBuilder(uint16_t source_port, uint16_t destination_port, uint32_t tag, size_t mtu)
    : mtu_(mtu & ~size_t{3}) {
  bytes_.reserve(mtu_);
  bytes_.resize(kPacketHeaderSize);
  base::StoreU16(bytes_.data(), source_port);
  base::StoreU16(bytes_.data() + 2, destination_port);
  base::StoreU32(bytes_.data() + 4, tag);
}

uint8_t* PacketBuilder::Append(size_t size) {
  const size_t at = bytes_.size();
  bytes_.resize(at + Padded(size));
  return bytes_.data() + at;
}

bool PacketBuilder::Add(ConstBytes chunk) {
  // A control chunk larger than the MTU still goes out, alone: the cookie of the peer may be that long.
  if (Padded(chunk.size()) > space() && !empty()) {
    return false;
  }
  std::copy(chunk.begin(), chunk.end(), Append(chunk.size()));
  mtu_ = std::max(mtu_, bytes_.size());
  return true;
}

bool PacketBuilder::AddData(const Data& data) {
  const size_t size = kDataHeaderSize + data.payload.size();
  if (Padded(size) > space()) {
    return false;
  }
  ByteWriter writer({Append(size), size});
  writer.WriteU8(static_cast<uint8_t>(ChunkType::kData));
  writer.WriteU8(data.flags);
  writer.WriteU16(static_cast<uint16_t>(size));
  writer.WriteU32(data.tsn);
  writer.WriteU16(data.stream);
  writer.WriteU16(data.ssn);
  writer.WriteU32(data.ppid);
  writer.WriteBytes(data.payload);
  return true;
}

bool PacketBuilder::AddSack(uint32_t cumulative_tsn, uint32_t window,
                            std::span<const std::pair<uint16_t, uint16_t>> gaps,
                            std::span<const uint32_t> duplicates) {
  constexpr size_t kFixed = 16;
  if (space() < kFixed) {
    return false;
  }
  gaps = gaps.first(std::min(gaps.size(), (space() - kFixed) / 4));
  duplicates = duplicates.first(std::min(duplicates.size(), (space() - kFixed) / 4 - gaps.size()));
  const size_t size = kFixed + 4 * (gaps.size() + duplicates.size());
  ByteWriter writer({Append(size), size});
  writer.WriteU8(static_cast<uint8_t>(ChunkType::kSack));
  writer.WriteU8(0);
  writer.WriteU16(static_cast<uint16_t>(size));
  writer.WriteU32(cumulative_tsn);
  writer.WriteU32(window);
  writer.WriteU16(static_cast<uint16_t>(gaps.size()));
  writer.WriteU16(static_cast<uint16_t>(duplicates.size()));
  for (const auto& [first, last] : gaps) {
    writer.WriteU16(first);
    writer.WriteU16(last);
  }
  for (const uint32_t duplicate : duplicates) {
    writer.WriteU32(duplicate);
  }
  return true;
}

Buffer PacketBuilder::Finish() {
  base::StoreU32(bytes_.data() + kChecksumAt, __builtin_bswap32(Crc32c(bytes_)));
  return std::move(bytes_);
}

}  // namespace weir::sctp
