#include "rtp/header_writer.h"

#include <cstring>

#include "rtp/packet.h"

namespace weir::rtp {
namespace {

constexpr uint8_t kVersionBits = 0x80;
constexpr uint8_t kPaddingBit = 0x20;
constexpr uint8_t kExtensionBit = 0x10;
constexpr size_t kMaxCsrcBytes = 15 * 4;
constexpr size_t kBlockHeadSize = 4;

bool FitsOneByteForm(uint8_t id, size_t length) { return id >= 1 && id <= 14 && length >= 1 && length <= 16; }
bool FitsTwoByteForm(uint8_t id, size_t length) { return id >= 1 && length <= 255; }

}  // namespace

bool HeaderWriter::Has(size_t count) {
  ok_ = ok_ && out_.size() - position_ >= count;
  return ok_;
}

void HeaderWriter::Begin(uint8_t payload_type, bool marker, uint16_t sequence, uint32_t timestamp, Ssrc ssrc,
                         ExtensionForm form) {
  position_ = 0;
  block_at_ = 0;
  form_ = form;
  ok_ = payload_type < 128;
  if (!Has(kFixedHeaderSize)) {
    return;
  }
  out_[0] = kVersionBits;
  out_[1] = static_cast<uint8_t>((marker ? 0x80 : 0) | payload_type);
  base::StoreU16(&out_[2], sequence);
  base::StoreU32(&out_[4], timestamp);
  base::StoreU32(&out_[8], ssrc.value());
  position_ = kFixedHeaderSize;
}

void HeaderWriter::AddCsrcs(base::ConstBytes csrcs) {
  ok_ = ok_ && position_ == kFixedHeaderSize && csrcs.size() <= kMaxCsrcBytes && csrcs.size() % 4 == 0;
  if (!Has(csrcs.size()) || csrcs.empty()) {
    return;
  }
  std::memcpy(&out_[position_], csrcs.data(), csrcs.size());
  position_ += csrcs.size();
  out_[0] |= static_cast<uint8_t>(csrcs.size() / 4);
}

size_t HeaderWriter::ReserveExtension(uint8_t id, size_t length) {
  const bool two_byte = form_ == ExtensionForm::kTwoByte;
  const size_t block_head = block_at_ == 0 ? kBlockHeadSize : 0;
  const size_t element_head = two_byte ? 2 : 1;
  ok_ = ok_ && position_ >= kFixedHeaderSize &&
        (two_byte ? FitsTwoByteForm(id, length) : FitsOneByteForm(id, length));
  if (!Has(block_head + element_head + length)) {
    return 0;
  }
  if (block_head != 0) {
    block_at_ = position_;
    base::StoreU16(&out_[position_], two_byte ? 0x1000 : 0xbede);
    position_ += kBlockHeadSize;
    out_[0] |= kExtensionBit;
  }
  if (two_byte) {
    out_[position_++] = id;
    out_[position_++] = static_cast<uint8_t>(length);
  } else {
    out_[position_++] = static_cast<uint8_t>(id << 4 | (length - 1));
  }
  const size_t data_at = position_;
  if (length > 0) {
    std::memset(&out_[position_], 0, length);
  }
  position_ += length;
  return data_at;
}

size_t HeaderWriter::AddExtension(uint8_t id, base::ConstBytes data) {
  const size_t at = ReserveExtension(id, data.size());
  if (at != 0 && !data.empty()) {
    std::memcpy(&out_[at], data.data(), data.size());
  }
  return at;
}

void HeaderWriter::SetPadding() {
  if (ok_ && position_ >= kFixedHeaderSize) {
    out_[0] |= kPaddingBit;
  }
}

size_t HeaderWriter::Finish() {
  ok_ = ok_ && position_ >= kFixedHeaderSize;
  if (!ok_) {
    return 0;
  }
  if (block_at_ == 0) {
    return position_;
  }
  const size_t padding = (4 - position_ % 4) % 4;  // The fixed header and CSRCs are whole words.
  if (!Has(padding)) {
    return 0;
  }
  for (size_t i = 0; i < padding; ++i) {
    out_[position_++] = 0;
  }
  base::StoreU16(&out_[block_at_ + 2], static_cast<uint16_t>((position_ - block_at_ - kBlockHeadSize) / 4));
  return position_;
}

}  // namespace weir::rtp
