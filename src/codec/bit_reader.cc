#include "codec/bit_reader.h"

#include <bit>

namespace weir::codec {

uint32_t BitReader::Read(int count) {
  if (!ok_ || remaining() < static_cast<size_t>(count)) {
    ok_ = false;
    return 0;
  }
  uint32_t value = 0;
  while (count > 0) {
    const int available = 8 - static_cast<int>(position_ % 8);
    const int take = count < available ? count : available;
    const uint32_t bits = (bytes_[position_ / 8] >> (available - take)) & ((1u << take) - 1);
    value = (value << take) | bits;
    position_ += static_cast<size_t>(take);
    count -= take;
  }
  return value;
}

void BitReader::Skip(size_t count) {
  if (!ok_ || remaining() < count) {
    ok_ = false;
    return;
  }
  position_ += count;
}

uint32_t BitReader::ReadExpGolomb() {
  int zeros = 0;
  while (ok_ && !ReadBit()) {
    // With 32 leading zeros the value no longer fits its type.
    if (++zeros > 31) {
      ok_ = false;
    }
  }
  if (!ok_ || zeros == 0) {
    return 0;
  }
  const uint32_t rest = Read(zeros);
  return ok_ ? (1u << zeros) - 1 + rest : 0;
}

int32_t BitReader::ReadSignedExpGolomb() {
  const uint32_t code = ReadExpGolomb();
  const auto magnitude = static_cast<int32_t>(code / 2 + code % 2);
  return code % 2 == 1 ? magnitude : -magnitude;
}

uint32_t BitReader::ReadNonSymmetric(uint32_t n) {
  const int width = std::bit_width(n);
  const auto short_values = static_cast<uint32_t>((uint64_t{1} << width) - n);
  const uint32_t value = Read(width - 1);
  if (value < short_values) {
    return value;
  }
  return (value << 1) - short_values + Read(1);
}

void BitWriter::Write(uint32_t value, int count) {
  if (!ok_ || bytes_.size() * 8 - position_ < static_cast<size_t>(count)) {
    ok_ = false;
    return;
  }
  for (int i = count - 1; i >= 0; --i) {
    uint8_t& byte = bytes_[position_ / 8];
    if (position_ % 8 == 0) {
      byte = 0;
    }
    byte |= static_cast<uint8_t>((value >> i & 1) << (7 - position_ % 8));
    ++position_;
  }
}

void BitWriter::WriteNonSymmetric(uint32_t value, uint32_t n) {
  const int width = std::bit_width(n);
  const auto short_values = static_cast<uint32_t>((uint64_t{1} << width) - n);
  if (value < short_values) {
    Write(value, width - 1);
  } else {
    Write(value + short_values, width);
  }
}

void BitWriter::Copy(base::ConstBytes source, size_t from, size_t to) {
  BitReader reader(source);
  reader.Skip(from);
  while (from < to) {
    const int take = to - from < 32 ? static_cast<int>(to - from) : 32;
    Write(reader.Read(take), take);
    from += static_cast<size_t>(take);
  }
}

}  // namespace weir::codec
