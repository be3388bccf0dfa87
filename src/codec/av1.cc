#include "codec/av1.h"

#include "codec/bit_reader.h"

namespace weir::codec {
namespace {

using base::ByteReader;
using base::ConstBytes;
using base::ParseError;
using base::Result;

enum ObuType : uint8_t { kSequenceHeader = 1, kFrameHeader = 3, kFrame = 6, kRedundantFrameHeader = 7 };

// Little endian, seven bits a byte; more than 32 bits of value is no length that a packet can have.
uint32_t ReadLeb128(ByteReader& reader, bool& valid) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) {
    const uint8_t byte = reader.ReadU8();
    value |= uint64_t{byte & 0x7fu} << (i * 7);
    if ((byte & 0x80) == 0) {
      valid = valid && value <= 0xffffffff;
      return static_cast<uint32_t>(value);
    }
  }
  valid = false;
  return 0;
}

// `body` begins the uncompressed header: show_existing_frame, then frame_type, where 0 is a key frame.
bool BeginsKeyFrame(ConstBytes body) { return !body.empty() && (body[0] & 0xe0) == 0; }

Result<void, ParseError> InspectObu(ConstBytes obu, Av1Info& info) {
  ByteReader reader(obu);
  const uint8_t header = reader.ReadU8();
  const bool has_extension = (header & 0x04) != 0;
  const bool has_size = (header & 0x02) != 0;
  if ((header & 0x80) != 0) {
    return std::unexpected(ParseError::kBadValue);
  }
  if (has_extension) {
    const uint8_t extension = reader.ReadU8();
    if (info.tid < 0 && reader.ok()) {
      info.tid = extension >> 5;
      info.sid = extension >> 3 & 3;
    }
  }
  if (has_size) {
    bool valid = true;
    ReadLeb128(reader, valid);  // Redundant here, and senders leave it out.
  }
  // A fragment may end anywhere, even within the header.
  const ConstBytes body = reader.ok() ? reader.ReadRest() : ConstBytes();
  switch (header >> 3 & 0x0f) {
    case kSequenceHeader:
      info.has_sequence_header = true;
      info.keyframe = true;
      if (const auto size = ParseAv1SequenceHeader(body)) {
        info.width = size->width;
        info.height = size->height;
      }
      break;
    case kFrameHeader:
    case kFrame:
    case kRedundantFrameHeader:
      info.keyframe |= BeginsKeyFrame(body);
      break;
    default:
      break;
  }
  return {};
}

struct DecoderModel {
  bool present = false;
  int delay_bits = 0;
};

DecoderModel ReadTimingInfo(BitReader& reader) {
  DecoderModel model;
  reader.Skip(64);  // Ticks and time scale.
  if (reader.ReadBit()) {
    reader.ReadExpGolomb();  // uvlc() of the AV1 specification has the same code.
  }
  model.present = reader.ReadBit();
  if (model.present) {
    model.delay_bits = static_cast<int>(reader.Read(5)) + 1;
    reader.Skip(32 + 5 + 5);
  }
  return model;
}

void SkipOperatingPoints(BitReader& reader, const DecoderModel& model) {
  const bool has_display_delay = reader.ReadBit();
  const uint32_t count = reader.Read(5) + 1;
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    reader.Skip(12);
    const uint32_t level = reader.Read(5);
    reader.Skip(level > 7 ? 1 : 0);
    if (model.present && reader.ReadBit()) {
      reader.Skip(static_cast<size_t>(model.delay_bits) * 2 + 1);
    }
    if (has_display_delay && reader.ReadBit()) {
      reader.Skip(4);
    }
  }
}

}  // namespace

// AV1 specification section 5.5.1.
std::optional<VideoSize> ParseAv1SequenceHeader(ConstBytes body) {
  BitReader reader(body);
  reader.Skip(4);  // Profile and still_picture.
  if (reader.ReadBit()) {
    reader.Skip(5);  // Reduced header: one level.
  } else {
    const DecoderModel model = reader.ReadBit() ? ReadTimingInfo(reader) : DecoderModel();
    SkipOperatingPoints(reader, model);
  }
  const int width_bits = static_cast<int>(reader.Read(4)) + 1;
  const int height_bits = static_cast<int>(reader.Read(4)) + 1;
  const uint32_t width = reader.Read(width_bits) + 1;
  const uint32_t height = reader.Read(height_bits) + 1;
  if (!reader.ok() || width > 0xffff || height > 0xffff) {
    return std::nullopt;
  }
  return VideoSize{.width = static_cast<uint16_t>(width), .height = static_cast<uint16_t>(height)};
}

Result<Av1Info, ParseError> ParseAv1(ConstBytes payload) {
  ByteReader reader(payload);
  const uint8_t aggregation = reader.ReadU8();
  if (!reader.ok() || reader.remaining() == 0) {
    return std::unexpected(ParseError::kTruncated);
  }
  Av1Info info;
  info.continues_previous = (aggregation & 0x80) != 0;
  info.continues_next = (aggregation & 0x40) != 0;
  info.element_count = aggregation >> 4 & 3;
  info.new_sequence = (aggregation & 0x08) != 0;
  info.keyframe = info.new_sequence;
  if (info.new_sequence && info.continues_previous) {
    return std::unexpected(ParseError::kBadValue);
  }
  for (size_t i = 0; i < kMaxObusPerPacket && reader.remaining() > 0; ++i) {
    const bool is_last = info.element_count != 0 && i + 1 == info.element_count;
    bool valid = true;
    const size_t size = is_last ? reader.remaining() : ReadLeb128(reader, valid);
    if (!valid || !reader.ok() || size > reader.remaining()) {
      return std::unexpected(ParseError::kWrongLength);
    }
    const ConstBytes obu = reader.ReadBytes(size);
    const bool is_continuation = i == 0 && info.continues_previous;
    if (!obu.empty() && !is_continuation) {
      TRY(InspectObu(obu, info));
    }
  }
  return info;
}

}  // namespace weir::codec
