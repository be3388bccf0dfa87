// What arrives: binding requests, answers, errors (RFC 8445 sections 7.2.5 and 7.3).

#include <algorithm>

#include "ice/agent.h"

namespace weir::ice {

void Agent::OnDatagram(Timestamp now, const net::FiveTuple& tuple, ConstBytes bytes) {
  if (Over()) {
    return;
  }
  const auto message = stun::ParseMessage(bytes);
  if (!message || message->method() != stun::Method::kBinding || !message->CheckFingerprint()) {
    ++counters_.malformed;
    return;
  }
  switch (message->message_class()) {
    case stun::Class::kRequest:
      OnRequest(now, tuple, *message);
      break;
    case stun::Class::kSuccess:
    case stun::Class::kError:
      OnResponse(now, tuple, *message);
      break;
    case stun::Class::kIndication:  // A keep-alive of RFC 8445 section 11: says nothing, wants nothing.
      break;
  }
  UpdateState(now);
}

bool Agent::AcceptsSource(const net::FiveTuple& tuple) {
  if (config_.accept_unknown_sources || paths_.Find(tuple) != nullptr) {
    return true;
  }
  const bool known = std::ranges::any_of(remote_candidates_, [&](const Candidate& candidate) {
    return candidate.protocol == tuple.protocol && candidate.address == tuple.remote;
  });
  if (!known) {
    ++counters_.refused_sources;
  }
  return known;
}

void Agent::OnRequest(Timestamp now, const net::FiveTuple& tuple, const stun::MessageView& message) {
  ++counters_.requests_received;
  if (config_.tcp_only && tuple.protocol == net::Protocol::kUdp) {
    ++counters_.refused_udp;
    return;
  }
  const auto username = message.FindText(stun::Attribute::kUsername);
  if (!username || !message.has_integrity()) {
    ++counters_.malformed;
    return;
  }
  const Sessions::Match match = sessions_.MatchUsername(*username);
  if (match.session == nullptr || !message.CheckIntegrity(base::AsBytes(match.session->local.pwd))) {
    // No 401: an answer to whoever forges a source would serve nobody else.
    ++counters_.unauthentic;
    return;
  }
  const std::string password = match.session->local.pwd;
  if (const auto unknown = message.UnknownRequired(); !unknown.empty()) {
    stun::MessageBuilder builder(stun::Class::kError, stun::Method::kBinding, message.transaction_id());
    builder.AddError(stun::kUnknownAttribute, "Unknown Attribute").AddUnknownAttributes(unknown);
    QueueTransmit(tuple, builder.Finish(base::AsBytes(password)));
    return;
  }
  if (!AcceptsSource(tuple)) {
    return;
  }
  if (!RolesAgree(now, message)) {
    AnswerError(tuple, message, password, stun::kRoleConflict, "Role Conflict");
    return;
  }

  const bool is_current = match.session->generation == generation();
  Path* path = paths_.Find(tuple);
  const bool is_new = path == nullptr;
  if (is_new && is_current) {
    path = FindOrAddPath(tuple, message.FindU32(stun::Attribute::kPriority).value_or(0), now);
    if (path == nullptr) {
      return;  // Unanswered, so that the other side does not rely on it.
    }
  }
  Answer(tuple, message, password);
  if (path == nullptr) {
    return;
  }
  path->last_request = now;
  Heard(*path, now);
  if (!is_current) {
    return;
  }
  if (const auto ufrag = username->substr(username->find(':') + 1); path->remote_ufrag != ufrag) {
    path->remote_ufrag = ufrag;
    path->nominated_by_remote = false;
  }
  const bool nominates = message.Has(stun::Attribute::kUseCandidate) && role_ == Role::kControlled;
  if (nominates) {
    path->nominated_by_remote = true;
    path->last_nominated = now;
  }
  if (!match.known) {  // Their credentials are still to come: TriggerRemembered takes it from here.
    return;
  }
  if (tuple != selected_) {
    NoteLifeElsewhere(*path, now, is_new);
  }
  TriggerCheck(*path, now);
  if (nominates) {
    FollowNomination(*path, now);
  }
}

// RFC 8445 section 7.3.1.1. True when the request may be served, perhaps because we have given way.
bool Agent::RolesAgree(Timestamp now, const stun::MessageView& message) {
  const bool controlling = role_ == Role::kControlling;
  const auto same_role_theirs =
      message.FindU64(controlling ? stun::Attribute::kIceControlling : stun::Attribute::kIceControlled);
  if (!same_role_theirs) {
    return true;
  }
  // The larger tie-breaker controls. Whoever has the role it deserves refuses; the other one changes.
  const bool we_should_control = tie_breaker_ >= *same_role_theirs;
  if (we_should_control == controlling) {
    ++counters_.role_conflicts;
    return false;
  }
  SwitchRole(we_should_control ? Role::kControlling : Role::kControlled, now);
  return true;
}

void Agent::Answer(const net::FiveTuple& tuple, const stun::MessageView& request, std::string_view password) {
  stun::MessageBuilder builder(stun::Class::kSuccess, stun::Method::kBinding, request.transaction_id());
  builder.AddXorAddress(stun::Attribute::kXorMappedAddress, tuple.remote);
  QueueTransmit(tuple, builder.Finish(base::AsBytes(password)));
  ++counters_.responses_sent;
}

void Agent::AnswerError(const net::FiveTuple& tuple, const stun::MessageView& request,
                        std::string_view password, int code, std::string_view reason) {
  stun::MessageBuilder builder(stun::Class::kError, stun::Method::kBinding, request.transaction_id());
  builder.AddError(code, reason);
  QueueTransmit(tuple, builder.Finish(base::AsBytes(password)));
}

void Agent::OnResponse(Timestamp now, const net::FiveTuple& tuple, const stun::MessageView& message) {
  // An answer from elsewhere than where the request went proves nothing (RFC 8445 section 7.2.5.2.1).
  Path* path = paths_.Find(tuple);
  Transaction* found = path != nullptr ? path->FindTransaction(message.transaction_id()) : nullptr;
  const Session* session = found != nullptr ? sessions_.ByGeneration(found->generation) : nullptr;
  if (session == nullptr || !session->remote) {
    ++counters_.unmatched;
    return;
  }
  if (!message.CheckIntegrity(base::AsBytes(session->remote->pwd))) {
    ++counters_.unauthentic;
    return;
  }
  ++counters_.responses_received;
  const Transaction transaction = *found;
  found->sent = Timestamp::Never();
  if (message.message_class() == stun::Class::kSuccess) {
    OnSuccess(now, *path, transaction);
  } else {
    const auto error = message.FindError();
    OnError(now, *path, transaction, error ? error->code : 0);
  }
}

void Agent::OnSuccess(Timestamp now, Path& path, const Transaction& transaction) {
  const TimeDelta sample = now - transaction.sent;
  path.rtt = path.rtt ? (*path.rtt * 7 + sample) / 8 : sample;
  path.valid = true;
  path.proven_generation = transaction.generation;
  if (selected_ == path.tuple) {
    last_answer_ = now;
  }
  Heard(path, now);
  if (transaction.generation != path.generation) {
    return;  // A late answer of the session before; the check of this one goes on.
  }
  path.unanswered = 0;
  path.state = CheckState::kSucceeded;
  path.next_send = Timestamp::Infinity();
  if (selected_ == path.tuple) {
    ScheduleConsent(path, now);
  }
  if (path.generation != generation()) {
    return;
  }
  if (path.nominated_by_remote && role_ == Role::kControlled) {
    FollowNomination(path, now);
  }
  ConsiderSelection(now);
  ConsiderMove(now);
}

void Agent::OnError(Timestamp now, Path& path, const Transaction& transaction, int code) {
  if (transaction.generation != path.generation) {
    return;
  }
  if (code == stun::kRoleConflict) {
    // RFC 8445 section 7.2.5.1. When another answer has turned the role meanwhile, only the check is
    // repeated.
    if (transaction.controlling == (role_ == Role::kControlling)) {
      tie_breaker_ = random_.Next64();
      SwitchRole(transaction.controlling ? Role::kControlled : Role::kControlling, now);
    }
    if (path.state == CheckState::kInProgress) {
      path.unanswered = 0;
      SendRequest(path, now);
    }
    return;
  }
  if (path.state == CheckState::kInProgress) {
    path.state = CheckState::kFailed;
    path.next_send = Timestamp::Infinity();
  }
  ConsiderSelection(now);
}

}  // namespace weir::ice
