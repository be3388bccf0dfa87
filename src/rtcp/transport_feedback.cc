#include "rtcp/transport_feedback.h"

#include <algorithm>
#include <limits>

#include "rtcp/wire.h"
#include "rtcp/writer.h"

namespace weir::rtcp {
namespace {

using base::ByteReader;
using base::ByteWriter;
using base::ConstBytes;
using base::ParseError;
using base::Result;
using base::Timestamp;

// Section 3.1.1: the two bits that stand for a packet. The fourth value is reserved.
enum Symbol : uint8_t { kLost = 0, kSmallDelta = 1, kLargeDelta = 2, kReserved = 3 };

constexpr size_t kOneBitCapacity = 14;
constexpr size_t kTwoBitCapacity = 7;
constexpr size_t kMaxRun = 0x1fff;
// SSRCs, base, count, reference and feedback count.
constexpr size_t kFixedSize = 16;
constexpr int64_t kUnitsPerReference = kFeedbackReferenceUnit.micros() / kFeedbackDeltaUnit.micros();

Symbol SymbolOf(const PacketStatus& status) {
  if (!status.received) {
    return kLost;
  }
  return status.delta >= 0 && status.delta <= 255 ? kSmallDelta : kLargeDelta;
}

size_t RunLength(std::span<const PacketStatus> statuses) {
  const Symbol symbol = SymbolOf(statuses.front());
  size_t length = 1;
  while (length < statuses.size() && length < kMaxRun && SymbolOf(statuses[length]) == symbol) {
    ++length;
  }
  return length;
}

// A vector of `count` symbols of `bits` each; those past the end of `statuses` say lost.
uint16_t VectorChunk(std::span<const PacketStatus> statuses, size_t count, size_t bits) {
  uint32_t chunk = bits == 1 ? 0b10 : 0b11;
  for (size_t i = 0; i < count; ++i) {
    chunk = chunk << bits | (i < statuses.size() ? SymbolOf(statuses[i]) : kLost);
  }
  return static_cast<uint16_t>(chunk);
}

// Takes the form that covers the most of what comes next: a run when it is at least as long as the vector
// that would hold it.
std::vector<uint16_t> EncodeChunks(std::span<const PacketStatus> statuses) {
  std::vector<uint16_t> chunks;
  while (!statuses.empty()) {
    const auto ahead = statuses.first(std::min(statuses.size(), kOneBitCapacity));
    const bool one_bit = std::none_of(ahead.begin(), ahead.end(), [](const PacketStatus& status) {
      return SymbolOf(status) == kLargeDelta;
    });
    const size_t capacity = one_bit ? kOneBitCapacity : kTwoBitCapacity;
    const size_t run = RunLength(statuses);
    size_t covered = std::min(capacity, statuses.size());
    if (run >= covered) {
      covered = run;
      chunks.push_back(static_cast<uint16_t>(SymbolOf(statuses.front()) << 13 | run));
    } else {
      chunks.push_back(VectorChunk(statuses, capacity, one_bit ? 1 : 2));
    }
    statuses = statuses.subspan(covered);
  }
  return chunks;
}

size_t DeltasSize(std::span<const PacketStatus> statuses) {
  size_t size = 0;
  for (const PacketStatus& status : statuses) {
    size +=
        SymbolOf(status);  // No coincidence: a lost packet takes no byte, a small delta one, a large one two.
  }
  return size;
}

void WriteDeltas(std::span<const PacketStatus> statuses, ByteWriter& out) {
  for (const PacketStatus& status : statuses) {
    switch (SymbolOf(status)) {
      case kSmallDelta:
        out.WriteU8(static_cast<uint8_t>(status.delta));
        break;
      case kLargeDelta:
        out.WriteU16(static_cast<uint16_t>(status.delta));
        break;
      default:
        break;
    }
  }
}

// Appends the symbols of one chunk, no more than `limit` in all.
void DecodeChunk(uint16_t chunk, size_t limit, std::vector<Symbol>& symbols) {
  if ((chunk & 0x8000) == 0) {
    const auto symbol = static_cast<Symbol>(chunk >> 13 & 3);
    symbols.insert(symbols.end(), std::min<size_t>(chunk & kMaxRun, limit - symbols.size()), symbol);
    return;
  }
  const bool one_bit = (chunk & 0x4000) == 0;
  const size_t bits = one_bit ? 1 : 2;
  const size_t capacity = one_bit ? kOneBitCapacity : kTwoBitCapacity;
  for (size_t i = 0; i < capacity && symbols.size() < limit; ++i) {
    const size_t shift = (capacity - 1 - i) * bits;
    symbols.push_back(static_cast<Symbol>(chunk >> shift & (one_bit ? 1 : 3)));
  }
}

int64_t FloorDivide(int64_t value, int64_t divisor) {
  const int64_t quotient = value / divisor;
  return value % divisor < 0 ? quotient - 1 : quotient;
}

int64_t Ticks(Timestamp time) { return FloorDivide(time.micros(), kFeedbackDeltaUnit.micros()); }

// The reference time that the packet can say: 24 bits, signed.
int32_t WrapReference(int64_t reference) {
  return static_cast<int32_t>(static_cast<uint32_t>(reference) << 8) >> 8;
}

bool FitsDelta(int64_t ticks) {
  return ticks >= std::numeric_limits<int16_t>::min() && ticks <= std::numeric_limits<int16_t>::max();
}

}  // namespace

bool Write(const TransportFeedback& feedback, ByteWriter& out) {
  if (feedback.statuses.empty() || feedback.statuses.size() > kMaxPacketStatuses) {
    return false;
  }
  const std::vector<uint16_t> chunks = EncodeChunks(feedback.statuses);
  const size_t content = kFixedSize + chunks.size() * 2 + DeltasSize(feedback.statuses);
  const size_t padding = (4 - content % 4) % 4;
  if (!out.ok() || out.remaining() < kHeaderSize + content + padding) {
    return false;
  }
  out.WriteU8(static_cast<uint8_t>(0x80 | (padding > 0 ? 0x20 : 0) | kTransportWideFeedback));
  out.WriteU8(kTransportLayerFeedback);
  out.WriteU16(static_cast<uint16_t>((content + padding) / 4));
  out.WriteU32(feedback.sender.value());
  out.WriteU32(feedback.media.value());
  out.WriteU16(feedback.base_sequence);
  out.WriteU16(static_cast<uint16_t>(feedback.statuses.size()));
  out.WriteU24(static_cast<uint32_t>(feedback.reference_time) & 0xffffff);
  out.WriteU8(feedback.feedback_count);
  for (const uint16_t chunk : chunks) {
    out.WriteU16(chunk);
  }
  WriteDeltas(feedback.statuses, out);
  if (padding > 0) {
    out.WriteZeros(padding - 1);
    out.WriteU8(static_cast<uint8_t>(padding));
  }
  return true;
}

size_t TransportFeedbackWriter::Write(int64_t base_sequence, std::span<const PacketArrival> arrivals,
                                      ByteWriter& out) {
  if (arrivals.empty()) {
    return 0;
  }
  const int64_t first = arrivals.front().sequence;
  if (first < base_sequence || first - base_sequence >= static_cast<int64_t>(kMaxPacketStatuses)) {
    base_sequence = first;
  }
  const int64_t reference = FloorDivide(arrivals.front().arrival.micros(), kFeedbackReferenceUnit.micros());
  TransportFeedback feedback;
  feedback.sender = sender_;
  feedback.media = media_;
  feedback.base_sequence = static_cast<uint16_t>(base_sequence);
  feedback.feedback_count = feedback_count_;
  feedback.reference_time = WrapReference(reference);
  // Differences of rounded times, so that rounding does not add up.
  int64_t previous = reference * kUnitsPerReference;
  size_t covered = 0;
  for (const PacketArrival& arrival : arrivals) {
    const int64_t index = arrival.sequence - base_sequence;
    const int64_t delta = Ticks(arrival.arrival) - previous;
    const bool ascends = index >= static_cast<int64_t>(feedback.statuses.size());
    if (!ascends || index >= static_cast<int64_t>(kMaxPacketStatuses) || !FitsDelta(delta)) {
      break;
    }
    feedback.statuses.resize(static_cast<size_t>(index));  // Those in between were lost.
    feedback.statuses.push_back({.received = true, .delta = static_cast<int16_t>(delta)});
    previous += delta;
    ++covered;
  }
  while (covered > 0 && !rtcp::Write(feedback, out)) {
    covered = covered * 3 / 4;
    if (covered > 0) {
      feedback.statuses.resize(static_cast<size_t>(arrivals[covered - 1].sequence - base_sequence) + 1);
    }
  }
  feedback_count_ = static_cast<uint8_t>(feedback_count_ + (covered > 0 ? 1 : 0));
  return covered;
}

std::vector<std::optional<Timestamp>> Arrivals(const TransportFeedback& feedback) {
  std::vector<std::optional<Timestamp>> arrivals(feedback.statuses.size());
  int64_t ticks = feedback.reference_time * kUnitsPerReference;
  for (size_t i = 0; i < arrivals.size(); ++i) {
    if (feedback.statuses[i].received) {
      ticks += feedback.statuses[i].delta;
      arrivals[i] = Timestamp::Micros(ticks * kFeedbackDeltaUnit.micros());
    }
  }
  return arrivals;
}

Result<TransportFeedback, ParseError> ParseTransportFeedbackBody(ConstBytes body) {
  ByteReader reader(body);
  TransportFeedback feedback;
  feedback.base_sequence = reader.ReadU16();
  const size_t count = reader.ReadU16();
  feedback.reference_time = WrapReference(reader.ReadU24());
  feedback.feedback_count = reader.ReadU8();
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  if (count == 0) {
    return std::unexpected(ParseError::kBadValue);
  }
  // A run of one chunk names thousands of packets, so the count and not the bytes must bound the memory.
  if (count > kMaxPacketStatuses) {
    return std::unexpected(ParseError::kTooLarge);
  }
  std::vector<Symbol> symbols;
  while (symbols.size() < count && reader.ok()) {
    DecodeChunk(reader.ReadU16(), count, symbols);
  }
  feedback.statuses.reserve(symbols.size());
  for (const Symbol symbol : symbols) {
    if (symbol == kReserved) {
      return std::unexpected(ParseError::kBadValue);
    }
    PacketStatus status;
    status.received = symbol != kLost;
    if (symbol == kSmallDelta) {
      status.delta = reader.ReadU8();
    } else if (symbol == kLargeDelta) {
      status.delta = static_cast<int16_t>(reader.ReadU16());
    }
    feedback.statuses.push_back(status);
  }
  if (!reader.ok()) {
    return std::unexpected(ParseError::kTruncated);
  }
  return feedback;
}

}  // namespace weir::rtcp
