// Decides for one subscriber which simulcast stream it sees, and which frames of that stream (sfu.md 3.2
// and 2.x).
//
// Streams are changed at key frames only. Upwards: as soon as a key frame of a stream up to the maximum is
// here, also when that stream had stopped. Downwards: the old stream goes on, its base temporal layer only,
// until the key frame of a lower one arrives or `downgrade_overlap` is over. When the current stream falls
// silent the highest living one below is asked for (FW-2); when the publisher sends nothing but a stream
// above the maximum, that one is taken.
//
// Inside a stream frames are left out by temporal layer (VP8 needs the layer sync bit to go up, VP9 and H.265
// a switching point, or any key frame), for SVC also by spatial layer. With a dependency descriptor its
// decode targets decide instead: DependencySelector.
//
// Sans-IO, not thread-safe, allocates nothing per packet.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "sfu/dependency_selector.h"
#include "sfu/received_packet.h"
#include "sfu/stream_codec.h"

namespace weir::sfu {

class TrackReceiver;

class LayerSelector {
 public:
  struct Config {
    // Above the spacing of PLIs and the way of a key frame: a shorter one would freeze the picture.
    base::TimeDelta downgrade_overlap = base::TimeDelta::Seconds(1);
    base::TimeDelta min_silence = base::TimeDelta::Millis(150);
    base::TimeDelta min_silence_screen_share = base::TimeDelta::Seconds(2);
    bool dependency_descriptor = false;  // Negotiated with this subscriber.
  };
  enum class Verdict : uint8_t {
    kOther,  // Of a stream that this subscriber does not see.
    kDrop,   // Of the current stream, left out.
    kForward,
    kSwitch,  // Forward; the first packet of another stream, or after a break.
  };

  explicit LayerSelector(const Config& config) : config_(config) {}

  Verdict Decide(base::Timestamp now, const ReceivedPacket& packet, const TrackReceiver& receiver);
  // Takes the switch that Decide offered for `packet`. Whether the packet itself is wanted, as Decide would
  // say.
  bool Commit(const ReceivedPacket& packet, const TrackReceiver& receiver);

  void SetMax(int spatial, int temporal, base::Timestamp now);
  int max_spatial() const { return max_spatial_; }
  int max_temporal() const { return max_temporal_; }
  // Nothing more until a key frame.
  void Interrupt();

  // Time passed: cuts an overlap that is over. True when the current stream was given up.
  bool OnTimeout(base::Timestamp now, const TrackReceiver& receiver);
  // The stream whose key frame would help now; nothing when all is as wanted.
  std::optional<int> WantedKeyframe(base::Timestamp now, const TrackReceiver& receiver) const;
  // Whether packets of a stream matter to this subscriber.
  bool Wants(int stream, base::Timestamp now, const TrackReceiver& receiver) const;

  int current_stream() const { return stream_; }  // -1: none.
  int current_spatial() const;
  int current_temporal() const;
  // The mask of decode targets to announce, when some of the descriptor's are left out.
  std::optional<uint32_t> target_mask(const ReceivedPacket& packet) const;
  // Whether the forwarded packet ends the picture for this subscriber.
  bool MarksEnd(const ReceivedPacket& packet) const;

 private:
  int DesiredStream(base::Timestamp now, const TrackReceiver& receiver) const;
  bool Silent(int stream, base::Timestamp now, const TrackReceiver& receiver) const;
  bool CanFallTo(int stream, base::Timestamp now, const TrackReceiver& receiver) const;
  bool ShouldTake(base::Timestamp now, const ReceivedPacket& packet, const TrackReceiver& receiver) const;
  static bool CanDropTemporal(codec::Codec codec);
  bool WantsFrame(const ReceivedPacket& packet);
  void AdaptToFrame(const ReceivedPacket& packet);
  int TemporalLimit() const { return overlap_until_.infinite() ? max_temporal_ : 0; }
  int SvcSpatialLimit(const ReceivedPacket& packet) const;

  Config config_;
  int max_spatial_ = kMaxLayers - 1;
  int max_temporal_ = kMaxLayers - 1;
  int stream_ = -1;
  uint32_t epoch_ = 0;
  int spatial_ = kMaxLayers - 1;  // Inside an SVC stream.
  int temporal_ = kMaxLayers - 1;
  int pending_temporal_ = -1;  // Takes effect at the next frame (VP9).
  bool svc_ = false;           // The current stream carries spatial layers.
  base::Timestamp overlap_until_ = base::Timestamp::Infinity();
  DependencySelector dependency_;
};

}  // namespace weir::sfu
