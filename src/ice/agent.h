// A full ICE agent for one component (RFC 8445), with trickle, restart, ICE/TCP (RFC 6544, passive; active
// where a local active candidate is added) and consent (RFC 7675). It decides which path media may come from
// and which it goes to.
//
// Sans-IO: the owner feeds STUN datagrams and time, sends what PollTransmit returns, reads events, and calls
// OnTimeout at NextTimeout(). Drain PollTransmit and PollEvent after every call. Not thread-safe; lives on
// its peer's worker. It never gathers and never resolves: the owner tells it its addresses.
//
// Two departures from the letter of the RFCs, both for the time to first media. The first proven path is used
// at once: the controlling side nominates it (UDP before TCP), the controlled side sends on it until it is
// told otherwise. And a path that falls silent is left at once, in either role, for one on which
// authenticated requests arrive: clients change their port far more often than both paths live.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/counters.h"
#include "base/random.h"
#include "base/time.h"
#include "ice/candidate.h"
#include "ice/path_table.h"
#include "ice/sessions.h"
#include "net/address.h"
#include "stun/message.h"

namespace weir::ice {

using base::Buffer;
using base::ConstBytes;
using base::Random;

enum class Role : uint8_t { kControlling, kControlled };

// kChecking also during a restart, while the old path goes on carrying media. kFailed can be left by Restart.
enum class State : uint8_t { kNew, kChecking, kConnected, kDisconnected, kFailed, kClosed };
const char* ToString(State state);

class Agent {
 public:
  struct Config {
    Role role = Role::kControlled;                          // At the start; a conflict may turn it.
    TimeDelta checking_timeout = TimeDelta::Seconds(15);    // From the last thing learnt to failure.
    TimeDelta disconnected_after = TimeDelta::Seconds(10);  // Of silence on the selected path.
    TimeDelta failed_after = TimeDelta::Seconds(5);         // After disconnection.
    TimeDelta consent_interval = TimeDelta::Seconds(2);     // Times 0.8 to 1.2.
    TimeDelta consent_timeout = TimeDelta::Seconds(30);     // Without an answer, whatever else arrives.
    TimeDelta pacing = TimeDelta::Millis(20);               // Between ordinary checks (Ta).
    TimeDelta first_retransmit = TimeDelta::Millis(250);    // Doubles up to max_retransmit.
    TimeDelta max_retransmit = TimeDelta::Millis(1600);
    TimeDelta udp_head_start = TimeDelta::Millis(150);  // How long a TCP success waits for UDP.
    TimeDelta restart_linger = TimeDelta::Seconds(3);   // How long the old session outlives a restart.
    int max_check_sends = 7;                            // About 7 s.
    int dead_after_unanswered = 3;                      // Checks, before other paths are tried again.
    bool tcp_only = false;                              // Ignore UDP remote candidates, refuse UDP checks.
    bool accept_unknown_sources = true;                 // Peer-reflexive candidates.
    size_t max_local_candidates = 32;
    size_t max_remote_candidates = 64;
    size_t max_paths = 32;
    size_t max_transmits = 64;  // Waiting in PollTransmit.
    size_t max_events = 32;     // Waiting in PollEvent; the oldest goes.
  };

  Agent(const Config& config, Random& random);

  const Credentials& local_credentials() const { return sessions_.current().local; }
  const std::vector<Candidate>& local_candidates() const { return local_candidates_; }
  Role role() const { return role_; }

  // An address that this side can send from (`related` where the candidate's own is a NAT's).
  void AddLocalCandidate(const Candidate& candidate);
  // A change of what is known already is a restart by the other side.
  void SetRemoteCredentials(Credentials credentials, Timestamp now);
  // May precede the credentials. A candidate of a protocol or family that no local candidate can send is kept
  // without a check; TCP candidates are dialled only from a local active one.
  void AddRemoteCandidate(const Candidate& candidate, Timestamp now);
  // New local credentials. The other side's follow by SetRemoteCredentials, before or after this call; until
  // the new check succeeds the old ones stay good for the selected path.
  void Restart(Timestamp now);
  bool OwnsUfrag(std::string_view local_ufrag) const { return sessions_.OwnsUfrag(local_ufrag); }

