#include "sfu/packet_inspector.h"

#include "codec/payload_info.h"

namespace weir::sfu {

using codec::Codec;

void PacketInspector::Reset() {
  dependency_.Reset();
  width_ = 0;
  height_ = 0;
}

bool PacketInspector::Inspect(ReceivedPacket& packet) {
  switch (packet.codec) {
    case Codec::kOpus:
    case Codec::kPcmu:
    case Codec::kPcma:
      packet.start_of_frame = packet.end_of_frame = packet.keyframe = true;
      return true;
    case Codec::kRed:
      return InspectRed(packet);
    case Codec::kVp8:
      ReadDependency(packet);
      return InspectVp8(packet);
    case Codec::kVp9:
    case Codec::kH264:
    case Codec::kH265:
    case Codec::kAv1:
      ReadDependency(packet);
      return InspectVideo(packet);
    case Codec::kUnknown:
      break;
  }
  return false;
}

void PacketInspector::ReadDependency(ReceivedPacket& packet) {
  const ExtensionSlice slice = packet.extensions.dependency_descriptor;
  if (slice.length == 0) {
    return;
  }
  const auto descriptor = dependency_.Read(packet.bytes().subspan(slice.offset, slice.length));
  if (!descriptor) {
    // Usual before the first key frame.
    ++descriptors_refused_;
    return;
  }
  descriptor_ = *descriptor;
  packet.dependency = &descriptor_;
  packet.active_targets = dependency_.active_targets();
}

bool PacketInspector::InspectVp8(ReceivedPacket& packet) {
  // The packetizer writes the descriptor after encryption, and LiveKit leaves the first bytes of the frame
  // clear, so this works for encrypted frames as well.
  const auto vp8 = codec::ParseVp8(packet.payload());
  if (!vp8) {
    return false;
  }
  vp8_ = *vp8;
  packet.vp8 = &vp8_;
  packet.start_of_frame = vp8_.start_of_frame;
  packet.end_of_frame = packet.marker;
  packet.keyframe = vp8_.keyframe;
  packet.temporal = static_cast<int8_t>(vp8_.tid);
  packet.switch_up = vp8_.y;
  if (vp8_.keyframe && vp8_.width != 0 && !encrypted_) {
    width_ = vp8_.width;
    height_ = vp8_.height;
  }
  return true;
}

bool PacketInspector::InspectVideo(ReceivedPacket& packet) {
  const auto info = codec::ParsePayload(packet.codec, packet.payload(), packet.marker);
  if (info) {
    packet.start_of_frame = info->start_of_frame;
    packet.end_of_frame = info->end_of_frame || packet.marker;
    packet.keyframe = info->keyframe;
    packet.spatial = static_cast<int8_t>(info->spatial);
    packet.temporal = static_cast<int8_t>(info->temporal);
    packet.switch_up = info->switch_up;
    if (info->keyframe && info->width != 0 && !encrypted_) {
      width_ = info->width;
      height_ = info->height;
    }
  } else if (!encrypted_ && packet.dependency == nullptr && info.error() != base::ParseError::kUnsupported) {
    return false;
  } else {
    packet.end_of_frame = packet.marker;
  }
  // Ciphertext can look like anything, and a key frame with a descriptor would have made it readable.
  const bool unreadable = encrypted_ || packet.extensions.dependency_descriptor.length > 0;
  if (unreadable && packet.codec == Codec::kAv1 && packet.dependency == nullptr) {
    packet.keyframe = false;
  }
  if (const codec::DependencyDescriptor* descriptor = packet.dependency) {
    packet.start_of_frame = descriptor->start_of_frame;
    packet.end_of_frame = descriptor->end_of_frame;
    packet.keyframe = descriptor->attached_structure && descriptor->start_of_frame;
    packet.spatial = static_cast<int8_t>(descriptor->spatial_id);
    packet.temporal = static_cast<int8_t>(descriptor->temporal_id);
    if (packet.keyframe && descriptor->structure != nullptr && !descriptor->structure->resolutions.empty()) {
      width_ = descriptor->structure->resolutions.back().width;
      height_ = descriptor->structure->resolutions.back().height;
    }
  }
  return true;
}

bool PacketInspector::InspectRed(ReceivedPacket& packet) {
  packet.start_of_frame = packet.end_of_frame = packet.keyframe = true;
  if (encrypted_) {
    return true;
  }
  const auto red = codec::ParseRed(packet.payload());
  if (!red) {
    return false;
  }
  red_ = *red;
  packet.red = &red_;
  return true;
}

}  // namespace weir::sfu
