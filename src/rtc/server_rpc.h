// Remote procedure calls from the server API to a participant (RoomService.PerformRpc; signal.md 7.5 in
// LiveKit's words).
//
// The request goes out as a data packet whose sender identity is the request's id, so that the client
// addresses its acknowledgement and its answer to that "identity", which nobody in the room can have by
// accident; they are taken out of the room's data here. A call ends by its answer, its time-out, or its
// destination's leaving.
//
// On the room's worker. `Done` is called once, from within any of these calls.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "proto/livekit_models.pb.h"
#include "proto/livekit_room.pb.h"
#include "rtc/ids.h"
#include "rtc/timer_queue.h"

namespace weir::rtc {

class ServerRpc final : public Timed {
 public:
  static constexpr base::TimeDelta kAckTimeout = base::TimeDelta::Seconds(7);
  static constexpr size_t kMaxPending = 1000;  // Of one room.

  // The payload of the answer. Errors: kUnimplemented (no such method there), kInvalidArgument, kAborted (the
  // method itself failed; the message has its code and text), kDeadlineExceeded, kUnavailable (it left).
  using Done = std::function<void(base::Result<std::string>)>;

  ServerRpc(TimerQueue& timers, base::Random& random) : timers_(timers), random_(random) {}
  ~ServerRpc() override;

  // The packet to send to the destination; kResourceExhausted goes to `done`, and there is none then.
  std::optional<livekit::DataPacket> Begin(base::Timestamp now, const livekit::PerformRpcRequest& request,
                                           Done done);
  // True: the packet answers a call of ours and goes no further.
  bool OnPacket(const Identity& sender, const livekit::DataPacket& packet);
  void OnLeft(const Identity& identity);
  size_t pending() const { return calls_.size(); }

  void OnTimer(base::Now now) override;

 private:
  struct Call {
    Identity destination;
    Done done;
    base::Timestamp ack_by;  // Infinity once acknowledged.
    base::Timestamp answer_by;
  };
  void End(const std::string& id, base::Result<std::string> result);
  void Reschedule();

  TimerQueue& timers_;
  base::Random& random_;
  std::map<std::string, Call> calls_;  // By request id.
};

}  // namespace weir::rtc
