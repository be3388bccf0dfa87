// modules: sctp
// Two sets of data channels on a line that does what the input says, and every public call in any order.

#include <cstdint>
#include <string>

#include "sctp/data_channels.h"
#include "sctp/line_for_fuzz.h"

namespace {

using namespace weir::sctp;
using weir::base::Buffer;

void Call(FuzzLine<DataChannels>& line, uint8_t choice, DataChannels& end) {
  auto& input = line.input();
  switch (choice % 8) {
    case 0:
    case 1: {
      DataChannels::ChannelConfig config;
      const uint8_t flags = input.ReadU8();
      config.label = std::string(flags >> 3, 'l');
      config.ordered = (flags & 1) != 0;
      if ((flags & 2) != 0) {
        config.max_retransmits = 0;
      }
      end.Open(line.now(), config);
      break;
    }
    case 2:
      end.CloseChannel(line.now(), input.ReadU8() % 10);
      break;
    case 3:
      if (input.ReadU8() == 0) {
        end.Close();
      }
      break;
    default:
      end.Send(line.now(), input.ReadU8() % 10, Buffer(input.ReadU16() % 5000, uint8_t{1}), choice % 2 == 0);
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::base::SeededRandom random(7);
  DataChannels::Config config;
  config.association.streams = 12;
  config.association.max_message_size = 4000;
  config.association.max_send_buffer = 50'000;
  config.association.max_receive_buffer = 30'000;
  config.max_channels = 4;
  config.max_label_size = 20;
  config.max_events = 16;
  config.dtls_client = true;
  DataChannels a(config, random);
  config.dtls_client = false;
  DataChannels b(config, random);
  FuzzLine<DataChannels> line({data, std::min<size_t>(size, 4096)}, a, b);
  a.Start(line.now());
  b.Start(line.now());
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
  }
  return 0;
}
