// Whose tokens no longer open a room: those of removed participants, until somebody makes them a new one.
//
// A token that was made before the removal is refused; when it was made is what iat says, else nbf, in whole
// seconds. Within the second of the removal that says nothing, so the token of the removed session (and what
// it was refreshed from or to) is known by its digest. A token that says neither is compared by its exp: one
// that ends before the removed session's token is taken for older.
//
// A removal is remembered until no token that it concerns can be valid any more, at least for a token's
// common lifetime. Not thread-safe; one table for each worker, which has all removals of its rooms.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/token.h"
#include "base/counters.h"
#include "base/result.h"
#include "base/time.h"

namespace weir::auth {

class Revocations {
 public:
  struct Config {
    bool enabled = true;
    size_t max_removals =
        20'000;              // Of a participant of a room; one more forgets the one that would end first.
    size_t max_digests = 8;  // Sessions of one participant that are known by digest; the latest stay.
  };
  struct Counters {
    uint64_t added = 0;
    uint64_t refused = 0;  // Tokens.
    uint64_t evicted = 0;  // Removals forgotten before their time.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"added", &Counters::added},
          {"refused", &Counters::refused},
          {"evicted", &Counters::evicted},
      });
    }
  };

  explicit Revocations(const Config& config) : config_(config) {}

  // `session` is the token of the removed session. `cutoff`, in seconds since 1970 and above zero, takes the
  // place of the removal's own second: tokens made before it are refused. At most a minute ahead of `now`.
  void Add(std::string_view room, std::string_view identity, const Claims& session, base::WallTime now,
           int64_t cutoff = 0);
  // kUnauthenticated for a token that was made before its holder's removal.
  base::Result<void> Check(std::string_view room, std::string_view identity, const Claims& claims,
                           base::WallTime now);

  size_t size() const { return removals_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  struct Removal {
    int64_t cutoff = 0;           // Seconds: tokens made before it.
    int64_t session_expires = 0;  // Seconds: the latest exp of a removed session's first token.
    int64_t forget_at = 0;        // Seconds.
    std::vector<std::string> digests;
  };

  void Forget(const std::string& key);
  void ForgetPassed(int64_t now);

  const Config config_;
  std::map<std::string, Removal> removals_;           // By KeyOf.
  std::set<std::pair<int64_t, std::string>> by_end_;  // forget_at and key.
  Counters counters_;
};

}  // namespace weir::auth
