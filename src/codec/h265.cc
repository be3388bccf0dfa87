#include "codec/h265.h"

#include "codec/bit_reader.h"
#include "codec/nal.h"

namespace weir::codec {
namespace {

using base::ByteReader;
using base::ConstBytes;
using base::ParseError;
using base::Result;

enum NalType : uint8_t {
  kTsaN = 2,
  kStsaR = 5,
  kLastSubLayer = 15,
  kFirstIrap = 16,
  kLastIrap = 21,
  kLastSlice = 31,
  kVps = 32,
  kSps = 33,
  kPps = 34,
  kDelimiter = 35,
  kPrefixSei = 39,
  kLastPlain = 47,
  kAggregation = 48,
  kFragmentation = 49,
};

constexpr size_t kHeaderSize = 2;
constexpr uint8_t kForbiddenBit = 0x80;

uint8_t TypeOf(ConstBytes nal) { return nal[0] >> 1 & 0x3f; }
// 0 is forbidden on the wire, where one more than the id is sent.
int TidPlusOne(ConstBytes nal) { return nal[1] & 7; }

bool IsIrap(uint8_t type) { return type >= kFirstIrap && type <= kLastIrap; }

// Looks at the beginning of one unit; `body` follows the header.
void InspectUnit(uint8_t type, ConstBytes body, H265Info& info) {
  if (type <= kLastSlice) {
    const bool first_slice = !body.empty() && (body[0] & 0x80) != 0;
    info.start_of_frame |= first_slice;
    info.keyframe |= IsIrap(type) && first_slice;
  } else if (type >= kVps && type <= kPps) {
    info.has_parameter_sets = true;
    info.start_of_frame = true;
    info.keyframe = true;
  } else if (type == kDelimiter || type == kPrefixSei) {
    info.start_of_frame = true;
  }
}

// What every fragment of a unit shares.
void NoteType(uint8_t type, H265Info& info) {
  info.has_irap |= IsIrap(type);
  info.switch_up |= IsIrap(type) || (type >= kTsaN && type <= kStsaR);
  if (type <= kLastSlice) {
    info.non_reference = type < kLastSubLayer && type % 2 == 0;
  }
}

Result<void, ParseError> InspectNal(ConstBytes nal, H265Info& info) {
  if (nal.size() < kHeaderSize) {
    return std::unexpected(ParseError::kTruncated);
  }
  const uint8_t type = TypeOf(nal);
  if ((nal[0] & kForbiddenBit) != 0 || type > kLastPlain || TidPlusOne(nal) == 0) {
    return std::unexpected(ParseError::kBadValue);
  }
  NoteType(type, info);
  InspectUnit(type, nal.subspan(kHeaderSize), info);
  if (type == kSps) {
    if (const auto size = ParseH265Sps(nal)) {
      info.width = size->width;
      info.height = size->height;
    }
  }
  return {};
}

Result<void, ParseError> InspectAggregation(ConstBytes payload, H265Info& info) {
  ByteReader reader(payload.subspan(kHeaderSize));
  size_t units = 0;
  do {
    const ConstBytes nal = reader.ReadBytes(reader.ReadU16());
    TRY(InspectNal(nal, info));
    if (units == 0) {
      info.nal_type = TypeOf(nal);
    }
  } while (++units < kMaxNalUnitsPerPacket && reader.remaining() > 0);
  return {};
}

Result<void, ParseError> InspectFragment(ConstBytes payload, H265Info& info) {
  if (payload.size() < kHeaderSize + 2) {
    return std::unexpected(ParseError::kTruncated);
  }
  const uint8_t type = payload[2] & 0x3f;
  if (type > kLastPlain) {
    return std::unexpected(ParseError::kBadValue);
  }
  info.nal_type = type;
  info.starts_nal = (payload[2] & 0x80) != 0;
  info.ends_nal = (payload[2] & 0x40) != 0;
  NoteType(type, info);
  if (info.starts_nal) {
    InspectUnit(type, payload.subspan(kHeaderSize + 1), info);
  }
  return {};
}

// Section 7.3.3: the general part, and what sub-layers have of it.
void SkipProfileTierLevel(BitReader& reader, uint32_t sub_layers) {
  constexpr size_t kProfileBits = 88;
  constexpr size_t kLevelBits = 8;
  reader.Skip(kProfileBits + kLevelBits);
  if (sub_layers == 0) {
    return;
  }
  size_t bits = 0;
  for (uint32_t i = 0; i < sub_layers; ++i) {
    bits += reader.ReadBit() ? kProfileBits : 0;
    bits += reader.ReadBit() ? kLevelBits : 0;
  }
  reader.Skip((8 - sub_layers) * 2);  // Alignment to eight pairs of flags.
  reader.Skip(bits);
}

}  // namespace

std::optional<VideoSize> ParseH265Sps(ConstBytes nal) {
  if (nal.size() < kHeaderSize) {
    return std::nullopt;
  }
  const UnescapedNal unescaped(nal.subspan(kHeaderSize));
  BitReader reader(unescaped.bytes());
  reader.Skip(4);  // VPS id.
  const uint32_t sub_layers = reader.Read(3);
  if (sub_layers > 6) {
    return std::nullopt;
  }
  reader.Skip(1);
  SkipProfileTierLevel(reader, sub_layers);
  reader.ReadExpGolomb();  // Id.
  const uint32_t chroma = reader.ReadExpGolomb();
  const bool separate_planes = chroma == 3 && reader.ReadBit();
  const uint64_t width = reader.ReadExpGolomb();
  const uint64_t height = reader.ReadExpGolomb();
  uint64_t crop_x = 0;
  uint64_t crop_y = 0;
  if (reader.ReadBit()) {
    crop_x = uint64_t{reader.ReadExpGolomb()} + reader.ReadExpGolomb();
    crop_y = uint64_t{reader.ReadExpGolomb()} + reader.ReadExpGolomb();
  }
  if (!reader.ok() || chroma > 3) {
    return std::nullopt;
  }
  const uint64_t unit_x = !separate_planes && (chroma == 1 || chroma == 2) ? 2 : 1;
  const uint64_t unit_y = !separate_planes && chroma == 1 ? 2 : 1;
  return CroppedSize(width, height, crop_x * unit_x, crop_y * unit_y);
}

Result<H265Info, ParseError> ParseH265(ConstBytes payload) {
  if (payload.size() < kHeaderSize) {
    return std::unexpected(ParseError::kTruncated);
  }
  if ((payload[0] & kForbiddenBit) != 0 || TidPlusOne(payload) == 0) {
    return std::unexpected(ParseError::kBadValue);
  }
  H265Info info;
  info.nal_type = TypeOf(payload);
  info.tid = TidPlusOne(payload) - 1;
  info.starts_nal = true;
  info.ends_nal = true;
  if (info.nal_type <= kLastPlain) {
    TRY(InspectNal(payload, info));
  } else if (info.nal_type == kAggregation) {
    TRY(InspectAggregation(payload, info));
  } else if (info.nal_type == kFragmentation) {
    TRY(InspectFragment(payload, info));
  } else {
    return std::unexpected(ParseError::kUnsupported);
  }
  return info;
}

}  // namespace weir::codec
