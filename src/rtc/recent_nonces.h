// The nonces of the last 100 user packets: whoever sends one again after a time-out means the same packet.
#pragma once

#include <algorithm>
#include <deque>
#include <string>

namespace weir::rtc {

class RecentNonces {
 public:
  static constexpr size_t kCapacity = 100;

  // Whether this one was here before. An empty nonce never was.
  bool Seen(const std::string& nonce) {
    if (nonce.empty()) {
      return false;
    }
    if (std::find(nonces_.begin(), nonces_.end(), nonce) != nonces_.end()) {
      return true;
    }
    nonces_.push_back(nonce);
    if (nonces_.size() > kCapacity) {
      nonces_.pop_front();
    }
    return false;
  }

 private:
  std::deque<std::string> nonces_;
};

}  // namespace weir::rtc
