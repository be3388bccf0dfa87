#include "sfu/packet_builder.h"

#include <algorithm>
#include <array>

namespace weir::sfu {

using rtp::Extension;
using rtp::ExtensionForm;

namespace {
constexpr size_t kMaxOneByteLength = 16;
constexpr uint8_t kMaxOneByteId = 14;

base::ConstBytes View(base::ConstBytes packet, ExtensionSlice slice) {
  return packet.subspan(slice.offset, slice.length);
}
}  // namespace

PacketBuilder::PacketBuilder(const Config& config)
    : config_(config),
      ids_{.transport_cc = config.extensions.id(Extension::kTransportCc),
           .abs_send_time = config.extensions.id(Extension::kAbsSendTime),
           .mid = config.mid.empty() ? uint8_t{0} : config.extensions.id(Extension::kMid),
           .audio_level = config.extensions.id(Extension::kAudioLevel),
           .abs_capture_time = config.extensions.id(Extension::kAbsCaptureTime),
           .video_orientation = config.extensions.id(Extension::kVideoOrientation),
           .playout_delay = config.extensions.id(Extension::kPlayoutDelay),
           .dependency_descriptor = config.extensions.id(Extension::kDependencyDescriptor)},
      large_ids_(std::max({ids_.transport_cc, ids_.abs_send_time, ids_.mid, ids_.audio_level,
                           ids_.abs_capture_time, ids_.video_orientation, ids_.playout_delay,
                           ids_.dependency_descriptor}) > kMaxOneByteId) {}

ExtensionForm PacketBuilder::FormFor(const ForwardedExtensions& extensions, size_t descriptor_size,
                                     bool mid) const {
  const bool large = large_ids_ || (ids_.dependency_descriptor != 0 && descriptor_size > kMaxOneByteLength) ||
                     (mid && config_.mid.size() > kMaxOneByteLength) ||
                     (ids_.abs_capture_time != 0 && extensions.abs_capture_time.length > kMaxOneByteLength);
  return large ? ExtensionForm::kTwoByte : ExtensionForm::kOneByte;
}

rtp::HeaderWriter PacketBuilder::Begin(const Target& target, bool marker, uint32_t timestamp,
                                       ExtensionForm form, OutgoingRtp& out) const {
  rtp::HeaderWriter writer(out.head);
  writer.Begin(target.payload_type, marker, static_cast<uint16_t>(target.seq), timestamp, target.ssrc, form);
  out.roc = static_cast<uint32_t>(target.seq >> 16);
  out.prefix_size = 0;
  out.padding = 0;
  out.payload_offset = 0;
  out.payload_size = 0;
  out.abs_send_time_at = 0;
  out.transport_cc_at = 0;
  return writer;
}

void PacketBuilder::AddStamps(const Target& target, bool mid, rtp::HeaderWriter& writer,
                              OutgoingRtp& out) const {
  if (target.stamps && ids_.transport_cc != 0) {
    out.transport_cc_at =
        static_cast<uint8_t>(writer.ReserveExtension(ids_.transport_cc, rtp::kTransportSequenceSize));
  }
  if (target.stamps && ids_.abs_send_time != 0) {
    out.abs_send_time_at =
        static_cast<uint8_t>(writer.ReserveExtension(ids_.abs_send_time, rtp::kAbsSendTimeSize));
  }
  if (mid && ids_.mid != 0) {
    writer.AddExtension(ids_.mid, base::AsBytes(config_.mid));
  }
}

bool PacketBuilder::Build(const Source& source, const SentPacket& sent, const KeptDescriptor* descriptor,
                          const Target& target, OutgoingRtp& out) const {
  const base::ConstBytes bytes = source.packet->bytes();
  const ForwardedExtensions& extensions = source.extensions;
  const size_t descriptor_size =
      descriptor != nullptr ? descriptor->size : extensions.dependency_descriptor.length;
  const ExtensionForm form = FormFor(extensions, descriptor_size, sent.mid);
  rtp::HeaderWriter writer = Begin(target, sent.marker, sent.timestamp, form, out);
  if (source.csrc_count > 0) {
    writer.AddCsrcs(bytes.subspan(rtp::kFixedHeaderSize, size_t{source.csrc_count} * 4));
  }
  AddStamps(target, sent.mid, writer, out);
  const auto pass = [&](uint8_t id, ExtensionSlice slice) {
    if (id != 0 && slice.length > 0) {
      writer.AddExtension(id, View(bytes, slice));
    }
  };
  pass(ids_.audio_level, extensions.audio_level);
  pass(ids_.abs_capture_time, extensions.abs_capture_time);
  pass(ids_.video_orientation, extensions.video_orientation);
  pass(ids_.playout_delay, extensions.playout_delay);
  if (descriptor == nullptr) {
    pass(ids_.dependency_descriptor, extensions.dependency_descriptor);
  } else if (ids_.dependency_descriptor != 0) {
    writer.AddExtension(ids_.dependency_descriptor,
                        base::ConstBytes(descriptor->bytes).first(descriptor->size));
  }
  const size_t header_size = writer.Finish();
  if (header_size == 0) {
    return false;
  }
  out.header_size = static_cast<uint8_t>(header_size);
  return WritePayload(source, sent, target, out);
}

bool PacketBuilder::WritePayload(const Source& source, const SentPacket& sent, const Target& target,
                                 OutgoingRtp& out) const {
  base::MutableBytes room = base::MutableBytes(out.head).subspan(out.header_size);
  size_t prefix = 0;
  size_t consumed = 0;
  if (target.original_seq) {
    if (room.size() < 2) {
      return false;
    }
    base::StoreU16(room.data(), *target.original_seq);
    prefix = 2;
  }
  room = room.subspan(prefix);
  if (sent.form == PayloadForm::kVp8 && source.vp8 != nullptr) {
    codec::Vp8Descriptor vp8 = *source.vp8;
    vp8.picture_id = sent.vp8.picture_id;
    vp8.tl0picidx = vp8.tl0picidx < 0 ? -1 : sent.vp8.tl0picidx;
    vp8.keyidx = vp8.keyidx < 0 ? -1 : sent.vp8.keyidx;
    const size_t written = codec::WriteVp8(vp8, room);
    if (written == 0) {
      return false;
    }
    prefix += written;
    consumed = source.vp8->descriptor_size;
  } else if (sent.form == PayloadForm::kRed && config_.opus_payload_type != 0) {
    const base::ConstBytes payload = source.packet->bytes().subspan(sent.payload_offset, sent.payload_size);
    const size_t written = WriteRedHeaders(payload, room);
    if (written == 0) {
      return false;
    }
    prefix += written;
    consumed = written;
  }
  out.prefix_size = static_cast<uint8_t>(prefix);
  out.payload_offset = static_cast<uint16_t>(sent.payload_offset + consumed);
  out.payload_size = static_cast<uint16_t>(sent.payload_size - consumed);
  if (out.payload_size > 0) {
    out.packet = source.packet;
  }
  return true;
}

// RFC 2198: four bytes per redundant block, one for the primary, each with a payload type in its low seven
// bits.
size_t PacketBuilder::WriteRedHeaders(base::ConstBytes payload, base::MutableBytes out) const {
  size_t at = 0;
  while (at < payload.size() && at < out.size()) {
    const bool last = (payload[at] & 0x80) == 0;
    out[at] = static_cast<uint8_t>((payload[at] & 0x80) | config_.opus_payload_type);
    ++at;
    if (last) {
      return at;
    }
    if (payload.size() - at < 3 || out.size() - at < 3) {
      return 0;
    }
    std::copy_n(payload.begin() + static_cast<ptrdiff_t>(at), 3, out.begin() + static_cast<ptrdiff_t>(at));
    at += 3;
  }
  return 0;
}

bool PacketBuilder::BuildPadding(const Target& target, uint32_t timestamp, bool mid, OutgoingRtp& out) const {
  const ExtensionForm form = FormFor(ForwardedExtensions(), 0, mid);
  rtp::HeaderWriter writer = Begin(target, false, timestamp, form, out);
  AddStamps(target, mid, writer, out);
  writer.SetPadding();
  out.padding = 1;
  out.header_size = static_cast<uint8_t>(writer.Finish());
  return out.header_size != 0;
}

bool PacketBuilder::BuildOwn(const Target& target, uint32_t timestamp, bool mid, base::ConstBytes payload,
                             OutgoingRtp& out) const {
  const ExtensionForm form = FormFor(ForwardedExtensions(), 0, mid);
  rtp::HeaderWriter writer = Begin(target, false, timestamp, form, out);
  AddStamps(target, mid, writer, out);
  if (ids_.audio_level != 0) {
    const std::array<uint8_t, 1> silence = {rtp::EncodeAudioLevel({.voice = false, .level = 127})};
    writer.AddExtension(ids_.audio_level, silence);
  }
  const size_t header_size = writer.Finish();
  if (header_size == 0 || header_size + payload.size() > out.head.size()) {
    return false;
  }
  std::ranges::copy(payload, out.head.begin() + static_cast<ptrdiff_t>(header_size));
  out.header_size = static_cast<uint8_t>(header_size);
  out.prefix_size = static_cast<uint8_t>(payload.size());
  return true;
}

}  // namespace weir::sfu
