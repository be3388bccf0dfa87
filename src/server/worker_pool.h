// The workers of this process, and which of them a room lives on: the hash of its name (docs/decisions/0006).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/worker.h"

namespace weir::server {

class WorkerPool {
 public:
  explicit WorkerPool(std::vector<std::unique_ptr<Worker>> workers) : workers_(std::move(workers)) {}

  Worker& ForRoom(std::string_view room) {
    return *workers_[std::hash<std::string_view>()(room) % workers_.size()];
  }
  const std::vector<std::unique_ptr<Worker>>& all() const { return workers_; }
  size_t size() const { return workers_.size(); }

 private:
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace weir::server
