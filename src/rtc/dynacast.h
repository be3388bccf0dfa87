// Tells a publisher which qualities of its video anybody wants (signal.md 8.3 no. 14, sfu.md 6.3 in LiveKit's
// words), so that it encodes no others.
//
// One per published video track. Demand is the highest quality that each subscriber wants of each codec. More
// is told at once; less after 5 s, since people scroll; nothing is told while the track is muted. A new track
// is taken to be wanted in full for its first 10 s. A track of one encoding is wanted as a whole or not at
// all (DC-1): clients disagree on what its one quality is called.
//
// On the room's worker.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/time.h"
#include "codec/codec.h"
#include "proto/livekit_rtc.pb.h"
#include "rtc/timer_queue.h"

namespace weir::rtc {

class Dynacast final : public Timed {
 public:
  static constexpr base::TimeDelta kDowngradeDelay = base::TimeDelta::Seconds(5);
  static constexpr base::TimeDelta kFirstDowngradeDelay = base::TimeDelta::Seconds(10);

  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void SendSubscribedQuality(const livekit::SubscribedQualityUpdate& update) = 0;
  };

  // `codecs`: of the track, the primary first. `owner` outlives this.
  Dynacast(base::Timestamp now, TimerQueue& timers, std::string track_sid, std::vector<codec::Codec> codecs,
           bool single_encoding, Owner& owner);

  // Of one subscriber; livekit::OFF for one that wants nothing now.
  void SetDemand(base::Timestamp now, const void* subscriber, codec::Codec codec,
                 livekit::VideoQuality quality);
  void RemoveDemand(base::Timestamp now, const void* subscriber);
  void SetMuted(base::Timestamp now, bool muted);
  // Says again what holds: the client may have lost the last message.
  void Repeat(base::Timestamp now);

  void OnTimer(base::Now now) override;

 private:
  // 0: nothing, else the quality plus one.
  using Level = int;
  static Level LevelOf(livekit::VideoQuality quality);
  struct Demand {
    codec::Codec codec;
    Level level;
  };

  std::vector<Level> Current() const;  // By codec.
  void Evaluate(base::Timestamp now);
  void Tell();
  void SetDeadline(base::Timestamp deadline);

  TimerQueue& timers_;
  const std::string track_sid_;
  const std::vector<codec::Codec> codecs_;
  const bool single_encoding_;
  Owner& owner_;
  std::map<const void*, Demand> demands_;
  std::vector<Level> told_;  // By codec.
  bool muted_ = false;
  bool repeat_ = false;  // As soon as the track is not muted.
  base::Timestamp deadline_;
};

}  // namespace weir::rtc
