// SCTP packets on the wire: RFC 9260 section 3, RFC 3758 section 3, RFC 6525 section 4.
//
// ParsePacket checks the frame (checksum, chunk lengths); a Parse function per chunk checks its inside. All
// views point into the caller's bytes. Lists are bounded by the datagram that they arrive in.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace weir::sctp {

inline constexpr size_t kPacketHeaderSize = 12;
inline constexpr size_t kChunkHeaderSize = 4;
inline constexpr size_t kDataHeaderSize = 16;  // Chunk header included.
inline constexpr size_t kMaxPacketSize = 65'535;
inline constexpr size_t kMaxCookieSize = 4096;  // Ours has 116 bytes, usrsctp's about 450.

enum class ChunkType : uint8_t {
  kData = 0,
  kInit = 1,
  kInitAck = 2,
  kSack = 3,
  kHeartbeat = 4,
  kHeartbeatAck = 5,
  kAbort = 6,
  kShutdown = 7,
  kShutdownAck = 8,
  kError = 9,
  kCookieEcho = 10,
  kCookieAck = 11,
  kShutdownComplete = 14,
  kReconfig = 130,
  kForwardTsn = 192,
};

namespace cause {  // Error causes, RFC 9260 section 3.3.10.
inline constexpr uint16_t kInvalidStream = 1;
inline constexpr uint16_t kStaleCookie = 3;
inline constexpr uint16_t kUnrecognizedChunk = 6;
inline constexpr uint16_t kUserInitiated = 12;
inline constexpr uint16_t kProtocolViolation = 13;
}  // namespace cause

struct Chunk {
  uint8_t type = 0;
  uint8_t flags = 0;
  base::ConstBytes value;  // Without header and padding.
  base::ConstBytes whole;  // With the header, without the padding.
};

struct Packet {
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint32_t tag = 0;
  std::vector<Chunk> chunks;  // At least one.
};

enum class Checksum : uint8_t { kVerify, kIgnore };
base::Result<Packet, base::ParseError> ParsePacket(base::ConstBytes bytes,
                                                   Checksum checksum = Checksum::kVerify);

struct Data {
  static constexpr uint8_t kEnd = 1;
  static constexpr uint8_t kBegin = 2;
  static constexpr uint8_t kUnordered = 4;
  static constexpr uint8_t kImmediate = 8;  // RFC 7053: acknowledge at once.
  uint8_t flags = 0;
  uint32_t tsn = 0;
  uint16_t stream = 0;
  uint16_t ssn = 0;
  uint32_t ppid = 0;
  base::ConstBytes payload;  // Not empty.
};
base::Result<Data, base::ParseError> ParseData(const Chunk& chunk);

struct Capabilities {
  bool forward_tsn = false;
  bool reconfig = false;
  bool operator==(const Capabilities&) const = default;
};

// INIT and INIT ACK.
struct Init {
  uint32_t tag = 0;
  uint32_t window = 0;
  uint16_t outgoing_streams = 0;
  uint16_t incoming_streams = 0;
  uint32_t initial_tsn = 0;
  Capabilities capabilities;
  base::ConstBytes cookie;    // INIT ACK only; empty when absent.
  base::Buffer unrecognized;  // Parameters to report back, each padded: as INIT ACK carries them.
};
base::Result<Init, base::ParseError> ParseInit(const Chunk& chunk);

struct Sack {
  uint32_t cumulative_tsn = 0;
  uint32_t window = 0;
  std::vector<std::pair<uint16_t, uint16_t>> gaps;  // First and last, relative to cumulative_tsn.
  std::vector<uint32_t> duplicates;
};
base::Result<Sack, base::ParseError> ParseSack(const Chunk& chunk);

struct ForwardTsn {
  uint32_t new_cumulative_tsn = 0;
  std::vector<std::pair<uint16_t, uint16_t>> skipped;  // Stream and its last skipped SSN.
};
base::Result<ForwardTsn, base::ParseError> ParseForwardTsn(const Chunk& chunk);

// The parameters of a RE-CONFIG chunk that mean something here. Of each kind a chunk carries one at most.
struct OutgoingResetRequest {
  uint32_t request = 0;
  uint32_t response = 0;  // The request of ours that it answers, or the sequence number before our next.
  uint32_t last_tsn = 0;
  std::vector<uint16_t> streams;  // Empty: all.
};
struct IncomingResetRequest {
  uint32_t request = 0;
  std::vector<uint16_t> streams;
};
struct AddOutgoingStreams {
  uint32_t request = 0;
  uint16_t count = 0;
};
struct OtherReconfigRequest {  // SSN/TSN reset and adding incoming streams, which are always denied.
  uint32_t request = 0;
};
enum class ReconfigResult : uint32_t {
  kNothingToDo = 0,
  kPerformed = 1,
  kDenied = 2,
  kWrongSsn = 3,
  kRequestInProgress = 4,
  kBadSequenceNumber = 5,
  kInProgress = 6,
};
struct ReconfigResponse {
  uint32_t request = 0;
  ReconfigResult result = ReconfigResult::kNothingToDo;
};
struct Reconfig {
  std::optional<OutgoingResetRequest> outgoing_reset;
  std::optional<IncomingResetRequest> incoming_reset;
  std::optional<AddOutgoingStreams> add_outgoing;
  std::optional<OtherReconfigRequest> other;
  std::optional<ReconfigResponse> response;
};
base::Result<Reconfig, base::ParseError> ParseReconfig(const Chunk& chunk);

// The causes of an ABORT or ERROR for a person to read: "user initiated abort: text".
std::string DescribeCauses(base::ConstBytes value);

// Encoded chunks, header included, padding not.
base::Buffer EncodeChunk(ChunkType type, uint8_t flags, base::ConstBytes value);
base::Buffer EncodeInit(ChunkType type, const Init& init);
base::Buffer EncodeForwardTsn(const ForwardTsn& forward);
base::Buffer EncodeReconfig(const OutgoingResetRequest& request);
base::Buffer EncodeReconfig(const ReconfigResponse& response);
base::Buffer EncodeError(ChunkType type, uint16_t cause, base::ConstBytes info);

// Fills one packet. Add functions return false, and write nothing, when the chunk does not fit.
class PacketBuilder {
 public:
  PacketBuilder(uint16_t source_port, uint16_t destination_port, uint32_t tag, size_t mtu);

  size_t space() const { return mtu_ - bytes_.size(); }
  bool empty() const { return bytes_.size() == kPacketHeaderSize; }
  bool Add(base::ConstBytes chunk);
  bool AddData(const Data& data);
  // Leaves out gaps and duplicates that do not fit.
  bool AddSack(uint32_t cumulative_tsn, uint32_t window, std::span<const std::pair<uint16_t, uint16_t>> gaps,
               std::span<const uint32_t> duplicates);
  base::Buffer Finish();  // Stores the checksum. The builder is spent.

 private:
  uint8_t* Append(size_t size);  // Padded with zeros.
  size_t mtu_;
  base::Buffer bytes_;
};

}  // namespace weir::sctp
