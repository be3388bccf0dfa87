// Parses one decrypted RTCP datagram, compound (RFC 3550 section 6.1) or reduced size (RFC 5506), into
// packets.
//
// Types and feedback formats that we do not speak are skipped. A packet that is broken ends the parse with an
// error; those before it have been delivered, as nothing about them is in doubt. One XR packet with several
// blocks makes several values.
#pragma once

#include <cstddef>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "rtcp/packets.h"

namespace weir::rtcp {

// Chrome sends about ten at most; more than this is kTooLarge.
inline constexpr size_t kMaxPacketsPerCompound = 64;

// Appends to `out`.
base::Result<void, base::ParseError> ParseCompound(base::ConstBytes datagram, std::vector<Packet>& out);

// Calls `visitor` with each packet in turn (see base::Overloaded).
template <typename Visitor>
base::Result<void, base::ParseError> VisitCompound(base::ConstBytes datagram, Visitor&& visitor) {
  std::vector<Packet> packets;
  auto result = ParseCompound(datagram, packets);
  for (const Packet& packet : packets) {
    std::visit(visitor, packet);
  }
  return result;
}

}  // namespace weir::rtcp
