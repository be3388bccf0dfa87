#include "ice/agent.h"

#include <algorithm>
#include <utility>

namespace weir::ice {

const char* ToString(State state) {
  switch (state) {
    case State::kNew:
      return "new";
    case State::kChecking:
      return "checking";
    case State::kConnected:
      return "connected";
    case State::kDisconnected:
      return "disconnected";
    case State::kFailed:
      return "failed";
    case State::kClosed:
      return "closed";
  }
  return "unknown";
}

Agent::Agent(const Config& config, Random& random)
    : config_(config),
      random_(random),
      role_(config.role),
      tie_breaker_(random.Next64()),
      sessions_(MakeCredentials(random)),
      paths_(config.max_paths) {}

void Agent::AddLocalCandidate(const Candidate& candidate) {
  const bool known = std::ranges::find(local_candidates_, candidate) != local_candidates_.end();
  if (known || local_candidates_.size() >= config_.max_local_candidates) {
    ++counters_.candidates_refused;
    return;
  }
  local_candidates_.push_back(candidate);
  PairAll(last_learnt_);
}

void Agent::AddRemoteCandidate(const Candidate& candidate, Timestamp now) {
  const bool useless = candidate.component != 1 ||
                       (config_.tcp_only && candidate.protocol == net::Protocol::kUdp) ||
                       std::ranges::find(remote_candidates_, candidate) != remote_candidates_.end();
  if (state_ == State::kClosed || useless || remote_candidates_.size() >= config_.max_remote_candidates) {
    ++counters_.candidates_refused;
    return;
  }
  remote_candidates_.push_back(candidate);
  last_learnt_ = now;
  PairAll(now);
  RunChecks(now);
}

void Agent::SetRemoteCredentials(Credentials credentials, Timestamp now) {
  if (state_ == State::kClosed) {
    return;
  }
  const bool first_of_session = !HasRemote();
  const std::string ufrag = credentials.ufrag;
  if (!sessions_.SetRemote(std::move(credentials), SelectionIsCurrent())) {
    return;
  }
  // A candidate that names no generation belongs to the one that was expected when it came.
  std::erase_if(remote_candidates_, [&](const Candidate& candidate) {
    return candidate.ufrag.empty() ? !first_of_session : candidate.ufrag != ufrag;
  });
  BeginSession(now);
}

void Agent::Restart(Timestamp now) {
  if (state_ == State::kClosed) {
    return;
  }
  sessions_.RestartLocal(MakeCredentials(random_), SelectionIsCurrent());
  if (!HasRemote()) {
    remote_candidates_.clear();
  }
  BeginSession(now);
}

// The current session has changed: what was known of unproven paths is void, proven ones carry on until the
// new session has its own.
void Agent::BeginSession(Timestamp now) {
  last_learnt_ = now;
  tcp_allowed_at_ = previous_expires_ = Timestamp::Infinity();
  doubt_ = {};
  const std::string expected = HasRemote() ? sessions_.current().remote->ufrag : std::string();
  const bool had_previous = sessions_.previous().has_value();
  paths_.RemoveIf([&](const Path& path) {
    const bool remembered = HasRemote() && path.remote_ufrag == expected;
    return path.generation != generation() && !(path.valid && had_previous) && !remembered;
  });
  for (Path& path : paths_.paths()) {
    // What came under the new name before the new name was known counts.
    path.nominated_by_remote = path.nominated_by_remote && HasRemote() && path.remote_ufrag == expected;
    if (had_previous && path.generation != generation() && path.valid) {
      // A session between the previous and this one came to nothing: what it took over goes back.
      path.generation = sessions_.previous()->generation;
      path.state = CheckState::kSucceeded;
      path.next_send = path.tuple == selected_ ? std::min(path.next_send, now + config_.consent_interval)
                                               : Timestamp::Infinity();
    }
  }
  if (selected_ && paths_.Find(*selected_) == nullptr) {
    selected_.reset();
  }
  if (HasRemote() || state_ != State::kNew) {
    SetState(State::kChecking);
  }
  TriggerRemembered(now);
  PairAll(now);
  RunChecks(now);
}

void Agent::ForgetOldSession() {
  sessions_.DropPrevious();
  previous_expires_ = Timestamp::Infinity();
  paths_.RemoveIf([this](const Path& path) { return path.generation != generation(); });
  for (Path& path : paths_.paths()) {
    path.valid = path.valid && path.proven_generation == generation();
  }
}

void Agent::OnPathTraffic(Timestamp now, const net::FiveTuple& tuple) {
  if (Over() || (config_.tcp_only && tuple.protocol == net::Protocol::kUdp)) {
    return;
  }
  Path* path = paths_.Find(tuple);
  const bool is_new = path == nullptr;
  if (is_new) {
    if (!HasRemote() || !AcceptsSource(tuple)) {
      return;
    }
    path = FindOrAddPath(tuple, 0, now);
    if (path == nullptr) {
      return;
    }
  }
  Heard(*path, now);
  if (tuple != selected_) {
    NoteLifeElsewhere(*path, now, is_new);
    if (!path->valid && HasRemote()) {
      TriggerCheck(*path, now);
    }
  }
  UpdateState(now);
}

void Agent::OnPathClosed(Timestamp now, const net::FiveTuple& tuple) {
  if (paths_.Find(tuple) == nullptr) {
    return;
  }
  paths_.Remove(tuple);
  if (selected_ == tuple) {
    selected_.reset();
    doubt_ = {};
    RevivePaths();
  }
  ConsiderSelection(now);
  RunChecks(now);
  UpdateState(now);
}

bool Agent::IsValidPath(const net::FiveTuple& tuple) const {
  const Path* path = paths_.Find(tuple);
  return path != nullptr && path->valid;
}

std::optional<TimeDelta> Agent::rtt() const {
  const Path* path = SelectedPath();
  return path != nullptr ? path->rtt : std::nullopt;
}

void Agent::OnTimeout(Timestamp now) {
  if (Over()) {
    return;
  }
  if (now >= previous_expires_) {
    ForgetOldSession();
  }
  RunConsent(now);
  RunChecks(now);
  ConsiderSelection(now);
  ConsiderMove(now);
  UpdateState(now);
}

Timestamp Agent::NextTimeout() const {
  if (Over()) {
    return Timestamp::Infinity();
  }
  Timestamp next = std::min({FailsAt(), tcp_allowed_at_, previous_expires_, doubt_.decide_at});
  if (state_ == State::kConnected) {
    next = std::min(next, last_life_ + config_.disconnected_after);
  }
  for (const Path& path : paths_.paths()) {
    next = std::min(next, path.state == CheckState::kWaiting ? next_paced_ : path.next_send);
  }
  return next;
}

// When the state becomes kFailed if nothing more happens.
Timestamp Agent::FailsAt() const {
  if (state_ == State::kNew || Over()) {
    return Timestamp::Infinity();
  }
  const Timestamp silent_at = last_life_ + config_.disconnected_after + config_.failed_after;
  if (connected_generation_ == generation()) {
    return std::min(silent_at, last_answer_ + config_.consent_timeout);
  }
  // During a restart the old path may live for as long as the new checks take.
  const Timestamp checked_at = last_learnt_ + config_.checking_timeout;
  return selected_ ? std::max(checked_at, silent_at) : checked_at;
}

void Agent::UpdateState(Timestamp now) {
  if (state_ == State::kNew || Over()) {
    return;
  }
  if (now >= FailsAt()) {
    Fail();
  } else if (connected_generation_ == generation()) {
    const bool silent = now - last_life_ >= config_.disconnected_after;
    SetState(silent ? State::kDisconnected : State::kConnected);
  } else {
    SetState(State::kChecking);
  }
}

// For good until a restart: RFC 7675 section 5.1 forbids to send anything more with these credentials.
void Agent::Fail() {
  SetState(State::kFailed);
  selected_.reset();
  connected_generation_.reset();
  doubt_ = {};
  sessions_.DropPrevious();
  paths_.RemoveIf([](const Path&) { return true; });
  transmits_.clear();
}

void Agent::Close() {
  if (state_ != State::kClosed) {
    Fail();
    SetState(State::kClosed);
  }
}

void Agent::SetState(State state) {
  if (state_ != state) {
    state_ = state;
    PushEvent(StateChanged{state});
  }
}

void Agent::PushEvent(Event event) {
  if (events_.size() >= config_.max_events) {
    ++counters_.events_dropped;
    events_.pop_front();
  }
  events_.push_back(std::move(event));
}

void Agent::QueueTransmit(const net::FiveTuple& path, Buffer bytes) {
  if (transmits_.size() >= config_.max_transmits) {
    ++counters_.transmits_dropped;
    return;
  }
  transmits_.push_back({path, std::move(bytes)});
}

std::optional<Agent::Transmit> Agent::PollTransmit() {
  if (transmits_.empty()) {
    return std::nullopt;
  }
  Transmit transmit = std::move(transmits_.front());
  transmits_.pop_front();
  return transmit;
}

std::optional<Agent::Event> Agent::PollEvent() {
  if (events_.empty()) {
    return std::nullopt;
  }
  Event event = events_.front();
  events_.pop_front();
  return event;
}

}  // namespace weir::ice
