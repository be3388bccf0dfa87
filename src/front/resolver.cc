#include "front/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <system_error>
#include <thread>
#include <utility>

namespace weir::front {
namespace {

constexpr size_t kMaxAddresses = 4;
// Spares a burst of requests a lookup each; short, so that a name that moves is followed.
constexpr base::TimeDelta kGoodFor = base::TimeDelta::Seconds(5);

base::Result<Resolver::Addresses> LookUp(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &list); error != 0) {
    return base::Fail(base::ErrorCode::kUnavailable, "cannot find " + host + ": " + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
  Resolver::Addresses addresses;
  for (const addrinfo* entry = list; entry != nullptr && addresses.size() < kMaxAddresses;
       entry = entry->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof(text), nullptr, 0, NI_NUMERICHOST) == 0) {
      if (const auto address = net::IpAddress::Parse(text)) {
        addresses.push_back(*address);
      }
    }
  }
  if (addresses.empty()) {
    return base::Fail(base::ErrorCode::kUnavailable, "cannot find " + host + ": it has no usable address");
  }
  return addresses;
}

}  // namespace

void Resolver::Resolve(const std::string& host, Done done) {
  Lookup& lookup = lookups_[host];
  lookup.waiting.push_back(std::move(done));
  if (lookup.waiting.size() > 1) {
    return;
  }
  if (const auto literal = net::IpAddress::Parse(host)) {
    return core_->Post(
        [self = shared_from_this(), host, literal] { self->Answer(host, Addresses{*literal}); });
  }
  if (Core::Now() < lookup.good_until) {
    return core_->Post(
        [self = shared_from_this(), host, known = lookup.addresses] { self->Answer(host, known); });
  }
  try {
    std::thread([core = std::weak_ptr(core_), self = weak_from_this(), host] {
      auto found = LookUp(host);
      if (const auto alive = core.lock()) {
        alive->Post([self, host, found = std::move(found)] {
          if (const auto resolver = self.lock()) {
            resolver->OnFound(host, found);
          }
        });
      }
    }).detach();
  } catch (const std::system_error&) {
    core_->Post([self = shared_from_this(), host] {
      self->Answer(host, base::Fail(base::ErrorCode::kResourceExhausted, "no thread to look up " + host));
    });
  }
}

void Resolver::OnFound(const std::string& host, const base::Result<Addresses>& found) {
  if (found) {
    lookups_[host].addresses = *found;
    lookups_[host].good_until = Core::Now() + kGoodFor;
  }
  Answer(host, found);
}

void Resolver::Answer(const std::string& host, const base::Result<Addresses>& found) {
  for (Done& done : std::exchange(lookups_[host].waiting, {})) {
    done(found);
  }
}

}  // namespace weir::front
