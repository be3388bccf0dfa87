// modules: sctp
// Two associations on a line that does what the input says, and every public call in any order. Whatever
// arrives, their buffers stay within bounds and their timers keep going forward.

#include <cstdint>

#include "sctp/association.h"
#include "sctp/line_for_fuzz.h"

namespace {

using namespace weir::sctp;
using weir::base::Buffer;
using weir::base::TimeDelta;

void Call(FuzzLine<Association>& line, uint8_t choice, Association& end) {
  auto& input = line.input();
  switch (choice % 8) {
    case 0:
      end.Connect(line.now());
      break;
    case 1:
      end.ResetStream(line.now(), input.ReadU8() % 5);
      break;
    case 2:
      if (input.ReadU8() == 0) {
        end.Close();
      }
      break;
    default: {
      SendOptions options;
      const uint8_t flags = input.ReadU8();
      options.ordered = (flags & 1) != 0;
      if ((flags & 2) != 0) {
        options.max_retransmits = flags >> 6;
      }
      if ((flags & 4) != 0) {
        options.lifetime = TimeDelta::Millis(flags);
      }
      const Buffer bytes(input.ReadU16() % 8000, uint8_t{1});
      end.Send(line.now(), input.ReadU8() % 5, 53, bytes, options);
      break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::base::SeededRandom random(7);
  Association::Config config;
  config.streams = 4;
  config.max_message_size = 7000;
  config.max_send_buffer = 100'000;
  config.max_receive_buffer = 30'000;
  config.max_queued_messages = 64;
  config.max_events = 64;
  Association a(config, random);
  Association b(config, random);
  FuzzLine<Association> line({data, std::min<size_t>(size, 4096)}, a, b);
  a.Connect(line.now());
  line.Poll();
  while (!line.done()) {
    const uint8_t command = line.input().ReadU8();
    const int target = command & 1;
    if ((command & 2) != 0) {
      line.Step((command >> 2) % 8, target);
    } else {
      Call(line, command >> 2, line.end(target));
      line.Poll();
    }
    for (const Association* end : {&a, &b}) {
      Require(end->buffered_amount() <= config.max_send_buffer);
      Require(end->NextTimeout() >= line.now() || end->NextTimeout() > weir::base::Timestamp::Millis(0));
    }
  }
  return 0;
}
