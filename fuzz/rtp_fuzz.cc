// modules: rtp
// An RTP header from the network: its parts add up, every element lies inside, typed readers take any data,
// and a header written from it parses back to the same.

#include <cstdint>
#include <cstdlib>

#include "rtp/extensions.h"
#include "rtp/header_writer.h"
#include "rtp/packet.h"

namespace {

using weir::base::ConstBytes;
using weir::rtp::Header;

void Require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

void ReadTypedValues(ConstBytes data) {
  weir::rtp::ReadAudioLevel(data);
  weir::rtp::ReadTransportSequence(data);
  weir::rtp::ReadAbsSendTime(data);
  weir::rtp::ReadAbsCaptureTime(data);
  weir::rtp::ReadVideoOrientation(data);
  weir::rtp::ReadSdesText(data);
  if (const auto delay = weir::rtp::ReadPlayoutDelay(data); delay && delay->min <= delay->max) {
    Require(weir::rtp::ReadPlayoutDelay(weir::rtp::EncodePlayoutDelay(*delay)) == delay);
  }
}

void RewriteAndCompare(const Header& header, ConstBytes packet) {
  uint8_t out[8192];
  weir::rtp::HeaderWriter writer(out);
  writer.Begin(header.payload_type, header.marker, header.sequence, header.timestamp, header.ssrc,
               weir::rtp::ExtensionForm::kTwoByte);
  writer.AddCsrcs(header.Csrcs(packet));
  for (size_t i = 0; i < header.element_count; ++i) {
    writer.AddExtension(header.elements[i].id,
                        packet.subspan(header.elements[i].offset, header.elements[i].length));
  }
  const size_t size = writer.Finish();
  Require(size != 0);
  const auto again = weir::rtp::ParseHeader(ConstBytes(out, size));
  Require(again.has_value() && again->header_size == size && again->payload_size == 0);
  Require(again->sequence == header.sequence && again->ssrc == header.ssrc &&
          again->element_count == header.element_count);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ConstBytes packet(data, size);
  weir::rtp::LooksLikeRtcp(packet);
  ReadTypedValues(packet);
  const auto header = weir::rtp::ParseHeader(packet);
  if (!header) {
    return 0;
  }
  Require(header->header_size + header->payload_size + header->padding_size == size);
  for (size_t i = 0; i < header->element_count; ++i) {
    Require(header->elements[i].offset + size_t{header->elements[i].length} <= header->header_size);
    ReadTypedValues(header->Find(packet, header->elements[i].id));
  }
  RewriteAndCompare(*header, packet);
  return 0;
}