  void OnDatagram(Timestamp now, const net::FiveTuple& path, ConstBytes stun);
  // Authenticated media arrived. It counts as life; on a path not proved yet it starts a check.
  void OnPathTraffic(Timestamp now, const net::FiveTuple& path);
  // A TCP connection ended, or could not be made.
  void OnPathClosed(Timestamp now, const net::FiveTuple& path);

  // Proved by a check: DTLS and SRTP are taken from these only.
  bool IsValidPath(const net::FiveTuple& path) const;
  // Where media goes.
  const std::optional<net::FiveTuple>& selected_path() const { return selected_; }
  State state() const { return state_; }
  // When something authentic last came, over whatever path; Never() before that.
  Timestamp last_heard() const { return last_heard_; }
  std::optional<TimeDelta> rtt() const;  // Of the selected path, smoothed over checks.

  struct Transmit {
    net::FiveTuple path;
    Buffer bytes;
  };
  std::optional<Transmit> PollTransmit();

  struct StateChanged {
    State state;
  };
  struct PathSelected {
    net::FiveTuple path;
  };
  using Event = std::variant<StateChanged, PathSelected>;
  std::optional<Event> PollEvent();

  Timestamp NextTimeout() const;
  void OnTimeout(Timestamp now);
  void Close();  // Forgets every path and stays silent for good.

  struct Counters {
    uint64_t requests_received = 0;
    uint64_t requests_sent = 0;  // Checks and consent checks.
    uint64_t responses_received = 0;
    uint64_t responses_sent = 0;
    uint64_t malformed = 0;           // Not STUN, no fingerprint where one is due, attributes missing.
    uint64_t unauthentic = 0;         // A user name or password that is not ours.
    uint64_t unmatched = 0;           // Answers to nothing that we asked on that path.
    uint64_t refused_udp = 0;         // Requests over UDP with tcp_only.
    uint64_t refused_sources = 0;     // From unknown sources, with accept_unknown_sources off.
    uint64_t paths_refused = 0;       // max_paths reached, and all of them better.
    uint64_t paths_evicted = 0;       // Unproven paths that made room.
    uint64_t candidates_refused = 0;  // Past a limit, or of no use.
    uint64_t transmits_dropped = 0;
    uint64_t events_dropped = 0;
    uint64_t role_conflicts = 0;
    uint64_t path_changes = 0;  // Selections after the first of a session.

    static constexpr auto Fields() {  // base/counters.h
      return std::to_array<base::CounterField<Counters>>({
          {"requests_received", &Counters::requests_received},
          {"requests_sent", &Counters::requests_sent},
          {"responses_received", &Counters::responses_received},
          {"responses_sent", &Counters::responses_sent},
          {"malformed", &Counters::malformed},
          {"unauthentic", &Counters::unauthentic},
          {"unmatched", &Counters::unmatched},
          {"refused_udp", &Counters::refused_udp},
          {"refused_sources", &Counters::refused_sources},
          {"paths_refused", &Counters::paths_refused},
          {"paths_evicted", &Counters::paths_evicted},
          {"candidates_refused", &Counters::candidates_refused},
          {"transmits_dropped", &Counters::transmits_dropped},
          {"events_dropped", &Counters::events_dropped},
          {"role_conflicts", &Counters::role_conflicts},
          {"path_changes", &Counters::path_changes},
      });
    }
  };
  const Counters& counters() const { return counters_; }

 private:
  // Requests arrive from a new source: has the selected path moved there? Decided when the new path is proved
  // and the selected one has been asked and kept silent.
  struct Doubt {
    Timestamp since = Timestamp::Never();         // Never: no doubt.
    Timestamp decide_at = Timestamp::Infinity();  // An answer may be under way until then.
    bool ripe = false;                            // That moment has passed.
  };

  // agent.cc: candidates, restarts, state and time, the queues out.
  uint32_t generation() const { return sessions_.current().generation; }
  bool HasRemote() const { return sessions_.current().remote.has_value(); }
  bool Over() const { return state_ == State::kFailed || state_ == State::kClosed; }
  void SetState(State state);
  void UpdateState(Timestamp now);
  Timestamp FailsAt() const;
  void Fail();
  void BeginSession(Timestamp now);
  void ForgetOldSession();
  void QueueTransmit(const net::FiveTuple& path, Buffer bytes);
  void PushEvent(Event event);

