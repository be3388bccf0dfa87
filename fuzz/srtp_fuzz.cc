// modules: srtp
// Opens invented packets, and packets sealed for the purpose, whole or damaged, under each profile.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <set>

#include "base/bytes.h"
#include "srtp/session.h"

namespace {

using weir::base::Buffer;
using weir::base::ByteReader;
using weir::base::ConstBytes;
using weir::base::MutableBytes;
using weir::srtp::Error;
using weir::srtp::Profile;
using weir::srtp::ReceiveSession;
using weir::srtp::SendSession;

constexpr int kMaxSteps = 200;

class Scenario {
 public:
  Scenario(Profile profile, ConstBytes input)
      : input_(input),
        sender_(
            *SendSession::Create(profile, Buffer(KeySize(profile), 0x4b), Buffer(SaltSize(profile), 0x53))),
        receiver_(*ReceiveSession::Create(profile, Buffer(KeySize(profile), 0x4b),
                                          Buffer(SaltSize(profile), 0x53), {.max_streams = 8})) {}

  void Run() {
    for (int i = 0; i < kMaxSteps && input_.remaining() > 0; ++i) {
      const uint8_t step = input_.ReadU8();
      switch (step % 6) {
        case 0:
          Open(Take(), false);
          break;
        case 1:
          Open(Take(), true);
          break;
        case 2:
          Open(SealRtp(), false);
          break;
        case 3:
          Open(SealRtcp(), true);
          break;
        case 4:
          Open(Damage(step % 2 == 0 ? SealRtp() : SealRtcp()), step % 2 != 0);
          break;
        default:
          receiver_.ForgetStream(input_.ReadU8());
          break;
      }
    }
  }

 private:
  Buffer Take() {
    const ConstBytes bytes = input_.ReadBytes(std::min<size_t>(input_.ReadU8(), input_.remaining()));
    return {bytes.begin(), bytes.end()};
  }
  void Open(Buffer packet, bool rtcp) {
    const size_t before = packet.size();
    const auto size = rtcp ? receiver_.UnprotectRtcp(packet) : receiver_.UnprotectRtp(packet);
    const size_t overhead = rtcp ? sender_.overhead_rtcp() : sender_.overhead_rtp();
    if (size && *size + overhead != before) {
      std::abort();
    }
  }
  Buffer SealRtp() {
    Buffer header(12);
    header[0] = 0x80;
    weir::base::StoreU16(header.data() + 2, input_.ReadU16());
    header[11] = input_.ReadU8();
    const uint32_t roc = input_.ReadU8() & 3;
    const Buffer payload = Take();
    const size_t split = payload.empty() ? 0 : input_.ReadU8() % payload.size();
    const uint8_t padding = input_.ReadU8();
    Buffer out(1600);
    out.resize(sender_.ProtectRtp(header, ConstBytes(payload).first(split),
                                  ConstBytes(payload).subspan(split), padding, roc, out));
    if (out.size() != 12 + payload.size() + padding + sender_.overhead_rtp()) {
      std::abort();
    }
    return out;
  }
  Buffer SealRtcp() {
    Buffer plain(8);
    plain[0] = 0x80;
    plain[7] = input_.ReadU8();
    const Buffer rest = Take();
    plain.insert(plain.end(), rest.begin(), rest.end());
    Buffer out(1600);
    out.resize(sender_.ProtectRtcp(plain, out));
    return out;
  }
  Buffer Damage(Buffer packet) {
    packet[input_.ReadU16() % packet.size()] ^= input_.ReadU8();
    return packet;
  }

  ByteReader input_;
  SendSession sender_;
  ReceiveSession receiver_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  constexpr std::array kProfiles = {Profile::kAes128CmSha1_80, Profile::kAeadAes128Gcm,
                                    Profile::kAeadAes256Gcm};
  Scenario(kProfiles[data[0] % kProfiles.size()], {data + 1, size - 1}).Run();
  return 0;
}
