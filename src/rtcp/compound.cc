#include "rtcp/compound.h"

#include <bit>
#include <iterator>
#include <string>
#include <utility>

#include "rtcp/transport_feedback.h"
#include "rtcp/wire.h"

namespace weir::rtcp {
namespace {

using base::ByteReader;
using base::ConstBytes;
using base::ParseError;
using base::Result;
using Packets = std::vector<Packet>;

// One packet of the compound, its header taken apart and its padding taken off.
struct Frame {
  uint8_t count = 0;  // Or the feedback message type.
  uint8_t type = 0;
  ConstBytes body;
};

Result<Frame, ParseError> NextFrame(ByteReader& reader) {
  const uint8_t first = reader.ReadU8();
  const uint8_t type = reader.ReadU8();
  const size_t body_size = reader.ReadU16() * size_t{4};
  ConstBytes body = reader.ReadBytes(body_size);
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  if (first >> 6 != 2) {
    return std::unexpected(ParseError::kBadVersion);
  }
  // RFC 3550 allows padding in the last packet of a compound only, and whole words of it. Transport-wide
  // feedback, which is not made of words, keeps to neither.
  if ((first & 0x20) != 0) {
    const size_t padding = body.empty() ? 0 : body.back();
    if (padding == 0 || padding > body.size()) {
      return std::unexpected(ParseError::kBadValue);
    }
    body = body.first(body.size() - padding);
  }
  return Frame{.count = static_cast<uint8_t>(first & 0x1f), .type = type, .body = body};
}

int32_t SignExtend24(uint32_t value) { return static_cast<int32_t>(value << 8) >> 8; }

ReportBlock ReadReportBlock(ByteReader& reader) {
  ReportBlock block;
  block.ssrc = Ssrc(reader.ReadU32());
  block.fraction_lost = reader.ReadU8();
  block.cumulative_lost = SignExtend24(reader.ReadU24());
  block.highest_seq = reader.ReadU32();
  block.jitter = reader.ReadU32();
  block.last_sr = reader.ReadU32();
  block.delay_since_last_sr = reader.ReadU32();
  return block;
}

// What follows the blocks is a profile's extension, which we do not know.
Result<std::vector<ReportBlock>, ParseError> ReadReportBlocks(ByteReader& reader, size_t count) {
  if (!reader.ok() || reader.remaining() < count * kReportBlockSize) {
    return std::unexpected(ParseError::kTruncated);
  }
  std::vector<ReportBlock> blocks(count);
  for (ReportBlock& block : blocks) {
    block = ReadReportBlock(reader);
  }
  return blocks;
}

Result<void, ParseError> ParseSenderReport(const Frame& frame, Packets& out) {
  ByteReader reader(frame.body);
  SenderReport report;
  report.sender = Ssrc(reader.ReadU32());
  report.ntp = reader.ReadU64();
  report.rtp = reader.ReadU32();
  report.packets = reader.ReadU32();
  report.octets = reader.ReadU32();
  report.blocks = TRY(ReadReportBlocks(reader, frame.count));
  out.emplace_back(std::move(report));
  return {};
}

Result<void, ParseError> ParseReceiverReport(const Frame& frame, Packets& out) {
  ByteReader reader(frame.body);
  ReceiverReport report;
  report.sender = Ssrc(reader.ReadU32());
  report.blocks = TRY(ReadReportBlocks(reader, frame.count));
  out.emplace_back(std::move(report));
  return {};
}

// Items up to the null item that ends them, then zeros up to a multiple of four (RFC 3550 section 6.5).
std::string ReadChunkCname(ByteReader& reader) {
  std::string cname;
  uint8_t type = reader.ReadU8();
  while (type != 0 && reader.ok()) {
    const ConstBytes text = reader.ReadBytes(reader.ReadU8());
    if (type == kCnameItem) {
      cname = base::AsText(text);
    }
    type = reader.ReadU8();
  }
  reader.Skip((4 - reader.position() % 4) % 4);
  return cname;
}

Result<void, ParseError> ParseSdes(const Frame& frame, Packets& out) {
  ByteReader reader(frame.body);
  Sdes sdes;
  for (size_t i = 0; i < frame.count; ++i) {
    const Ssrc ssrc(reader.ReadU32());
    std::string cname = ReadChunkCname(reader);
    if (!reader.ok()) {
      return std::unexpected(ParseError::kTruncated);
    }
    sdes.items.push_back({.ssrc = ssrc, .cname = std::move(cname)});
  }
  out.emplace_back(std::move(sdes));
  return {};
}

Result<void, ParseError> ParseBye(const Frame& frame, Packets& out) {
  ByteReader reader(frame.body);
  Bye bye;
  for (size_t i = 0; i < frame.count; ++i) {
    bye.ssrcs.emplace_back(reader.ReadU32());
  }
  if (reader.ok() && reader.remaining() > 0) {
    bye.reason = base::AsText(reader.ReadBytes(reader.ReadU8()));
  }
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  out.emplace_back(std::move(bye));
  return {};
}

Result<void, ParseError> ParseNack(ConstBytes body, Packets& out) {
  ByteReader reader(body);
  Nack nack;
  nack.sender = Ssrc(reader.ReadU32());
  nack.media = Ssrc(reader.ReadU32());
  if (!reader.ok() || reader.remaining() < 4) {
    return std::unexpected(ParseError::kTruncated);
  }
  while (reader.remaining() >= 4) {
    const uint16_t packet_id = reader.ReadU16();
    const uint16_t following = reader.ReadU16();
    if (nack.sequences.size() + 1 + static_cast<size_t>(std::popcount(following)) > kMaxNackSequences) {
      return std::unexpected(ParseError::kTooLarge);
    }
    nack.sequences.push_back(packet_id);
    for (int bit = 0; bit < 16; ++bit) {
      if ((following >> bit & 1) != 0) {
        nack.sequences.push_back(static_cast<uint16_t>(packet_id + bit + 1));
      }
    }
  }
  out.emplace_back(std::move(nack));
  return {};
}

Result<void, ParseError> ParseTransportFeedback(ConstBytes body, Packets& out) {
  ByteReader reader(body);
  const Ssrc sender(reader.ReadU32());
  const Ssrc media(reader.ReadU32());
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  TransportFeedback feedback = TRY(ParseTransportFeedbackBody(reader.ReadRest()));
  feedback.sender = sender;
  feedback.media = media;
  out.emplace_back(std::move(feedback));
  return {};
}

Result<void, ParseError> ParsePli(ConstBytes body, Packets& out) {
  ByteReader reader(body);
  const Ssrc sender(reader.ReadU32());
  const Ssrc media(reader.ReadU32());
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  out.emplace_back(Pli{.sender = sender, .media = media});
  return {};
}

Result<void, ParseError> ParseFir(ConstBytes body, Packets& out) {
  ByteReader reader(body);
  Fir fir;
  fir.sender = Ssrc(reader.ReadU32());
  reader.Skip(4);  // Media SSRC: not used, RFC 5104 section 4.3.1.2.
  if (!reader.ok() || reader.remaining() < 8) {
    return std::unexpected(ParseError::kTruncated);
  }
  if (reader.remaining() % 8 != 0) {
    return std::unexpected(ParseError::kWrongLength);
  }
  if (reader.remaining() / 8 > kMaxFeedbackEntries) {
    return std::unexpected(ParseError::kTooLarge);
  }
  while (reader.remaining() > 0) {
    const Ssrc ssrc(reader.ReadU32());
    fir.entries.push_back({.ssrc = ssrc, .sequence = reader.ReadU8()});
    reader.Skip(3);
  }
  out.emplace_back(std::move(fir));
  return {};
}

// Application layer feedback is REMB when it says so, and nothing that we speak otherwise.
Result<void, ParseError> ParseApplicationFeedback(ConstBytes body, Packets& out) {
  ByteReader reader(body);
  Remb remb;
  remb.sender = Ssrc(reader.ReadU32());
  reader.Skip(4);  // Media SSRC, always zero.
  if (reader.ReadU32() != kRembTag || !reader.ok()) {
    return {};
  }
  const size_t source_count = reader.ReadU8();
  const uint32_t rate = reader.ReadU24();
  const uint32_t exponent = rate >> 18;
  const uint64_t mantissa = rate & 0x3ffff;
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  if (reader.remaining() != source_count * 4) {
    return std::unexpected(ParseError::kWrongLength);
  }
  remb.bitrate = mantissa << exponent;
  if (remb.bitrate >> exponent != mantissa) {
    return std::unexpected(ParseError::kBadValue);
  }
  for (size_t i = 0; i < source_count; ++i) {
    remb.ssrcs.emplace_back(reader.ReadU32());
  }
  out.emplace_back(std::move(remb));
  return {};
}

Result<XrDlrr, ParseError> ParseDlrr(Ssrc sender, ConstBytes block) {
  constexpr size_t kItemSize = 12;
  if (block.size() % kItemSize != 0) {
    return std::unexpected(ParseError::kWrongLength);
  }
  if (block.size() / kItemSize > kMaxFeedbackEntries) {
    return std::unexpected(ParseError::kTooLarge);
  }
  ByteReader reader(block);
  XrDlrr dlrr{.sender = sender, .items = {}};
  while (reader.remaining() > 0) {
    DlrrItem item;
    item.ssrc = Ssrc(reader.ReadU32());
    item.last_rr = reader.ReadU32();
    item.delay_since_last_rr = reader.ReadU32();
    dlrr.items.push_back(item);
  }
  return dlrr;
}

Result<void, ParseError> ParseExtendedReport(const Frame& frame, Packets& out) {
  ByteReader reader(frame.body);
  const Ssrc sender(reader.ReadU32());
  while (reader.ok() && reader.remaining() > 0) {
    const uint8_t block_type = reader.ReadU8();
    reader.Skip(1);
    const ConstBytes block = reader.ReadBytes(reader.ReadU16() * size_t{4});
    if (!reader.ok()) {
      break;
    }
    if (out.size() >= kMaxPacketsPerCompound) {
      return std::unexpected(ParseError::kTooLarge);
    }
    if (block_type == kReceiverReferenceTime) {
      if (block.size() != 8) {
        return std::unexpected(ParseError::kWrongLength);
      }
      out.emplace_back(XrRrtr{.sender = sender, .ntp = ByteReader(block).ReadU64()});
    } else if (block_type == kDelaySinceLastReport) {
      out.emplace_back(TRY(ParseDlrr(sender, block)));
    }
  }
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  return {};
}

Result<void, ParseError> ParseTransportLayer(const Frame& frame, Packets& out) {
  switch (frame.count) {
    case kGenericNack:
      return ParseNack(frame.body, out);
    case kTransportWideFeedback:
      return ParseTransportFeedback(frame.body, out);
    default:
      return {};
  }
}

Result<void, ParseError> ParsePayloadSpecific(const Frame& frame, Packets& out) {
  switch (frame.count) {
    case kPictureLoss:
      return ParsePli(frame.body, out);
    case kFullIntraRequest:
      return ParseFir(frame.body, out);
    case kApplicationLayer:
      return ParseApplicationFeedback(frame.body, out);
    default:
      return {};
  }
}

Result<void, ParseError> ParseFrame(const Frame& frame, Packets& out) {
  switch (frame.type) {
    case kSenderReport:
      return ParseSenderReport(frame, out);
    case kReceiverReport:
      return ParseReceiverReport(frame, out);
    case kSourceDescription:
      return ParseSdes(frame, out);
    case kGoodbye:
      return ParseBye(frame, out);
    case kTransportLayerFeedback:
      return ParseTransportLayer(frame, out);
    case kPayloadSpecificFeedback:
      return ParsePayloadSpecific(frame, out);
    case kExtendedReport:
      return ParseExtendedReport(frame, out);
    default:
      return {};
  }
}

}  // namespace

Result<void, ParseError> ParseCompound(ConstBytes datagram, std::vector<Packet>& out) {
  if (datagram.empty()) {
    return std::unexpected(ParseError::kTruncated);
  }
  ByteReader reader(datagram);
  Packets packets;
  Result<void, ParseError> result;
  size_t frames = 0;
  while (result && reader.remaining() > 0) {
    if (++frames > kMaxPacketsPerCompound) {
      result = std::unexpected(ParseError::kTooLarge);
      break;
    }
    const auto frame = NextFrame(reader);
    result = frame ? ParseFrame(*frame, packets) : std::unexpected(frame.error());
  }
  if (out.empty()) {
    out = std::move(packets);
  } else {
    out.insert(out.end(), std::move_iterator(packets.begin()), std::move_iterator(packets.end()));
  }
  return result;
}

}  // namespace weir::rtcp
