// Consent to send, and signs of life (RFC 7675).

#include "ice/agent.h"

namespace weir::ice {

// RFC 7675 section 5.1: spread over 0.8 to 1.2 of the interval, so that checks of many connections drift
// apart.
void Agent::ScheduleConsent(Path& path, Timestamp now) {
  const int64_t percent = 80 + random_.Below(41);
  path.next_send = now + config_.consent_interval * percent / 100;
}

void Agent::RunConsent(Timestamp now) {
  Path* path = SelectedPath();
  if (path == nullptr || path->state != CheckState::kSucceeded || path->next_send > now) {
    return;
  }
  SendRequest(*path, now);
  if (SelectionIsCurrent() && LooksDead(*path)) {
    ConsiderMove(now);
    if (selected_ == path->tuple) {
      RevivePaths();
    }
  }
}

void Agent::Heard(Path& path, Timestamp now) {
  path.last_heard = last_heard_ = now;
  if (selected_ == path.tuple) {
    last_life_ = now;
    doubt_ = {};
  }
}

}  // namespace weir::ice
