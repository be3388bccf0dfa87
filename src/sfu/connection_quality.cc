#include "sfu/connection_quality.h"

#include <algorithm>

namespace weir::sfu {
namespace {

constexpr double kUp = 0.4;
constexpr double kDown = 0.8;
constexpr double kFloor = 30;  // Loss and delay alone never mean that the connection is gone.
constexpr double kLostScore = 20;
constexpr double kDryScore = 40;

double DelayEffect(base::TimeDelta rtt, base::TimeDelta jitter) {
  const double delay = (rtt.seconds() / 2 + 2 * jitter.seconds()) * 1000;
  return delay <= 160 ? delay / 40 : (delay - 120) / 10;
}

// Totals restart when a publisher's stream does.
uint64_t Delta(uint64_t now, uint64_t before) { return now >= before ? now - before : 0; }

}  // namespace

ConnectionQuality QualityOf(double score) {
  if (score > 80) {
    return ConnectionQuality::kExcellent;
  }
  if (score > 40) {
    return ConnectionQuality::kGood;
  }
  return score > 20 ? ConnectionQuality::kPoor : ConnectionQuality::kLost;
}

double MosOf(double score) {
  const double mos = 1 + 0.035 * score + 7e-6 * score * (score - 60) * (100 - score);
  return std::clamp(mos, 1.0, 4.5);
}

void QualityMeter::Update(const Totals& totals, base::TimeDelta rtt, base::TimeDelta jitter, bool active) {
  const std::optional<Totals> before = last_;
  last_ = totals;
  if (!active) {
    return;
  }
  const Totals from = before.value_or(Totals());
  const double received = static_cast<double>(Delta(totals.received, from.received));
  const double lost = static_cast<double>(Delta(totals.lost, from.lost));
  const double missing = std::max(0.0, lost - static_cast<double>(Delta(totals.repaired, from.repaired)));
  if (received + lost == 0) {
    return;
  }
  const double loss_effect = 100 * missing / (received + lost) * loss_weight_;
  const double window = std::max(kFloor, 100 - loss_effect - DelayEffect(rtt, jitter));
  score_ += (window - score_) * (window > score_ ? kUp : kDown);
}

void QualityMeter::Starve(bool lost) { score_ = lost ? kLostScore : kDryScore; }

}  // namespace weir::sfu
