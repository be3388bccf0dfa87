// Which worker an ICE user name fragment belongs to, for connections that arrive at a shared socket
// (ICE/TCP).
//
// Thread-safe: written by workers when peers come and go, read for a connection's first frame. Nothing on the
// way of a packet looks in here.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace weir::server {

class UfragDirectory {
 public:
  void Add(const std::string& ufrag, int worker) {
    const std::lock_guard lock(mutex_);
    workers_[ufrag] = worker;
  }
  void Remove(const std::string& ufrag) {
    const std::lock_guard lock(mutex_);
    workers_.erase(ufrag);
  }
  std::optional<int> Find(const std::string& ufrag) const {
    const std::lock_guard lock(mutex_);
    const auto found = workers_.find(ufrag);
    return found == workers_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, int> workers_;
};

}  // namespace weir::server
