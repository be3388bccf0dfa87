// The RTCP packets that we understand, as values. Parsing them from datagrams is compound.h, writing is
// writer.h, transport-wide feedback has its own file.
//
// Vectors are bounded by the 5-bit counts of RTCP or by the named limits here; parsers refuse what is larger.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "rtp/ssrc.h"

namespace weir::rtcp {

using rtp::Ssrc;

inline constexpr size_t kMaxReportBlocks = 31;  // The 5-bit count of RFC 3550.
inline constexpr size_t kMaxNackSequences = 8192;
inline constexpr size_t kMaxFeedbackEntries = 255;  // FIR entries, REMB sources, DLRR items.
inline constexpr size_t kMaxPacketStatuses = 8192;  // Packets that one transport feedback covers.

// RFC 3550 section 6.4.1.
struct ReportBlock {
  Ssrc ssrc;
  uint8_t fraction_lost = 0;         // In 1/256 since the last report.
  int32_t cumulative_lost = 0;       // 24 bits signed; duplicates can make it negative.
  uint32_t highest_seq = 0;          // Extended: cycles in the upper half.
  uint32_t jitter = 0;               // In units of the RTP clock.
  uint32_t last_sr = 0;              // Compact NTP of the last sender report, 0 for none.
  uint32_t delay_since_last_sr = 0;  // In 1/65536 s.
  bool operator==(const ReportBlock&) const = default;
};

struct SenderReport {
  Ssrc sender;
  uint64_t ntp = 0;
  uint32_t rtp = 0;
  uint32_t packets = 0;
  uint32_t octets = 0;
  std::vector<ReportBlock> blocks;
  bool operator==(const SenderReport&) const = default;
};

struct ReceiverReport {
  Ssrc sender;
  std::vector<ReportBlock> blocks;
  bool operator==(const ReceiverReport&) const = default;
};

// Only the CNAME of each chunk is kept.
struct SdesItem {
  Ssrc ssrc;
  std::string cname;
  bool operator==(const SdesItem&) const = default;
};
struct Sdes {
  std::vector<SdesItem> items;
  bool operator==(const Sdes&) const = default;
};

struct Bye {
  std::vector<Ssrc> ssrcs;
  std::string reason;
  bool operator==(const Bye&) const = default;
};

// Generic NACK, RFC 4585 section 6.2.1. Parsed sequences stand in the order of their items.
struct Nack {
  Ssrc sender;
  Ssrc media;
  std::vector<uint16_t> sequences;
  bool operator==(const Nack&) const = default;
};

// RFC 4585 section 6.3.1.
struct Pli {
  Ssrc sender;
  Ssrc media;
  bool operator==(const Pli&) const = default;
};

// RFC 5104 section 4.3.1: whom it is for stands in the entries; the media SSRC of the header is 0 and not
// read.
struct FirEntry {
  Ssrc ssrc;
  uint8_t sequence = 0;
  bool operator==(const FirEntry&) const = default;
};
struct Fir {
  Ssrc sender;
  std::vector<FirEntry> entries;
  bool operator==(const Fir&) const = default;
};

// draft-alvestrand-rmcat-remb-03: the receiver's estimate of the total rate.
struct Remb {
  Ssrc sender;
  uint64_t bitrate = 0;  // Bits per second. The wire has an 18-bit mantissa: written rounded down.
  std::vector<Ssrc> ssrcs;
  bool operator==(const Remb&) const = default;
};

// draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1: what became of each packet from
// base_sequence on.
struct PacketStatus {
  bool received = false;
  int16_t delta = 0;  // Since the previous received packet (the first: since the reference), in 250 us.
  bool operator==(const PacketStatus&) const = default;
};
struct TransportFeedback {
  Ssrc sender;
  Ssrc media;
  uint16_t base_sequence = 0;
  uint8_t feedback_count = 0;
  int32_t reference_time = 0;  // 24 bits signed, in 64 ms.
  std::vector<PacketStatus> statuses;
  bool operator==(const TransportFeedback&) const = default;
};

// RFC 3611 section 4.4: the receiver's clock, to be echoed in a DLRR.
struct XrRrtr {
  Ssrc sender;
  uint64_t ntp = 0;
  bool operator==(const XrRrtr&) const = default;
};

// RFC 3611 section 4.5.
struct DlrrItem {
  Ssrc ssrc;
  uint32_t last_rr = 0;
  uint32_t delay_since_last_rr = 0;  // In 1/65536 s.
  bool operator==(const DlrrItem&) const = default;
};
struct XrDlrr {
  Ssrc sender;
  std::vector<DlrrItem> items;
  bool operator==(const XrDlrr&) const = default;
};

using Packet = std::variant<SenderReport, ReceiverReport, Sdes, Bye, Nack, Pli, Fir, Remb, TransportFeedback,
                            XrRrtr, XrDlrr>;

}  // namespace weir::rtcp
