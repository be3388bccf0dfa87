// Connectivity checks: which pairs there are, in what order and how often they are tried (RFC 8445
// section 6.1).

#include <algorithm>

#include "ice/agent.h"

namespace weir::ice {
namespace {

// A request on a path whose check is out already: our check may have died at a NAT that their request has
// opened since. Asking again at once would double every check of two agents that start together.
constexpr TimeDelta kRetriggerAfter = TimeDelta::Millis(50);
constexpr TimeDelta kMinRetransmit = TimeDelta::Millis(50);

const net::SocketAddress& BaseOf(const Candidate& local) {
  return local.related ? *local.related : local.address;
}

bool IsMulticast(const net::IpAddress& ip) {
  return ip.is_v4() ? ip.bytes()[0] >= 224 : ip.is_v6() && ip.bytes()[0] == 0xff;
}

// Whether a datagram from `local` can get to `remote` at all.
bool CanReach(const net::SocketAddress& local, const net::SocketAddress& remote) {
  return remote.ip.specified() && !remote.ip.is_any() && remote.port != 0 && !IsMulticast(remote.ip) &&
         local.ip.is_v4() == remote.ip.is_v4() && local.ip.is_loopback() == remote.ip.is_loopback() &&
         local.ip.is_link_local() == remote.ip.is_link_local();
}

// RFC 6544 section 6.2: only an active candidate opens a connection, only a passive one is opened to.
bool TypesPair(const Candidate& local, const Candidate& remote) {
  if (local.protocol != remote.protocol) {
    return false;
  }
  return local.protocol == net::Protocol::kUdp ||
         (local.tcp_type == TcpType::kActive && remote.tcp_type == TcpType::kPassive);
}

}  // namespace

bool Agent::IsEligible(const Candidate& remote) const {
  return remote.ufrag.empty() || remote.ufrag == sessions_.current().remote->ufrag;
}

void Agent::PairAll(Timestamp now) {
  if (!HasRemote() || Over()) {
    return;
  }
  for (const Candidate& remote : remote_candidates_) {
    if (!IsEligible(remote)) {
      continue;
    }
    for (const Candidate& local : local_candidates_) {
      Pair(local, remote, now);
    }
  }
}

void Agent::Pair(const Candidate& local, const Candidate& remote, Timestamp now) {
  if (!TypesPair(local, remote) || !CanReach(BaseOf(local), remote.address)) {
    return;
  }
  const net::FiveTuple tuple{local.protocol, BaseOf(local), remote.address};
  Path* path = paths_.Find(tuple);
  if (path != nullptr && path->generation == generation() && path->state != CheckState::kIdle) {
    return;
  }
  if (path == nullptr) {
    // Only requests that prove the password may push others out.
    if (paths_.paths().size() >= config_.max_paths) {
      ++counters_.paths_refused;
      return;
    }
    path = FindOrAddPath(tuple, remote.priority, now);
  }
  BeginCheck(*path);
  const bool needless = Settled() || (SelectionIsCurrent() && !path->is_udp());
  path->state = needless ? CheckState::kCancelled : CheckState::kWaiting;
}

Path* Agent::FindOrAddPath(const net::FiveTuple& tuple, uint32_t remote_priority, Timestamp now) {
  if (Path* path = paths_.Find(tuple)) {
    return path;
  }
  Path* path = paths_.Add(tuple, selected_);
  counters_.paths_evicted = paths_.evicted();
  if (path == nullptr) {
    ++counters_.paths_refused;
    return nullptr;
  }
  path->created = now;
  path->generation = generation();
  path->remote_priority = remote_priority != 0
                              ? remote_priority
                              : CandidatePriority(CandidateType::kPeerReflexive, tuple.protocol,
                                                  /*local_preference=*/0, /*component=*/1);
  SetPairPriority(*path);
  return path;
}

const Candidate* Agent::LocalCandidateOf(const net::FiveTuple& tuple) const {
  const auto it = std::ranges::find_if(local_candidates_, [&](const Candidate& candidate) {
    // The port of an active TCP candidate is no real one (RFC 6544 section 4.5).
    return candidate.protocol == tuple.protocol && BaseOf(candidate).ip == tuple.local.ip &&
           (tuple.protocol == net::Protocol::kTcp || BaseOf(candidate).port == tuple.local.port);
  });
  return it == local_candidates_.end() ? nullptr : &*it;
}

void Agent::SetPairPriority(Path& path) {
  const Candidate* local = LocalCandidateOf(path.tuple);
  const uint32_t ours =
      local != nullptr ? local->priority : CandidatePriority(CandidateType::kHost, path.tuple.protocol, 0, 1);
  const bool controlling = role_ == Role::kControlling;
  path.pair_priority =
      PairPriority(controlling ? ours : path.remote_priority, controlling ? path.remote_priority : ours);
}

void Agent::BeginCheck(Path& path) {
  path.generation = generation();
  path.unanswered = 0;
  path.next_send = Timestamp::Infinity();
}

void Agent::TriggerCheck(Path& path, Timestamp now) {
  if (path.Succeeded(generation())) {
    return;
  }
  if (path.state == CheckState::kInProgress && path.generation == generation()) {
    path.next_send = std::min(path.next_send, path.last_sent + kRetriggerAfter);
    if (path.next_send > now) {
      return;
    }
  } else {
    BeginCheck(path);
    path.state = CheckState::kInProgress;
  }
  SendRequest(path, now);
}

// Requests that came before the other side's credentials were known.
void Agent::TriggerRemembered(Timestamp now) {
  if (!HasRemote()) {
    return;
  }
  for (Path& path : paths_.paths()) {
    if (path.remote_ufrag == sessions_.current().remote->ufrag) {
      TriggerCheck(path, now);
    }
  }
}

void Agent::SendRequest(Path& path, Timestamp now) {
  const Session* session = sessions_.ByGeneration(path.generation);
  if (session == nullptr || !session->remote) {
    path.next_send = Timestamp::Infinity();
    return;
  }
  const bool controlling = role_ == Role::kControlling;
  const bool nominating = controlling && selected_ == path.tuple && path.Succeeded(generation());
  const Candidate* local = LocalCandidateOf(path.tuple);
  const auto preference = static_cast<uint16_t>(local != nullptr ? local->priority >> 8 : 0);

  Transaction& transaction = path.NewTransaction();
  transaction = {stun::MakeTransactionId(random_), now, path.generation, controlling, nominating};
  stun::MessageBuilder builder(stun::Class::kRequest, stun::Method::kBinding, transaction.id);
  builder.AddText(stun::Attribute::kUsername, session->remote->ufrag + ":" + session->local.ufrag)
      .AddU32(stun::Attribute::kPriority,
              CandidatePriority(CandidateType::kPeerReflexive, path.tuple.protocol, preference, 1))
      .AddU64(controlling ? stun::Attribute::kIceControlling : stun::Attribute::kIceControlled, tie_breaker_);
  if (nominating) {
    builder.AddFlag(stun::Attribute::kUseCandidate);
  }
  QueueTransmit(path.tuple, builder.Finish(base::AsBytes(session->remote->pwd)));
  ++counters_.requests_sent;
  path.last_sent = now;
  if (++path.unanswered == 1) {
    path.unanswered_since = now;
  }
  path.next_send = now + RetransmitDelay(path);
}

TimeDelta Agent::RetransmitDelay(const Path& path) const {
  const TimeDelta first = path.rtt ? std::clamp(*path.rtt * 2, kMinRetransmit, config_.first_retransmit)
                                   : config_.first_retransmit;
  const int doublings = std::clamp(path.unanswered - 1, 0, 16);
  return std::min(first * (int64_t{1} << doublings), config_.max_retransmit);
}

void Agent::RunChecks(Timestamp now) {
  if (Over()) {
    return;
  }
  Path* best = nullptr;
  for (Path& path : paths_.paths()) {
    if (path.state == CheckState::kInProgress && path.next_send <= now) {
      if (path.unanswered < config_.max_check_sends) {
        SendRequest(path, now);
      } else {
        path.state = CheckState::kFailed;
        path.next_send = Timestamp::Infinity();
      }
    } else if (path.state == CheckState::kWaiting &&
               (best == nullptr || path.pair_priority > best->pair_priority)) {
      best = &path;
    }
  }
  if (best != nullptr && now >= next_paced_) {
    next_paced_ = now + config_.pacing;
    TriggerCheck(*best, now);
  }
}

bool Agent::UdpPairPending() const {
  return std::ranges::any_of(paths_.paths(), [this](const Path& path) {
    return path.is_udp() && path.generation == generation() &&
           (path.state == CheckState::kWaiting || path.state == CheckState::kInProgress);
  });
}

void Agent::SwitchRole(Role role, Timestamp now) {
  ++counters_.role_conflicts;
  role_ = role;
  for (Path& path : paths_.paths()) {
    path.nominated_by_remote = false;
    SetPairPriority(path);
  }
  Path* selected = SelectedPath();
  if (role_ == Role::kControlling && selected != nullptr && selected->Succeeded(generation())) {
    SendRequest(*selected, now);  // Chosen for the time being until now: nominate it.
  }
}

}  // namespace weir::ice
