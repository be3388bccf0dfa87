// Reading and writing network byte order without surprises: a reader that remembers failure, a writer that
// never overruns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace weir::base {

using ConstBytes = std::span<const uint8_t>;
using MutableBytes = std::span<uint8_t>;
using Buffer = std::vector<uint8_t>;

inline ConstBytes AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view AsText(ConstBytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Reads big-endian fields in order. Reading past the end yields zeros and sets ok() to false for good, so
// that a parser reads straight through and checks once.
class ByteReader {
 public:
  explicit ByteReader(ConstBytes bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  size_t remaining() const { return bytes_.size() - position_; }
  size_t position() const { return position_; }

  uint8_t ReadU8() { return static_cast<uint8_t>(ReadBigEndian(1)); }
  uint16_t ReadU16() { return static_cast<uint16_t>(ReadBigEndian(2)); }
  uint32_t ReadU24() { return static_cast<uint32_t>(ReadBigEndian(3)); }
  uint32_t ReadU32() { return static_cast<uint32_t>(ReadBigEndian(4)); }
  uint64_t ReadU64() { return ReadBigEndian(8); }
  // A view into the input; empty (and ok() false) when fewer bytes remain.
  ConstBytes ReadBytes(size_t count) {
    if (!Has(count)) {
      return {};
    }
    const ConstBytes view = bytes_.subspan(position_, count);
    position_ += count;
    return view;
  }
  ConstBytes ReadRest() { return ReadBytes(remaining()); }
  void Skip(size_t count) { ReadBytes(count); }

 private:
  bool Has(size_t count) {
    if (!ok_ || remaining() < count) {
      ok_ = false;
      position_ = bytes_.size();
      return false;
    }
    return true;
  }
  uint64_t ReadBigEndian(size_t count) {
    if (!Has(count)) {
      return 0;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i) {
      value = (value << 8) | bytes_[position_++];
    }
    return value;
  }

  ConstBytes bytes_;
  size_t position_ = 0;
  bool ok_ = true;
};

// Writes big-endian fields into a buffer of fixed size. Writing past the end changes nothing and sets ok() to
// false.
class ByteWriter {
 public:
  explicit ByteWriter(MutableBytes bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }
  MutableBytes written() const { return bytes_.first(position_); }

  void WriteU8(uint8_t value) { WriteBigEndian(value, 1); }
  void WriteU16(uint16_t value) { WriteBigEndian(value, 2); }
  void WriteU24(uint32_t value) { WriteBigEndian(value, 3); }
  void WriteU32(uint32_t value) { WriteBigEndian(value, 4); }
  void WriteU64(uint64_t value) { WriteBigEndian(value, 8); }
  void WriteBytes(ConstBytes bytes) {
    if (Has(bytes.size()) && !bytes.empty()) {
      std::memcpy(bytes_.data() + position_, bytes.data(), bytes.size());
      position_ += bytes.size();
    }
  }
  void WriteZeros(size_t count) {
    if (Has(count) && count > 0) {
      std::memset(bytes_.data() + position_, 0, count);
      position_ += count;
    }
  }

 private:
  bool Has(size_t count) {
    ok_ = ok_ && remaining() >= count;
    return ok_;
  }
  void WriteBigEndian(uint64_t value, size_t count) {
    if (!Has(count)) {
      return;
    }
    for (size_t i = 0; i < count; ++i) {
      bytes_[position_++] = static_cast<uint8_t>(value >> (8 * (count - 1 - i)));
    }
  }

  MutableBytes bytes_;
  size_t position_ = 0;
  bool ok_ = true;
};

// Single loads and stores for code that patches a packet in place. The caller has checked the bounds.
inline uint16_t LoadU16(const uint8_t* p) { return static_cast<uint16_t>(p[0] << 8 | p[1]); }
inline uint32_t LoadU32(const uint8_t* p) {
  return static_cast<uint32_t>(p[0]) << 24 | static_cast<uint32_t>(p[1]) << 16 |
         static_cast<uint32_t>(p[2]) << 8 | p[3];
}
inline void StoreU16(uint8_t* p, uint16_t value) {
  p[0] = static_cast<uint8_t>(value >> 8);
  p[1] = static_cast<uint8_t>(value);
}
inline void StoreU24(uint8_t* p, uint32_t value) {
  p[0] = static_cast<uint8_t>(value >> 16);
  p[1] = static_cast<uint8_t>(value >> 8);
  p[2] = static_cast<uint8_t>(value);
}
inline void StoreU32(uint8_t* p, uint32_t value) {
  StoreU16(p, static_cast<uint16_t>(value >> 16));
  StoreU16(p + 2, static_cast<uint16_t>(value));
}

}  // namespace weir::base
