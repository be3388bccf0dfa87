#include "ice/sessions.h"

#include <utility>

namespace weir::ice {
namespace {

bool Fits(const Session& session, std::string_view remote_ufrag) {
  return session.remote && session.remote->ufrag == remote_ufrag;
}

}  // namespace

const Session* Sessions::ByGeneration(uint32_t generation) const {
  if (current_.generation == generation) {
    return &current_;
  }
  return previous_ && previous_->generation == generation ? &*previous_ : nullptr;
}

Sessions::Match Sessions::MatchUsername(std::string_view username) const {
  const size_t colon = username.find(':');
  if (colon == std::string_view::npos) {
    return {};
  }
  const std::string_view local = username.substr(0, colon);
  const std::string_view remote = username.substr(colon + 1);
  const bool is_current = current_.local.ufrag == local;
  const bool is_previous = previous_ && previous_->local.ufrag == local;
  if (is_current && Fits(current_, remote)) {
    return {&current_, true};
  }
  if (is_previous && Fits(*previous_, remote)) {
    return {&*previous_, true};
  }
  if (is_current) {
    return {&current_, false};
  }
  return {is_previous ? &*previous_ : nullptr, false};
}

bool Sessions::OwnsUfrag(std::string_view local_ufrag) const {
  return current_.local.ufrag == local_ufrag || (previous_ && previous_->local.ufrag == local_ufrag);
}

void Sessions::Advance(Session next, bool keep_previous) {
  next.generation = current_.generation + 1;
  Session old = std::exchange(current_, std::move(next));
  if (keep_previous) {
    previous_ = std::move(old);
  }
  // Otherwise a session that never proved a path is replaced by one that may: the one before it, if any, is
  // still what carries media.
}

void Sessions::RestartLocal(Credentials local, bool keep_previous) {
  Session next{.local = std::move(local)};
  if (remote_ahead_) {
    next.remote = current_.remote;
    remote_ahead_ = false;
  }
  Advance(std::move(next), keep_previous);
}

bool Sessions::SetRemote(Credentials remote, bool keep_previous) {
  if (!current_.remote) {
    current_.remote = std::move(remote);
    return true;
  }
  if (*current_.remote == remote) {
    return false;
  }
  Advance(Session{.local = current_.local, .remote = std::move(remote)}, keep_previous);
  remote_ahead_ = true;
  return true;
}

}  // namespace weir::ice
