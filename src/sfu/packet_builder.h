// Writes the outgoing head of a packet: RTP header, extensions as negotiated with the subscriber, rewritten
// codec bytes. First transmission and repair go through the same code, so that they cannot differ (F-INV4).
//
// Order of the extensions: transport sequence, absolute send time, MID, then those of the source. The
// two-byte form is used for a packet that needs it (RFC 8285; a=extmap-allow-mixed). Not thread-safe,
// allocates nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "rtp/extensions.h"
#include "rtp/header_writer.h"
#include "rtp/packet.h"
#include "sfu/outgoing.h"
#include "sfu/received_packet.h"
#include "sfu/sent_packets.h"

namespace weir::sfu {

class PacketBuilder {
 public:
  struct Config {
    rtp::ExtensionMap extensions;
    std::string mid;
    uint8_t opus_payload_type = 0;  // For the block headers of RED; 0 leaves them as they are.
  };
  // What is taken from the received packet.
  struct Source {
    const base::PacketRef& packet;
    uint8_t csrc_count = 0;
    uint16_t payload_offset = 0;
    uint16_t payload_size = 0;
    ForwardedExtensions extensions;
    const codec::Vp8Descriptor* vp8 = nullptr;
  };
  struct Target {
    rtp::Ssrc ssrc;
    int64_t seq = 0;
    uint8_t payload_type = 0;
    std::optional<uint16_t> original_seq;  // Set in the RTX stream.
    bool stamps = true;                    // Reserve transport sequence and send time.
  };

  explicit PacketBuilder(const Config& config);

  // Builds `sent` from its source. `descriptor`: the patched one when sent.descriptor. False when it does not
  // fit or the source is damaged.
  bool Build(const Source& source, const SentPacket& sent, const KeptDescriptor* descriptor,
             const Target& target, OutgoingRtp& out) const;
  // A padding-only packet.
  bool BuildPadding(const Target& target, uint32_t timestamp, bool mid, OutgoingRtp& out) const;
  // A packet whose payload is `payload` alone, such as silence; announced with the level of silence.
  bool BuildOwn(const Target& target, uint32_t timestamp, bool mid, base::ConstBytes payload,
                OutgoingRtp& out) const;

 private:
  rtp::HeaderWriter Begin(const Target& target, bool marker, uint32_t timestamp, rtp::ExtensionForm form,
                          OutgoingRtp& out) const;
  void AddStamps(const Target& target, bool mid, rtp::HeaderWriter& writer, OutgoingRtp& out) const;
  rtp::ExtensionForm FormFor(const ForwardedExtensions& extensions, size_t descriptor_size, bool mid) const;
  bool WritePayload(const Source& source, const SentPacket& sent, const Target& target,
                    OutgoingRtp& out) const;
  size_t WriteRedHeaders(base::ConstBytes payload, base::MutableBytes out) const;

  const Config config_;
  struct Ids {
    uint8_t transport_cc;
    uint8_t abs_send_time;
    uint8_t mid;
    uint8_t audio_level;
    uint8_t abs_capture_time;
    uint8_t video_orientation;
    uint8_t playout_delay;
    uint8_t dependency_descriptor;
  };
  const Ids ids_;
  const bool large_ids_;  // One of them needs the two-byte form.
};

}  // namespace weir::sfu
