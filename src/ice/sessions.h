// The credentials of one connection through its restarts: the current pair of both sides, and the one before
// it, which stays good for the path in use until the new one has proved a path (RFC 8445 section 9).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ice/candidate.h"

namespace weir::ice {

// One generation. Either side may start the next one; the other follows with its own new credentials.
struct Session {
  uint32_t generation = 0;
  Credentials local;
  std::optional<Credentials> remote;
};

class Sessions {
 public:
  explicit Sessions(Credentials local) { current_.local = std::move(local); }

  const Session& current() const { return current_; }
  const std::optional<Session>& previous() const { return previous_; }
  const Session* ByGeneration(uint32_t generation) const;

  // Which session a request with this USERNAME is for; null when its first half is none of ours. `known`
  // tells whether its second half is the one we expect: if not, the other side has restarted ahead of its
  // signalling.
  struct Match {
    const Session* session = nullptr;
    bool known = false;
  };
  Match MatchUsername(std::string_view username) const;
  bool OwnsUfrag(std::string_view local_ufrag) const;

  // Our half of a restart. `keep_previous`: a path of the current session carries media.
  void RestartLocal(Credentials local, bool keep_previous);
  // Returns false when nothing changed.
  bool SetRemote(Credentials remote, bool keep_previous);
  void DropPrevious() { previous_.reset(); }
  // Both sides have proved the current session: a restart from now on begins with neither half done.
  void Settle() { remote_ahead_ = false; }

 private:
  void Advance(Session next, bool keep_previous);

  Session current_;
  std::optional<Session> previous_;
  bool remote_ahead_ = false;  // The other side restarted, and our half of it has not been made yet.
};

}  // namespace weir::ice