  // agent_checks.cc: pairs, pacing, sending.
  bool IsEligible(const Candidate& remote) const;
  void Pair(const Candidate& local, const Candidate& remote, Timestamp now);
  void PairAll(Timestamp now);
  Path* FindOrAddPath(const net::FiveTuple& tuple, uint32_t remote_priority, Timestamp now);
  const Candidate* LocalCandidateOf(const net::FiveTuple& tuple) const;
  void SetPairPriority(Path& path);
  void BeginCheck(Path& path);
  void TriggerCheck(Path& path, Timestamp now);
  void TriggerRemembered(Timestamp now);
  void SendRequest(Path& path, Timestamp now);
  void RunChecks(Timestamp now);
  TimeDelta RetransmitDelay(const Path& path) const;
  bool UdpPairPending() const;
  void SwitchRole(Role role, Timestamp now);

  // agent_messages.cc: what arrives.
  void OnRequest(Timestamp now, const net::FiveTuple& tuple, const stun::MessageView& message);
  bool AcceptsSource(const net::FiveTuple& tuple);
  bool RolesAgree(Timestamp now, const stun::MessageView& message);
  void Answer(const net::FiveTuple& tuple, const stun::MessageView& request, std::string_view password);
  void AnswerError(const net::FiveTuple& tuple, const stun::MessageView& request, std::string_view password,
                   int code, std::string_view reason);
  void OnResponse(Timestamp now, const net::FiveTuple& tuple, const stun::MessageView& message);
  void OnSuccess(Timestamp now, Path& path, const Transaction& transaction);
  void OnError(Timestamp now, Path& path, const Transaction& transaction, int code);

  // agent_selection.cc: nomination, provisional use, leaving a dead path.
  Path* SelectedPath() { return selected_ ? paths_.Find(*selected_) : nullptr; }
  const Path* SelectedPath() const { return selected_ ? paths_.Find(*selected_) : nullptr; }
  bool SelectionIsCurrent() const;
  bool Settled() const;
  void ConsiderSelection(Timestamp now);
  void FollowNomination(Path& path, Timestamp now);
  void Select(Path& path, Timestamp now);
  void NoteLifeElsewhere(Path& path, Timestamp now, bool is_new);
  void ConsiderMove(Timestamp now);
  bool LooksDead(const Path& path) const;
  void RevivePaths();

  // agent_consent.cc: keeping the selected path alive, and knowing when it is not.
  void ScheduleConsent(Path& path, Timestamp now);
  void RunConsent(Timestamp now);
  void Heard(Path& path, Timestamp now);

  const Config config_;
  Random& random_;
  Role role_;
  uint64_t tie_breaker_;
  State state_ = State::kNew;
  Sessions sessions_;
  std::vector<Candidate> local_candidates_;
  std::vector<Candidate> remote_candidates_;
  PathTable paths_;
  std::optional<net::FiveTuple> selected_;
  std::optional<uint32_t> connected_generation_;  // The last session in which a path was selected.
  Timestamp selected_at_ = Timestamp::Never();
  Timestamp last_life_ = Timestamp::Never();    // The selected path was heard, or selected.
  Timestamp last_heard_ = Timestamp::Never();   // From any path.
  Timestamp last_answer_ = Timestamp::Never();  // A check of the selected path was answered.
  Timestamp last_learnt_ =
      Timestamp::Never();  // Credentials, candidates, restarts: starts checking_timeout anew.
  Timestamp next_paced_ = Timestamp::Never();         // When the pacing timer allows the next ordinary check.
  Timestamp tcp_allowed_at_ = Timestamp::Infinity();  // When a waiting TCP success may be selected.
  Timestamp previous_expires_ = Timestamp::Infinity();
  Doubt doubt_;
  std::deque<Transmit> transmits_;
  std::deque<Event> events_;
  Counters counters_;
};

}  // namespace weir::ice
