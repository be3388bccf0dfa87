#include "sim/rtp_builder.h"

#include "rtp/header_writer.h"

namespace weir::sim {
namespace {

using rtp::Extension;

constexpr size_t kMaxHeaderSize = 256;

}  // namespace

base::Buffer BuildRtp(SourceContext& context, base::Timestamp now, const RtpFields& fields,
                      base::ConstBytes payload) {
  base::Buffer packet(kMaxHeaderSize + payload.size());
  rtp::HeaderWriter writer(base::MutableBytes(packet).first(kMaxHeaderSize));
  writer.Begin(fields.payload_type, fields.marker, fields.sequence, fields.timestamp, fields.ssrc);
  const auto add = [&](Extension extension, base::ConstBytes data) {
    if (const uint8_t id = context.extensions.id(extension); id != 0 && !data.empty()) {
      writer.AddExtension(id, data);
    }
  };
  add(Extension::kMid, base::AsBytes(fields.mid));
  add(Extension::kRid, base::AsBytes(fields.rid));
  add(Extension::kRepairedRid, base::AsBytes(fields.repaired_rid));
  if (fields.level) {
    const uint8_t level[1] = {rtp::EncodeAudioLevel(*fields.level)};
    add(Extension::kAudioLevel, level);
  }
  uint8_t send_time[rtp::kAbsSendTimeSize];
  base::StoreU24(send_time, rtp::EncodeAbsSendTime(now));
  add(Extension::kAbsSendTime, send_time);
  if (context.extensions.has(Extension::kTransportCc)) {
    uint8_t sequence[rtp::kTransportSequenceSize];
    base::StoreU16(sequence, context.next_transport_sequence++);
    add(Extension::kTransportCc, sequence);
  }
  const size_t header_size = writer.Finish();
  packet.resize(header_size);
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

}  // namespace weir::sim
