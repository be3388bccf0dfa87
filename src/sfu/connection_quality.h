// How good a stream is for its listener, as one number: LiveKit's scale (sfu.md 8.1), loss counted after
// repair and once (CQ-3), delay included.
//
// A QualityMeter is shown a stream's running totals every few seconds. The score of a window is
// 100 - loss effect - delay effect; the meter's score follows it, faster down than up. A window in which
// nothing was expected (muted, paused, no subscriber) tells nothing and changes nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace weir::sfu {

enum class ConnectionQuality : uint8_t { kLost, kPoor, kGood, kExcellent };

ConnectionQuality QualityOf(double score);  // 0 to 100.
// Mean opinion score, 1 to 4.5: the E-model's mapping of ITU-T G.107.
double MosOf(double score);

class QualityMeter {
 public:
  // Points that one percent of loss costs.
  static constexpr double kOpusWeight = 8 / 1.5;  // In-band FEC makes up for some.
  static constexpr double kRedWeight = 4 / 1.5;
  static constexpr double kVideoWeight = 10;

  struct Totals {
    uint64_t received = 0;  // Packets; of a sender, those sent.
    uint64_t lost = 0;
    uint64_t repaired = 0;  // Of the lost ones.
  };

  explicit QualityMeter(double loss_weight) : loss_weight_(loss_weight) {}

  // `active`: packets were to be expected during the whole window.
  void Update(const Totals& totals, base::TimeDelta rtt, base::TimeDelta jitter, bool active);
  // Nothing arrives although it should: the connection is dead (`lost`) or only this stream is.
  void Starve(bool lost);
  double score() const { return score_; }

 private:
  const double loss_weight_;
  std::optional<Totals> last_;
  double score_ = 100;
};

}  // namespace weir::sfu
