// Looks up the addresses of hosts without holding up the front thread. Internal to front.
//
// A lookup has a thread of its own, which nobody waits for: the system's resolver can neither be cancelled
// nor bounded in time, and the server has to be able to end. There is one at a time for each name; who asks
// meanwhile shares it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "front/core.h"
#include "net/address.h"

namespace weir::front {

class Resolver : public std::enable_shared_from_this<Resolver> {
 public:
  // In the system's order of preference, never empty.
  using Addresses = std::vector<net::IpAddress>;
  using Done = std::move_only_function<void(const base::Result<Addresses>&)>;

  explicit Resolver(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  // `done` runs on the front thread and never inside of this call.
  void Resolve(const std::string& host, Done done);

 private:
  struct Lookup {
    std::vector<Done> waiting;
    Addresses addresses;
    base::Timestamp good_until = base::Timestamp::Never();
  };
  void OnFound(const std::string& host, const base::Result<Addresses>& found);
  void Answer(const std::string& host, const base::Result<Addresses>& found);

  const std::shared_ptr<Core> core_;
  std::unordered_map<std::string, Lookup> lookups_;  // By name; as many as there are URLs.
};

}  // namespace weir::front
