// modules: dtls
// Drives a client and a server through the packets, time-outs and calls that the input spells: datagrams
// delivered, lost, damaged or invented, deadlines passed, every public call in any order.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <string>

#include "base/bytes.h"
#include "dtls/transport.h"

namespace {

using weir::base::Buffer;
using weir::base::ByteReader;
using weir::base::ConstBytes;
using weir::base::TimeDelta;
using weir::base::Timestamp;
using weir::dtls::Certificate;
using weir::dtls::Role;
using weir::dtls::Transport;

constexpr int kMaxSteps = 200;
constexpr size_t kMaxQueued = 16;

const Certificate& SharedCertificate() {
  static const Certificate certificate = *Certificate::Generate({1'700'000'000'000'000});
  return certificate;
}

struct Side {
  explicit Side(Role role) : transport({.role = role, .max_queued = kMaxQueued}, SharedCertificate()) {}

  // Moves out what the transport has to say; its promises are checked here.
  void Collect() {
    while (auto datagram = transport.PollTransmit()) {
      if (datagram->empty() || !weir::dtls::LooksLikeDtls(*datagram)) {
        std::abort();
      }
      if (outbox.size() < kMaxQueued) {
        outbox.push_back(std::move(*datagram));
      }
    }
    size_t events = 0;
    while (transport.PollEvent()) {
      if (++events > 2 * kMaxQueued + 4) {
        std::abort();
      }
    }
  }

  Transport transport;
  std::deque<Buffer> outbox;
};

class Scenario {
 public:
  explicit Scenario(ConstBytes input) : input_(input) {}

  void Run() {
    for (int i = 0; i < kMaxSteps && input_.remaining() > 0; ++i) {
      const uint8_t step = input_.ReadU8();
      Step(step & 0x0f, (step & 0x10) != 0 ? client_ : server_, (step & 0x10) != 0 ? server_ : client_);
      client_.Collect();
      server_.Collect();
    }
  }

 private:
  void Step(int kind, Side& side, Side& other) {
    switch (kind) {
      case 0:
        side.transport.Start(now_);
        break;
      case 1:
      case 2:
      case 3:
        Deliver(side, other);
        break;
      case 4:
        Damage(other);
        Deliver(side, other);
        break;
      case 5:
        if (!other.outbox.empty()) {
          other.outbox.pop_front();
        }
        break;
      case 6:
        Invent(side);
        break;
      case 7:
        if (!other.outbox.empty()) {
          other.outbox.push_back(other.outbox.front());  // Repeats or reorders.
        }
        break;
      case 8:
        now_ += TimeDelta::Millis(input_.ReadU16());
        side.transport.OnTimeout(now_);
        break;
      case 9:
        if (const Timestamp next = side.transport.NextTimeout(); !next.infinite()) {
          now_ = std::max(now_, next);
          side.transport.OnTimeout(now_);
          if (side.transport.NextTimeout() <= now_) {
            std::abort();  // A deadline that does not move would spin its caller.
          }
        }
        break;
      case 10:
        side.transport.Send(input_.ReadBytes(std::min<size_t>(input_.ReadU8(), input_.remaining())));
        break;
      case 11:
        side.transport.SetRemoteFingerprint("sha-256", SharedCertificate().fingerprint());
        break;
      case 12: {
        const auto text =
            weir::base::AsText(input_.ReadBytes(std::min<size_t>(input_.ReadU8(), input_.remaining())));
        side.transport.SetRemoteFingerprint(text.substr(0, 7), text.substr(std::min<size_t>(7, text.size())));
        break;
      }
      case 13:
        side.transport.Close();
        break;
      default:
        break;
    }
  }

  void Deliver(Side& to, Side& from) {
    if (!from.outbox.empty()) {
      const Buffer datagram = std::move(from.outbox.front());
      from.outbox.pop_front();
      to.transport.OnDatagram(now_, datagram);
    }
  }
  void Damage(Side& from) {
    if (!from.outbox.empty()) {
      Buffer& datagram = from.outbox.front();
      datagram[input_.ReadU16() % datagram.size()] = input_.ReadU8();
    }
  }
  void Invent(Side& to) {
    to.transport.OnDatagram(now_, input_.ReadBytes(std::min<size_t>(input_.ReadU8(), input_.remaining())));
  }

  ByteReader input_;
  Timestamp now_ = Timestamp::Seconds(1);
  Side client_{Role::kClient};
  Side server_{Role::kServer};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Scenario({data, size}).Run();
  return 0;
}
