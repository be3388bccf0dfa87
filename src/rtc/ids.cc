#include "rtc/ids.h"

namespace weir::rtc {

std::string MakeSid(std::string_view prefix, base::Random& random) {
  // Digits and letters without 0, 1, I, O and l, which people confuse when they read an id aloud.
  static constexpr std::string_view kAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  constexpr int kLength = 12;
  std::string sid(prefix);
  for (int i = 0; i < kLength; ++i) {
    sid += kAlphabet[random.Below(kAlphabet.size())];
  }
  return sid;
}

}  // namespace weir::rtc
