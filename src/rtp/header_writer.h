// Writes an RTP header into a buffer of the caller, in order: Begin, AddCsrcs, extensions, Finish.
//
// Whatever does not fit or is out of range writes nothing, and Finish then answers 0, so that one check is
// enough. The extension block appears with the first element and is padded to a multiple of four.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "rtp/ssrc.h"

namespace weir::rtp {

enum class ExtensionForm : uint8_t {
  kOneByte,  // Ids 1..14, 1 to 16 bytes of data.
  kTwoByte,  // Ids 1..255, 0 to 255 bytes; only where a=extmap-allow-mixed was negotiated.
};

class HeaderWriter {
 public:
  explicit HeaderWriter(base::MutableBytes out) : out_(out) {}

  void Begin(uint8_t payload_type, bool marker, uint16_t sequence, uint32_t timestamp, Ssrc ssrc,
             ExtensionForm form = ExtensionForm::kOneByte);
  // `csrcs` in network order, up to 15 of four bytes each; before the first extension.
  void AddCsrcs(base::ConstBytes csrcs);
  // The offset of the data in the buffer, for values that are stamped later; 0 on failure.
  size_t AddExtension(uint8_t id, base::ConstBytes data);
  // The same with `length` zeros.
  size_t ReserveExtension(uint8_t id, size_t length);
  // Announces padding that the caller appends after the payload.
  void SetPadding();
  // The size of the header; 0 when something failed. The bytes beyond it are untouched.
  size_t Finish();
  bool ok() const { return ok_; }

 private:
  bool Has(size_t count);

  base::MutableBytes out_;
  size_t position_ = 0;
  size_t block_at_ = 0;  // Where the extension block's four-byte head stands; 0 without one.
  ExtensionForm form_ = ExtensionForm::kOneByte;
  bool ok_ = true;
};

}  // namespace weir::rtp
