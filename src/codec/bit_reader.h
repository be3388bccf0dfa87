// Reads and writes fields of bits, most significant first. Like base::ByteReader: past the end it yields
// zeros and remembers the failure, so that a parser reads straight through and checks once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace weir::codec {

class BitReader {
 public:
  explicit BitReader(base::ConstBytes bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  size_t position() const { return position_; }  // In bits.
  size_t remaining() const { return bytes_.size() * 8 - position_; }
  void Fail() { ok_ = false; }

  // count <= 32.
  uint32_t Read(int count);
  bool ReadBit() { return Read(1) != 0; }
  void Skip(size_t count);
  // Exp-Golomb of H.264 section 9.1, at most 32 bits of value; longer ones fail.
  uint32_t ReadExpGolomb();
  int32_t ReadSignedExpGolomb();
  // ns(n) of the AV1 specification section 4.10.7: a value below n, n >= 1.
  uint32_t ReadNonSymmetric(uint32_t n);

 private:
  base::ConstBytes bytes_;
  size_t position_ = 0;
  bool ok_ = true;
};

class BitWriter {
 public:
  // Zeroes `bytes` as it goes; writing past the end fails for good.
  explicit BitWriter(base::MutableBytes bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  size_t position() const { return position_; }              // In bits.
  size_t size_bytes() const { return (position_ + 7) / 8; }  // The last byte is filled up with zeros.
  void Write(uint32_t value, int count);
  void WriteNonSymmetric(uint32_t value, uint32_t n);
  // Copies bits [from, to) of `source`; the caller has checked that it holds them.
  void Copy(base::ConstBytes source, size_t from, size_t to);

 private:
  base::MutableBytes bytes_;
  size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace weir::codec
