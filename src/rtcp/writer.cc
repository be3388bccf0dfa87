#include "rtcp/writer.h"

#include <algorithm>

#include "rtcp/wire.h"

namespace weir::rtcp {
namespace {

using base::ByteWriter;

constexpr size_t kMaxItemText = 255;
constexpr size_t kFeedbackHeadSize = 8;  // Sender and media SSRC.

// Writes the header of a packet when all of it fits: nothing may be left half written.
bool WriteHeader(uint8_t count, PacketType type, size_t body_size, ByteWriter& out) {
  if (!out.ok() || out.remaining() < kHeaderSize + body_size || body_size / 4 > 0xffff) {
    return false;
  }
  out.WriteU8(static_cast<uint8_t>(0x80 | count));
  out.WriteU8(type);
  out.WriteU16(static_cast<uint16_t>(body_size / 4));
  return true;
}

bool WriteFeedbackHeader(uint8_t format, PacketType type, Ssrc sender, Ssrc media, size_t fci_size,
                         ByteWriter& out) {
  if (!WriteHeader(format, type, kFeedbackHeadSize + fci_size, out)) {
    return false;
  }
  out.WriteU32(sender.value());
  out.WriteU32(media.value());
  return true;
}

void WriteReportBlocks(const std::vector<ReportBlock>& blocks, ByteWriter& out) {
  for (const ReportBlock& block : blocks) {
    out.WriteU32(block.ssrc.value());
    out.WriteU8(block.fraction_lost);
    // RFC 3550 section 6.4.1: clamped, not wrapped.
    out.WriteU24(static_cast<uint32_t>(std::clamp(block.cumulative_lost, -0x800000, 0x7fffff)) & 0xffffff);
    out.WriteU32(block.highest_seq);
    out.WriteU32(block.jitter);
    out.WriteU32(block.last_sr);
    out.WriteU32(block.delay_since_last_sr);
  }
}

// At least one null ends the items, up to a whole word.
size_t ChunkPadding(size_t items_size) { return 4 - items_size % 4; }

size_t CnameSize(const SdesItem& item) { return 2 + item.cname.size(); }

bool WriteNackItems(Ssrc sender, Ssrc media, std::span<const NackItem> items, ByteWriter& out) {
  if (items.empty() ||
      !WriteFeedbackHeader(kGenericNack, kTransportLayerFeedback, sender, media, items.size() * 4, out)) {
    return false;
  }
  for (const NackItem& item : items) {
    out.WriteU16(item.packet_id);
    out.WriteU16(item.following);
  }
  return true;
}

}  // namespace

bool Write(const SenderReport& report, ByteWriter& out) {
  if (report.blocks.size() > kMaxReportBlocks ||
      !WriteHeader(static_cast<uint8_t>(report.blocks.size()), kSenderReport,
                   24 + report.blocks.size() * kReportBlockSize, out)) {
    return false;
  }
  out.WriteU32(report.sender.value());
  out.WriteU64(report.ntp);
  out.WriteU32(report.rtp);
  out.WriteU32(report.packets);
  out.WriteU32(report.octets);
  WriteReportBlocks(report.blocks, out);
  return true;
}

bool Write(const ReceiverReport& report, ByteWriter& out) {
  if (report.blocks.size() > kMaxReportBlocks ||
      !WriteHeader(static_cast<uint8_t>(report.blocks.size()), kReceiverReport,
                   4 + report.blocks.size() * kReportBlockSize, out)) {
    return false;
  }
  out.WriteU32(report.sender.value());
  WriteReportBlocks(report.blocks, out);
  return true;
}

bool Write(const Sdes& sdes, ByteWriter& out) {
  size_t size = 0;
  for (const SdesItem& item : sdes.items) {
    if (item.cname.size() > kMaxItemText) {
      return false;
    }
    size += 4 + CnameSize(item) + ChunkPadding(CnameSize(item));
  }
  if (sdes.items.size() > kMaxReportBlocks ||
      !WriteHeader(static_cast<uint8_t>(sdes.items.size()), kSourceDescription, size, out)) {
    return false;
  }
  for (const SdesItem& item : sdes.items) {
    out.WriteU32(item.ssrc.value());
    out.WriteU8(kCnameItem);
    out.WriteU8(static_cast<uint8_t>(item.cname.size()));
    out.WriteBytes(base::AsBytes(item.cname));
    out.WriteZeros(ChunkPadding(CnameSize(item)));
  }
  return true;
}

bool Write(const Bye& bye, ByteWriter& out) {
  if (bye.ssrcs.size() > kMaxReportBlocks || bye.reason.size() > kMaxItemText) {
    return false;
  }
  const size_t text_size = bye.reason.empty() ? 0 : 1 + bye.reason.size();
  const size_t padding = (4 - text_size % 4) % 4;
  if (!WriteHeader(static_cast<uint8_t>(bye.ssrcs.size()), kGoodbye,
                   bye.ssrcs.size() * 4 + text_size + padding, out)) {
    return false;
  }
  for (const Ssrc ssrc : bye.ssrcs) {
    out.WriteU32(ssrc.value());
  }
  if (!bye.reason.empty()) {
    out.WriteU8(static_cast<uint8_t>(bye.reason.size()));
    out.WriteBytes(base::AsBytes(bye.reason));
    out.WriteZeros(padding);
  }
  return true;
}

std::vector<NackItem> PackNack(std::span<const uint16_t> sequences) {
  std::vector<NackItem> items;
  for (const uint16_t sequence : sequences) {
    const uint16_t distance =
        items.empty() ? 0xffff : static_cast<uint16_t>(sequence - items.back().packet_id);
    if (items.empty() || distance > 16) {
      items.push_back({.packet_id = sequence, .following = 0});
    } else if (distance > 0) {
      items.back().following |= static_cast<uint16_t>(1 << (distance - 1));
    }
  }
  return items;
}

bool Write(const Nack& nack, ByteWriter& out) {
  return nack.sequences.size() <= kMaxNackSequences &&
         WriteNackItems(nack.sender, nack.media, PackNack(nack.sequences), out);
}

size_t WriteNack(Ssrc sender, Ssrc media, std::span<const uint16_t> sequences, ByteWriter& out) {
  constexpr size_t kHeadSize = kHeaderSize + kFeedbackHeadSize;
  if (!out.ok() || out.remaining() < kHeadSize + 4) {
    return 0;
  }
  sequences = sequences.first(std::min(sequences.size(), kMaxNackSequences));
  const std::vector<NackItem> items = PackNack(sequences);
  const size_t room = (out.remaining() - kHeadSize) / 4;
  if (items.size() <= room) {
    return WriteNackItems(sender, media, items, out) ? sequences.size() : 0;
  }
  // The first item that is left out begins with a sequence of the list, once.
  const auto rest = std::find(sequences.begin(), sequences.end(), items[room].packet_id);
  const bool written = WriteNackItems(sender, media, std::span(items).first(room), out);
  return written ? static_cast<size_t>(rest - sequences.begin()) : 0;
}

bool Write(const Pli& pli, ByteWriter& out) {
  return WriteFeedbackHeader(kPictureLoss, kPayloadSpecificFeedback, pli.sender, pli.media, 0, out);
}

bool Write(const Fir& fir, ByteWriter& out) {
  if (fir.entries.empty() || fir.entries.size() > kMaxFeedbackEntries ||
      !WriteFeedbackHeader(kFullIntraRequest, kPayloadSpecificFeedback, fir.sender, Ssrc(0),
                           fir.entries.size() * 8, out)) {
    return false;
  }
  for (const FirEntry& entry : fir.entries) {
    out.WriteU32(entry.ssrc.value());
    out.WriteU8(entry.sequence);
    out.WriteZeros(3);
  }
  return true;
}

bool Write(const Remb& remb, ByteWriter& out) {
  if (remb.ssrcs.size() > kMaxFeedbackEntries ||
      !WriteFeedbackHeader(kApplicationLayer, kPayloadSpecificFeedback, remb.sender, Ssrc(0),
                           8 + remb.ssrcs.size() * 4, out)) {
    return false;
  }
  uint32_t exponent = 0;
  while (remb.bitrate >> exponent > 0x3ffff) {
    ++exponent;
  }
  out.WriteU32(kRembTag);
  out.WriteU8(static_cast<uint8_t>(remb.ssrcs.size()));
  out.WriteU24(exponent << 18 | static_cast<uint32_t>(remb.bitrate >> exponent));
  for (const Ssrc ssrc : remb.ssrcs) {
    out.WriteU32(ssrc.value());
  }
  return true;
}

bool Write(const XrRrtr& rrtr, ByteWriter& out) {
  if (!WriteHeader(0, kExtendedReport, 16, out)) {
    return false;
  }
  out.WriteU32(rrtr.sender.value());
  out.WriteU8(kReceiverReferenceTime);
  out.WriteU8(0);
  out.WriteU16(2);
  out.WriteU64(rrtr.ntp);
  return true;
}

bool Write(const XrDlrr& dlrr, ByteWriter& out) {
  if (dlrr.items.size() > kMaxFeedbackEntries ||
      !WriteHeader(0, kExtendedReport, 8 + dlrr.items.size() * 12, out)) {
    return false;
  }
  out.WriteU32(dlrr.sender.value());
  out.WriteU8(kDelaySinceLastReport);
  out.WriteU8(0);
  out.WriteU16(static_cast<uint16_t>(dlrr.items.size() * 3));
  for (const DlrrItem& item : dlrr.items) {
    out.WriteU32(item.ssrc.value());
    out.WriteU32(item.last_rr);
    out.WriteU32(item.delay_since_last_rr);
  }
  return true;
}

bool Write(const Packet& packet, ByteWriter& out) {
  return std::visit([&out](const auto& value) { return Write(value, out); }, packet);
}

}  // namespace weir::rtcp
