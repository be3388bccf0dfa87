// Which path carries media: nomination (RFC 8445 section 8.1), provisional use, and leaving a path that died.

#include <algorithm>
#include <tuple>

#include "ice/agent.h"

namespace weir::ice {
namespace {

// Two nominations this close are one decision made aggressively: the better pair counts. Later ones are a
// change of mind: the newer counts.
constexpr TimeDelta kSameNomination = TimeDelta::Millis(250);
// Silence on the selected path that makes a request elsewhere worth a question.
constexpr TimeDelta kWorthAsking = TimeDelta::Seconds(1);

}  // namespace

// The selected path is one that the current session has proved (not a left-over of the one before).
bool Agent::SelectionIsCurrent() const {
  const Path* path = SelectedPath();
  return path != nullptr && connected_generation_ == generation() && path->generation == generation();
}

// Nothing better is to be expected.
bool Agent::Settled() const {
  return SelectionIsCurrent() && (config_.tcp_only || selected_->protocol == net::Protocol::kUdp);
}

void Agent::ConsiderSelection(Timestamp now) {
  if (Over() || Settled()) {
    tcp_allowed_at_ = Timestamp::Infinity();
    return;
  }
  Path* best = nullptr;
  const auto rank = [](const Path& path) {
    return std::tuple(path.nominated_by_remote, path.is_udp(), path.pair_priority);
  };
  for (Path& path : paths_.paths()) {
    if (path.Succeeded(generation()) && (best == nullptr || rank(path) > rank(*best))) {
      best = &path;
    }
  }
  if (best == nullptr || (SelectionIsCurrent() && (!best->is_udp() || SelectedPath()->nominated_by_remote))) {
    tcp_allowed_at_ = Timestamp::Infinity();
    return;
  }
  const bool may_wait = !best->is_udp() && !config_.tcp_only && !best->nominated_by_remote;
  if (may_wait && UdpPairPending()) {
    if (tcp_allowed_at_.infinite()) {
      tcp_allowed_at_ = now + config_.udp_head_start;
    }
    if (now < tcp_allowed_at_) {
      return;
    }
  }
  Select(*best, now);
}

// Called when the nomination arrives and again when the path is proved: whichever comes last counts.
void Agent::FollowNomination(Path& path, Timestamp now) {
  if (selected_ == path.tuple || !path.Succeeded(generation())) {
    return;
  }
  const Path* selected = SelectionIsCurrent() ? SelectedPath() : nullptr;
  const bool keep =
      selected != nullptr && selected->nominated_by_remote &&
      (selected->last_nominated > path.last_nominated ||
       (now - selected->last_nominated < kSameNomination && selected->pair_priority > path.pair_priority));
  if (!keep) {
    Select(path, now);
  }
}

void Agent::Select(Path& path, Timestamp now) {
  const bool change = selected_ != path.tuple;
  if (change && SelectionIsCurrent()) {
    ++counters_.path_changes;
    SelectedPath()->next_send = Timestamp::Infinity();
  }
  selected_ = path.tuple;
  selected_at_ = last_life_ = last_answer_ = now;
  connected_generation_ = generation();
  tcp_allowed_at_ = Timestamp::Infinity();
  doubt_ = {};
  sessions_.Settle();
  if (sessions_.previous() && previous_expires_.infinite()) {
    previous_expires_ = now + config_.restart_linger;
  }
  for (Path& other : paths_.paths()) {
    const bool pending = other.state == CheckState::kWaiting || other.state == CheckState::kInProgress;
    if (pending && other.tuple != path.tuple && (Settled() || !other.is_udp())) {
      other.state = CheckState::kCancelled;
      other.next_send = Timestamp::Infinity();
    }
    if (other.state == CheckState::kSucceeded && other.tuple != path.tuple) {
      other.next_send = Timestamp::Infinity();  // Consent of the path before.
    }
  }
  if (role_ == Role::kControlling) {
    SendRequest(path, now);
  } else {
    ScheduleConsent(path, now);
  }
  if (change) {
    PushEvent(PathSelected{path.tuple});
  }
  UpdateState(now);
}

// Something authentic arrived on a path that is not the selected one. Has the other side moved?
void Agent::NoteLifeElsewhere(Path& path, Timestamp now, bool is_new) {
  if (!SelectionIsCurrent()) {
    return;
  }
  Path& selected = *SelectedPath();
  if (is_new && doubt_.since.never()) {
    // Asked before the new path is: when both live on links of one kind, the answer that ends the doubt comes
    // first. A source with the selected path's own address is a port that changed, and no backup: no need to
    // wait longer.
    const TimeDelta rtt = selected.rtt.value_or(config_.first_retransmit);
    const bool same_host = path.tuple.remote.ip == selected.tuple.remote.ip;
    doubt_.since = now;
    doubt_.ripe = same_host;
    doubt_.decide_at = same_host ? Timestamp::Infinity() : now + rtt * 5 / 4 + TimeDelta::Millis(5);
    SendRequest(selected, now);
  } else if (LooksDead(selected)) {
    ConsiderMove(now);
  } else if (now - selected.last_heard >= kWorthAsking && now - selected.last_sent >= kWorthAsking) {
    SendRequest(selected, now);
  }
}

bool Agent::LooksDead(const Path& path) const {
  return path.unanswered >= config_.dead_after_unanswered && path.last_heard < path.unanswered_since;
}

void Agent::ConsiderMove(Timestamp now) {
  if (!SelectionIsCurrent()) {
    doubt_ = {};
    return;
  }
  if (now >= doubt_.decide_at) {
    doubt_.decide_at = Timestamp::Infinity();
    doubt_.ripe = true;
  }
  const Path& selected = *SelectedPath();
  const bool dead = LooksDead(selected);
  const bool decided = role_ == Role::kControlling && doubt_.ripe;
  if (!dead && !decided) {
    return;
  }
  Path* best = nullptr;
  for (Path& path : paths_.paths()) {
    if (!path.Succeeded(generation()) || path.tuple == selected.tuple) {
      continue;
    }
    const bool moved_here = decided && path.created > selected_at_ && path.last_heard >= doubt_.since &&
                            (path.is_udp() || !selected.is_udp());
    const bool outlives = dead && path.last_heard > selected.unanswered_since;
    const auto rank = [](const Path& p) { return std::tuple(p.is_udp(), p.last_heard); };
    if ((moved_here || outlives) && (best == nullptr || rank(path) > rank(*best))) {
      best = &path;
    }
  }
  if (best != nullptr) {
    Select(*best, now);
  }
}

// Tries everything again that is known of the current session, except for what is being tried or in use.
void Agent::RevivePaths() {
  for (Path& path : paths_.paths()) {
    const bool at_rest = path.state == CheckState::kFailed || path.state == CheckState::kCancelled ||
                         path.state == CheckState::kSucceeded;
    if (HasRemote() && at_rest && path.generation == generation() && path.tuple != selected_) {
      BeginCheck(path);
      path.state = CheckState::kWaiting;
    }
  }
}

}  // namespace weir::ice
