// modules: ice
//
// The bytes are a programme: each step is a call of the API, a time-out, a packet of noise, or a request or
// an answer with everything right but what the next byte spoils.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "ice/agent.h"

namespace {

using namespace weir;
using base::TimeDelta;
using base::Timestamp;

class Programme {
 public:
  Programme(const uint8_t* data, size_t size)
      : reader_({data, size}),
        random_(1),
        agent_({.role = data[0] & 1 ? ice::Role::kControlling : ice::Role::kControlled,
                .tcp_only = (data[0] & 2) != 0,
                .max_remote_candidates = 8,
                .max_paths = 6},
               random_) {}

  void Run() {
    reader_.Skip(1);
    while (reader_.ok() && reader_.remaining() > 0) {
      Step(reader_.ReadU8());
      while (auto transmit = agent_.PollTransmit()) {
        last_ = std::move(transmit);
      }
      while (agent_.PollEvent()) {
      }
      Check();
    }
  }

 private:
  void Step(uint8_t what) {
    switch (what % 12) {
      case 0:
        agent_.SetRemoteCredentials({ufrag(), "0123456789012345678901"}, now_);
        break;
      case 1:
        agent_.AddRemoteCandidate(ice::MakeHostCandidate(protocol(), address(), 1), now_);
        break;
      case 2:
        agent_.AddLocalCandidate(ice::MakeHostCandidate(protocol(), address(), 1));
        break;
      case 3:
        agent_.Restart(now_);
        break;
      case 4:
        now_ += TimeDelta::Millis(reader_.ReadU8() * 20);
        agent_.OnTimeout(now_);
        break;
      case 5:
        if (const Timestamp next = agent_.NextTimeout(); !next.infinite()) {
          now_ = std::max(now_, next);
          agent_.OnTimeout(now_);
        }
        break;
      case 6:
        agent_.OnPathTraffic(now_, tuple());
        break;
      case 7:
        agent_.OnPathClosed(now_, agent_.selected_path().value_or(tuple()));
        break;
      case 8:
        agent_.OnDatagram(now_, tuple(),
                          reader_.ReadBytes(std::min<size_t>(reader_.remaining(), reader_.ReadU8())));
        break;
      case 9:
      case 10:
        Request();
        break;
      case 11:
        AnswerLast();
        break;
    }
  }

  void Request() {
    const uint8_t flags = reader_.ReadU8();
    stun::MessageBuilder builder(stun::Class::kRequest, stun::Method::kBinding,
                                 stun::MakeTransactionId(random_));
    builder.AddText(stun::Attribute::kUsername, agent_.local_credentials().ufrag + ":" + ufrag());
    builder.AddU64(flags & 1 ? stun::Attribute::kIceControlling : stun::Attribute::kIceControlled,
                   flags & 2 ? ~uint64_t{0} : 0);
    if (flags & 4) {
      builder.AddFlag(stun::Attribute::kUseCandidate);
    }
    agent_.OnDatagram(now_, tuple(), builder.Finish(base::AsBytes(agent_.local_credentials().pwd)));
  }

  void AnswerLast() {
    if (!last_) {
      return;
    }
    const auto message = stun::ParseMessage(last_->bytes);
    if (!message) {
      std::abort();  // The agent sends STUN and nothing else.
    }
    const uint8_t kind = reader_.ReadU8();
    stun::MessageBuilder builder(kind % 3 == 0 ? stun::Class::kError : stun::Class::kSuccess,
                                 stun::Method::kBinding, message->transaction_id());
    if (kind % 3 == 0) {
      builder.AddError(kind & 4 ? stun::kRoleConflict : stun::kBadRequest, "");
    }
    agent_.OnDatagram(now_, last_->path, builder.Finish(base::AsBytes("0123456789012345678901")));
  }

  void Check() {
    const bool over = agent_.state() == ice::State::kFailed || agent_.state() == ice::State::kClosed;
    if (over && (agent_.selected_path() || !agent_.NextTimeout().infinite())) {
      std::abort();
    }
    if (agent_.selected_path() && !agent_.IsValidPath(*agent_.selected_path())) {
      std::abort();
    }
    // Time-outs come to an end: nothing may ask for the present for ever.
    for (int i = 0; agent_.NextTimeout() <= now_; ++i) {
      if (i > 64) {
        std::abort();
      }
      agent_.OnTimeout(now_);
      while (agent_.PollTransmit()) {
      }
    }
  }

  std::string ufrag() { return std::string("rem") + static_cast<char>('a' + reader_.ReadU8() % 3); }
  net::Protocol protocol() { return reader_.ReadU8() % 4 == 0 ? net::Protocol::kTcp : net::Protocol::kUdp; }
  net::SocketAddress address() {
    return {net::IpAddress::V4(0x0a000000 + reader_.ReadU8() % 16),
            static_cast<uint16_t>(reader_.ReadU8() % 4)};
  }
  net::FiveTuple tuple() { return {protocol(), address(), address()}; }

  base::ByteReader reader_;
  base::SeededRandom random_;
  ice::Agent agent_;
  Timestamp now_ = Timestamp::Seconds(10);
  std::optional<ice::Agent::Transmit> last_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0 && size < 4096) {
    Programme(data, size).Run();
  }
  return 0;
}
