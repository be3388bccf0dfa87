// ICE candidates and credentials as values: the text of RFC 8839 section 5.1 (with RFC 6544 for TCP), the
// priorities of RFC 8445 section 5.1.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "net/address.h"

namespace weir::ice {

using base::ParseError;
using base::Result;

// The user name fragment and password of one side, for one generation of a connection.
struct Credentials {
  std::string ufrag;
  std::string pwd;
  bool operator==(const Credentials&) const = default;
};

// Letters and digits only: 8 for the fragment (47 bits; RFC 8445 section 5.3 asks for 24), 24 for the
// password (142 bits; it asks for 128).
Credentials MakeCredentials(base::Random& random);

enum class CandidateType : uint8_t { kHost, kServerReflexive, kPeerReflexive, kRelay };
enum class TcpType : uint8_t { kNone, kActive, kPassive, kSimultaneousOpen };

inline constexpr size_t kMaxCandidateText = 1024;  // Longer text is kTooLarge.

struct Candidate {
  std::string foundation;  // 1 to 32 characters.
  uint8_t component = 1;   // 1 is RTP (and everything, since RTCP is multiplexed); 2 is RTCP.
  net::Protocol protocol = net::Protocol::kUdp;
  uint32_t priority = 0;
  net::SocketAddress address;
  CandidateType type = CandidateType::kHost;
  TcpType tcp_type = TcpType::kNone;
  // raddr and rport. On a local candidate that differs from the socket's own address (a NAT's public one)
  // this is the address that datagrams leave from.
  std::optional<net::SocketAddress> related;
  std::string ufrag;  // Extension "ufrag" of Chromium: the generation that it belongs to. May be empty.

  std::string ToString() const;  // "candidate:1 1 udp 2130706431 10.0.0.1 7882 typ host"
  bool operator==(const Candidate&) const = default;
};

// With or without a "candidate:" or "a=candidate:" prefix. Unknown extensions are skipped. A host name
// instead of an address (mDNS) is kUnsupported: nothing here resolves names; so is a transport that is not
// UDP or TCP.
Result<Candidate, ParseError> ParseCandidate(std::string_view text);

// A higher `local_preference` is preferred among addresses of one protocol. TCP candidates are passive, and
// come after every UDP one.
Candidate MakeHostCandidate(net::Protocol protocol, net::SocketAddress address, uint16_t local_preference);

// RFC 8445 section 5.1.2.1 with the type preferences it recommends; TCP types less (RFC 6544 section 4.2).
uint32_t CandidatePriority(CandidateType type, net::Protocol protocol, uint16_t local_preference,
                           uint8_t component);

// RFC 8445 section 6.1.2.3.
uint64_t PairPriority(uint32_t controlling, uint32_t controlled);

}  // namespace weir::ice
