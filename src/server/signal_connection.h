// One client's signalling, between two threads: its WebSocket lives on the front thread, its session on a
// worker.
//
// Towards the client it is the session's SignalSink: the worker encodes, the front writes. The upgrade is
// answered only when the session has spoken, with its first message or with an HTTP error. Towards the
// session it decodes frames and posts them to the worker, which looks the participant up anew each time, so
// either side may end first.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "front/server.h"
#include "rtc/environment.h"
#include "rtc/ids.h"
#include "server/front_stats.h"
#include "server/worker.h"
#include "signal/message_codec.h"

namespace weir::server {

class SignalConnection final : public rtc::SignalSink, public std::enable_shared_from_this<SignalConnection> {
 public:
  SignalConnection(front::Server& front, Worker& worker, std::shared_ptr<front::Upgrade> upgrade,
                   rtc::RoomName room, rtc::Identity identity, SignalStats& stats, base::Logger log);

  // rtc::SignalSink; on the worker's thread.
  void Send(const livekit::SignalResponse& message) override;
  void Close(uint16_t code) override;
  void Reject(int status, const std::string& body) override;

 private:
  // On the front thread.
  void Write(signal::Frame frame);
  void AcceptUpgrade();
  void OnOpen(std::shared_ptr<front::WebSocket> socket);
  void CloseNow(uint16_t code);
  void OnMessage(bool binary, const std::string& bytes);
  void OnClosed(uint16_t code);

  front::Server& front_;
  Worker& worker_;
  const rtc::RoomName room_;
  const rtc::Identity identity_;
  SignalStats& stats_;  // Front thread only.
  base::Logger log_;
  std::atomic<signal::FrameType> output_ = signal::FrameType::kBinary;

  // Front thread only.
  std::shared_ptr<front::Upgrade> upgrade_;
  std::shared_ptr<front::WebSocket> socket_;
  std::vector<signal::Frame> waiting_;  // For the upgrade to finish.
  std::optional<uint16_t> close_code_;
  signal::MessageCodec codec_;
  bool ended_ = false;
};

}  // namespace weir::server
