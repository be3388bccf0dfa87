// modules: sctp
// Packets and chunks of SCTP and DCEP messages. What parses and can be written again must parse to the same.

#include <cstdint>

#include "base/random.h"
#include "sctp/cookie.h"
#include "sctp/dcep.h"
#include "sctp/line_for_fuzz.h"
#include "sctp/packet.h"

namespace {

using namespace weir::sctp;
using weir::base::Buffer;
using weir::base::ConstBytes;

ConstBytes ValueOf(const Buffer& chunk) { return ConstBytes(chunk).subspan(kChunkHeaderSize); }

void FuzzChunk(const Chunk& chunk) {
  if (const auto data = ParseData(chunk); data && data->payload.size() < 1000) {
    PacketBuilder builder(1, 2, 3, 1180);
    Require(builder.AddData(*data));
    const Buffer bytes = builder.Finish();
    const auto again = ParsePacket(bytes);
    Require(again && again->chunks.size() == 1 && again->chunks[0].value.size() == chunk.value.size());
  }
  if (const auto forward = ParseForwardTsn(chunk)) {
    const Buffer bytes = EncodeForwardTsn(*forward);
    Require(std::ranges::equal(ValueOf(bytes), chunk.value));
  }
  if (const auto sack = ParseSack(chunk)) {
    PacketBuilder builder(1, 2, 3, 1180);
    Require(builder.AddSack(sack->cumulative_tsn, sack->window, sack->gaps, sack->duplicates));
    Require(builder.Finish().size() <= 1180);
  }
  if (const auto reconfig = ParseReconfig(chunk); reconfig && reconfig->outgoing_reset) {
    const Buffer bytes = EncodeReconfig(*reconfig->outgoing_reset);
    const auto again = ParseReconfig(Chunk{.value = ValueOf(bytes)});
    Require(again && again->outgoing_reset &&
            again->outgoing_reset->streams == reconfig->outgoing_reset->streams);
  }
  if (const auto init = ParseInit(chunk)) {
    const Buffer bytes = EncodeInit(ChunkType::kInitAck, *init);
    const auto again = ParseInit(Chunk{.value = ValueOf(bytes)});
    Require(again && again->initial_tsn == init->initial_tsn &&
            std::ranges::equal(again->cookie, init->cookie));
  }
  (void)DescribeCauses(chunk.value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ConstBytes bytes(data, size);
  (void)ParsePacket(bytes);
  if (const auto packet = ParsePacket(bytes, Checksum::kIgnore)) {
    for (const Chunk& chunk : packet->chunks) {
      FuzzChunk(chunk);
    }
  }
  FuzzChunk(Chunk{.value = bytes.first(std::min<size_t>(size, 60'000))});
  if (const auto open = ParseDcepOpen(bytes, 1000)) {
    Require(ParseDcepOpen(EncodeDcepOpen(*open), 1000) == *open);
  }
  weir::base::SeededRandom random(1);
  Require(!CookieJar(random).Open(bytes));
  return 0;
}
