// modules: stun
#include <cstdint>

#include "stun/message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using weir::stun::Attribute;
  const weir::base::ConstBytes bytes(data, size);
  weir::stun::UsernameOf(bytes);
  const auto message = weir::stun::ParseMessage(bytes);
  if (!message) {
    return 0;
  }
  for (int type = 0; type < 0x30; ++type) {
    message->Find(Attribute(type));
    message->FindXorAddress(Attribute(type));
  }
  message->FindU32(Attribute::kPriority);
  message->FindU64(Attribute::kIceControlling);
  message->FindError();
  message->UnknownRequired();
  message->CheckIntegrity(weir::base::AsBytes("password"));
  message->CheckFingerprint();
  return 0;
}
