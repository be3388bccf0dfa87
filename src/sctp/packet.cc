#include "sctp/packet.h"

#include <algorithm>
#include <cstring>

#include "sctp/crc32c.h"

namespace weir::sctp {
namespace {

using base::ByteReader;
using base::ConstBytes;
using base::ParseError;
using base::Result;

constexpr size_t kChecksumAt = 8;
constexpr uint16_t kStateCookie = 7;
constexpr uint16_t kSupportedExtensions = 0x8008;
constexpr uint16_t kForwardTsnSupported = 0xc000;
constexpr size_t kMaxUnrecognized = 256;  // Bytes of unknown INIT parameters that are reported back.

constexpr size_t Padded(size_t size) { return (size + 3) & ~size_t{3}; }

struct Parameter {
  uint16_t type = 0;
  ConstBytes value;
  ConstBytes whole;
};

// Reads the type-length-value at the reader; the padding of the last one may be missing.
Result<Parameter, ParseError> ReadParameter(ByteReader& reader) {
  if (reader.remaining() < 4) {
    return std::unexpected(ParseError::kTruncated);
  }
  ByteReader ahead = reader;
  ahead.Skip(2);
  const size_t length = ahead.ReadU16();
  if (length < 4) {
    return std::unexpected(ParseError::kWrongLength);
  }
  const ConstBytes whole = reader.ReadBytes(length);
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  reader.Skip(std::min(Padded(length) - length, reader.remaining()));
  return Parameter{base::LoadU16(whole.data()), whole.subspan(4), whole};
}

// RFC 9260 section 3.2.1: the two highest bits say what to do with a parameter that is not understood.
bool StopsAtUnknown(uint16_t type) { return (type & 0x8000) == 0; }
bool ReportsUnknown(uint16_t type) { return (type & 0x4000) != 0; }

bool IsKnownAndIgnored(uint16_t type) {
  switch (type) {
    case 5:  // IPv4 and IPv6 addresses: the path is DTLS's.
    case 6:
    case 9:       // Cookie preservative.
    case 11:      // Host name.
    case 12:      // Supported address types.
    case 0x8000:  // ECN.
    case 0x8001:  // Zero checksum: acceptable only when both offer it.
    case 0x8002:  // Random, chunk list and HMACs of RFC 4895.
    case 0x8003:
    case 0x8004:
    case 0xc006:  // Adaptation layer indication.
      return true;
    default:
      return false;
  }
}

void AddExtensions(ConstBytes types, Capabilities& capabilities) {
  for (const uint8_t type : types) {
    capabilities.reconfig |= type == static_cast<uint8_t>(ChunkType::kReconfig);
    capabilities.forward_tsn |= type == static_cast<uint8_t>(ChunkType::kForwardTsn);
  }
}

// False: the rest of the parameters is to be left unread.
bool AddInitParameter(const Parameter& parameter, Init& init) {
  switch (parameter.type) {
    case kStateCookie:
      init.cookie = parameter.value;
      return true;
    case kSupportedExtensions:
      AddExtensions(parameter.value, init.capabilities);
      return true;
    case kForwardTsnSupported:
      init.capabilities.forward_tsn = true;
      return true;
    default:
      break;
  }
  if (IsKnownAndIgnored(parameter.type)) {
    return true;
  }
  const size_t padded = Padded(parameter.whole.size());
  if (ReportsUnknown(parameter.type) && init.unrecognized.size() + padded <= kMaxUnrecognized) {
    init.unrecognized.insert(init.unrecognized.end(), parameter.whole.begin(), parameter.whole.end());
    init.unrecognized.resize(Padded(init.unrecognized.size()));
  }
  return !StopsAtUnknown(parameter.type);
}

std::vector<uint16_t> ReadStreams(ByteReader& reader) {
  std::vector<uint16_t> streams(reader.remaining() / 2);
  for (uint16_t& stream : streams) {
    stream = reader.ReadU16();
  }
  return streams;
}

Result<void, ParseError> AddReconfigParameter(const Parameter& parameter, Reconfig& reconfig) {
  ByteReader reader(parameter.value);
  const uint32_t sequence = reader.ReadU32();
  switch (parameter.type) {
    case 13: {
      OutgoingResetRequest request;
      request.request = sequence;
      request.response = reader.ReadU32();
      request.last_tsn = reader.ReadU32();
      request.streams = ReadStreams(reader);
      reconfig.outgoing_reset = std::move(request);
      break;
    }
    case 14:
      reconfig.incoming_reset = IncomingResetRequest{sequence, ReadStreams(reader)};
      break;
    case 15:
    case 18:
      reconfig.other = OtherReconfigRequest{sequence};
      break;
    case 16:
      reconfig.response = ReconfigResponse{sequence, static_cast<ReconfigResult>(reader.ReadU32())};
      break;
    case 17:
      reconfig.add_outgoing = AddOutgoingStreams{sequence, reader.ReadU16()};
      break;
    default:
      return {};
  }
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  return {};
}

const char* CauseName(uint16_t code) {
  static constexpr const char* kNames[] = {"unknown cause",
                                           "invalid stream identifier",
                                           "missing mandatory parameter",
                                           "stale cookie",
                                           "out of resource",
                                           "unresolvable address",
                                           "unrecognized chunk type",
                                           "invalid mandatory parameter",
                                           "unrecognized parameters",
                                           "no user data",
                                           "cookie received while shutting down",
                                           "restart with new addresses",
                                           "user initiated abort",
                                           "protocol violation"};
  return code < std::size(kNames) ? kNames[code] : kNames[0];
}

}  // namespace

Result<Packet, ParseError> ParsePacket(ConstBytes bytes, Checksum checksum) {
  if (bytes.size() < kPacketHeaderSize + kChunkHeaderSize) {
    return std::unexpected(ParseError::kTruncated);
  }
  if (bytes.size() > kMaxPacketSize) {
    return std::unexpected(ParseError::kTooLarge);
  }
  if (checksum == Checksum::kVerify) {
    static constexpr uint8_t kZeros[4] = {};
    uint32_t crc = Crc32c(bytes.first(kChecksumAt));
    crc = Crc32c(kZeros, crc);
    crc = Crc32c(bytes.subspan(kPacketHeaderSize), crc);
    // The CRC travels with its lowest byte first, unlike every other field (RFC 9260 appendix A).
    if (__builtin_bswap32(crc) != base::LoadU32(bytes.data() + kChecksumAt)) {
      return std::unexpected(ParseError::kBadValue);
    }
  }
  ByteReader reader(bytes);
  Packet packet;
  packet.source_port = reader.ReadU16();
  packet.destination_port = reader.ReadU16();
  packet.tag = reader.ReadU32();
  reader.Skip(4);
  while (reader.remaining() > 0) {
    const Parameter chunk = TRY(ReadParameter(reader));  // The same frame: two bytes, a length, a value.
    packet.chunks.push_back(Chunk{chunk.whole[0], chunk.whole[1], chunk.value, chunk.whole});
  }
  return packet;
}

Result<Data, ParseError> ParseData(const Chunk& chunk) {
  ByteReader reader(chunk.value);
  Data data;
  data.flags = chunk.flags;
  data.tsn = reader.ReadU32();
  data.stream = reader.ReadU16();
  data.ssn = reader.ReadU16();
  data.ppid = reader.ReadU32();
  data.payload = reader.ReadRest();
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  if (data.payload.empty()) {
    return std::unexpected(ParseError::kWrongLength);
  }
  return data;
}

Result<Init, ParseError> ParseInit(const Chunk& chunk) {
  ByteReader reader(chunk.value);
  Init init;
  init.tag = reader.ReadU32();
  init.window = reader.ReadU32();
  init.outgoing_streams = reader.ReadU16();
  init.incoming_streams = reader.ReadU16();
  init.initial_tsn = reader.ReadU32();
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  if (init.tag == 0 || init.outgoing_streams == 0 || init.incoming_streams == 0) {
    return std::unexpected(ParseError::kBadValue);
  }
  while (reader.remaining() > 0) {
    const Parameter parameter = TRY(ReadParameter(reader));
    if (!AddInitParameter(parameter, init)) {
      break;
    }
  }
  if (init.cookie.size() > kMaxCookieSize) {
    return std::unexpected(ParseError::kTooLarge);
  }
  return init;
}

Result<Sack, ParseError> ParseSack(const Chunk& chunk) {
  ByteReader reader(chunk.value);
  Sack sack;
  sack.cumulative_tsn = reader.ReadU32();
  sack.window = reader.ReadU32();
  const size_t gaps = reader.ReadU16();
  const size_t duplicates = reader.ReadU16();
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  if (reader.remaining() != 4 * (gaps + duplicates)) {
    return std::unexpected(ParseError::kWrongLength);
  }
  sack.gaps.resize(gaps);
  for (auto& [first, last] : sack.gaps) {
    first = reader.ReadU16();
    last = reader.ReadU16();
    if (first == 0 || last < first) {
      return std::unexpected(ParseError::kBadValue);
    }
  }
  std::ranges::sort(sack.gaps);  // The order on the wire is free; overlaps do no harm.
  sack.duplicates.resize(duplicates);
  for (uint32_t& duplicate : sack.duplicates) {
    duplicate = reader.ReadU32();
  }
  return sack;
}

Result<ForwardTsn, ParseError> ParseForwardTsn(const Chunk& chunk) {
  ByteReader reader(chunk.value);
  ForwardTsn forward;
  forward.new_cumulative_tsn = reader.ReadU32();
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  if (reader.remaining() % 4 != 0) {
    return std::unexpected(ParseError::kWrongLength);
  }
  forward.skipped.resize(reader.remaining() / 4);
  for (auto& [stream, ssn] : forward.skipped) {
    stream = reader.ReadU16();
    ssn = reader.ReadU16();
  }
  return forward;
}

Result<Reconfig, ParseError> ParseReconfig(const Chunk& chunk) {
  ByteReader reader(chunk.value);
  Reconfig reconfig;
  while (reader.remaining() > 0) {
    const Parameter parameter = TRY(ReadParameter(reader));
    TRY(AddReconfigParameter(parameter, reconfig));
  }
  return reconfig;
}

std::string DescribeCauses(ConstBytes value) {
  constexpr size_t kMaxText = 64;
  ByteReader reader(value);
  const auto cause = ReadParameter(reader);
  if (!cause) {
    return "no cause given";
  }
  std::string text = CauseName(cause->type);
  if (cause->type == cause::kUserInitiated || cause->type == cause::kProtocolViolation) {
    std::string detail;
    for (const uint8_t byte : cause->value.first(std::min(kMaxText, cause->value.size()))) {
      detail += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '?';
    }
    text += detail.empty() ? "" : ": " + detail;
  }
  return text;
}

}  // namespace weir::sctp
