// One media packet of a publisher, parsed once and shown to every subscriber.
//
// Sequence numbers and timestamps are extended (they do not wrap). `seq` counts only what is worth
// forwarding: holes of padding-only packets are closed. The descriptor and the views in it are valid during
// the call that hands it over; `packet` may be kept.
#pragma once

#include <cstdint>

#include "base/packet_pool.h"
#include "base/time.h"
#include "codec/codec.h"
#include "codec/dependency_descriptor.h"
#include "codec/red.h"
#include "codec/vp8.h"
#include "rtp/extensions.h"
#include "rtp/packet.h"

namespace weir::sfu {

// A header extension's data inside the packet; absent when length is 0.
struct ExtensionSlice {
  uint16_t offset = 0;
  uint8_t length = 0;
};

// The extensions that a subscriber may get as they came.
struct ForwardedExtensions {
  ExtensionSlice audio_level;
  ExtensionSlice abs_capture_time;
  ExtensionSlice video_orientation;
  ExtensionSlice playout_delay;
  ExtensionSlice dependency_descriptor;
};

ForwardedExtensions FindForwardedExtensions(const rtp::Header& header, const rtp::ExtensionMap& map,
                                            bool audio);

struct ReceivedPacket {
  base::PacketRef packet;
  int64_t source_seq = 0;  // As received, extended: the key in the receive buffer.
  int64_t seq = 0;         // With padding-only holes removed.
  int64_t timestamp = 0;
  base::Timestamp arrival;
  uint32_t epoch = 0;  // Another value: the stream restarted, nothing before it relates to this.
  uint16_t payload_offset = 0;
  uint16_t payload_size = 0;  // Without padding.
  uint8_t layer = 0;          // Simulcast stream, 0 lowest.
  uint8_t payload_type = 0;   // Of the primary stream, also when it came by RTX.
  uint8_t csrc_count = 0;
  codec::Codec codec = codec::Codec::kUnknown;
  uint32_t clock_rate = 90'000;

  bool marker = false;
  bool late = false;            // A newer packet of this stream was handed over before.
  bool repaired = false;        // Came by RTX.
  bool filler = false;          // A padding-only packet that came late: its number was given out already.
  bool new_frame = false;       // In order, and the first packet of its timestamp.
  bool start_of_frame = false;  // Of this layer's frame, where the codec tells.
  bool end_of_frame = false;
  bool keyframe = false;  // Begins something that a decoder can start at.
  bool switch_up = false;
  int8_t spatial = -1;
  int8_t temporal = -1;

  ForwardedExtensions extensions;
  const codec::Vp8Descriptor* vp8 = nullptr;
  const codec::RedPacket* red = nullptr;
  const codec::DependencyDescriptor* dependency = nullptr;
  uint32_t active_targets = ~0u;  // With `dependency`: decode targets that the publisher produces.

  base::ConstBytes bytes() const { return packet->bytes(); }
  base::ConstBytes payload() const { return bytes().subspan(payload_offset, payload_size); }
};

}  // namespace weir::sfu
