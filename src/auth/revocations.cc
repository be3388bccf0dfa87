#include "auth/revocations.h"

#include <algorithm>

#include "auth/encoding.h"

namespace weir::auth {
namespace {

// Room and identity in a fixed number of bytes, whatever the limits on their lengths are.
std::string KeyOf(std::string_view room, std::string_view identity) {
  std::string text = std::to_string(room.size());
  text += ':';
  text += room;
  text += identity;
  const base::Buffer digest = Sha256(base::AsBytes(text));
  return {digest.begin(), digest.end()};
}

int64_t SecondsAfter(base::WallTime now, base::TimeDelta delta) {
  return base::WallTime{now.micros + delta.micros()}.seconds();
}

// When a token was made, in seconds. Some libraries write a zero where they know no time.
std::optional<int64_t> MadeAt(const Claims& claims) {
  for (const auto& time : {claims.issued_at, claims.not_before}) {
    if (time && time->seconds() > 0) {
      return time->seconds();
    }
  }
  return std::nullopt;
}

}  // namespace

void Revocations::Forget(const std::string& key) {
  if (const auto found = removals_.find(key); found != removals_.end()) {
    by_end_.erase({found->second.forget_at, key});
    removals_.erase(found);
  }
}

void Revocations::ForgetPassed(int64_t now) {
  while (!by_end_.empty() && by_end_.begin()->first <= now) {
    removals_.erase(by_end_.begin()->second);
    by_end_.erase(by_end_.begin());
  }
}

void Revocations::Add(std::string_view room, std::string_view identity, const Claims& session,
                      base::WallTime now, int64_t cutoff) {
  if (!config_.enabled || config_.max_removals == 0) {
    return;
  }
  ++counters_.added;
  ForgetPassed(now.seconds());
  const std::string key = KeyOf(room, identity);
  Removal removal;
  if (const auto known = removals_.find(key); known != removals_.end()) {
    removal = std::move(known->second);
    Forget(key);
  } else if (removals_.size() >= config_.max_removals) {
    const std::string first = by_end_.begin()->second;
    Forget(first);
    ++counters_.evicted;
  }
  const int64_t made_before = cutoff > 0 ? std::min(cutoff, SecondsAfter(now, kLeeway)) : now.seconds();
  removal.cutoff = std::max(removal.cutoff, made_before);
  if (session.origin) {
    removal.session_expires = std::max(removal.session_expires, session.origin->expires.seconds());
    removal.digests.push_back(session.origin->digest);
    if (removal.digests.size() > config_.max_digests) {
      removal.digests.erase(removal.digests.begin());
    }
  }
  const int64_t last_exp = std::max(session.expires.seconds(), SecondsAfter(now, kDefaultLifetime));
  removal.forget_at = std::max(removal.forget_at, last_exp + kLeeway.millis() / 1000 + 1);
  by_end_.emplace(removal.forget_at, key);
  removals_.emplace(key, std::move(removal));
}

base::Result<void> Revocations::Check(std::string_view room, std::string_view identity, const Claims& claims,
                                      base::WallTime now) {
  if (removals_.empty()) {
    return {};
  }
  ForgetPassed(now.seconds());
  const auto found = removals_.find(KeyOf(room, identity));
  if (found == removals_.end()) {
    return {};
  }
  const Removal& removal = found->second;
  const auto made = MadeAt(claims);
  const bool older =
      made ? *made < removal.cutoff
           : (claims.origin ? claims.origin->expires : claims.expires).seconds() < removal.session_expires;
  const bool same =
      claims.origin && std::ranges::find(removal.digests, claims.origin->digest) != removal.digests.end();
  if (!older && !same) {
    return {};
  }
  ++counters_.refused;
  return base::Fail(base::ErrorCode::kUnauthenticated,
                    "permissions denied: participant was removed; a new token is needed");
}

}  // namespace weir::auth
