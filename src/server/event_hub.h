// From the workers to those who watch rooms: every RoomEvent, in the order of its room, on the front thread.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "front/server.h"
#include "rtc/room_event.h"

namespace weir::server {

class EventHub {
 public:
  using Sink = std::function<void(const rtc::RoomEvent& event)>;

  // Before workers start. Sinks run on the front thread and outlive it.
  void Add(Sink sink) { sinks_.push_back(std::move(sink)); }
  void SetFront(front::Server& front) { front_ = &front; }

  // Any thread.
  void Publish(rtc::RoomEvent event) {
    front_->Post([this, shared = std::make_shared<const rtc::RoomEvent>(std::move(event))] {
      for (const Sink& sink : sinks_) {
        sink(*shared);
      }
    });
  }

 private:
  std::vector<Sink> sinks_;
  front::Server* front_ = nullptr;
};

}  // namespace weir::server
