// Numbers of the RTCP wire format, shared by the parser and the writer of this module.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::rtcp {

inline constexpr size_t kHeaderSize = 4;
inline constexpr size_t kReportBlockSize = 24;

enum PacketType : uint8_t {
  kSenderReport = 200,
  kReceiverReport = 201,
  kSourceDescription = 202,
  kGoodbye = 203,
  kTransportLayerFeedback = 205,
  kPayloadSpecificFeedback = 206,
  kExtendedReport = 207,
};

enum TransportFormat : uint8_t { kGenericNack = 1, kTransportWideFeedback = 15 };
enum PayloadFormat : uint8_t { kPictureLoss = 1, kFullIntraRequest = 4, kApplicationLayer = 15 };
enum XrBlockType : uint8_t { kReceiverReferenceTime = 4, kDelaySinceLastReport = 5 };

inline constexpr uint8_t kCnameItem = 1;
inline constexpr uint32_t kRembTag = 0x52454d42;  // 'REMB'

}  // namespace weir::rtcp
