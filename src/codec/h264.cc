#include "codec/h264.h"

#include <algorithm>
#include <array>

#include "codec/bit_reader.h"
#include "codec/nal.h"

namespace weir::codec {
namespace {

using base::ByteReader;
using base::ConstBytes;
using base::ParseError;
using base::Result;

enum NalType : uint8_t {
  kSlice = 1,
  kIdrSlice = 5,
  kSei = 6,
  kSps = 7,
  kPps = 8,
  kDelimiter = 9,
  kPrefix = 14,
  kSvcSlice = 20,
  kLastSingle = 23,
  kStapA = 24,
  kFuA = 28,
};

constexpr uint8_t kForbiddenBit = 0x80;
constexpr uint8_t kTypeMask = 0x1f;

// Looks at the beginning of one unit. `body` follows the one-byte header; in FU-A it is the first fragment.
void InspectUnit(uint8_t type, ConstBytes body, H264Info& info) {
  switch (type) {
    case kSlice:
    case kIdrSlice: {
      // first_mb_in_slice is Exp-Golomb: the value 0 is a single 1 bit.
      const bool first_slice = !body.empty() && (body[0] & 0x80) != 0;
      info.has_idr |= type == kIdrSlice;
      info.start_of_frame |= first_slice;
      info.keyframe |= type == kIdrSlice && first_slice;
      break;
    }
    case kSps:
      info.has_sps = true;
      info.start_of_frame = true;
      info.keyframe = true;
      break;
    case kPps:
      info.has_pps = true;
      info.start_of_frame = true;
      break;
    case kSei:
    case kDelimiter:
      info.start_of_frame = true;
      break;
    case kPrefix:
    case kSvcSlice:
      if (body.size() >= 3 && info.tid < 0) {
        info.tid = body[2] >> 5;  // Annex G: nal_unit_header_svc_extension.
      }
      break;
    default:
      break;
  }
}

void TakeSize(ConstBytes sps, H264Info& info) {
  if (const auto size = ParseH264Sps(sps)) {
    info.width = size->width;
    info.height = size->height;
  }
}

// A whole unit with its header.
Result<void, ParseError> InspectNal(ConstBytes nal, H264Info& info) {
  const uint8_t type = nal[0] & kTypeMask;
  if ((nal[0] & kForbiddenBit) != 0 || type == 0 || type > kLastSingle) {
    return std::unexpected(ParseError::kBadValue);
  }
  info.non_reference &= (nal[0] & 0x60) == 0;
  InspectUnit(type, nal.subspan(1), info);
  if (type == kSps) {
    TakeSize(nal, info);
  }
  return {};
}

Result<void, ParseError> InspectStapA(ConstBytes payload, H264Info& info) {
  ByteReader reader(payload.subspan(1));
  size_t units = 0;
  do {
    const ConstBytes nal = reader.ReadBytes(reader.ReadU16());
    if (nal.empty()) {
      return std::unexpected(ParseError::kTruncated);
    }
    TRY(InspectNal(nal, info));
    if (units == 0) {
      info.nal_type = nal[0] & kTypeMask;
    }
  } while (++units < kMaxNalUnitsPerPacket && reader.remaining() > 0);
  return {};
}

Result<void, ParseError> InspectFuA(ConstBytes payload, H264Info& info) {
  if (payload.size() < 3) {
    return std::unexpected(ParseError::kTruncated);
  }
  const uint8_t type = payload[1] & kTypeMask;
  if (type == 0 || type > kLastSingle) {
    return std::unexpected(ParseError::kBadValue);
  }
  info.nal_type = type;
  info.non_reference = (payload[0] & 0x60) == 0;
  info.starts_nal = (payload[1] & 0x80) != 0;
  info.ends_nal = (payload[1] & 0x40) != 0;
  info.has_idr = type == kIdrSlice;
  if (info.starts_nal) {
    InspectUnit(type, payload.subspan(2), info);
  }
  return {};
}

void SkipScalingLists(BitReader& reader, int count) {
  for (int list = 0; list < count && reader.ok(); ++list) {
    if (!reader.ReadBit()) {
      continue;
    }
    const int size = list < 6 ? 16 : 64;
    int32_t last = 8;
    int32_t next = 8;
    // Section 7.3.2.1.1.1: once a scale comes out as 0, the rest of the list is not sent.
    for (int i = 0; i < size && next != 0 && reader.ok(); ++i) {
      next = static_cast<int32_t>(
          (static_cast<uint32_t>(last) + static_cast<uint32_t>(reader.ReadSignedExpGolomb())) & 0xff);
      last = next == 0 ? last : next;
    }
  }
}

bool HasChromaFormat(uint32_t profile) {
  constexpr std::array<uint32_t, 13> kProfiles = {100, 110, 122, 244, 44,  83, 86,
                                                  118, 128, 138, 139, 134, 135};
  return std::find(kProfiles.begin(), kProfiles.end(), profile) != kProfiles.end();
}

// Answers ChromaArrayType, which decides the unit of cropping.
uint32_t ReadChromaFormat(BitReader& reader) {
  const uint32_t format = reader.ReadExpGolomb();
  if (format > 3) {
    reader.Fail();
  }
  const bool separate_planes = format == 3 && reader.ReadBit();
  reader.ReadExpGolomb();  // Bit depths.
  reader.ReadExpGolomb();
  reader.Skip(1);
  if (reader.ReadBit()) {
    SkipScalingLists(reader, format == 3 ? 12 : 8);
  }
  return separate_planes ? 0 : format;
}

void SkipPictureOrder(BitReader& reader) {
  const uint32_t type = reader.ReadExpGolomb();
  if (type == 0) {
    reader.ReadExpGolomb();
  } else if (type == 1) {
    reader.Skip(1);
    reader.ReadSignedExpGolomb();
    reader.ReadSignedExpGolomb();
    const uint32_t cycle = reader.ReadExpGolomb();
    if (cycle > 255) {
      reader.Fail();
    }
    for (uint32_t i = 0; i < cycle && reader.ok(); ++i) {
      reader.ReadSignedExpGolomb();
    }
  }
}

}  // namespace

std::optional<VideoSize> ParseH264Sps(ConstBytes nal) {
  if (nal.empty()) {
    return std::nullopt;
  }
  const UnescapedNal unescaped(nal.subspan(1));
  BitReader reader(unescaped.bytes());
  const uint32_t profile = reader.Read(8);
  reader.Skip(16);         // Constraints and level.
  reader.ReadExpGolomb();  // Id.
  const uint32_t chroma = HasChromaFormat(profile) ? ReadChromaFormat(reader) : 1;
  reader.ReadExpGolomb();  // log2_max_frame_num.
  SkipPictureOrder(reader);
  reader.ReadExpGolomb();  // Reference frames.
  reader.Skip(1);
  const uint64_t width = (uint64_t{reader.ReadExpGolomb()} + 1) * 16;
  const uint64_t map_units = uint64_t{reader.ReadExpGolomb()} + 1;
  const bool frames_only = reader.ReadBit();
  const uint64_t field_factor = frames_only ? 1 : 2;
  reader.Skip(frames_only ? 1 : 2);
  uint64_t crop_x = 0;
  uint64_t crop_y = 0;
  if (reader.ReadBit()) {
    crop_x = uint64_t{reader.ReadExpGolomb()} + reader.ReadExpGolomb();
    crop_y = uint64_t{reader.ReadExpGolomb()} + reader.ReadExpGolomb();
  }
  if (!reader.ok()) {
    return std::nullopt;
  }
  // Table 6-1: chroma is half as wide in 4:2:0 and 4:2:2, half as high in 4:2:0.
  const uint64_t unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
  const uint64_t unit_y = (chroma == 1 ? 2 : 1) * field_factor;
  return CroppedSize(width, map_units * 16 * field_factor, crop_x * unit_x, crop_y * unit_y);
}

Result<H264Info, ParseError> ParseH264(ConstBytes payload) {
  if (payload.empty()) {
    return std::unexpected(ParseError::kTruncated);
  }
  if ((payload[0] & kForbiddenBit) != 0) {
    return std::unexpected(ParseError::kBadValue);
  }
  H264Info info;
  info.nal_type = payload[0] & kTypeMask;
  info.starts_nal = true;
  info.ends_nal = true;
  info.non_reference = true;
  if (info.nal_type >= 1 && info.nal_type <= kLastSingle) {
    TRY(InspectNal(payload, info));
  } else if (info.nal_type == kStapA) {
    TRY(InspectStapA(payload, info));
  } else if (info.nal_type == kFuA) {
    TRY(InspectFuA(payload, info));
  } else {
    return std::unexpected(ParseError::kUnsupported);
  }
  return info;
}

}  // namespace weir::codec
