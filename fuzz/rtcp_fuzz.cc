// modules: rtcp
// A decrypted RTCP datagram: what parses can be written, and what was written parses to the same.

#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include "rtcp/compound.h"
#include "rtcp/transport_feedback.h"
#include "rtcp/writer.h"

namespace {

using namespace weir::rtcp;

void Require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

// A NACK may repeat and disorder its sequences, which the writer, told to expect a sorted list, does not
// keep.
bool MayBeWrittenDifferently(const Packet& packet) { return std::holds_alternative<Nack>(packet); }
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<Packet> packets;
  (void)ParseCompound({data, size}, packets);
  Require(packets.size() <= kMaxPacketsPerCompound);
  static std::vector<uint8_t> bytes(300'000);  // Allocated once: under a sanitizer this is what costs.
  for (const Packet& packet : packets) {
    weir::base::ByteWriter out(bytes);
    Require(Write(packet, out));
    std::vector<Packet> again;
    Require(ParseCompound(out.written(), again).has_value());
    Require(again.size() == 1);
    Require(MayBeWrittenDifferently(packet) || again[0] == packet);
    if (const auto* feedback = std::get_if<TransportFeedback>(&packet)) {
      Require(Arrivals(*feedback).size() == feedback->statuses.size());
    }
  }
  return 0;
}
