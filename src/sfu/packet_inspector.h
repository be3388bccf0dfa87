// Reads what a forwarder must know of a payload (sfu.md 2.1): frame borders, key frame, layers. The
// dependency descriptor wins where there is one; for encrypted frames it is all there is for AV1, while VP8,
// VP9 and H.264 keep the few bytes that are needed in the clear.
//
// Keeps the storage that a ReceivedPacket points to, so its result lives until the next call. One per stream;
// not thread-safe.
#pragma once

#include <cstdint>

#include "codec/dependency_descriptor.h"
#include "codec/red.h"
#include "codec/vp8.h"
#include "sfu/received_packet.h"

namespace weir::sfu {

class PacketInspector {
 public:
  explicit PacketInspector(bool encrypted) : encrypted_(encrypted) {}

  // Fills the codec's part of `packet`, whose payload, codec, marker and extensions are set. False when the
  // payload is damaged: it is not forwarded then.
  bool Inspect(ReceivedPacket& packet);
  void Reset();

  uint16_t width() const { return width_; }  // Of the last key frame; 0 when it did not tell.
  uint16_t height() const { return height_; }
  // The dependency structure of the stream; null without one.
  const codec::DependencyStructure* structure() const { return dependency_.structure(); }
  uint64_t descriptors_refused() const { return descriptors_refused_; }

 private:
  void ReadDependency(ReceivedPacket& packet);
  bool InspectVp8(ReceivedPacket& packet);
  bool InspectVideo(ReceivedPacket& packet);
  bool InspectRed(ReceivedPacket& packet);

  const bool encrypted_;
  codec::DependencyDescriptorReader dependency_;
  codec::DependencyDescriptor descriptor_;
  codec::Vp8Descriptor vp8_;
  codec::RedPacket red_;
  uint16_t width_ = 0;
  uint16_t height_ = 0;
  uint64_t descriptors_refused_ = 0;
};

}  // namespace weir::sfu
